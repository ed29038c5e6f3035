# SPDX-License-Identifier: Apache-2.0
"""The head of the record, sealed now and then with a key: judged by OpenSSL alone."""
import base64
import hashlib
import json

import agent
import wire
from agent import AUDIENCE, Folder, must_run, wait_until
from office import Office
from wire import Client

LINES = 20


class Checkpoint(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)
        self.office.make_token("good")

    def start(self, *words):
        self.office.configure("".join(f"{word}\n" for word in words), self.office.listen(),
                              self.office.token("good"), self.office.key("good"),
                              self.office.client("good"))
        return self.enterContext(self.office.start())

    def seal(self, n):
        with Client(str(self.office.socket)) as client:
            for i in range(1, n + 1):
                client.ask(wire.seal(i, "good", "dsgo-auth", wire.dsgo_auth(AUDIENCE))).check()

    def lines(self):
        text = (self.office.audit / "audit.jsonl").read_text(encoding="ascii")
        return [json.loads(line) for line in text.splitlines()]

    def notes(self):
        return [line for line in self.lines() if line["kind"] == "checkpoint"]

    def public_key(self):
        return must_run("openssl", "x509", "-in", self.folder / "good.pem", "-noout", "-pubkey")

    def verify(self, note):
        """The note's text, when OpenSSL finds its signature good."""
        text, signatures = note.split("\n\n")
        dash, name, value = signatures.rstrip("\n").split(" ")
        self.assertEqual(("\u2014", "good"), (dash, name))
        raw = base64.b64decode(value, validate=True)
        der = must_run("openssl", "pkey", "-pubin", "-outform", "DER", "-in",
                       self.office.write("key.pem", self.public_key()), text=False)
        key_id = hashlib.sha256(b"good\n\xffzegel-RS256" + der).digest()[:4]
        self.assertEqual(key_id, raw[:4])
        (self.folder / "sig").write_bytes(raw[4:])
        self.office.write("text", text + "\n")
        self.assertIn("Verified OK", must_run(
            "openssl", "dgst", "-sha256", "-verify", self.folder / "key.pem", "-signature",
            self.folder / "sig", self.folder / "text"))
        return text.split("\n")

    def test_a_checkpoint_seals_the_head_of_the_record(self):
        self.start("checkpoint-key = good", f"checkpoint-lines = {LINES}",
                   "checkpoint-minutes = 0")
        self.seal(2 * LINES)
        wait_until(lambda: len(self.notes()) >= 2, "there are two checkpoints")
        by_seq = {line["seq"]: line for line in self.lines()}
        for line in self.notes():
            origin, seq, head = self.verify(line["note"])
            self.assertEqual("zegel/audit", origin)
            self.assertEqual(base64.b64decode(head).hex(), by_seq[int(seq)]["hash"])
            attempt = by_seq[line["attempt"]]
            self.assertEqual(("attempt", "checkpoint", ""),
                             (attempt["kind"], attempt["profile"], attempt["client"]))

    def zegel(self, *words):
        return agent.run(agent.program("zegel"), "audit", *words, env={
            "ZEGEL_OFFICER_SOCKET": str(self.folder / "officer.sock")})

    def test_an_officer_keeps_one_and_holds_it_against_the_record(self):
        self.start("checkpoint-key = good", f"checkpoint-lines = {LINES}")
        self.assertEqual(69, self.zegel("checkpoint").returncode)
        self.seal(LINES)
        wait_until(self.notes, "there is a checkpoint")
        done = self.zegel("checkpoint")
        self.assertEqual((0, self.notes()[-1]["note"]), (done.returncode, done.stdout))
        note = self.office.write("note", done.stdout)
        judge = ("verify", "--checkpoint", note, "--certificate", self.folder / "good.pem")
        good = self.zegel(*judge)
        self.assertEqual(0, good.returncode, good.stdout + good.stderr)
        # Somebody cuts what was sealed and writes on as if nothing had been.
        seq = int(done.stdout.split("\n")[1])
        record = (self.office.audit / "audit.jsonl").read_bytes().splitlines(True)
        cut = self.folder / "audit.jsonl"
        cut.write_bytes(b"".join(record[:seq - 1]))
        bad = self.zegel(*judge, cut)
        self.assertEqual(1, bad.returncode, bad.stdout + bad.stderr)
        self.assertEqual(0, self.zegel("verify", cut).returncode)

    def test_the_log_has_it_too(self):
        self.start("checkpoint-key = good", f"checkpoint-lines = {LINES}")
        self.seal(LINES)
        wait_until(self.notes, "there is a checkpoint")
        signature = self.notes()[0]["note"].split()[-1]
        wait_until(lambda: signature in self.office.log.read_text(encoding="ascii"),
                   "the log has it")

    def test_none_follows_from_its_own_lines(self):
        self.start("checkpoint-key = good", "checkpoint-lines = 1", "checkpoint-minutes = 0")
        self.seal(3)
        wait_until(self.notes, "there is a checkpoint")
        with Client(str(self.office.socket)) as client:
            wait_until(lambda: self.is_settled(client), "no line follows from a line")

    def is_settled(self, client):
        """Whether the record stays as it is while the agent has many turns."""
        n = len(self.lines())
        for i in range(1, 50):
            client.ask(wire.message((1, i), (7, b""))).check()
        return len(self.lines()) == n and self.lines()[-1]["kind"] == "checkpoint"

    def test_without_a_key_there_is_none(self):
        self.start()
        self.seal(2 * LINES)
        self.assertEqual([], self.notes())

    def test_no_client_can_ask_for_one(self):
        self.start("checkpoint-key = good")
        with Client(str(self.office.socket)) as client:
            answer = client.ask(wire.seal(1, "good", "checkpoint",
                                          wire.digest_input(b"x" * 32)))
        self.assertTrue(answer.is_error)
        self.assertEqual(wire.UNSUPPORTED, answer.fields[1][0])

    def test_a_checkpoint_may_wait_for_a_locked_token(self):
        self.office.write("good.pin", "999999")
        zegeld = self.start("checkpoint-key = good", "checkpoint-lines = 1")
        wait_until(lambda: "token locked" in self.office.log.read_text(encoding="ascii"),
                   "the token is locked")
        for i in range(1, 20):
            with Client(str(self.office.socket)) as client:
                client.ask(wire.seal(i, "nope", "dsgo-auth", wire.dsgo_auth(AUDIENCE)))
        self.assertIsNone(zegeld.process.poll())
        self.assertEqual([], self.notes())
        warnings = self.office.log.read_text(encoding="ascii").count("no checkpoint")
        self.assertEqual(1, warnings)


if __name__ == "__main__":
    agent.main()
