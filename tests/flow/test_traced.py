# SPDX-License-Identifier: Apache-2.0
"""The program that is shipped, and errors that strace puts into its system calls.

test_disk.py shows more, on a zegeld whose system calls were exchanged when it was built;
here nothing of it was."""
import os
import shutil
import subprocess

import agent
import chain
import wire
from agent import Background, run, skip, wait_until
from disk import DiskTest
from seam import LastingOffice

INTERNAL_EXIT = 70


def require_strace():
    if shutil.which("strace") is None:
        skip("strace is not installed")
    done = run("strace", "-o", "/dev/null", "true")
    if done.returncode != 0:
        skip(f"strace may not trace here: {done.stderr.strip()}")


class TracedOffice(LastingOffice):
    """injection: of strace(1), for what is done to the record's file."""

    injection = None

    def start(self):
        if self.injection is None:
            return super().start()
        self.renew_tokens()
        path = self.audit / chain.CURRENT
        with open(self.log, "a", encoding="utf-8") as log:
            zegeld = Background(
                # -D: our child is the agent, not strace.
                "strace", "-D", "-f", "-o", self.folder / "trace", "-P", path, "-e",
                f"inject={self.injection}", *self.command("--foreground"), stderr=log,
                stdin=subprocess.DEVNULL,
                # The leak checker cannot work under ptrace.
                env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        wait_until(lambda: self.is_listening() or zegeld.process.poll() is not None,
                   "zegeld listens")
        return zegeld


class Traced(DiskTest):
    office_class = TracedOffice

    def start_traced(self, injection):
        """The file is there before: strace knows it by its path."""
        self.start().stop()
        self.office.injection = injection
        self.start_load()

    def suffer(self, call, error):
        """Seven calls fail, from the twentieth on; each try of the agent is one."""
        self.start_traced(f"{call}:error={error}:when=20..26")
        self.wait_for(wire.UNAVAILABLE, 20)
        self.wait_for_seals()
        self.end_load()
        self.zegeld.stop()
        self.assertEqual(0, self.zegeld.process.returncode)
        self.assertIn("resumed", self.judge())
        self.assertIn("INJECTED", (self.folder / "trace").read_text())

    def test_read_only(self):
        self.suffer("write", "EROFS")
        self.assert_said("status=READ_ONLY")

    def test_full_disk(self):
        self.suffer("write", "ENOSPC")
        self.assert_said("status=DISK_FULL")

    def test_error_of_the_disk(self):
        self.suffer("write", "EIO")
        self.assert_said("status=IO")

    def test_sync_that_fails(self):
        self.start_traced("fdatasync:error=EIO:when=20")
        self.assertEqual(INTERNAL_EXIT, self.exit_code())
        self.end_load()
        self.assert_said("sync failed")
        self.office.injection = None
        self.start().stop()
        self.assertEqual("crash", self.judge()["start"][-1]["after"])


if __name__ == "__main__":
    require_strace()
    agent.main()
