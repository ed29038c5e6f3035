# SPDX-License-Identifier: Apache-2.0
"""Each header compiles alone: headers.py COMPILER ROOT GENERATED."""
import subprocess
import sys
from pathlib import Path

import tree

PACKAGES = ["p11-kit-1", "libp11", "libprotobuf-c", "jansson", "libconfuse", "cmocka"]


def main():
    compiler, root, generated = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    packages = subprocess.run(["pkg-config", "--cflags", *PACKAGES], check=True,
                              capture_output=True, text=True).stdout.split()
    command = [compiler, "-fsyntax-only", "-std=c17", "-Wall", "-Wextra", "-Werror",
               "-D_GNU_SOURCE", "-I.", "-Iagent", "-Iclients/c",
               "-Iclients/cli", "-Itests/harness", f"-I{generated}",
               *packages, "-x", "c", "-include"]
    complaints = []
    for path in tree.files(root, ".h"):
        done = subprocess.run([*command, str(path), "/dev/null"], cwd=root, check=False,
                              capture_output=True, text=True)
        if done.returncode != 0:
            complaints.append(f"{path}:1: does not compile alone\n{done.stderr}")
    tree.finish(complaints)


main()
