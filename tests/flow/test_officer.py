# SPDX-License-Identifier: Apache-2.0
"""The officers' socket: who comes in, what may be said there, and what of it is recorded."""
import contextlib
import grp
import os
import select
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import agent
import wire
from agent import AUDIENCE, BIN, PATIENCE_S, Background, open_files, wait_until
from office import Office
from officer import Officer, as_user, explain, open_record, push_descriptor, records, reload
from wire import Client, Refused, field, message

GROUP = grp.getgrnam("games")
# Users that have no name are users too.
OUTSIDER, MEMBER, OTHER_MEMBER, OWN_GROUP = 61001, 61002, 61003, 61009
OFFICERS_MAX = 16
DENIED = 77


def head(length):
    return struct.pack(">I", length)


def hear_all(sock):
    """What comes until the agent closes."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65536):
            data += piece
    return data


def knock(path):
    """What somebody hears who connects and greets: "closed" when it is nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE_S)
        try:
            sock.connect(str(path))
        except PermissionError:
            return "not let in"
        body = wire.hello()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(head(len(body)) + body)
        found = b""
        with contextlib.suppress(ConnectionResetError):
            found = sock.recv(65536)
        return "answered" if found else "closed"


class Lodge(unittest.TestCase):
    """One agent for all tests; each ends with a look at whether it is as it was."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(
            tempfile.TemporaryDirectory(prefix="zegel-officer-")))
        cls.folder.chmod(0o711)
        cls.office = Office(cls.folder)
        cls.office.make_token("good")
        cls.office.configure(f'officer-group = "{GROUP.gr_name}"\n', cls.office.listen(),
                             cls.office.token("good"), cls.office.key("good"),
                             cls.office.client("good"))
        cls.path = cls.folder / "officer.sock"
        cls.zegeld = cls.enterClassContext(cls.office.start())
        with Client(str(cls.office.socket)) as client:
            wait_until(lambda: not client.ask(cls.seal(7)).is_error, "the token is there")
        cls.files_before = open_files(cls.zegeld.pid)

    @staticmethod
    def seal(request_id):
        return wire.seal(request_id, "good", "dsgo-auth", wire.dsgo_auth(AUDIENCE))

    def tearDown(self):
        # Our connections end first.
        self.doCleanups()
        self.path.chmod(0o660)
        with Client(str(self.office.socket)) as client:
            client.ask(self.seal(7)).check()
        with Officer(self.path) as officer:
            self.assertEqual(wire.OK, self.explain(officer).status)
        wait_until(lambda: open_files(self.zegeld.pid) <= self.files_before,
                   "zegeld has closed what it opened")

    @staticmethod
    def explain(officer):
        return officer.explain("test", "good", "dsgo-auth", (4, AUDIENCE))

    def connect(self, greet=True):
        return self.enterContext(Officer(self.path, greet))

    def log(self):
        return self.office.log.read_text(encoding="utf-8")

    def assert_ends(self, data, status, greet=True):
        """The bytes get an error of that word, and are the last ones heard."""
        officer = self.connect(greet)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            officer.socket.sendall(data)
        answer = officer.receive()
        self.assertTrue(answer.is_error)
        self.assertEqual(status, answer.fields[1][0], answer.fields[2][0])
        self.assertTrue(officer.is_closed())
        return answer

    def assert_refused(self, body, status, greet=True):
        return self.assert_ends(head(len(body)) + body, status, greet)


class WhoComesIn(Lodge):
    def acts(self, uid):
        return [line["act"] for line in records(self.office.audit) if line["uid"] == uid]

    def work(self):
        """What an officer does, and that it works; in the process of whoever calls."""
        with Officer(self.path) as officer:
            assert officer.reload().is_done
            assert self.explain(officer).status == wire.OK
            name, fd = officer.open_record()
            with os.fdopen(fd, "rb") as file:
                assert file.read().startswith(b'{"seq":1,')
        return name

    def test_the_socket_is_of_the_officers(self):
        facts = self.path.stat()
        self.assertEqual(0o660, stat.S_IMODE(facts.st_mode))
        self.assertEqual(GROUP.gr_gid, facts.st_gid)

    def test_nobody_else_is_let_in(self):
        self.assertEqual("not let in", as_user(
            lambda: knock(self.path), OUTSIDER, OWN_GROUP))

    def test_who_gets_in_and_is_no_officer_learns_nothing(self):
        self.path.chmod(0o666)
        self.assertEqual("closed", as_user(lambda: knock(self.path), OUTSIDER, OWN_GROUP))
        self.assertIn(f"no officer uid={OUTSIDER}", self.log())
        self.assertEqual([], self.acts(OUTSIDER))

    def test_a_crowd_of_strangers_says_little_in_the_log(self):
        self.path.chmod(0o666)
        before = self.log().count(f"no officer uid={OUTSIDER + 100}")
        heard = as_user(lambda: [knock(self.path) for _ in range(50)], OUTSIDER + 100,
                        OWN_GROUP)
        self.assertEqual(["closed"] * 50, heard)
        self.assertLess(self.log().count(f"no officer uid={OUTSIDER + 100}") - before, 10)

    def test_the_group_may_be_the_first_or_another(self):
        for uid, gid, groups in ((MEMBER, GROUP.gr_gid, ()),
                                 (OTHER_MEMBER, OWN_GROUP, (OWN_GROUP + 1, GROUP.gr_gid))):
            self.assertEqual("audit.jsonl", as_user(self.work, uid, gid, *groups))
            self.assertEqual(["reload", "read-record"], self.acts(uid))

    def test_root_is_an_officer(self):
        self.assertEqual("audit.jsonl", self.work())

    def test_a_connection_that_is_handed_on_is_no_officers(self):
        officer = self.connect()

        def write():
            body = reload(9)
            with contextlib.suppress(BrokenPipeError):
                officer.socket.sendall(head(len(body)) + body)
            return len(hear_all(officer.socket))

        n_before = len(records(self.office.audit))
        self.assertEqual(0, as_user(write, OUTSIDER, OWN_GROUP))
        self.assertIn(f"writer_uid={OUTSIDER}", self.log())
        self.assertEqual(n_before, len(records(self.office.audit)))

    def test_one_too_many_hears_so_and_who_is_none_does_not(self):
        self.path.chmod(0o666)
        officers = [self.connect() for _ in range(OFFICERS_MAX)]
        answer = self.connect(greet=False).receive()
        self.assertEqual((0, wire.BUSY), (answer.id, answer.fields[1][0]))
        self.assertEqual("closed", as_user(lambda: knock(self.path), OUTSIDER, OWN_GROUP))
        done = self.zegel("reload")
        self.assertEqual(75, done.returncode, done.stderr)
        self.assertIn("too many connections", done.stderr)
        officers[3].socket.close()
        wait_until(lambda: knock(self.path) == "answered", "there is a place again")

    def test_who_says_nothing_is_closed(self):
        self.assertTrue(self.connect(greet=False).is_closed())

    # The command line, which says the same in words

    def zegel(self, *words, as_uid=0, program=None):
        environment = {**os.environ, "ZEGEL_OFFICER_SOCKET": str(self.path)}
        user = {} if as_uid == 0 else {"user": as_uid, "group": OWN_GROUP,
                                       "extra_groups": []}
        return agent.run(program or BIN / "zegel", *words, env=environment, cwd="/", **user)

    def copy_program(self):
        """The build may stand where only root can look."""
        shutil.copy(BIN / "zegel", self.folder)
        (self.folder / "zegel").chmod(0o755)
        return self.folder / "zegel"

    def test_the_command_line_says_who_is_an_officer(self):
        program = self.copy_program()
        for mode, words in ((0o660, "Permission denied"), (0o666, "you are no officer")):
            self.path.chmod(mode)
            for command in (["reload"], ["policy", "explain", "--client", "test", "--key",
                                         "good", "--profile", "jws"]):
                done = self.zegel(*command, as_uid=OUTSIDER, program=program)
                self.assertEqual(DENIED, done.returncode, done.stderr)
                self.assertIn("DENIED: ", done.stderr)
                self.assertIn(words, done.stderr)
                self.assertIn("zegel-officers", done.stderr)
                self.assertEqual("", done.stdout)

    def test_the_command_line_trusts_no_other_server(self):
        place = self.folder / "others"
        place.mkdir(mode=0o755)
        os.chown(place, OUTSIDER, OWN_GROUP)
        path = place / "officer.sock"
        listen = (f"import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind({str(path)!r});"
                  "s.listen(); print(flush=True); c=s.accept()[0]; print(c.recv(9)); ")
        with Background(sys.executable, "-c", listen, user=OUTSIDER, group=OWN_GROUP,
                        extra_groups=[], stdout=subprocess.PIPE, cwd="/") as server:
            server.process.stdout.readline()
            done = agent.run(BIN / "zegel", "reload",
                             env={**os.environ, "ZEGEL_OFFICER_SOCKET": str(path)})
            self.assertEqual(69, done.returncode)
            self.assertIn(f"uid {OUTSIDER} listens", done.stderr)
            self.assertEqual(b"b''\n", server.process.stdout.readline())

    def test_the_command_line_without_an_agent(self):
        for path in (self.folder / "nothing", self.folder / "zegel.conf"):
            done = agent.run(BIN / "zegel", "reload",
                             env={**os.environ, "ZEGEL_OFFICER_SOCKET": str(path)})
            self.assertEqual(69, done.returncode)
            self.assertIn("is zegeld running", done.stderr)


class WhatIsSaid(Lodge):
    def test_lengths_that_no_frame_has(self):
        for length in (0, 65537, 2**31, 2**32 - 1):
            for greet in (True, False):
                with self.subTest(length=length, greet=greet):
                    self.assert_ends(head(length) + b"x" * 64, wire.INVALID, greet)

    def test_garbage(self):
        self.assert_refused(b"\xff" * 100, wire.INVALID)
        self.assert_refused(b"GET / HTTP/1.1\r\n\r\n", wire.INVALID)

    def test_half_a_frame(self):
        for data in (b"\0", head(10) + b"abc"):
            officer = self.connect()
            officer.socket.sendall(data)
            officer.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(b"", hear_all(officer.socket))

    def test_ids(self):
        self.assert_refused(message((1, 0), (3, b"")), wire.INVALID)
        self.assert_refused(field(3, b""), wire.INVALID)
        self.assertEqual(9, self.assert_refused(message((1, 9)), wire.INVALID).id)

    def test_more_than_one_request_in_a_message(self):
        self.assert_refused(message((1, 9), (3, b""), (4, b"")), wire.INVALID)
        self.assert_refused(message((1, 9), (3, b""), (3, b"")), wire.INVALID)

    def test_what_is_not_known(self):
        self.assert_refused(message((1, 9), (17, b"")), wire.UNSUPPORTED)
        self.assert_refused(explain(9, "test", "good", "jws", (9, 1)), wire.UNSUPPORTED)
        self.assert_refused(explain(9, "test", "good", "jws", (4, "a"), (4, "b")),
                            wire.INVALID)

    def test_hello_comes_first_and_once(self):
        for body in (reload(9), open_record(9), explain(9, "test", "good", "jws")):
            self.assert_refused(body, wire.INVALID, greet=False)
        self.assert_refused(wire.hello(9), wire.INVALID)
        self.assert_refused(wire.hello(9, 2, 3), wire.UNSUPPORTED, greet=False)

    def test_what_clients_say_is_not_understood(self):
        self.assert_refused(self.seal(9), wire.UNSUPPORTED)
        self.assert_refused(message((1, 9), (wire.HEALTH, b"")), wire.UNSUPPORTED)
        self.assert_refused(message((1, 9), (wire.DESCRIBE_KEY, message((1, "good")))),
                            wire.INVALID)

    def test_what_officers_say_is_no_officers_act_on_the_clients_socket(self):
        n_before = len(records(self.office.audit))
        for body in (reload(9), open_record(9), open_record(9, 1),
                     explain(9, "test", "good", "dsgo-auth", (4, AUDIENCE))):
            with Client(str(self.office.socket)) as client:
                client.send(body)
                data, fds, _, _ = socket.recv_fds(client.socket, 65536, 4)
                self.assertEqual([], fds)
                self.assertNotIn(b"audit.jsonl", data)
        with Client(str(self.office.socket)) as client:
            self.assertTrue(client.ask(body).is_error)
        self.assertEqual(n_before, len(records(self.office.audit)))

    def test_a_descriptor_is_refused_and_closed(self):
        for greet in (True, False):
            reader, writer = os.pipe()
            officer = self.connect(greet)
            body = reload(9)
            push_descriptor(officer.socket, writer, head(len(body)) + body)
            os.close(writer)
            answer = officer.receive()
            self.assertEqual((0, wire.INVALID), (answer.id, answer.fields[1][0]))
            self.assertTrue(officer.is_closed())
            # Nobody has the other end any more.
            self.assertEqual(b"", os.read(reader, 1))
            os.close(reader)

    def test_requests_may_come_all_at_once(self):
        """Not what officer.proto asks for, but what it costs is the same."""
        officer = self.connect()
        bodies = [explain(n, "test", "good", "dsgo-auth", (4, AUDIENCE))
                  for n in range(2, 200)]
        officer.socket.sendall(b"".join(head(len(body)) + body for body in bodies))
        self.assertEqual(list(range(2, 200)), [officer.receive().id for _ in bodies])

    def test_who_does_not_read_is_not_heard(self):
        officer = self.connect()
        officer.socket.setblocking(False)
        body = explain(2, "test", "good", "dsgo-auth", (4, AUDIENCE))
        unsaid, n_sent = b"", 0
        look = select.poll()
        look.register(officer.socket, select.POLLOUT)
        while found := look.poll(1000 * PATIENCE_S):
            if found[0][1] & select.POLLHUP:
                break
            unsaid = unsaid or (head(len(body)) + body) * 100
            n = officer.socket.send(unsaid)
            unsaid, n_sent = unsaid[n:], n_sent + n
        self.assertTrue(found, "neither heard nor closed")
        self.assertLess(n_sent, 8 << 20)

class Reading(Lodge):
    def n_read(self):
        """An act is written before it is answered."""
        return sum(line["act"] == "read-record" for line in records(self.office.audit))

    def read(self, officer, index=None):
        name, fd = officer.open_record(index)
        with os.fdopen(fd, "rb") as file:
            return name, file.read()

    def test_the_record_is_the_file(self):
        name, data = self.read(self.connect())
        self.assertEqual("audit.jsonl", name)
        self.assertTrue((self.office.audit / name).read_bytes().startswith(data))
        self.assertGreater(data.count(b"\n"), 2)

    def test_it_is_for_reading_only(self):
        _, fd = self.connect().open_record()
        self.addCleanup(os.close, fd)
        with self.assertRaises(OSError):
            os.write(fd, b"x")
        with self.assertRaises(OSError):
            os.ftruncate(fd, 0)

    def test_an_officer_cannot_open_it_again_for_writing(self):
        def try_to_write():
            with Officer(self.path) as officer:
                _, fd = officer.open_record()
            for way in (os.O_WRONLY, os.O_RDWR):
                with contextlib.suppress(PermissionError):
                    return os.open(f"/proc/self/fd/{fd}", way)
            return "not for writing"

        self.assertEqual("not for writing", as_user(try_to_write, MEMBER, GROUP.gr_gid))

    def test_each_reading_is_one_line(self):
        older = self.office.audit / f"audit-{1:020}.jsonl"
        older.write_bytes(b"older\n")
        self.addCleanup(older.unlink)
        n_before = self.n_read()
        with Officer(self.path) as officer:
            self.read(officer)
            self.assertEqual((older.name, b"older\n"), self.read(officer, 1))
            self.read(officer, 1)
            self.assertEqual(n_before + 1, self.n_read())
            self.read(officer)
            self.assertEqual(n_before + 2, self.n_read())
        # Whoever leaves the newest out is written down as well.
        with Officer(self.path) as officer:
            self.read(officer, 1)
            self.read(officer, 1)
        self.assertEqual(n_before + 3, self.n_read())

    def test_behind_the_oldest_there_is_none(self):
        officer = self.connect()
        n_before = self.n_read()
        for index in (1, 2, 2**32, 2**64 - 1):
            with self.assertRaises(Refused) as caught:
                officer.open_record(index)
            self.assertEqual(wire.UNAVAILABLE, caught.exception.status)
        self.assertEqual(n_before, self.n_read())
        self.read(officer)


if __name__ == "__main__":
    if os.getuid() != 0:
        agent.skip("needs root, to be other users")
    agent.main()
