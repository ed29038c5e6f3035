# SPDX-License-Identifier: Apache-2.0
"""The disk under the record misbehaves while clients ask: not a seal without its record.

On zegeld-seam, whose disk fails as it is told (tests/seam). A read-only disk can be had no
other way: while a file is open for writing the kernel refuses to remount its file system
read-only (EBUSY). What a real full disk does is in test_full.py, what the real zegeld makes
of errors that strace injects in test_traced.py."""
import signal

import agent
import chain
import wire
from disk import DiskTest

UNAVAILABLE_EXIT, INTERNAL_EXIT = 69, 70


class Writes(DiskTest):
    """Errors that may be met again, and so are survived."""

    def suffer(self, *orders):
        """Under load; they pass by themselves."""
        self.start_under_load()
        self.office.order(*orders)
        self.wait_for(wire.UNAVAILABLE, 1)
        self.wait_for_seals()
        self.office.order()
        return self.end_and_judge()

    def test_error_that_lasts_stops_all_seals_until_it_ends(self):
        for error in ("EIO", "EROFS", "ENOSPC", "EDQUOT"):
            with self.subTest(error):
                self.office.order()
                self.start_under_load()
                self.office.order(f"write 1+ fail {error}")
                self.wait_for(wire.UNAVAILABLE, 20)
                sealed = self.ledger.counts[wire.OK]
                self.wait_for(wire.UNAVAILABLE, 50)
                self.assertEqual(sealed, self.ledger.counts[wire.OK])
                self.office.order()
                self.wait_for_seals()
                kinds = self.end_and_judge()
                self.assertIn("resumed", kinds)

    def test_error_that_comes_once_is_survived(self):
        self.assertEqual(1, len(self.suffer("write 1 fail EIO")["resumed"]))

    def test_full_disk_is_said_in_the_record(self):
        kinds = self.suffer("write 1 fail ENOSPC")
        self.assertEqual((1, 1), (len(kinds["full"]), len(kinds["resumed"])))

    def test_half_a_write_is_taken_back(self):
        self.suffer("write 1 short 100 EIO")
        self.assertFalse(self.has_said("torn tail"))

    def test_half_a_write_that_stays_is_taken_back_later(self):
        self.suffer("write 1 short 100 EIO", "truncate 1 fail EIO")
        self.assertFalse(self.has_said("torn tail"))

    def test_half_a_write_before_a_death_is_cut_off(self):
        self.start_under_load()
        self.office.order("write 1+ short 100 EIO", "truncate 1+ fail EIO")
        self.wait_for(wire.UNAVAILABLE, 1)
        self.zegeld.stop(signal.SIGKILL)
        self.end_load()
        self.office.order()
        self.start().stop()
        start = self.judge()["start"][-1]
        self.assertEqual(("crash", 100), (start["after"], start["cut"]))

    def test_short_writes_are_nobodys_business(self):
        self.start_under_load()
        self.office.order("write 1+ short 100 0")
        self.wait_for_seals()
        self.end_and_judge()
        self.assertEqual(0, self.ledger.counts[wire.UNAVAILABLE])

    def test_interrupted_write_is_nobodys_business(self):
        self.start_under_load()
        self.office.order("write 1 fail EINTR", "write 2 fail EINTR")
        self.wait_for_seals()
        self.end_and_judge()
        self.assertEqual(0, self.ledger.counts[wire.UNAVAILABLE])

    def die_with_open_attempts(self):
        """They are the last lines: no outcome can be written."""
        self.start_under_load()
        self.office.order("sync 1 delay 10000", "write 2 kill after")
        self.exit_code()
        self.end_load()

    def test_full_disk_at_the_start_is_no_end_while_there_is_a_reserve(self):
        self.die_with_open_attempts()
        self.office.order("write 1 fail ENOSPC")
        self.start()
        self.wait_for_word(wire.OK)
        self.zegeld.stop()
        kinds = self.judge()
        self.assertEqual((1, 1), (len(kinds["full"]), len(kinds["resumed"])))
        self.assertTrue(kinds["orphan"])

    def test_start_that_cannot_be_written_leaves_the_orphans_to_the_next(self):
        self.die_with_open_attempts()
        for error in ("ENOSPC", "EIO"):
            self.office.order(f"write 1+ fail {error}")
            self.zegeld = self.enterContext(self.office.launch())
            self.assertEqual(UNAVAILABLE_EXIT, self.exit_code())
        self.office.order()
        self.start().stop()
        self.assertTrue(self.judge()["orphan"])

    def test_space_that_cannot_be_set_aside_is_a_full_disk(self):
        self.start_under_load()
        self.office.order("reserve 1+ fail ENOSPC")
        # What was set aside before is used up first.
        self.wait_for(wire.UNAVAILABLE, 1)
        self.office.order()
        self.wait_for_seals()
        kinds = self.end_and_judge()
        self.assertEqual((1, 1), (len(kinds["full"]), len(kinds["resumed"])))


