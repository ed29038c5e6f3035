# SPDX-License-Identifier: Apache-2.0
"""Who may what: users, groups and sockets of this machine, and sockets that are handed on."""
import functools
import json
import os
import re
import shutil
import socket
import struct
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import agent
import people
import wire
from agent import AUDIENCE, BIN, run, wait_until
from office import Office
from people import Person, make_group
from wire import Client, Refused

EXE = os.path.realpath(sys.executable)


def seal(client, key):
    """The word of the refusal, or None for a seal."""
    try:
        client.ask(wire.seal(2, key, "dsgo-auth", wire.dsgo_auth(AUDIENCE))).check()
    except Refused as refused:
        return refused.status
    return None


def ask_all(path, *keys):
    """Who we are, and what comes of asking for each key."""
    with Client(path) as client:
        return client.whoami(), {key: seal(client, key) for key in keys}


def list_keys(path):
    with Client(path) as client:
        found = client.ask(wire.message((1, 3), (wire.LIST_KEYS, b""))).check()
        return [wire.fields(key)[1][0].decode() for key in found.get(1, [])]


def connect_and_hand_over(path, pair):
    with Client(path) as client:
        people.hand_over(pair, client.socket)


def say_over(pair, body):
    """Says something on a socket that somebody else had connected; gives all that comes."""
    with people.take_over(pair) as taken:
        taken.settimeout(agent.PATIENCE_S)
        taken.sendall(struct.pack(">I", len(body)) + body)
        heard = b""
        try:
            while len(heard) < 4096:
                piece = taken.recv(4096)
                if not piece:
                    return heard, "end"
                heard += piece
                if len(heard) > 4 and len(heard) >= 4 + struct.unpack(">I", heard[:4])[0]:
                    return heard, "answer"
        except ConnectionResetError:
            pass
        return heard, "end"


def change_user_and_ask(path, uid):
    """Connects as root and goes on as somebody else."""
    with Client(path) as client:
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        client.send(wire.whoami())
        return client.is_closed()


def send_as(client, uid):
    """hello and whoami, with the word of the sender that he is this user."""
    frames = b"".join(struct.pack(">I", len(body)) + body
                      for body in (wire.hello(1), wire.whoami(2)))
    who = struct.pack("=iII", os.getpid(), uid, os.getegid())
    client.socket.sendmsg([frames], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, who)])


def ask_with_two_users(path, real, effective, claimed):
    """As a set-user-ID program; whoami's uid, or None when it is closed."""
    os.setresuid(real, effective, effective)
    with Client(path, greet=False) as client:
        send_as(client, claimed)
        try:
            client.receive().check()
            return wire.Who(client.receive().check()).uid
        except (EOFError, ConnectionResetError):
            return None


