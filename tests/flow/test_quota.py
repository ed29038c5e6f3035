# SPDX-License-Identifier: Apache-2.0
"""Whatever a greedy user, a slow one or a stranger does, another one gets his seals."""
import collections
import contextlib
import json
import os
import re
import resource
import select
import socket
import struct
import tempfile
import unittest
from pathlib import Path

import agent
import people
import wire
from agent import AUDIENCE, PATIENCE_S, wait_until
from office import Office
from people import Person
from wire import Client, Refused

MANY = 10000
FLOOD = 100000
BATCH = 500
HANDED = 100


def seal(client):
    return client.ask(wire.seal(2, "one", "dsgo-auth", wire.dsgo_auth(AUDIENCE))).check()


def seal_often(path, n):
    with Client(path) as client:
        for _ in range(n):
            seal(client)


def raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def is_let_in(path, kept):
    """One more connection; whether it may stay."""
    client = Client(path, greet=False)
    # Whoever is turned away may find the door closed before he has said a word.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.send(wire.hello(1))
    try:
        client.receive().check()
    except Refused as refused:
        client.socket.close()
        assert refused.status == wire.BUSY, refused
        return False
    kept.append(client)
    return True


def tell(pipe, *numbers):
    pipe.sendall(struct.pack(f"={len(numbers)}I", *numbers))


def hear(pipe, n):
    data = b""
    while len(data) < 4 * n:
        piece = pipe.recv(4 * n - len(data))
        assert piece, "the other process has ended"
        data += piece
    return struct.unpack(f"={n}I", data)


def hold_many(path, n, pipe):
    """Opens n connections, keeps those it may, and asks over all of them at the end."""
    raise_limit()
    kept = []
    n_refused = sum(not is_let_in(path, kept) for _ in range(n))
    tell(pipe, len(kept), n_refused)
    pipe.recv(1)
    for client in kept:
        client.whoami()
    return len(kept)


def stall(path, n, start, pipe):
    """n connections that start something and never go on; how many the agent ended."""
    raise_limit()
    clients = [Client(path) for _ in range(n)]
    for client in clients:
        start(client)
    tell(pipe, len(clients))
    # POLLHUP alone: nothing is read, and yet it is seen that the other end is closed.
    poll = select.poll()
    for client in clients:
        poll.register(client.socket, 0)
    ended = set()

    def are_all_ended():
        ended.update(fd for fd, events in poll.poll(100) if events & select.POLLHUP)
        return len(ended) == n

    wait_until(are_all_ended, "the agent ends all of them")
    return len(ended)


def begin_a_frame(client):
    client.socket.sendall(struct.pack(">I", 1000) + b"x")


def ask_and_never_read(client):
    body = wire.whoami(2)
    client.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            client.socket.send((struct.pack(">I", len(body)) + body) * 100)


def flood(path, pipe):
    """Asks for what it is denied, until it was told to stop and has asked FLOOD times."""
    body = wire.seal(2, "one", "dsgo-auth", wire.dsgo_auth(AUDIENCE))
    frames = (struct.pack(">I", len(body)) + body) * BATCH
    clients = [Client(path) for _ in range(8)]
    n_denied, is_over = 0, False
    pipe.setblocking(False)
    while n_denied < FLOOD or not is_over:
        for client in clients:
            client.socket.sendall(frames)
        for client in clients:
            for _ in range(BATCH):
                answer = client.receive()
                assert answer.is_error and answer.fields[1][0] == wire.DENIED, answer.fields
        n_denied += BATCH * len(clients)
        with contextlib.suppress(BlockingIOError):
            is_over = bool(pipe.recv(1)) or is_over
        if n_denied == BATCH * len(clients):
            pipe.sendall(b"x")
    return n_denied


def hand_over_many(path, n, pair):
    for _ in range(n):
        with Client(path) as client:
            people.hand_over(pair, client.socket)


