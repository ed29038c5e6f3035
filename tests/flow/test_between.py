# SPDX-License-Identifier: Apache-2.0
"""A start that finds the record between two files goes on in a new one that is whole."""
import agent
import wire
from agent import AUDIENCE, Folder, must_run, program
from office import Office
from wire import Client


class Between(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)
        self.office.make_token("good")
        self.office.configure_simply("good")
        with self.office.start(), Client(str(self.office.socket)) as client:
            client.ask(wire.seal(1, "good", "dsgo-auth", wire.dsgo_auth(AUDIENCE))).check()
        self.current = self.office.audit / "audit.jsonl"
        self.older = self.office.audit / f"audit-{1:020}.jsonl"

    def check(self):
        with self.office.start():
            pass
        kinds = [line.split('"kind":"')[1].split('"')[0]
                 for line in self.current.read_text(encoding="ascii").splitlines()]
        self.assertEqual(["rotate", "start", "stop"], kinds)
        for files in ([self.current], [self.current, self.older]):
            must_run(program("zegel"), "audit", "verify", *files)

    def test_without_a_current_file(self):
        self.current.rename(self.older)
        self.check()

    def test_with_an_empty_one(self):
        self.current.rename(self.older)
        self.office.write("audit/audit.jsonl", "")
        self.check()

    def test_with_one_that_holds_half_a_line(self):
        self.current.rename(self.older)
        self.office.write("audit/audit.jsonl", '{"seq":5,"ti')
        self.check()


if __name__ == "__main__":
    agent.main()
