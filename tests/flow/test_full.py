# SPDX-License-Identifier: Apache-2.0
"""The disk of the record is full, for real: a small tmpfs, and clients that go on asking."""

import agent
import chain
import wire
from disk import DiskTest
from mounts import fill, leave_the_others, mount_tmpfs, unmount
from seam import LastingOffice

KIB = 1024
UNAVAILABLE = 69


class Full(DiskTest):
    office_class = LastingOffice

    def make_small(self, size, words=""):
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mount_tmpfs(self.disk, size)
        self.addCleanup(unmount, self.disk)
        self.office.audit = self.disk / "record"
        self.office.audit.mkdir(mode=0o700)
        self.configure(words)

    def fill_and_free(self):
        """Others take all the space, and give it back."""
        fill(self.disk / "foreign")
        self.wait_for(wire.UNAVAILABLE, 50)
        sealed = self.ledger.counts[wire.OK]
        self.wait_for(wire.UNAVAILABLE, 50)
        self.assertEqual(sealed, self.ledger.counts[wire.OK])
        (self.disk / "foreign").unlink()
        self.wait_for_seals(50)

    def test_disk_that_others_fill(self):
        for size in (1024 * KIB, 2048 * KIB):
            with self.subTest(size):
                self.setUp()
                self.make_small(size)
                self.start_under_load()
                for _ in range(3):
                    self.fill_and_free()
                kinds = self.end_and_judge()
                self.assertEqual((3, 3), (len(kinds["full"]), len(kinds["resumed"])))
                self.assert_said("no space is left")

    def test_disk_that_the_record_fills(self):
        """The officer moves older files elsewhere; the chain goes on."""
        self.make_small(2300 * KIB, "audit-rotate-mib = 1\n")
        self.start_under_load()
        self.wait_for(wire.UNAVAILABLE, 50)
        kept = self.folder / "kept"
        kept.mkdir()
        for path in chain.files(self.office.audit)[:-1]:
            (kept / path.name).write_bytes(path.read_bytes())
            path.unlink()
        self.wait_for_seals(50)
        self.end_load()
        self.zegeld.stop()
        for path in chain.files(self.office.audit):
            (kept / path.name).write_bytes(path.read_bytes())
        kinds = self.judge(kept)
        self.assertEqual((1, 1), (len(kinds["full"]), len(kinds["resumed"])))

    def test_disk_that_is_full_at_the_start(self):
        self.make_small(1024 * KIB)
        fill(self.disk / "foreign")
        done = agent.run(*self.office.command("--foreground"))
        self.assertEqual(UNAVAILABLE, done.returncode)
        self.assertIn("no space is left", done.stderr)
        (self.disk / "foreign").unlink()
        self.start().stop()
        self.assertEqual("new", self.judge()["start"][0]["after"])

    def test_disk_that_is_full_when_it_starts_again(self):
        """The reserve that it kept is enough for that."""
        self.make_small(1024 * KIB)
        self.start_under_load()
        self.end_load()
        self.zegeld.stop()
        fill(self.disk / "foreign")
        self.start()
        self.wait_for_word(wire.UNAVAILABLE)
        (self.disk / "foreign").unlink()
        self.wait_for_word(wire.OK)
        self.zegeld.stop()
        self.judge()

    def test_disk_that_is_full_when_it_stops(self):
        """Also then what was heard is there."""
        self.make_small(1024 * KIB)
        self.start_under_load()
        fill(self.disk / "foreign")
        self.wait_for(wire.UNAVAILABLE, 50)
        self.end_load()
        self.zegeld.stop()
        (self.disk / "foreign").unlink()
        self.start().stop()
        self.assertEqual("crash", self.judge()["start"][-1]["after"])


if __name__ == "__main__":
    leave_the_others()
    agent.main()
