# SPDX-License-Identifier: Apache-2.0
"""Who is at the other end: real users, groups, sockets and a cgroup, as the kernel says it."""
import json
import os
import socket
import unittest
from pathlib import Path

import agent
import people
import wire
from agent import AUDIENCE, wait_until
from office import Office
from people import Ourselves, Person
from wire import Client

WHOAMI = 3
UNIT = f"zegel-test-{os.getpid()}.service"
# Two listen sections that differ in mode and group, and one for everybody.
SOCKETS = ("all", "team", "denied")


def ask(path, *keys):
    """What an agent answers who asks for a seal with each key: the words, None for a seal."""
    with Client(path) as client:
        words = []
        for i, key in enumerate(keys, 1):
            answer = client.ask(wire.seal(i, key, "dsgo-auth", wire.dsgo_auth(AUDIENCE)))
            words.append(answer.fields[1][0] if answer.is_error else None)
        return words


def whoami(path):
    with Client(path) as client:
        found = client.ask(wire.message((1, 1), (WHOAMI, b""))).check()
    return {"client": found[1][0].decode(), "uid": found[2][0], "gid": found[3][0],
            "groups": sorted(read_packed(found.get(5, [b""])[0])),
            "unit": found.get(7, [b""])[0].decode(), "exe": found.get(8, [b""])[0].decode(),
            "listen": found[10][0].decode()}


def read_packed(data):
    at = 0
    while at < len(data):
        value, at = wire.read_varint(data, at)
        yield value


