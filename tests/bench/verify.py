# SPDX-License-Identifier: Apache-2.0
"""How fast a record is judged: verify.py [LINES], with ZEGEL_BIN the folder of programs.

Processor time, the best of three runs, since others may use the machine.
"""
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path(os.environ["ZEGEL_BIN"]).resolve()
RUNS, A_FILE, SEED = 3, 250000, 60


def used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(*command):
    """Seconds of processor time of the best run."""
    best = None
    for _ in range(RUNS):
        before = used()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took = used() - before
        best = took if best is None else min(best, took)
    return best


def main():
    n_lines = int(sys.argv[1]) if len(sys.argv) > 1 else 2000000
    with tempfile.TemporaryDirectory(prefix="zegel-bench-") as folder:
        subprocess.run([BIN / "zegel-record", folder, str(n_lines), str(A_FILE), str(SEED)],
                       check=True)
        files = sorted(str(path) for path in Path(folder).iterdir())
        size = sum(os.path.getsize(path) for path in files)
        print(f"{n_lines} lines, {size / n_lines:.0f} bytes each, {len(files)} files")
        hashing = measure("sha256sum", *files)
        zegel = str(BIN / "zegel")
        for name, command in {
            "sha256sum": ("sha256sum", *files),
            "audit verify": (zegel, "audit", "verify", *files),
            "audit show -n 20": (zegel, "audit", "show", "-n", "20", *files),
            "audit show --client": (zegel, "audit", "show", "--client", "archief", *files),
        }.items():
            took = hashing if name == "sha256sum" else measure(*command)
            print(f"{name:20}  {took:7.2f} s  {n_lines / took:10.0f} lines/s  "
                  f"{took / hashing:5.2f} x sha256sum")


main()
