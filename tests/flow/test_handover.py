# SPDX-License-Identifier: Apache-2.0
"""Sockets from systemd (sd_listen_fds(3)): never is a client's socket an officer's."""
import os
import socket
import sys
from pathlib import Path

import agent
import wire
from agent import AUDIENCE, PATIENCE_S, Background, Folder
from office import Office
from officer import Officer, explain
from wire import Client, message

# Moves the descriptors to where systemd puts them, and becomes the rest of its arguments.
AS_SYSTEMD = """
import os, sys
high = [os.dup2(int(number), 100 + n) for n, number in enumerate(sys.argv[1].split(":"))]
for n, number in enumerate(high):
    os.dup2(number, 3 + n)
os.closerange(3 + len(high), 200)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Handover(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)
        self.office.make_token("away")
        self.office.configure(self.office.listen(), self.office.token("away", pin="officer"),
                              self.office.key("away"), self.office.client("away"))
        self.officer_path = self.folder / "officer.sock"

    def listen(self, path, kind=socket.SOCK_STREAM):
        sock = self.enterContext(socket.socket(socket.AF_UNIX, kind))
        Path(path).unlink(missing_ok=True)
        sock.bind(str(path))
        if kind == socket.SOCK_STREAM:
            sock.listen(8)
        return sock

    def hand_over(self, *pairs):
        """A zegeld that gets these (name, socket) as descriptors 3, 4, …"""
        numbers = [sock.fileno() for _, sock in pairs]
        with open(self.office.log, "a", encoding="utf-8") as log:
            return self.enterContext(Background(
                sys.executable, "-c", AS_SYSTEMD, ":".join(map(str, numbers)),
                *self.office.command(), pass_fds=numbers, stderr=log,
                env={**os.environ, "LISTEN_FDS": str(len(pairs)),
                     "LISTEN_FDNAMES": ":".join(name for name, _ in pairs)}))

    def sockets(self):
        return self.listen(self.office.socket), self.listen(self.officer_path)

    def assert_serves_clients(self):
        with Client(str(self.office.socket)) as client:
            client.ask(message((1, 2), (wire.HEALTH, b""))).check()
            answer = client.ask(explain(3, "test", "away", "dsgo-auth", (4, AUDIENCE)))
            self.assertTrue(answer.is_error)

    def assert_serves_officers(self):
        with Officer(self.officer_path) as officer:
            self.assertEqual(wire.LOCKED, officer.explain(
                "test", "away", "dsgo-auth", (4, AUDIENCE)).status)
            answer = officer.ask(message((1, 3), (wire.HEALTH, b"")))
            self.assertEqual(wire.UNSUPPORTED, answer.fields[1][0])

    def assert_not_started(self, zegeld, words):
        self.assertEqual(69, zegeld.process.wait(PATIENCE_S))
        self.assertIn(words, self.office.log.read_text())

    def test_the_order_means_nothing(self):
        client, officer = self.sockets()
        for pairs in ((("test", client), ("officer", officer)),
                      (("officer", officer), ("test", client))):
            zegeld = self.hand_over(*pairs)
            self.assert_serves_clients()
            self.assert_serves_officers()
            zegeld.stop()

    def test_names_that_are_swapped(self):
        client, officer = self.sockets()
        for pairs in ((("officer", client), ("test", officer)),
                      (("test", officer), ("officer", client))):
            self.assert_not_started(self.hand_over(*pairs), "no listen section names")

    def test_one_name_for_both(self):
        client, officer = self.sockets()
        for name in ("test", "officer", "", "officer.socket"):
            self.assert_not_started(self.hand_over((name, client), (name, officer)),
                                    "no listen section names")

    def test_a_name_too_few(self):
        client, officer = self.sockets()
        self.assert_not_started(self.hand_over(("test", client), ("", officer)),
                                "no listen section names")

    def test_a_socket_more(self):
        client, officer = self.sockets()
        more = self.listen(self.folder / "more.sock")
        for name in ("more", "test", "officer"):
            zegeld = self.hand_over(("test", client), ("officer", officer), (name, more))
            self.assert_not_started(zegeld, "no listen section names")

    def test_the_same_socket_twice(self):
        client, officer = self.sockets()
        again = self.enterContext(officer.dup())
        for pairs in ((("officer", again),), (("test", again),)):
            zegeld = self.hand_over(("test", client), ("officer", officer), *pairs)
            self.assert_not_started(zegeld, "no listen section names")

    def test_sockets_that_nobody_can_connect_to(self):
        client, _ = self.sockets()
        silent = self.listen(self.folder / "silent", socket.SOCK_DGRAM)
        self.assert_not_started(self.hand_over(("test", client), ("officer", silent)),
                                "no listen section names")

    def test_without_an_officers_socket_there_is_none(self):
        client, officer = self.sockets()
        officer.close()
        self.officer_path.unlink()
        self.hand_over(("test", client))
        self.assert_serves_clients()
        self.assertFalse(self.officer_path.exists())
        self.assertIn("systemd gave no officer's socket", self.office.log.read_text())

    def test_without_the_clients_socket_it_does_not_start(self):
        _, officer = self.sockets()
        self.assert_not_started(self.hand_over(("officer", officer)),
                                "systemd gave no socket for a listen section")

    def test_sockets_of_systemd_stay_when_it_ends(self):
        client, officer = self.sockets()
        zegeld = self.hand_over(("test", client), ("officer", officer))
        self.assert_serves_officers()
        zegeld.stop()
        self.assertTrue(self.officer_path.exists() and self.office.socket.exists())


if __name__ == "__main__":
    agent.main()
