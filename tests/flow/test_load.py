# SPDX-License-Identifier: Apache-2.0
"""Eight data services at once, and then with the token's process killed under them."""
import os
import signal
import unittest

import agent
from agent import Sandbox, descendants, wait_until
from busy import Crowd
from tokens import Token

CLIENTS = 8
ALL_WELL = [(0, "")] * CLIENTS


class Load(unittest.TestCase):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())

    def check(self, seals, n):
        self.assertEqual(n, len(seals))
        self.assertEqual(n, len({Token(seal).verify_with_pyjwt()["jti"] for seal in seals}))

    def test_every_seal_is_good_and_its_own(self):
        with Crowd(self.sandbox, CLIENTS, 500) as crowd:
            ends, seals = crowd.finish()
        self.assertEqual(ALL_WELL, ends)
        self.check(seals, CLIENTS * 500)

    def test_death_of_the_worker_is_seen_by_nobody(self):
        with Crowd(self.sandbox, CLIENTS, 500) as crowd:
            for _ in range(20):
                self.kill_worker(crowd)
            self.assertTrue(crowd.is_busy(), "the load was over before the last death")
            ends, seals = crowd.finish()
        self.assertEqual(ALL_WELL, ends)
        self.check(seals, CLIENTS * 500)

    def kill_worker(self, crowd):
        """Kills it while it works, and waits until its successor has sealed something."""
        workers = []

        def is_up():
            workers[:] = descendants(self.sandbox.pid, "zegel-token")
            return bool(workers)

        wait_until(is_up, "a worker runs")
        os.kill(workers[0], signal.SIGKILL)
        sealed = crowd.n_sealed()
        wait_until(lambda: crowd.n_sealed() > sealed + 2 * CLIENTS or not crowd.is_busy(),
                   "seals come again")


if __name__ == "__main__":
    agent.main()