def connect(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        return client.connect_ex(path)


def speak_as_another(path, uid):
    """Greets as one user, and asks as another: whether the connection then ends in silence."""
    with Client(path) as client:
        os.setresuid(uid, uid, uid)
        try:
            client.send(wire.seal(2, "mine", "dsgo-auth", wire.dsgo_auth(AUDIENCE)))
            return client.socket.recv(1) == b""
        except (BrokenPipeError, ConnectionResetError):
            return True


def give_away(path, pair):
    with Client(path) as client:
        people.hand_over(pair, client.socket)
        pair.recv(1)


def use_anothers(pair):
    with people.take_over(pair) as connected:
        body = wire.seal(2, "mine", "dsgo-auth", wire.dsgo_auth(AUDIENCE))
        connected.settimeout(agent.PATIENCE_S)
        try:
            connected.sendall(len(body).to_bytes(4, "big") + body)
            answer = connected.recv(65536)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        pair.send(b"x")
        return answer


def cgroup_root():
    """Where the unified hierarchy is mounted; None when there is none."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2":
            return Path(fields[4])
    return None


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(agent.temporary_folder())
        # Others pass through to the sockets, and see nothing else.
        cls.folder.chmod(0o711)
        cls.team = people.make_group(cls.addClassCleanup, "team")
        cls.closed = people.make_group(cls.addClassCleanup, "closed")
        cls.anna = Person(cls.addClassCleanup, "anna", cls.team)
        cls.bert = Person(cls.addClassCleanup, "bert")
        cls.cees = Person(cls.addClassCleanup, "cees", cls.team)
        cls.office = Office(cls.folder)
        for key in ("mine", "yours", "ours", "units"):
            cls.office.make_token(key)
        cls.office.configure(
            *(cls.listen(*spec) for spec in (("all", 0o666, None),
                                             ("team", 0o660, cls.team.gr_name),
                                             ("denied", 0o660, cls.closed.gr_name))),
            *map(cls.office.token, ("mine", "yours", "ours", "units")),
            *map(cls.office.key, ("mine", "yours", "ours", "units")),
            cls.client("anna", "mine", user=cls.anna.name, listen="all"),
            cls.client("bert", "yours", user=cls.bert.name, listen="all"),
            cls.client("the-team", "ours", group=cls.team.gr_name, listen="team"),
            cls.client("unit", "units", user="root", unit=UNIT, listen="all"),
            cls.client("program", "mine", user="root", unit="other.service",
                       exe="/nowhere/else", listen="all"))
        cls.enterClassContext(cls.office.start())
        ready = Client(str(cls.path("all")))
        cls.addClassCleanup(ready.socket.close)
        wait_until(lambda: cls.anna.do(ask, str(cls.path("all")), "mine") == [None],
                   "the tokens are ready")
        wait_until(lambda: cls.bert.do(ask, str(cls.path("all")), "yours") == [None],
                   "the tokens are ready")

    @classmethod
    def path(cls, name):
        return cls.folder / f"{name}.sock"

    @classmethod
    def listen(cls, name, mode, group):
        group = f'\tgroup = "{group}"\n' if group else ""
        return f'listen "{name}" {{\n\tpath = "{cls.path(name)}"\n\tmode = {mode:04o}\n{group}}}\n'

    @staticmethod
    def client(name, key, **criteria):
        words = "".join(f'\t{word} = "{value}"\n' for word, value in criteria.items())
        return (f'client "{name}" {{\n{words}\tallow "{name}" {{ key = "{key}" '
                'profile = "dsgo-auth" }\n}\n')

    def record(self, kind):
        text = (self.office.audit / "audit.jsonl").read_text(encoding="ascii")
        return [line for line in map(json.loads, text.splitlines()) if line["kind"] == kind]

    def test_each_user_has_its_own_key_only(self):
        path = str(self.path("all"))
        self.assertEqual([None, wire.DENIED], self.anna.do(ask, path, "mine", "yours"))
        self.assertEqual([wire.DENIED, None], self.bert.do(ask, path, "mine", "yours"))

    def test_a_stranger_is_denied_and_told_what_he_is(self):
        path = str(self.path("all"))
        self.assertEqual([wire.DENIED], self.cees.do(ask, path, "mine"))
        self.assertEqual(("", self.cees.uid), tuple(
            self.cees.do(whoami, path)[word] for word in ("client", "uid")))

    def test_the_mode_of_a_socket_is_the_outer_door(self):
        denied = [13] * 3
        self.assertEqual(denied, [person.do(connect, str(self.path("denied")))
                                  for person in (self.anna, self.bert, self.cees)])
        self.assertEqual([0, 13, 0], [person.do(connect, str(self.path("team")))
                                      for person in (self.anna, self.bert, self.cees)])

    def test_a_supplementary_group_makes_a_client_by_its_socket(self):
        path = str(self.path("team"))
        wait_until(lambda: self.cees.do(ask, path, "ours") == [None], "the token is ready")
        self.assertEqual([wire.DENIED], self.cees.do(ask, path, "mine"))
        seen = self.cees.do(whoami, path)
        self.assertEqual(("the-team", "team", [self.team.gr_gid]),
                         (seen["client"], seen["listen"], seen["groups"]))

    def test_all_criteria_must_match(self):
        """The same user by another socket is another client, or none."""
        self.assertEqual([wire.DENIED, None],
                         self.anna.do(ask, str(self.path("team")), "mine", "ours"))
        self.assertEqual([None, wire.DENIED],
                         self.anna.do(ask, str(self.path("all")), "mine", "ours"))

    def test_a_unit_is_known_by_its_cgroup(self):
        root = cgroup_root()
        if root is None:
            self.skipTest("there is no unified cgroup hierarchy here")
        place = root / UNIT
        try:
            place.mkdir()
        except OSError as error:
            self.skipTest(f"no cgroup can be made here: {error}")
        self.addCleanup(lambda: wait_until(lambda: not self.remove(place), "it is empty"))
        path = str(self.path("all"))

        def enter():
            (place / "cgroup.procs").write_text(str(os.getpid()))

        wait_until(lambda: Ourselves().do(ask, path, "units", before=enter) == [None],
                   "the token is ready")
        self.assertEqual([wire.DENIED], Ourselves().do(ask, path, "units"))
        inside = Ourselves().do(whoami, path, before=enter)
        self.assertEqual(("unit", UNIT), (inside["client"], inside["unit"]))
        self.assertNotEqual(UNIT, Ourselves().do(whoami, path)["unit"])

    @staticmethod
    def remove(place):
        """Whether it is still there."""
        try:
            place.rmdir()
        except OSError:
            return True
        return False

    def test_the_program_is_seen(self):
        seen = self.anna.do(whoami, str(self.path("all")))
        self.assertEqual(os.path.realpath("/proc/self/exe"), seen["exe"])

    def test_a_connection_serves_its_own_user_only(self):
        path = str(self.path("all"))
        self.assertTrue(Ourselves().do(speak_as_another, path, self.anna.uid))
        wait_until(lambda: any(line["event"] == "peer-changed" and line["uid"] == 0 and
                               line["other_uid"] == self.anna.uid
                               for line in self.record("peer")), "the record says so")

    def test_a_connected_socket_in_other_hands_is_closed(self):
        """Anna's right does not go to Bert with her descriptor."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with ours, theirs:
            anna = self.anna.start(give_away, str(self.path("all")), ours)
            answer = self.bert.do(use_anothers, theirs)
            anna.result()
        self.assertEqual(b"", answer)
        wait_until(lambda: any(line["other_uid"] == self.bert.uid and
                               line["uid"] == self.anna.uid and line["client"] == "anna"
                               for line in self.record("peer")), "the record says so")

    def test_the_same_user_may_share_a_connection(self):
        """What is documented: a process is not a person."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with ours, theirs:
            anna = self.anna.start(give_away, str(self.path("all")), ours)
            answer = self.anna.do(use_anothers, theirs)
            anna.result()
        self.assertFalse(wire.Answer(answer[4:]).is_error)

    def test_refusals_name_who_and_why(self):
        self.cees.do(ask, str(self.path("all")), "mine")
        self.anna.do(ask, str(self.path("all")), "yours")
        wait_until(lambda: {("", self.cees.uid, "stranger"), ("anna", self.anna.uid, "no-rule")} <=
                   {(line["client"], line["uid"], line["rule"])
                    for line in self.record("refusal")}, "the record has both")


if __name__ == "__main__":
    people.needs_root()
    agent.main()