def claim_to_be(path, uid):
    with Client(path, greet=False) as client:
        send_as(client, uid)


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="zegel-flow-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.folder.chmod(0o711)
        cls.team = make_group(cls.addClassCleanup, "team")
        cls.closed = make_group(cls.addClassCleanup, "closed")
        cls.anna = Person(cls.addClassCleanup, "anna")
        cls.bert = Person(cls.addClassCleanup, "bert", cls.team)
        cls.carl = Person(cls.addClassCleanup, "carl")
        cls.office = Office(cls.folder)
        cls.configure()
        cls.enterClassContext(cls.office.start())

    @classmethod
    def path(cls, name):
        return str(cls.folder / f"{name}.sock")

    @classmethod
    def configure(cls):
        def listen(name, mode, group=""):
            group = f'group = "{group}"' if group else ""
            return (f'listen "{name}" {{ path = "{cls.path(name)}" mode = {mode} {group} }}\n')

        def client(name, who, key):
            return (f'client "{name}" {{ {who}\n'
                    f'\tallow "{key}" {{ key = "{key}" profile = "dsgo-auth" }}\n}}\n')

        office = cls.office
        office.socket = cls.folder / "open.sock"
        for key in ("one", "two"):
            office.make_token(key)
        office.configure(
            listen("open", "0666"), listen("team", "0660", cls.team.gr_name),
            listen("box", "0666"), listen("closed", "0660", cls.closed.gr_name),
            *map(office.token, ("one", "two")), *map(office.key, ("one", "two")),
            client("anna", f'user = "{cls.anna.name}" listen = open', "one"),
            client("bert", f'user = "{cls.bert.name}" listen = open', "two"),
            client("team", f'group = "{cls.team.gr_name}" listen = team', "one"),
            client("program", f'user = "{cls.carl.name}" exe = "{EXE}" listen = open', "two"),
            client("box", "listen = box", "two"))

    def log(self):
        return self.office.log.read_text()

    def record(self, kind):
        text = (self.office.audit / "audit.jsonl").read_text(encoding="ascii")
        return [line for line in map(json.loads, text.splitlines()) if line["kind"] == kind]

    def wait_for_line(self, kind, **members):
        wait_until(lambda: any(members.items() <= line.items() for line in self.record(kind)),
                   f"the record has {kind} with {members}")

    # Sections

    def test_each_user_has_his_key_and_no_other(self):
        who, seals = self.anna.do(ask_all, self.path("open"), "one", "two")
        self.assertEqual(("anna", "open", self.anna.uid, self.anna.gid),
                         (who.client, who.listen, who.uid, who.gid))
        self.assertEqual([("one", "one", "dsgo-auth")], who.rules)
        self.assertEqual({"one": None, "two": wire.DENIED}, seals)
        who, seals = self.bert.do(ask_all, self.path("open"), "one", "two")
        self.assertEqual("bert", who.client)
        self.assertEqual({"one": wire.DENIED, "two": None}, seals)
        self.assertEqual(["two"], self.bert.do(list_keys, self.path("open")))

    def test_supplementary_group_counts(self):
        who, seals = self.bert.do(ask_all, self.path("team"), "one", "two")
        self.assertEqual(("team", "team"), (who.client, who.listen))
        self.assertEqual([self.team.gr_gid], who.groups)
        self.assertEqual({"one": None, "two": wire.DENIED}, seals)

    def test_who_is_not_in_the_group_does_not_get_in(self):
        for person, name in ((self.anna, "team"), (self.anna, "closed"), (self.bert, "closed")):
            with self.subTest(name), self.assertRaises(PermissionError):
                person.do(ask_all, self.path(name))

    def test_all_criteria_must_fit(self):
        """The same user by another socket is another client, or none."""
        who, seals = self.bert.do(ask_all, self.path("box"), "one", "two")
        self.assertEqual(("box", {"one": wire.DENIED, "two": None}), (who.client, seals))
        stranger = Person(self.addCleanup, "member", self.team)
        who, seals = stranger.do(ask_all, self.path("open"), "one")
        self.assertEqual(("", {"one": wire.DENIED}), (who.client, seals))

    def test_record_says_who_was_refused_and_why(self):
        stranger = Person(self.addCleanup, "refused")
        stranger.do(ask_all, self.path("open"), "one")
        self.wait_for_line("refusal", client="", uid=stranger.uid, status="DENIED",
                           rule="stranger")
        self.anna.do(ask_all, self.path("open"), "two")
        self.wait_for_line("refusal", client="anna", uid=self.anna.uid, rule="no-rule",
                           key="two")

    def test_program_counts(self):
        who, seals = self.carl.do(ask_all, self.path("open"), "two")
        self.assertEqual(("program", EXE, {"two": None}), (who.client, who.exe, seals))
        # The build may stand where only root can look.
        for file in (BIN / "zegel", *BIN.parent.glob("**/libzegel.so*")):
            shutil.copy(file, self.folder)
        environment = {"ZEGEL_SOCKET": self.path("open"), "LD_LIBRARY_PATH": str(self.folder)}
        done = self.carl.do(functools.partial(run, env=environment), self.folder / "zegel",
                            "whoami")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("client    -\n", done.stdout)
        self.assertIn("no client section of the agent fits", done.stderr)

    def test_socket_counts_whoever_comes(self):
        for person in (self.anna, self.carl):
            who, seals = person.do(ask_all, self.path("box"), "one", "two")
            self.assertEqual(("box", "box"), (who.client, who.listen))
            self.assertEqual({"one": wire.DENIED, "two": None}, seals)

    def test_stranger_is_told_so_and_nothing_else(self):
        stranger = Person(self.addCleanup, "stranger")
        who, seals = stranger.do(ask_all, self.path("open"), "one", "two", "none")
        self.assertEqual(("", stranger.uid, []), (who.client, who.uid, who.rules))
        self.assertEqual({wire.DENIED}, set(seals.values()))
        with self.assertRaises(Refused) as caught:
            stranger.do(list_keys, self.path("open"))
        self.assertEqual(wire.DENIED, caught.exception.status)

    # Sockets that are handed on

    def hand_on(self, giver, taker, body):
        near, far = socket.socketpair()
        with near, far:
            giver.do(connect_and_hand_over, self.path("open"), near)
            return taker.do(say_over, far, body)

    def test_socket_handed_to_another_user_is_closed_without_a_word(self):
        request = wire.seal(2, "one", "dsgo-auth", wire.dsgo_auth(AUDIENCE))
        self.assertEqual((b"", "end"), self.hand_on(self.anna, self.bert, request))
        line = f"uid={self.anna.uid}"
        wait_until(lambda: any(
            "another user writes" in said and line in said and f"writer_uid={self.bert.uid}" in said
            for said in self.log().splitlines()), "the log says who wrote")
        self.wait_for_line("peer", event="peer-changed", client="anna", uid=self.anna.uid,
                           other_uid=self.bert.uid)

    def test_socket_of_root_carries_nothing_either(self):
        self.assertEqual((b"", "end"),
                         self.hand_on(people.Ourselves(), self.bert, wire.whoami(2)))

    def test_processes_of_one_user_may_share(self):
        heard, how = self.hand_on(self.anna, self.anna, wire.whoami(2))
        self.assertEqual("answer", how)
        self.assertEqual("anna", wire.Who(wire.Answer(heard[4:]).check()).client)

    def test_user_who_changes_after_connect_is_closed(self):
        self.assertTrue(people.Ourselves().do(
            change_user_and_ask, self.path("open"), self.anna.uid))
        self.wait_for_line("peer", event="peer-changed", client="", uid=0,
                           other_uid=self.anna.uid)

    def test_set_user_id_program_says_as_whom_it_connected(self):
        real, effective = self.bert.uid, self.anna.uid
        ask = functools.partial(people.Ourselves().do, ask_with_two_users, self.path("open"),
                                real, effective)
        self.assertIsNone(ask(real))
        self.assertEqual(effective, ask(effective))

    def test_nobody_says_he_is_another(self):
        with self.assertRaises(PermissionError):
            self.bert.do(claim_to_be, self.path("open"), self.anna.uid)


