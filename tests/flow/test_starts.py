# SPDX-License-Identifier: Apache-2.0
"""How zegeld starts: what it refuses, what it cleans up, and what one bad token costs."""
import os
import signal
import socket
import unittest

import agent
import wire
from agent import AUDIENCE, PATIENCE_S, Background, Folder, descendants, run, wait_until
from office import Office
from wire import Client

USAGE, BAD_DATA, UNAVAILABLE = 64, 65, 69


def try_seal(path, key):
    """The wire's word for one try."""
    with Client(str(path)) as client:
        answer = client.ask(wire.seal(1, key, "dsgo-auth", wire.dsgo_auth(AUDIENCE)))
    return answer.fields[1][0] if answer.is_error else wire.OK


class Starts(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)

    def check_config(self):
        return run(*self.office.command("--check-config"))

    def start(self):
        return self.enterContext(self.office.start())

    def wait_for_word(self, key, status):
        wait_until(lambda: try_seal(self.office.socket, key) == status,
                   f"{key} answers {status}")

    # Sockets from systemd (sd_listen_fds(3)), played by a shell

    def as_systemd(self, name):
        """A zegeld that gets our listening socket as descriptor 3, under this name."""
        listener = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(str(self.office.socket))
        listener.listen(8)
        number = listener.fileno()
        command = f'LISTEN_PID=$$ exec "$@" 3<&{number}'
        with open(self.office.log, "a", encoding="utf-8") as log:
            return self.enterContext(Background(
                "sh", "-c", command, "sh", *self.office.command(), pass_fds=[number],
                stderr=log, env={**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": name}))

    def configure_locked(self):
        self.office.make_token("away")
        self.office.configure(self.office.listen(), self.office.token("away", pin="officer"),
                              self.office.key("away"), self.office.client("away"))

    def test_socket_of_systemd_is_served(self):
        self.configure_locked()
        self.as_systemd("test")
        self.wait_for_word("away", wire.LOCKED)

    def test_socket_of_another_name_is_refused(self):
        self.configure_locked()
        zegeld = self.as_systemd("officer")
        self.assertEqual(UNAVAILABLE, zegeld.process.wait(PATIENCE_S))
        self.assertIn("no listen section names", self.office.log.read_text())

    # Configuration

    def test_good_configuration(self):
        self.office.make_token("good")
        self.office.configure_simply("good")
        done = self.check_config()
        self.assertEqual(0, done.returncode, done.stderr)

    def test_errors_are_named_with_their_line(self):
        self.office.make_token("good")
        self.office.configure(self.office.listen(), self.office.token("good"),
                              'colour = "red"\n')
        done = self.check_config()
        self.assertEqual(BAD_DATA, done.returncode)
        words = done.stdout + done.stderr
        self.assertRegex(words, r"zegel\.conf:\d+")
        self.assertIn("colour", words)

    def test_bad_configuration_does_not_start(self):
        self.office.configure("token {\n")
        self.assertEqual(BAD_DATA, run(*self.office.command("--foreground")).returncode)
        self.assertFalse(self.office.socket.exists())

    def test_configuration_that_is_not_there(self):
        self.assertNotEqual(0, self.check_config().returncode)

    # Sockets

    def test_no_sockets_and_not_in_the_foreground(self):
        self.office.make_token("good")
        self.office.configure_simply("good")
        done = run(*self.office.command())
        self.assertEqual(USAGE, done.returncode)
        self.assertIn("--foreground", done.stderr)

    def test_unknown_option(self):
        self.assertEqual(USAGE, run(*self.office.command("--nonsense")).returncode)

    def start_second(self):
        done = run(*self.office.command("--foreground"))
        self.assertNotEqual(0, done.returncode)
        self.wait_for_word("good", wire.OK)
        return done.stderr

    def test_two_agents_do_not_share_a_record(self):
        self.office.make_token("good")
        self.office.configure_simply("good")
        self.start()
        self.assertIn(f'directory="{self.office.audit}" why="another zegeld',
                      self.start_second())

    def test_two_agents_do_not_share_a_socket(self):
        self.office.make_token("good")
        self.office.configure_simply("good")
        self.start()
        # Else the record's lock would end the second one first.
        self.office.audit.rename(self.folder / "locked")
        self.office.audit.mkdir(mode=0o700)
        self.assertIn(str(self.office.socket), self.start_second())

    def test_socket_that_nobody_answers_at_is_replaced(self):
        self.office.make_token("good")
        self.office.configure_simply("good")
        left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        left.bind(str(self.office.socket))
        left.close()
        self.start()
        self.wait_for_word("good", wire.OK)

    def test_other_file_at_the_path_is_left_alone(self):
        self.office.make_token("good")
        self.office.configure_simply("good")
        self.office.socket.write_text("precious")
        self.assertNotEqual(0, run(*self.office.command("--foreground")).returncode)
        self.assertEqual("precious", self.office.socket.read_text())

    def test_ends_on_sigterm_and_leaves_nothing(self):
        self.office.make_token("good")
        self.office.configure_simply("good")
        zegeld = self.start()
        self.wait_for_word("good", wire.OK)
        workers = descendants(zegeld.pid)
        self.assertTrue(workers)
        zegeld.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, zegeld.process.wait(PATIENCE_S))
        self.assertFalse(self.office.socket.exists())
        wait_until(lambda: not any(os.path.exists(f"/proc/{w}") for w in workers),
                   "the workers end")

    def test_starts_again_after_being_killed(self):
        self.office.make_token("good")
        self.office.configure_simply("good")
        first = self.start()
        self.wait_for_word("good", wire.OK)
        first.stop(signal.SIGKILL)
        self.start()
        self.wait_for_word("good", wire.OK)

    # Tokens: a bad one is refused with a word, a good one beside it works.

    def start_beside(self, bad_section):
        self.office.make_token("good")
        self.office.make_token("bad")
        office = self.office
        office.configure(office.listen(), office.token("good"), bad_section,
                         office.key("good"), office.key("bad"), office.client("good", "bad"))
        self.start()
        self.wait_for_word("good", wire.OK)

    def test_module_that_is_not_there(self):
        self.office.make_token("bad")
        bad = self.office.token("bad", module="/nonexistent/module.so")
        self.office.configure(self.office.listen(), bad, self.office.key("bad"),
                              self.office.client("bad"))
        done = self.check_config()
        self.assertEqual(BAD_DATA, done.returncode)
        self.assertRegex(done.stderr, r'token "bad": module: .*/nonexistent')

    def test_module_that_is_not_pkcs11(self):
        libc = next(line.split()[-1] for line in open("/proc/self/maps", encoding="utf-8")
                    if "libc.so" in line)
        self.start_beside(self.office.token("bad", module=libc))
        self.wait_for_word("bad", wire.UNAVAILABLE)

    def test_token_that_is_not_there(self):
        self.start_beside(self.office.token("bad", uri="pkcs11:token=nobody"))
        self.wait_for_word("bad", wire.UNAVAILABLE)

    def test_wrong_pin_is_tried_once(self):
        wrong = self.office.write("wrong.pin", "999999")
        self.start_beside(self.office.token("bad", pin=f"file:{wrong}"))
        self.wait_for_word("bad", wire.LOCKED)
        for _ in range(20):
            self.assertEqual(wire.LOCKED, try_seal(self.office.socket, "bad"))
        self.assertEqual(wire.OK, try_seal(self.office.socket, "good"))
        # SoftHSM shows USER_PIN_COUNT_LOW after one wrong try, and the log counts them.
        log = self.office.log.read_text().lower()
        refused = [line for line in log.splitlines() if "pin" in line and "bad" in line]
        self.assertTrue(refused, log)

    def test_wrong_pin_is_not_tried_again_after_a_restart(self):
        wrong = self.office.write("wrong.pin", "999999")
        self.start_beside(self.office.token("bad", pin=f"file:{wrong}"))
        self.wait_for_word("bad", wire.LOCKED)
        self.assertEqual(wire.OK, try_seal(self.office.socket, "good"))

    def test_pin_of_the_officer_is_awaited(self):
        self.start_beside(self.office.token("bad", pin="officer"))
        self.wait_for_word("bad", wire.LOCKED)
        self.assertEqual(wire.OK, try_seal(self.office.socket, "good"))

    def test_long_seals_are_warned_of_once(self):
        for label, n, limit in (("long", 3800, "8,000"), ("longer", 5000, "10,000")):
            self.office.make_token(label, f"nsComment={'x' * n}\n")
            self.office.configure_simply(label)
            with self.office.start():
                self.wait_for_word(label, wire.OK)
                try_seal(self.office.socket, label)
            self.assertEqual(1, self.office.log.read_text().count(limit))

    def test_key_that_is_not_on_the_token(self):
        self.office.make_token("good")
        office = self.office
        other = office.key("good").replace('key "good"', 'key "other"').replace(
            "object=good", "object=nobody")
        office.configure(office.listen(), office.token("good"), office.key("good"), other,
                         office.client("good", "other"))
        self.start()
        self.wait_for_word("good", wire.OK)
        self.assertEqual(wire.UNAVAILABLE, try_seal(office.socket, "other"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
