# SPDX-License-Identifier: Apache-2.0
"""Starts what a flow test needs, and ends it again: the sandbox, or zegeld by hand."""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

BIN = Path(os.environ["ZEGEL_BIN"])
SOFTHSM = next(iter(sorted(Path("/usr/lib").glob("*/softhsm/libsofthsm2.so"))),
               Path("/usr/lib/softhsm/libsofthsm2.so"))
AUDIENCE = "did:ishare:EU.NL.NTRNL-10000002"
PIN = "123456"
PATIENCE_S = 60
SKIP = 77

# What runs in the background may ignore SIGINT, and its children with it: not ours.
signal.signal(signal.SIGINT, signal.default_int_handler)


def skip(reason):
    """Ends the test program as skipped; ctest and the count show the reason."""
    print(reason)
    sys.exit(SKIP)


def program(name):
    return str(BIN / name)


def run(*command, **options):
    """Runs to the end; never raises for an exit code."""
    options = {"capture_output": True, "text": True, "timeout": PATIENCE_S, "check": False,
               "stdin": subprocess.DEVNULL, **options}
    return subprocess.run([str(word) for word in command], **options)


def must_run(*command, **options):
    done = run(*command, **options)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)


def processes():
    """Yields (pid, parent's pid, name) of all that runs."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                text = (entry / "stat").read_text()
                name, rest = text[text.index("(") + 1:].rsplit(")", 1)
                if rest.split()[0] not in "ZX":
                    yield int(entry.name), int(rest.split()[1]), name


def descendants(pid, name=None):
    """The pids of all processes below pid (of that name)."""
    table = list(processes())
    below, found = {pid}, []
    while True:
        more = [row for row in table if row[1] in below and row[0] not in below]
        if not more:
            return [row[0] for row in found if name in (None, row[2])]
        found += more
        below |= {row[0] for row in more}


def open_files(pid):
    """How many descriptors pid has; None when we may not see that."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return None


class Background:
    """A process that is ended, by its pid, when the test ends."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen([str(word) for word in command], **options)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, sign=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()


class Sandbox(Background):
    """zegel sandbox around a command that tells its variables and waits for our end."""

    def __init__(self, *options, **popen):
        super().__init__(
            program("zegel"), "sandbox", *options, "--", "sh", "-c",
            'printf "%s\\n%s\\n" "$ZEGEL_SOCKET" "$ZEGEL_SANDBOX_CA" && cat',
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **popen)
        self.socket = self.process.stdout.readline().strip()
        self.ca = self.process.stdout.readline().strip()
        if not self.socket:
            self.stop()
            raise AssertionError(f"the sandbox did not start: {self.process.returncode}")
        self.environment = {**os.environ, "ZEGEL_SOCKET": self.socket}

    def stop(self, sign=None):
        self.process.stdin.close()
        if sign is not None:
            self.process.send_signal(sign)
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()

    def zegel(self, *words, **options):
        return run(program("zegel"), *words, env=self.environment, **options)

    def seal(self, *words):
        done = self.zegel("seal", "--profile", "dsgo-auth", "--key", "sandbox",
                          "--aud", AUDIENCE, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def zegeld(self):
        return descendants(self.pid, "zegeld")[0]


@contextlib.contextmanager
def temporary_folder():
    with tempfile.TemporaryDirectory(prefix="zegel-flow-") as name:
        yield Path(name)


class Folder(unittest.TestCase):
    """A test with a folder of its own that is gone afterwards."""

    def setUp(self):
        self.folder = self.enterContext(temporary_folder())


def main():
    """Runs the tests of the program; one that was skipped shows in the count, with its reason."""
    result = unittest.main(verbosity=2, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.skipped:
        skip("; ".join(f"{test.id()}: {reason}" for test, reason in result.skipped))
