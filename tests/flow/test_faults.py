# SPDX-License-Identifier: Apache-2.0
"""What clients see of a module that crashes, hangs or lies: as little as can be.

The module is SoftHSM behind tests/unit/worker_module.c, with one fault at will; each new
worker counts its calls anew."""
import os

import agent
import wire
from agent import AUDIENCE, Folder, descendants, wait_until
from office import Office
from tokens import Token
from wire import Client

MODULE = os.environ["ZEGEL_FAULT_MODULE"]
ALWAYS = 1000000


class Faults(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)
        self.office.make_token("faulty")

    def start(self, how, first=1, count=ALWAYS, **more):
        """A zegeld whose only token strikes at C_Sign; FAULT_TALLY counts all tries."""
        faults = {"FAULT_CALL": "C_Sign", "FAULT_FROM": first, "FAULT_COUNT": count,
                  "FAULT_HOW": how, "FAULT_TALLY": self.folder / "tally", **more}
        environment = [f"{name}={value}" for name, value in faults.items()]
        self.office.configure(
            "line-max = 2\n", self.office.listen(),
            self.office.token("faulty", module=MODULE, environment=environment, deadline=2),
            self.office.key("faulty"), self.office.client("faulty"))
        self.zegeld = self.enterContext(self.office.start())
        self.client = self.enterContext(Client(str(self.office.socket)))

    def ask(self, request_id):
        return self.client.ask(wire.seal(request_id, "faulty", "dsgo-auth",
                                         wire.dsgo_auth(AUDIENCE)))

    def seal(self, n):
        """All n seals come, good and different, as if there were no fault."""
        seals = [self.ask(i).check()[1][0].decode() for i in range(1, n + 1)]
        jtis = {Token(seal).verify_with_pyjwt()["jti"] for seal in seals}
        self.assertEqual(n, len(jtis))

    def refusal(self):
        answer = self.ask(1)
        self.assertTrue(answer.is_error)
        return answer.fields[1][0]

    def tally(self, call):
        lines = (self.folder / "tally").read_text(encoding="ascii").splitlines()
        return lines.count(call)

    def said(self, text):
        return text in self.office.log.read_text(encoding="ascii")

    def test_crash_at_every_second_signature_is_seen_by_nobody(self):
        self.start("crash", first=2, count=1)
        self.seal(10)

    def test_hang_is_ended_by_the_worker_itself(self):
        self.start("hang", first=2, count=1)
        self.seal(3)
        self.assertTrue(self.said("took longer than"))

    def test_device_error_is_tried_again(self):
        self.start("answer", first=2, count=1, FAULT_RV="0x30")
        self.seal(5)

    def test_lost_session_is_replaced_without_a_login(self):
        self.start("answer", first=2, count=1, FAULT_RV="0xB3")
        self.seal(5)
        self.assertEqual(1, self.tally("C_Login"))

    def test_poison_is_given_three_times_and_no_more(self):
        self.start("crash")
        self.assertEqual(wire.INTERNAL, self.refusal())
        self.assertEqual(3, self.tally("C_Sign"))
        self.assertTrue(self.said("poison"))

    def test_wrong_signature_is_never_released(self):
        self.start("corrupt")
        self.assertEqual(wire.INTERNAL, self.refusal())
        self.assertEqual(3, self.tally("C_Sign"))
        self.assertTrue(self.said("does not verify"))
        # Three in a row: the token is out, and nobody waits for it.
        wait_until(lambda: self.refusal() == wire.UNAVAILABLE, "the token is out of service")
        self.assertEqual(3, self.tally("C_Sign"))

    def test_one_wrong_signature_costs_a_try_only(self):
        self.start("corrupt", first=2, count=1)
        self.seal(5)

    def test_signature_of_a_wrong_length_is_none(self):
        for how in ("short", "long"):
            with self.subTest(how):
                self.start(how, first=2, count=1)
                self.seal(3)
                self.zegeld.stop()

    def send(self, request_id, timeout_ms):
        self.client.send(wire.seal(request_id, "faulty", "dsgo-auth",
                                   wire.dsgo_auth(AUDIENCE), None, timeout_ms))

    def test_full_line_answers_busy_at_once(self):
        """One job is out, two wait; who comes then hears it before they do."""
        self.start("hang", first=2)
        self.seal(1)
        self.send(1, 30000)
        wait_until(lambda: self.tally("C_Sign") == 2, "the first job is out")
        for request_id in (2, 3, 4, 5):
            self.send(request_id, 30000)
        for request_id in (4, 5):
            answer = self.client.receive()
            self.assertEqual((request_id, wire.BUSY), (answer.id, answer.fields[1][0]))
            self.assertGreater(answer.fields[3][0], 0, "no hint when to come again")

    def test_deadline_of_the_client_holds_out_and_in_line(self):
        self.start("hang", first=2)
        self.seal(1)
        for request_id in (1, 2):
            self.send(request_id, 500)
        for answer in (self.client.receive(), self.client.receive()):
            self.assertEqual(wire.TIMEOUT, answer.fields[1][0])

    def test_other_tokens_do_not_notice(self):
        self.office.make_token("good")
        faults = ["FAULT_CALL=C_Initialize", "FAULT_FROM=1", "FAULT_COUNT=1",
                  "FAULT_HOW=hang"]
        self.office.configure(
            self.office.listen(),
            self.office.token("faulty", module=MODULE, environment=faults),
            self.office.token("good"), self.office.key("faulty"), self.office.key("good"),
            self.office.client("faulty", "good"))
        self.enterContext(self.office.start())
        with Client(str(self.office.socket)) as client:
            for i in range(1, 20):
                client.ask(wire.seal(i, "good", "dsgo-auth",
                                     wire.dsgo_auth(AUDIENCE))).check()

    def test_worker_ends_with_its_broker(self):
        self.start("hang", first=2)
        self.seal(1)
        workers = descendants(self.zegeld.pid, "zegel-token")
        self.zegeld.process.kill()
        self.zegeld.process.wait()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers),
                   "the worker is gone too")


if __name__ == "__main__":
    agent.main()
