# SPDX-License-Identifier: Apache-2.0
"""What a rule allows how often and how many at a time, and how heavy a client is.

The token stands behind a gate, as in test_fair.py."""
import os
import time

import agent
import wire
from agent import AUDIENCE, Folder, wait_until
from busy import GREEDY, Flood
from gate import Gate, digest_of
from office import Office
from wire import Client

MODULE = os.environ["ZEGEL_FAULT_MODULE"]
OTHER = "did:ishare:EU.NL.NTRNL-99999999"


class Limits(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)
        self.office.make_token("key")
        self.next_id = 1

    def start(self, limits, **token):
        self.office.configure(
            self.office.listen(), self.office.token("key", **token), self.office.key("key"),
            'client "root" {\n\tuser = "root"\n'
            '\tallow "a" { key = "key" profile = "dsgo-auth"'
            f' audience = "{AUDIENCE}" {limits} }}\n}}\n')
        self.enterContext(self.office.start())
        return self.connect()

    def connect(self):
        return self.enterContext(Client(str(self.office.socket)))

    def send(self, client, n=1, audience=AUDIENCE):
        for _ in range(n):
            self.next_id += 1
            client.send(wire.seal(self.next_id, "key", "dsgo-auth",
                                  wire.dsgo_auth(audience), None, 60000))

    @staticmethod
    def words(client, n):
        """The words of the next n answers, and the largest hint when to try again."""
        answers = [client.receive() for _ in range(n)]
        words = [a.fields[1][0] if a.is_error else wire.OK for a in answers]
        return sorted(words), max(a.fields.get(3, [0])[0] if a.is_error else 0
                                  for a in answers)

    def test_burst_then_busy_until_the_given_time(self):
        client = self.start("rate = 1 burst = 3")
        self.send(client, 10)
        words, retry_after_ms = self.words(client, 10)
        self.assertEqual([wire.OK] * 3 + [wire.BUSY] * 7, words)
        self.assertIn(retry_after_ms, range(1, 1001))
        time.sleep(retry_after_ms / 1000)
        self.send(client, 1)
        self.assertEqual(([wire.OK], 0), self.words(client, 1))

    def test_refusals_cost_nothing_of_the_rate(self):
        client = self.start("rate = 1 burst = 3")
        self.send(client, 50, OTHER)
        self.send(client, 10, "")
        self.send(client, 4)
        words, _ = self.words(client, 64)
        self.assertEqual([wire.OK] * 3 + [wire.INVALID] * 10 + [wire.DENIED] * 50
                         + [wire.BUSY], words)

    def test_so_many_at_a_time_and_no_more(self):
        gate = self.enterContext(Gate(self.folder))
        client = self.start("concurrent = 2", module=MODULE, deadline=60,
                            environment=gate.environment)
        self.send(client, 3)
        self.assertEqual(wire.BUSY, self.words(client, 1)[0][0])
        gate.let(1)
        self.assertEqual([wire.OK], self.words(client, 1)[0])
        self.send(client, 2)
        self.assertEqual([wire.BUSY], self.words(client, 1)[0])
        gate.let(2)
        self.assertEqual([wire.OK] * 2, self.words(client, 2)[0])

    def test_job_of_a_client_that_left_counts_until_the_token_is_done(self):
        gate = self.enterContext(Gate(self.folder))
        client = self.start("concurrent = 1", module=MODULE, deadline=60,
                            environment=gate.environment)
        with Client(str(self.office.socket)) as lost:
            self.send(lost)
            wait_until(lambda: len(gate.begun()) == 1, "its job is at the token")
        for _ in range(20):
            self.send(client)
            self.assertEqual([wire.BUSY], self.words(client, 1)[0])
        gate.let(2)

        def is_served():
            self.send(client)
            return self.words(client, 1)[0] == [wire.OK]

        wait_until(is_served, "the lost job is done")
        self.assertEqual(2, len(gate.begun()))

    def test_waiting_request_of_a_client_that_left_counts_no_more(self):
        gate = self.enterContext(Gate(self.folder))
        client = self.start("concurrent = 2", module=MODULE, deadline=60,
                            environment=gate.environment)
        self.send(client)
        wait_until(lambda: len(gate.begun()) == 1, "the first job is at the token")
        with Client(str(self.office.socket)) as lost:
            self.send(lost)
            wait_until(lambda: lost.ask(wire.message((1, 1000), (wire.HEALTH, b"")))
                       .check()[3][0] == 1, "one waits")
            self.send(client)
            self.assertEqual([wire.BUSY], self.words(client, 1)[0])

        def is_let_in():
            found = client.ask(wire.message((1, 1000), (wire.HEALTH, b""))).check()
            return found[3][0] == 0

        wait_until(is_let_in, "nobody waits")
        self.send(client)
        gate.let(2)
        self.assertEqual([wire.OK] * 2, self.words(client, 2)[0])


class Weights(Folder):
    def test_weight_is_a_share_of_the_turns(self):
        """Three of the heavy one, one of the light one, as long as both wait."""
        self.folder.chmod(0o711)
        office = Office(self.folder)
        office.make_token("key")
        gate = self.enterContext(Gate(self.folder))
        rule = '\tallow "a" { key = "key" profile = "dsgo-auth" }\n}\n'
        office.configure(
            office.listen().replace("}", "\tmode = 0666\n}"),
            office.token("key", module=MODULE, deadline=60, environment=gate.environment),
            office.key("key"),
            f'client "heavy" {{\n\tuser = "{GREEDY}"\n\tweight = 3\n{rule}',
            f'client "light" {{\n\tuser = "root"\n{rule}')
        self.enterContext(office.start())
        client = self.enterContext(Client(str(office.socket)))
        flood = self.enterContext(Flood(self.folder, office.socket, 0, AUDIENCE, "key"))
        wait_until(lambda: len(gate.begun()) == 1, "the heavy one is at the token")
        for request_id in range(2, 7):
            client.send(wire.seal(request_id, "key", "dsgo-auth", wire.dsgo_auth(AUDIENCE),
                                  None, 60000))
        wait_until(lambda: client.ask(wire.message((1, 1000), (wire.HEALTH, b"")))
                   .check()[3][0] > 700, "the line is long")
        gate.let(30)
        digests = [digest_of(client.receive()) for _ in range(5)]
        begun = gate.begun()
        places = [next(i for i, line in enumerate(begun) if line.endswith(digest))
                  for digest in digests]
        # The heavy one had had one turn of the first round when the light one came.
        self.assertEqual([3, 4, 4, 4], [b - a for a, b in zip(places, places[1:])])
        gate.let(2000)
        flood.finish()


if __name__ == "__main__":
    if os.getuid() != 0:
        agent.skip("needs root, to run a client as another user")
    agent.main()