class Syncs(DiskTest):
    def test_sync_that_failed_is_never_tried_again(self):
        self.start_under_load()
        self.office.order("sync 1 fail EIO")
        self.assertEqual(INTERNAL_EXIT, self.exit_code())
        self.end_load()
        self.assert_said("sync failed")
        n_syncs = [facts["error"] for facts in self.office.operations("sync")]
        self.assertNotIn(0, n_syncs[n_syncs.index(5):])
        self.office.order()
        self.start().stop()
        # What was heard is there; what was not answered has an orphan line or its outcome.
        self.assertEqual("crash", self.judge()["start"][-1]["after"])

    def test_sync_that_fails_at_the_start_ends_it(self):
        for nth in (1, 2):
            with self.subTest(nth):
                self.office.order(f"sync {nth} fail EIO")
                self.zegeld = self.enterContext(self.office.launch())
                self.assertNotEqual(0, self.exit_code())
                self.assert_said("cannot open the record")

    def test_slow_sync_stops_seals_and_nothing_else(self):
        self.start()
        self.wait_for_word(wire.OK)
        self.office.order("sync 1 delay 5000")
        with wire.Client(str(self.office.socket)) as client:
            client.send(self.request(2, timeout_ms=1000))
            # Behind it, and answered before it.
            client.send(wire.message((1, 3), (wire.HEALTH, b"")))
            health, late = client.receive(), client.receive()
        self.assertEqual((3, wire.HEALTH), (health.id, health.kind))
        self.assertEqual((2, True), (late.id, late.is_error))
        self.assertEqual(wire.UNAVAILABLE, late.fields[1][0])
        self.wait_until_said("the disk does not answer")
        self.assertEqual(wire.UNAVAILABLE, self.ask())
        self.assertFalse(self.has_said("the disk answers again"))
        self.wait_for_word(wire.OK)
        self.assert_said("the disk answers again")
        self.zegeld.stop()
        # The seal that nobody could wait for is no secret.
        self.assertEqual(1, len(self.judge()["undelivered"]))

    def test_slow_syncs_under_load_lose_nothing(self):
        self.start_under_load()
        self.office.order("sync 1+ delay 300")
        self.wait_for_seals(50)
        self.office.order()
        self.end_and_judge()
        self.assertEqual(0, self.ledger.counts[wire.UNAVAILABLE])


class Rotation(DiskTest):
    """Each of its steps fails: the record goes on, in the old file or in a new one."""

    def rotate(self, *orders):
        """Under load, and soon."""
        self.pad(40000)
        self.office.order(*orders)
        self.start_load()

    def survive(self, *orders):
        self.rotate(*orders)
        self.wait_for(wire.UNAVAILABLE, 1)
        self.office.order()
        self.wait_for_seals()
        kinds = self.end_and_judge()
        self.assertEqual(1, len(kinds["rotate"]))

    def test_rotation_loses_nothing(self):
        self.rotate()
        self.wait_for_seals(100)
        self.assertEqual(1, len(self.end_and_judge()["rotate"]))
        self.assertEqual(0, self.ledger.counts[wire.UNAVAILABLE])

    def test_older_file_keeps_no_space_that_was_set_aside(self):
        self.rotate()
        self.wait_for_seals(100)
        self.end_load()
        facts = (self.office.audit / chain.older_name(1)).stat()
        self.assertLess(facts.st_blocks * 512 - facts.st_size, 65536)

    def test_slow_rotation_is_one_rotation(self):
        self.rotate("rename 1 delay 300")
        self.wait_for_seals(100)
        self.assertEqual(1, len(self.end_and_judge()["rotate"]))

    def test_file_that_cannot_be_renamed_is_gone_on_with(self):
        for error in ("EIO", "ENOSPC"):
            with self.subTest(error):
                self.setUp()
                self.rotate(f"rename 1+ fail {error}")
                self.wait_until_said("the record cannot begin a new file")
                self.wait_for_seals()
                self.end_load()
                self.zegeld.stop()
                self.assertNotIn("rotate", self.judge())
                self.office.order()
                self.start().stop()
                self.judge()

    def test_new_file_that_cannot_be_made(self):
        for error in ("EIO", "ENOSPC"):
            with self.subTest(error):
                self.setUp()
                self.survive(f"create 1+ fail {error}")

    def test_new_file_that_cannot_be_written(self):
        self.rotate("rename 1 kill after")
        self.exit_code()
        self.end_load()
        self.office.order("write 1 fail EIO")
        self.zegeld = self.enterContext(self.office.launch())
        self.assertNotEqual(0, self.exit_code())
        self.office.order()
        self.start().stop()
        self.judge()

    def test_directory_that_cannot_be_synced(self):
        """As with a file: nobody knows what a second try would prove."""
        # The first one is the start's.
        self.rotate("sync-directory 2 fail EIO")
        self.assertEqual(INTERNAL_EXIT, self.exit_code())
        self.end_load()
        self.assert_said("sync failed")
        self.office.order()
        self.start().stop()
        self.judge()


if __name__ == "__main__":
    agent.main()
