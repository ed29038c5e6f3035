# SPDX-License-Identifier: Apache-2.0
"""The sandbox needs no root: a seal as an ordinary user made for this test."""
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

import agent
from agent import AUDIENCE, BIN, must_run, run
from tokens import Token

NAME = "zegel-flow-test"


class OrdinaryUser(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="zegel-user-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        must_run("useradd", "--system", "--home-dir", self.folder / "home", "--create-home",
                 "--shell", "/bin/sh", NAME)
        self.addCleanup(run, "userdel", NAME)
        self.folder.chmod(stat.S_IRWXU | stat.S_IXGRP | stat.S_IXOTH)
        # The build may stand where only root can look.
        shutil.copytree(BIN, self.folder / "bin")
        for library in BIN.parent.glob("**/libzegel.so*"):
            shutil.copy(library, self.folder / "bin")
        self.user = pwd.getpwnam(NAME)

    def run_as_user(self, *command):
        environment = {"PATH": os.environ["PATH"], "HOME": self.user.pw_dir, "LANG": "C.UTF-8",
                       "LD_LIBRARY_PATH": str(self.folder / "bin")}
        return subprocess.run(command, env=environment, cwd="/", user=self.user.pw_uid,
                              group=self.user.pw_gid, extra_groups=[], check=False,
                              capture_output=True, text=True, timeout=agent.PATIENCE_S)

    def test_seals_in_the_sandbox(self):
        zegel = str(self.folder / "bin/zegel")
        done = self.run_as_user(zegel, "sandbox", "--", zegel, "seal", "--profile",
                                "dsgo-auth", "--key", "sandbox", "--aud", AUDIENCE)
        self.assertEqual(0, done.returncode, done.stderr)
        Token(done.stdout.strip()).verify_with_pyjwt()
        left = run("find", "/tmp", "-user", NAME).stdout.split()
        self.assertEqual([], [path for path in left if not path.startswith(str(self.folder))])


if __name__ == "__main__":
    if os.getuid() != 0:
        agent.skip("needs root, to make an ordinary user")
    if not shutil.which("useradd"):
        agent.skip("needs useradd, to make an ordinary user")
    agent.main()
