# SPDX-License-Identifier: Apache-2.0
"""zegel sandbox: passes on how its command ended, and leaves nothing behind."""
import contextlib
import os
import signal
import subprocess
import unittest
from pathlib import Path

import agent
from agent import (AUDIENCE, PATIENCE_S, Background, Folder, Sandbox, descendants, program, run,
                   wait_until)
from tokens import Token


class Ends(Folder):
    def sandbox(self, *words, **options):
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        return run(program("zegel"), "sandbox", *words, env=environment, **options)

    def tearDown(self):
        self.assertEqual([], os.listdir(self.folder), "something was left behind")

    def test_exit_code_is_passed_on(self):
        for code in (0, 1, 77, 124, 255):
            done = self.sandbox("--", "sh", "-c", f"exit {code}")
            self.assertEqual(code, done.returncode, done.stderr)

    def test_output_is_the_commands_alone(self):
        done = self.sandbox("--", "echo", "hello")
        self.assertEqual("hello\n", done.stdout)

    def test_input_reaches_the_command(self):
        done = self.sandbox("--", "cat", input="hello", stdin=None)
        self.assertEqual("hello", done.stdout)

    def test_command_that_is_not_there(self):
        self.assertEqual(127, self.sandbox("--", "/nonexistent").returncode)
        self.assertEqual(127, self.sandbox("--", "nonexistent-command").returncode)

    def test_command_that_cannot_be_run(self):
        self.assertEqual(126, self.sandbox("--", "/etc/passwd").returncode)

    def test_command_killed_by_a_signal(self):
        done = self.sandbox("--", "sh", "-c", "kill -KILL $$")
        self.assertEqual(128 + signal.SIGKILL, done.returncode)

    def test_sandbox_that_cannot_start(self):
        done = run(program("zegel"), "sandbox", "--", "true",
                   env={**os.environ, "TMPDIR": str(self.folder / "none")})
        self.assertEqual(125, done.returncode, done.stderr)
        self.assertTrue(done.stderr)

    def test_wrong_use(self):
        for words in (["--nonsense"], ["--key-type", "rsa:512", "--", "true"]):
            done = self.sandbox(*words)
            self.assertIn(done.returncode, (64, 125))
            self.assertTrue(done.stderr)

    def test_variables_lead_to_the_agent_and_its_ca(self):
        done = self.sandbox("--", "sh", "-c",
                            'test -S "$ZEGEL_SOCKET" && openssl x509 -noout -subject '
                            '-in "$ZEGEL_SANDBOX_CA"')
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("subject", done.stdout)

    def test_key_types(self):
        for kind in ("rsa:2048", "rsa:3072", "ec:p256", "ec:p384"):
            with self.subTest(kind):
                done = self.sandbox("--key-type", kind, "--", program("zegel"), "keys")
                self.assertEqual(0, done.returncode, done.stderr)
                self.assertIn("sandbox", done.stdout)

    def test_ec_key_makes_no_dsgo_seal(self):
        done = self.sandbox("--key-type", "ec:p256", "--", program("zegel"), "seal",
                            "--profile", "dsgo-auth", "--key", "sandbox", "--aud", AUDIENCE)
        self.assertEqual(65, done.returncode, done.stderr)
        self.assertEqual("", done.stdout)

    def test_interrupted_sandbox_takes_everything_along(self):
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(sign):
                self.interrupt(sign)

    def interrupt(self, sign):
        sandbox = Background(program("zegel"), "sandbox", "--", "sh", "-c", "cat; true",
                             env={**os.environ, "TMPDIR": str(self.folder)},
                             stdin=subprocess.PIPE)
        with sandbox:
            # A shell that is about to start a program keeps the signal to itself.
            wait_until(lambda: descendants(sandbox.pid, "cat"), "the command runs")
            below = descendants(sandbox.pid)
            self.assertGreaterEqual(len(below), 3, "agent, worker and command")
            sandbox.process.send_signal(sign)
            sandbox.process.wait(PATIENCE_S)
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in below),
                   "all processes of the sandbox end")
        self.assertEqual([], os.listdir(self.folder))

    def test_without_command_it_shows_the_variables_and_stays(self):
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        with Background(program("zegel"), "sandbox", env=environment, text=True,
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as sandbox:
            lines = [sandbox.process.stdout.readline() for _ in range(3)]
            shown = "".join(lines)
            self.assertIn("ZEGEL_SOCKET=", shown)
            self.assertIn("ZEGEL_OFFICER_SOCKET=", shown)
            self.assertIn("ZEGEL_SANDBOX_CA=", shown)
            done = run("sh", "-c", f"{shown}\nexport ZEGEL_SOCKET\nexec {program('zegel')} keys")
            self.assertIn("sandbox", done.stdout)
            self.assertIsNone(sandbox.process.poll())
            sandbox.process.send_signal(signal.SIGINT)
            sandbox.process.wait(PATIENCE_S)


class Together(unittest.TestCase):
    def test_several_at_once_do_not_meet(self):
        with contextlib.ExitStack() as stack:
            sandboxes = [stack.enter_context(Sandbox()) for _ in range(4)]
            self.assertEqual(4, len({sandbox.socket for sandbox in sandboxes}))
            tokens = [Token(sandbox.seal()) for sandbox in sandboxes]
            for token in tokens:
                token.verify_with_pyjwt()
            keys = {token.public_key.public_numbers().n for token in tokens}
            self.assertEqual(4, len(keys))

    def test_its_files_are_ours_alone(self):
        with Sandbox() as sandbox:
            folder = Path(sandbox.socket).parent
            self.assertEqual(os.getuid(), folder.stat().st_uid)
            self.assertEqual(0, folder.stat().st_mode & 0o077)


if __name__ == "__main__":
    agent.main()