def write_on_each(n, pair):
    """Writes on what another one has connected, until each is closed."""
    for _ in range(n):
        with people.take_over(pair) as taken:
            taken.settimeout(PATIENCE_S)
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                taken.sendall(b"x")
                assert taken.recv(1) == b""


class Quota(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="zegel-flow-")
        cls.addClassCleanup(folder.cleanup)
        Path(folder.name).chmod(0o711)
        cls.greedy = Person(cls.addClassCleanup, "greedy")
        cls.modest = Person(cls.addClassCleanup, "modest")
        cls.strange = Person(cls.addClassCleanup, "strange")
        cls.office = Office(Path(folder.name))
        cls.path = str(cls.office.socket)
        cls.office.make_token("one")
        clients = "".join(
            f'client "{name}" {{ user = "{person.name}"\n'
            '\tallow "one" { key = "one" profile = "dsgo-auth" }\n}\n'
            for name, person in (("greedy", cls.greedy), ("modest", cls.modest)))
        cls.office.configure(
            "audit-rotate-daily = false\n",
            f'listen "open" {{ path = "{cls.path}" mode = 0666 }}\n',
            cls.office.token("one"), cls.office.key("one"), clients)

    def setUp(self):
        self.office.log.write_text("")
        self.zegeld = self.enterContext(self.office.start())
        self.modest.do(seal_often, self.path, 1)
        self.files = agent.open_files(self.zegeld.pid)

    def check_rest(self):
        """All is given back."""
        wait_until(lambda: agent.open_files(self.zegeld.pid) == self.files,
                   "zegeld has closed what it opened")
        self.modest.do(seal_often, self.path, 1)

    def pair(self):
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        near.settimeout(PATIENCE_S)
        return near, far

    def counted(self, line, more, person):
        """How often the log says that it happened to this user."""
        self.zegeld.stop()
        log = self.office.log.read_text()
        n_lines = len(re.findall(rf"zegeld: {line} .*\buid={person.uid}\b", log))
        return n_lines, n_lines + sum(
            int(n) for n in re.findall(rf"zegeld: {more} more=(\d+) uid={person.uid}\b", log))

    def recorded(self, person):
        """What the record has of this user's refusals, now that the agent has ended: the
        lines, and how many more of each status."""
        text = (self.office.audit / "audit.jsonl").read_text(encoding="ascii")
        lines = [json.loads(line) for line in text.splitlines()]
        start = max(i for i, line in enumerate(lines) if line["kind"] == "start")
        lines = [line for line in lines[start:] if line.get("uid") == person.uid]
        sums = collections.Counter()
        for line in lines:
            if line["kind"] == "refusals":
                sums.update(line["by"])
                self.assertEqual(sum(line["by"].values()), line["n"])
        return [line for line in lines if line["kind"] in ("refusal", "peer")], dict(sums)

    def test_ten_thousand_idle_connections_of_one_user(self):
        near, far = self.pair()
        greedy = self.greedy.start(hold_many, self.path, MANY, far)
        n_kept, n_refused = hear(near, 2)
        self.assertEqual(MANY, n_kept + n_refused)
        print(f"{n_kept} of {MANY} connections are kept")
        # He is let in as far as he leaves as many for all others.
        limit = min(resource.prlimit(self.zegeld.pid, resource.RLIMIT_NOFILE)[0] - 256, 16384)
        most = 32 + (limit - 16 - 2 * 32) // 2
        self.assertEqual(min(MANY, most), n_kept)
        self.modest.do(seal_often, self.path, 50)
        near.send(b"x")
        self.assertEqual(n_kept, greedy.result())
        self.check_rest()
        n_lines, n = self.counted("connection refused: too many", "more connections refused",
                                  self.greedy)
        self.assertEqual(min(1, n_refused), n_lines)
        self.assertEqual(n_refused, n)

    def test_strangers_have_sixteen_connections_together(self):
        near, far = self.pair()
        others = Person(self.addCleanup, "strange-too")
        deeds = []
        for person, expected in ((self.strange, (10, 0)), (others, (6, 4))):
            deeds.append(person.start(hold_many, self.path, 10, far))
            self.assertEqual(expected, hear(near, 2))
        self.modest.do(seal_often, self.path, 50)
        self.greedy.do(seal_often, self.path, 1)
        near.send(b"xx")
        self.assertEqual([10, 6], [deed.result() for deed in deeds])
        self.check_rest()

    def test_half_frames_are_ended(self):
        self.check_stalled(begin_a_frame, 1000)

    def test_those_who_never_read_are_ended(self):
        self.check_stalled(ask_and_never_read, 100)

    def check_stalled(self, start, n):
        near, far = self.pair()
        stalled = self.greedy.start(stall, self.path, n, start, far)
        self.assertEqual((n,), hear(near, 1))
        self.modest.do(seal_often, self.path, 50)
        self.assertEqual(n, stalled.result())
        self.check_rest()

    def test_flood_of_a_stranger_stops_nobody(self):
        near, far = self.pair()
        stranger = self.strange.start(flood, self.path, far)
        self.assertEqual(b"x", near.recv(1))
        self.modest.do(seal_often, self.path, 200)
        near.send(b"x")
        n_denied = stranger.result()
        self.assertGreaterEqual(n_denied, FLOOD)
        self.check_rest()
        n_lines, n = self.counted("refused", "more refused", self.strange)
        self.assertEqual(n_denied, n)
        print(f"{n_denied} refusals, {n_lines} lines")
        self.assertLess(n_lines, n_denied // 10)
        lines, sums = self.recorded(self.strange)
        self.assertEqual({("refusal", "DENIED", "stranger")},
                         {(line["kind"], line["status"], line["rule"]) for line in lines})
        self.assertEqual({"DENIED": n_denied - len(lines)}, sums)
        # Twenty a minute.
        self.assertLess(len(lines), n_denied // 100)

    def test_two_who_hand_sockets_to_and_fro_do_not_fill_the_record(self):
        near, far = self.pair()
        giver = self.greedy.start(hand_over_many, self.path, HANDED, near)
        self.strange.do(write_on_each, HANDED, far)
        giver.result()
        self.check_rest()
        self.assertEqual((1, HANDED), self.counted(
            "connection closed: another user writes", "more connections changed user",
            self.greedy))
        lines, sums = self.recorded(self.greedy)
        self.assertEqual({("peer", "peer-changed", self.strange.uid)},
                         {(line["kind"], line["event"], line["other_uid"]) for line in lines})
        self.assertEqual({"PEER_CHANGED": HANDED - len(lines)}, sums)

    def test_without_descriptors_clients_go_on_and_newcomers_wait(self):
        limits = resource.prlimit(self.zegeld.pid, resource.RLIMIT_NOFILE)
        with self.connect() as old:
            used = max(int(fd) for fd in os.listdir(f"/proc/{self.zegeld.pid}/fd")) + 1
            resource.prlimit(self.zegeld.pid, resource.RLIMIT_NOFILE, (used, limits[1]))
            holes = used - agent.open_files(self.zegeld.pid)
            fillers = [self.connect() for _ in range(holes)]
            new = self.enterContext(Client(self.path, greet=False))
            new.send(wire.hello(1))
            for _ in range(5):
                old.whoami()
            wait_until(lambda: "cannot accept" in self.office.log.read_text(),
                       "the log says why nobody is accepted")
            self.assertEqual([], select.select([new.socket], [], [], 0)[0])
            resource.prlimit(self.zegeld.pid, resource.RLIMIT_NOFILE, limits)
            new.receive().check()
            new.whoami()
            new.socket.close()
            for filler in fillers:
                filler.socket.close()
        self.check_rest()

    def connect(self):
        return self.enterContext(Client(self.path))


if __name__ == "__main__":
    people.needs_root()
    agent.main()
