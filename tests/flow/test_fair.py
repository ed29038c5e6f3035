# SPDX-License-Identifier: Apache-2.0
"""A greedy client slows only itself.

The token is SoftHSM behind a gate: each signature waits until the test lets one through,
and a file has what is signed in the order in which it begins. So what is seen is who came
before whom, whatever the machine does meanwhile. The greedy client runs as another user."""
import os
import select

import agent
import wire
from agent import AUDIENCE, Folder, wait_until
from busy import GREEDY, Flood
from gate import Gate, digest_of
from office import Office
from wire import Client

MODULE = os.environ["ZEGEL_FAULT_MODULE"]
LINE_MAX = 40
# Two clients may use the key: each has a quarter of the line, and half of it is common.
GREEDY_MAX = LINE_MAX * 3 // 4
DENIED = "did:ishare:EU.NL.NTRNL-99999999"


class Kinds(Folder):
    def test_token_with_another_kind_of_key_is_not_held_up(self):
        """Who waits for the RSA key at the gate keeps nobody from the P-256 key."""
        office = Office(self.folder)
        office.make_token("rsa")
        office.make_token("ec", key_type="ec:p256")
        gate = self.enterContext(Gate(self.folder))
        office.configure(
            office.listen(),
            office.token("rsa", module=MODULE, deadline=60,
                         environment=gate.environment),
            office.token("ec"),
            'key "both" {\n', *(f"""
                on "{label}" {{
                    uri = "pkcs11:object={label}"
                    certificate = "{self.folder}/{label}.pem"
                }}""" for label in ("rsa", "ec")), "\n}\n",
            'client "root" {\n\tuser = "root"\n',
            '\tallow "raw" { key = "both" profile = "digest" }\n}\n')
        self.enterContext(office.start())
        with Client(str(office.socket)) as client:
            def ask(request_id, algorithm):
                client.send(wire.seal(request_id, "both", "digest",
                                      wire.digest_input(b"x" * 32), algorithm, 60000))

            for request_id in range(1, 5):
                ask(request_id, "RS256")
            for request_id in range(5, 10):
                ask(request_id, "ES256")
            ids = [client.receive().id for _ in range(5)]
            self.assertEqual({5, 6, 7, 8, 9}, set(ids))
            gate.let(4)
            for request_id in range(1, 5):
                answer = client.receive()
                self.assertEqual(request_id, answer.id)
                answer.check()


class Fair(Folder):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o711)
        self.office = Office(self.folder)
        self.office.make_token("slow")
        self.gate = self.enterContext(Gate(self.folder))

    def client_section(self, user, rules):
        return f'client "{user}" {{\n\tuser = "{user}"\n{rules}}}\n'

    def start(self, sessions, rule=""):
        """A zegeld with that many sessions; both clients may use the key."""
        rule = (f'\tallow "a" {{ key = "slow" profile = "dsgo-auth"'
                f' audience = "{AUDIENCE}" {rule} }}\n')
        self.office.configure(
            f"line-max = {LINE_MAX}\n",
            self.office.listen().replace("}", "\tmode = 0666\n}"),
            self.office.token("slow", module=MODULE, deadline=60, sessions=sessions,
                              environment=self.gate.environment),
            self.office.key("slow"), self.client_section(GREEDY, rule),
            self.client_section("root", rule))
        self.enterContext(self.office.start())
        self.client = self.enterContext(Client(str(self.office.socket)))
        self.next_id = 100

    def health(self):
        """How many wait, how many jobs are out, and how many seals were given."""
        self.next_id += 1
        found = self.client.ask(wire.message((1, self.next_id), (wire.HEALTH, b""))).check()
        return found[3][0], found[4][0], found[5][0]

    def wait_for(self, waiting, out):
        """So many wait and are out, and those that are out stand at the gate. Gives how
        many have ever begun."""
        def is_so():
            found = self.health()
            return (found[:2] == (waiting, out)
                    and len(self.gate.begun()) == found[1] + found[2])

        wait_until(is_so, f"{waiting} wait, {out} are out")
        return len(self.gate.begun())

    def send(self, audience=AUDIENCE):
        self.next_id += 1
        self.client.send(wire.seal(self.next_id, "slow", "dsgo-auth",
                                   wire.dsgo_auth(audience), None, 60000))

    def is_answered(self):
        return bool(select.select([self.client.socket], [], [], 0)[0])

    def let_through_until_answered(self):
        """One signature after another; each time one more begins, as the line is full."""
        while not self.is_answered():
            n_begun = len(self.gate.begun())
            self.gate.let()
            wait_until(lambda: len(self.gate.begun()) == n_begun + 1, "the next one begins")
        return self.client.receive()

    def check_beside_the_greedy(self, sessions):
        self.start(sessions)
        flood = self.enterContext(
            Flood(self.folder, self.office.socket, 0, AUDIENCE, "slow"))
        for _ in range(10):
            # As full as the greedy one can make it.
            n_begun = self.wait_for(GREEDY_MAX, sessions)
            self.send()
            self.assertEqual(n_begun, self.wait_for(GREEDY_MAX + 1, sessions))
            digest = digest_of(self.let_through_until_answered())
            place = [line.endswith(digest) for line in self.gate.begun()].index(True)
            # Begun as soon as one session had finished what it was working on.
            self.assertEqual(0, place - n_begun, "others were served in between")
        self.gate.let(1000)
        answers = flood.finish()
        self.assertGreater(answers[wire.BUSY], 0, "the greedy one never filled the line")
        self.assertGreater(answers[wire.OK], 0)
        self.assertEqual(sum(answers), answers[wire.BUSY] + answers[wire.OK])

    def test_modest_client_is_next_with_one_session(self):
        self.check_beside_the_greedy(1)

    def test_modest_client_is_next_with_two_sessions(self):
        self.check_beside_the_greedy(2)

    def test_modest_client_is_next_beside_100000_refusals(self):
        """It never ends before the modest one is served, so it cannot be waited out."""
        self.start(1)
        flood = self.enterContext(
            Flood(self.folder, self.office.socket, 100000, DENIED, "slow"))
        for _ in range(10):
            n_begun = len(self.gate.begun())
            self.send()
            self.wait_for(0, 1)
            self.gate.let()
            wait_until(self.is_answered, "the seal comes")
            digest = digest_of(self.client.receive())
            self.assertTrue(self.gate.begun()[n_begun].endswith(digest))
        answers = flood.finish()
        self.assertGreaterEqual(answers[wire.DENIED], 100000)
        self.assertEqual(sum(answers), answers[wire.DENIED])
        self.assertEqual(10, len(self.gate.begun()))


if __name__ == "__main__":
    if os.getuid() != 0:
        agent.skip("needs root, to run a client as another user")
    agent.main()
