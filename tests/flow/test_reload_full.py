# SPDX-License-Identifier: Apache-2.0
"""What an officer does is recorded even when the disk is full: a reserve is kept for it."""
import ctypes
import os
import signal

import agent
import wire
from agent import AUDIENCE, Folder, run, wait_until
from office import Office
from officer import Officer, records
from wire import Client

CLONE_NEWNS = 0x20000
OTHER = "did:ishare:EU.NL.NTRNL-10000003"
SIZE = "4m"


def leave_the_others():
    """Mounts of our own, which end with us; the program is skipped where there are none."""
    if os.geteuid() != 0:
        agent.skip("needs root, to mount a small file system")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        agent.skip(f"no mounts of our own: {os.strerror(ctypes.get_errno())}")
    done = run("mount", "--make-rprivate", "/")
    if done.returncode != 0:
        agent.skip(f"no mounts of our own: {done.stderr.strip()}")


class FullDisk(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)
        self.office.make_token("good")
        agent.must_run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs",
                       self.office.audit)
        self.addCleanup(run, "umount", "--lazy", self.office.audit)
        self.allow(AUDIENCE)
        self.zegeld = self.enterContext(self.office.start())
        self.officer = self.enterContext(Officer(self.folder / "officer.sock"))
        self.client = self.enterContext(Client(str(self.office.socket)))
        wait_until(lambda: self.ask() == wire.OK, "the token is there")

    def allow(self, audience):
        office = self.office
        office.configure(office.listen(), office.token("good"), office.key("good"),
                         office.client("good").replace(
                             "dsgo-auth\"", f'dsgo-auth" audience = "{audience}"'))

    def ask(self, audience=AUDIENCE):
        answer = self.client.ask(wire.seal(7, "good", "dsgo-auth", wire.dsgo_auth(audience)))
        return answer.fields[1][0] if answer.is_error else wire.OK

    def fill(self):
        """To the last byte; what the record had set aside for seals is used up as well."""
        with open(self.office.audit / "filler", "wb", buffering=0) as filler:
            while True:
                try:
                    filler.write(b"x" * 4096)
                except OSError:
                    break
        while self.ask() == wire.OK:
            pass
        self.assertEqual(wire.UNAVAILABLE, self.ask())

    def acts(self):
        return [(line["act"], line["status"]) for line in records(self.office.audit)]

    def test_a_reload_has_its_line_and_comes_into_force(self):
        self.fill()
        self.allow(OTHER)
        self.assertTrue(self.officer.reload().is_done)
        self.assertEqual([("reload", "OK")], self.acts())
        self.assertEqual(wire.DENIED, self.ask())
        self.assertEqual(wire.UNAVAILABLE, self.ask(OTHER))
        self.assertIn("the record cannot be written: no space is left",
                      self.officer.explain("test", "good", "dsgo-auth", (4, OTHER)).text)

    def test_so_have_one_in_vain_one_by_signal_and_a_reading(self):
        self.fill()
        self.office.write("zegel.conf", "token {\n")
        self.assertFalse(self.officer.reload().is_done)
        self.zegeld.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.acts()) == 2, "the signal's reload is recorded")
        _, fd = self.officer.open_record()
        with os.fdopen(fd, "rb") as file:
            self.assertIn(b'"act":"read-record"', file.read().splitlines()[-1])
        self.assertEqual([("reload", "BAD_CONFIG")] * 2 + [("read-record", "OK")], self.acts())

    def test_with_space_again_it_goes_on_behind_them(self):
        self.fill()
        self.assertTrue(self.officer.reload().is_done)
        (self.office.audit / "filler").unlink()
        wait_until(lambda: self.ask() == wire.OK, "it seals again")
        kinds = [line["kind"] for line in records(self.office.audit, None)]
        self.assertLess(kinds.index("full"), kinds.index("officer"))
        self.assertLess(kinds.index("officer"), kinds.index("resumed"))
        done = run(agent.program("zegel"), "audit", "verify",
                   self.office.audit / "audit.jsonl")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    leave_the_others()
    agent.main()
