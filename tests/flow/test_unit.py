# SPDX-License-Identifier: Apache-2.0
"""The systemd unit of a client, by the cgroup that its process is in."""
import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path

import agent
import people
import wire
from agent import AUDIENCE, PATIENCE_S, Folder
from office import Office
from wire import Client, Refused

SO_PEERPIDFD = 77
NEXT_NUMBER = Path("/proc/sys/kernel/ns_last_pid")
UNIT = f"zegel-test-{os.getpid()}.service"


def find_cgroups():
    """Where the unified hierarchy is mounted, if we may make groups there."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ")
        place = Path(left.split()[4])
        if right.split()[0] == "cgroup2" and left.split()[3] == "/" and os.access(place, os.W_OK):
            return place
    return None


def ask(path):
    with Client(path) as client:
        who = client.whoami()
        try:
            client.ask(wire.seal(2, "one", "dsgo-auth", wire.dsgo_auth(AUDIENCE))).check()
        except Refused as refused:
            return who, refused.status
        return who, None


def ask_and_end(path, pair):
    """Says all at once, hands on the socket for the answers, and is no more."""
    with Client(path, greet=False) as client:
        for body in (wire.hello(1), wire.whoami(2),
                     wire.seal(3, "one", "dsgo-auth", wire.dsgo_auth(AUDIENCE))):
            client.send(body)
        people.hand_over(pair, client.socket)


def tell_and_wait(pair):
    pair.send(b"x")
    signal.pause()


def kernel_names_the_process():
    """SO_PEERPIDFD, of Linux 6.5."""
    near, far = socket.socketpair()
    with near, far, contextlib.suppress(OSError):
        os.close(near.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
        return True
    return False


class Units(Folder):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o711)
        self.anna = people.Person(self.addCleanup, "unit")
        self.office = Office(self.folder)
        self.office.make_token("one")
        self.office.configure(
            f'listen "open" {{ path = "{self.office.socket}" mode = 0666 }}\n',
            self.office.token("one"), self.office.key("one"),
            f'client "api" {{ user = "{self.anna.name}" unit = "{UNIT}"\n'
            '\tallow "one" { key = "one" profile = "dsgo-auth" }\n}\n')
        self.zegeld = self.enterContext(self.office.start())

    def make_group(self, *names):
        """A group below the root; what is in it has left when it is removed."""
        made = CGROUPS
        for name in names:
            made = made / name
            made.mkdir()
            self.addCleanup(self.remove, made)
        return made

    @staticmethod
    def remove(group):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                group.rmdir()
                return
            time.sleep(0.01)

    def ask_in(self, *names):
        group = self.make_group(*names)
        return self.anna.do(ask, str(self.office.socket),
                            before=lambda: (group / "cgroup.procs").write_text("0"))

    def test_unit_is_asked_and_must_fit(self):
        who, status = self.ask_in(UNIT)
        self.assertEqual(("api", UNIT, None), (who.client, who.unit, status))
        self.assertFalse(who.is_unclear)

    def test_unit_in_a_slice(self):
        who, status = self.ask_in("zegel-test.slice", UNIT)
        self.assertEqual(("api", UNIT, None), (who.client, who.unit, status))

    def test_another_unit_or_none_does_not_fit(self):
        who, status = self.ask_in(f"zegel-test-other-{os.getpid()}.service")
        self.assertEqual(("", wire.DENIED), (who.client, status))
        who, status = self.anna.do(ask, str(self.office.socket))
        self.assertEqual(("", wire.DENIED), (who.client, status))

    def test_name_that_somebody_chose_below_a_unit_is_not_its_name(self):
        who, status = self.ask_in(f"zegel-test-{os.getpid()}.scope", UNIT)
        self.assertEqual(("", f"zegel-test-{os.getpid()}.scope", wire.DENIED),
                         (who.client, who.unit, status))

    def test_another_user_in_the_unit_does_not_fit(self):
        other = people.Person(self.addCleanup, "unit-other")
        group = self.make_group(UNIT)
        who, status = other.do(ask, str(self.office.socket),
                               before=lambda: (group / "cgroup.procs").write_text("0"))
        self.assertEqual(("", UNIT, wire.DENIED), (who.client, who.unit, status))

    def ask_of_the_dead(self, between):
        """Somebody connects and ends before the agent looks; between() comes before that."""
        near, far = socket.socketpair()
        with near, far:
            os.kill(self.zegeld.pid, signal.SIGSTOP)
            try:
                deed = self.anna.start(ask_and_end, str(self.office.socket), near)
                deed.result()
                between(deed.pid)
            finally:
                os.kill(self.zegeld.pid, signal.SIGCONT)
            with Client.adopt(people.take_over(far)) as client:
                client.receive().check()
                who = wire.Who(client.receive().check())
                answer = client.receive()
        self.assertEqual(deed.pid, who.pid)
        self.assertEqual(("", None, None, True), (who.client, who.unit, who.exe, who.is_unclear))
        self.assertEqual((True, wire.DENIED), (answer.is_error, answer.fields[1][0]))
        self.zegeld.stop()
        text = (self.office.audit / "audit.jsonl").read_text(encoding="ascii")
        lines = [json.loads(line) for line in text.splitlines()]
        self.assertEqual([("", "peer-unclear", "DENIED")],
                         [(line["client"], line["rule"], line["status"])
                          for line in lines if line["kind"] == "refusal"])

    def test_who_has_ended_is_unclear(self):
        self.ask_of_the_dead(lambda pid: None)

    def test_number_of_who_has_ended_carries_no_unit(self):
        """Before Linux 6.5 only another user's process is told apart (docs/security.md)."""
        taker = self.anna
        if not kernel_names_the_process():
            taker = people.Person(self.addCleanup, "unit-taker")
        group = self.make_group(UNIT)
        self.ask_of_the_dead(lambda pid: self.take_number(taker, pid, group))

    def take_number(self, person, pid, group):
        """A process in the unit that has this number from now on."""
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        for _ in range(1000):
            NEXT_NUMBER.write_text(str(pid - 1), encoding="ascii")
            deed = person.start(tell_and_wait, far,
                                before=lambda: (group / "cgroup.procs").write_text("0"))
            if deed.pid == pid:
                self.addCleanup(deed.end)
                self.assertEqual(b"x", near.recv(1))
                return
            deed.end()
        self.fail("the number could not be had again")


CGROUPS = find_cgroups()

if __name__ == "__main__":
    people.needs_root()
    if CGROUPS is None:
        agent.skip("needs a cgroup2 hierarchy in which groups can be made")
    if not os.access(NEXT_NUMBER, os.W_OK):
        agent.skip("needs a kernel in which the next process number can be set")
    agent.main()