NASTY = ("\x1b[31mred\x07", "\u009b31m", "a\r\nclient    root", "\u202eevil\u202c", "\u2066x\u2069",
         "\u2028", "\u061c", "\u200f", "\x7f", "caf\u00e9")
# Nothing of these reaches a terminal; what people write does.
CONTROLS = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Words(agent.Folder):
    """An agent that says bad things of us."""

    def setUp(self):
        super().setUp()
        self.path = str(self.folder / "s")
        self.listener = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        self.listener.bind(self.path)
        self.listener.listen()

    def serve(self, *found):
        """Answers one connection: hello, then whoami."""
        answers = [(3, wire.message((1, 1), (2, "fake"), (3, 65536), (4, 64))),
                   (8, wire.message(*found))]
        connection, _ = self.listener.accept()
        with connection:
            connection.settimeout(agent.PATIENCE_S)
            stream = connection.makefile("rwb")
            for number, body in answers:
                length, = struct.unpack(">I", stream.read(4))
                request = wire.fields(stream.read(length))
                answer = wire.message((1, request[1][0]), (number, body))
                stream.write(struct.pack(">I", len(answer)) + answer)
                stream.flush()

    def whoami(self, *options, text):
        rule = wire.message((1, text), (2, text), (3, text), (4, 0))
        server = threading.Thread(target=self.serve, args=(
            (1, text), (2, 1), (3, 2), (4, 3), (6, 0), (7, text), (8, text), (9, text),
            (10, text), (11, rule), (12, 0)))
        server.start()
        done = run(agent.program("zegel"), "whoami", *options, text=False,
                   env={**os.environ, "ZEGEL_SOCKET": self.path})
        server.join()
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def test_no_text_of_the_agent_drives_a_terminal(self):
        for text in NASTY:
            with self.subTest(text):
                said = self.whoami(text=text).decode()
                self.assertIsNone(CONTROLS.search(said))
                self.assertEqual(12, len(said.splitlines()))
        self.assertIn("unit      caf\u00e9\n", said)

    def test_json_is_ascii_and_whole(self):
        for text in NASTY:
            with self.subTest(text):
                said = self.whoami("--json", text=text)
                # JSON leaves DEL as it is; a terminal does nothing with it.
                self.assertIsNone(CONTROLS.search(said.decode("ascii").replace("\x7f", "")))
                self.assertEqual(text, json.loads(said)["rules"][0]["name"])


if __name__ == "__main__":
    people.needs_root()
    agent.main()
