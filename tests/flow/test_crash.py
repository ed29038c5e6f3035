# SPDX-License-Identifier: Apache-2.0
"""Whatever a client heard is in the record, though the agent was killed a thousand times.

On zegeld-seam (tests/seam): zegeld itself but for the system calls of agent/util/disk.c.
60 deaths, with ZEGEL_TEST_FULL 1,000, or ZEGEL_TEST_KILLS: zero lost in N kills bounds the
rate at 3/N (95 %). That the tests would find something is shown by defects that are
planted: each must be found within DEFECT_KILLS_MAX."""
import os
from pathlib import Path

import agent
from agent import Folder
from crash import ROTATION, WHEN, Rig, Violation, draw_seed

MODULE = os.environ["ZEGEL_FAULT_MODULE"]
KILLS_FULL, KILLS, KILLS_MIN = 1000, 60, 15
DEFECT_KILLS_MAX = 200
SEED = draw_seed()


def n_kills():
    text = os.environ.get("ZEGEL_TEST_KILLS")
    if text:
        return int(text)
    return KILLS_FULL if os.environ.get("ZEGEL_TEST_FULL") else KILLS


class Crash(Folder):
    def rig(self, **options):
        # The name makes each test's schedule its own, and the same whichever are run.
        return Rig(Path(self.folder), MODULE, f"{SEED} {self.id()}", **options)

    def survive(self, part=1, **options):
        rig = self.rig(**options)
        rig.run(max(KILLS_MIN, n_kills() // part))
        print(rig.summary(), flush=True)
        self.assertGreater(rig.n_sealed, 0)
        if rig.n_kills == KILLS_FULL:
            self.assertGreater(rig.n_rotations, 10)
            self.assertGreater(rig.n_cut, 10)
        return rig

    def rotate(self, **options):
        """What was ordered is what ends each life: the load would go on for a minute."""
        rig = self.rig(**options)
        for step in ROTATION:
            for when in WHEN:
                rig.die_in_rotation(f"{step} kill {when}")
        print(rig.summary(), flush=True)
        self.assertEqual(0, rig.n_lost)
        self.assertEqual(len(ROTATION) * len(WHEN), rig.n_deaths_as_ordered)

    def find(self, invariant, **options):
        """What a lie does is seen in several ways; the one that we ask for is among them."""
        rig = self.rig(**options)
        while rig.n_kills < DEFECT_KILLS_MAX:
            try:
                rig.run(DEFECT_KILLS_MAX)
            except Violation as found:
                if f"\n{invariant}: " in str(found):
                    print(f"{options['defect']}: found after {rig.n_kills} kills", flush=True)
                    return
        self.fail(f"{options['defect']}: not found by {rig.n_kills} kills")

    def test_death_of_the_agent_loses_nothing(self):
        self.assertEqual(0, self.survive().n_lost)

    def test_power_cut_loses_nothing(self):
        self.assertEqual(0, self.survive(amnesia=True).n_lost)

    def test_death_of_the_agent_loses_nothing_of_an_interval(self):
        self.assertEqual(0, self.survive(part=4, sync="interval").n_lost)

    def test_power_cut_loses_of_an_interval_only_what_was_not_synced(self):
        self.survive(part=4, sync="interval", amnesia=True)

    def test_death_at_each_step_of_a_rotation_loses_nothing(self):
        self.rotate()

    def test_power_cut_at_each_step_of_a_rotation_loses_nothing(self):
        self.rotate(amnesia=True)

    def test_release_before_the_write_is_found(self):
        self.find("I2", defect="release-first", counts_calls=False)

    def test_job_before_the_write_is_found(self):
        self.find("I1", defect="release-first")

    def test_missing_sync_is_found(self):
        self.find("I2", defect="no-sync", amnesia=True)

    def test_missing_sync_of_the_directory_after_a_rotation_is_found(self):
        self.find("I2", defect="no-directory-sync", amnesia=True, only_rotation=True)


if __name__ == "__main__":
    agent.main()
