# SPDX-License-Identifier: Apache-2.0
"""The systemd unit of a client, by the cgroup that its process is in."""
import contextlib
import os
import time
from pathlib import Path

import agent
import people
import wire
from agent import AUDIENCE, PATIENCE_S, Folder
from office import Office
from wire import Client, Refused

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
        self.enterContext(self.office.start())

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


CGROUPS = find_cgroups()

if __name__ == "__main__":
    people.needs_root()
    if CGROUPS is None:
        agent.skip("needs a cgroup2 hierarchy in which groups can be made")
    agent.main()
