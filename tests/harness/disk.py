# SPDX-License-Identifier: Apache-2.0
"""One agent under load while its record's disk misbehaves: what the tests of that share."""
import auditor
import chain
import wire
from agent import AUDIENCE, PATIENCE_S, Folder, wait_until
from ledger import Ledger, Service
from seam import SeamOffice

KEY = "seal"
N_SERVICES = 3
MIB = 1 << 20
# Longer than any wait of these tests: who hears a refusal before it heard it at once.
TIMEOUT_MS = 60000


class DiskTest(Folder):
    office_class = SeamOffice

    def setUp(self):
        super().setUp()
        self.office = self.office_class(self.folder)
        self.office.make_token(KEY)
        self.configure()
        self.ledger = Ledger(self.folder / "ledger")
        self.addCleanup(self.ledger.close)
        self.zegeld = None

    def configure(self, words=""):
        office = self.office
        office.configure(words, office.listen(), office.token(KEY), office.key(KEY),
                         office.client(KEY))

    # The agent

    def start(self):
        self.zegeld = self.enterContext(self.office.start())
        return self.zegeld

    def ask(self, request_id=2, timeout_ms=TIMEOUT_MS):
        """The wire's word for one try."""
        with wire.Client(str(self.office.socket)) as client:
            answer = client.ask(self.request(request_id, timeout_ms))
        return answer.fields[1][0] if answer.is_error else wire.OK

    @staticmethod
    def request(request_id, timeout_ms=TIMEOUT_MS):
        return wire.seal(request_id, KEY, "dsgo-auth", wire.dsgo_auth(AUDIENCE), None,
                         timeout_ms)

    def wait_for_word(self, status):
        wait_until(lambda: self.ask() == status, f"the agent answers {status}")

    def start_load(self):
        """A zegeld, and clients that ask from now on."""
        self.start()
        self.wait_for_word(wire.OK)
        self.services = [Service(self.ledger, self.office.socket, KEY, 4, TIMEOUT_MS)
                         for _ in range(N_SERVICES)]
        for service in self.services:
            service.start()
            self.addCleanup(service.stop)

    def start_under_load(self):
        """The same, and they get what they ask for."""
        self.start_load()
        self.wait_for_seals()

    def wait_for(self, status, n):
        """The clients hear n more answers of this word."""
        before = self.ledger.counts[status]
        wait_until(lambda: self.ledger.counts[status] >= before + n or not self.is_alive(),
                   f"the clients hear {status}")
        self.assertTrue(self.is_alive(), "the agent is dead")

    def wait_for_seals(self, n=20):
        self.wait_for(wire.OK, n)

    def is_alive(self):
        return self.zegeld.process.poll() is None

    def said(self):
        return self.office.log.read_text()

    def has_said(self, text):
        return text in self.said()

    def assert_said(self, text):
        self.assertTrue(self.has_said(text), f"the log does not say {text!r}")

    def wait_until_said(self, text):
        wait_until(lambda: self.has_said(text), f"the log says {text!r}")

    def end_load(self):
        for service in self.services:
            service.stop()
            self.assertIsNone(service.failure)

    def exit_code(self):
        return self.zegeld.process.wait(PATIENCE_S)

    # The record

    def kinds(self):
        """{kind: [members]} of the record now; lines may be on their way."""
        return auditor.Record(self.office.audit).kinds

    def judge(self, directory=None):
        """Nothing is missing, nothing is wrong; the agent was stopped or has just started."""
        judge = auditor.Auditor(directory or self.office.audit,
                                auditor.read_ledger(self.ledger.path))
        self.assertEqual([], judge.judge())
        return judge.record.kinds

    def end_and_judge(self):
        """The load ends, then the agent, in peace; and the next one agrees."""
        self.end_load()
        self.zegeld.stop()
        self.assertEqual(0, self.zegeld.process.returncode)
        self.judge()
        self.start().stop()
        return self.judge()

    def pad(self, missing):
        """The record begins with so many bytes less than those at which it rotates."""
        self.configure("audit-rotate-mib = 1\n")
        chain.pad(self.office.audit, MIB - missing)
