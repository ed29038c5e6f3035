# SPDX-License-Identifier: Apache-2.0
"""Which invariant of the record broke: auditor.py RECORD LEDGER [--tally FILE].

RECORD is the directory of a record at rest: the agent has started and nothing is asked of
it, or it was stopped. LEDGER is what clients heard, a JSON object a line:

    connection, id    of the answer
    status            of the wire; the others only with OK
    sha256            of the seal
    claims            of the seal; the client had asked for a "nonce" of "connection.id"
    seal              itself, for some

--tally is a file with a line C_Sign for each call that reached the module.

I1  each call of C_Sign has an attempt in the record
I2  each seal that a client heard has an outcome, whose attempt fits the seal
I3  each attempt has exactly one end: an outcome or an orphan line
I4  the lines count from 1 without a gap, their hashes chain through all files, each says
    which attempt is the oldest without an end, and `zegel audit verify` finds no fault
I5  no attempt that came to a signature without a call of C_Sign
I7  each request is answered once, with its own seal
I8  a seal verifies, and lives 30 seconds around the time of its outcome
"""
import argparse
import datetime
import json
import sys
from pathlib import Path

import jwt

import chain
from agent import program, run
from tokens import Token

# Outcomes that only a signature can come to.
SIGNED = {"OK", "TIMEOUT", "BAD_SIGNATURE"}
LIFETIME_S = 30


class Record:
    """What a record says; complaints: what is wrong in itself."""

    def __init__(self, directory):
        self.complaints = []
        self.attempts = {}  # seq: members
        self.ends = {}      # seq of the attempt: members of its outcome or orphan line
        self.seals = {}     # SHA-256: members of the outcome
        self.kinds = {}     # kind: [members]
        self.n_lines = 0
        self._hash = chain.NOTHING
        self._open = {}
        self.files = chain.files(directory)
        try:
            for i, path in enumerate(self.files):
                self._read_file(i, path)
        except chain.Broken as broken:
            self.complain("I4", str(broken))
        for seq in self._open:
            self.complain("I3", f"attempt {seq} has no end")

    def complain(self, invariant, what):
        self.complaints.append(f"{invariant}: {what}")

    def _read_file(self, i, path):
        is_first = True
        for entry in chain.read_file(path):
            self._chain(entry)
            if is_first:
                self._check_begin(i, path, entry)
            is_first = False
            self._note(entry)
        if is_first and path.name != chain.CURRENT:
            raise chain.Broken(f"{path.name} has no line")

    def _chain(self, entry):
        if entry["seq"] != self.n_lines + 1:
            raise chain.Broken(f"line {entry['seq']} stands behind line {self.n_lines}")
        if entry["prev"] != self._hash:
            raise chain.Broken(f"line {entry['seq']} does not follow the one before")
        self.n_lines, self._hash = entry["seq"], entry["hash"]

    def _check_begin(self, i, path, entry):
        if path.name != chain.CURRENT and path.name != chain.older_name(entry["seq"]):
            raise chain.Broken(f"{path.name} begins with line {entry['seq']}")
        before = self.files[i - 1].name if i else None
        if (entry["file"] if entry["kind"] == "rotate" else None) != before:
            raise chain.Broken(f"line {entry['seq']} does not say that {before} was before it")

    def _note(self, entry):
        kind, seq = entry["kind"], entry["seq"]
        self.kinds.setdefault(kind, []).append(entry)
        if kind == "attempt":
            self.attempts[seq] = entry
            self._open[seq] = None
        if kind in ("outcome", "orphan"):
            self._end(entry)
        if entry["open"] != next(iter(self._open), seq):
            self.complain("I4", f"line {seq} says that {entry['open']} is the oldest open "
                                f"attempt, which is {next(iter(self._open), seq)}")

    def _end(self, entry):
        attempt = entry["attempt"]
        if attempt not in self.attempts:
            self.complain("I3", f"line {entry['seq']} ends {attempt}, which is no attempt")
        if attempt in self.ends:
            self.complain("I3", f"attempt {attempt} ends twice, again in line {entry['seq']}")
        self._open.pop(attempt, None)
        self.ends[attempt] = entry
        if entry.get("status") == "OK":
            self.seals[entry["seal"]] = entry


class Auditor:
    """may_miss: SHA-256 of seals that a power cut may have taken the outcome of."""

    def __init__(self, directory, answers, tally=None, may_miss=()):
        self.record = Record(directory)
        self.answers = answers
        self.tally = tally
        self.may_miss = may_miss
        self.missing = set()  # those of them that are

    def complain(self, invariant, what):
        self.record.complain(invariant, what)

    def judge(self):
        """All complaints, those of the record first."""
        self._ask_zegel()
        self._judge_calls()
        seen, jtis = set(), set()
        for answer in self.answers:
            place = f"{answer['connection']}.{answer['id']}"
            if place in seen:
                self.complain("I7", f"request {place} was answered twice")
            seen.add(place)
            if answer["status"] == 0:
                self._judge_seal(answer, place, jtis)
        return self.record.complaints

    def _ask_zegel(self):
        """A second opinion, by what users have."""
        done = run(program("zegel"), "audit", "verify", *self.record.files)
        if done.returncode != 0:
            self.complain("I4", f"zegel audit verify: {done.stdout}{done.stderr}".strip())

    def _judge_calls(self):
        if self.tally is None:
            return
        ends = self.record.ends.values()
        signed = sum(end.get("status") in SIGNED for end in ends)
        if self.tally > len(self.record.attempts):
            self.complain("I1", f"{self.tally} calls of C_Sign, but "
                                f"{len(self.record.attempts)} attempts")
        if self.tally < signed:
            self.complain("I5", f"{self.tally} calls of C_Sign, but {signed} signatures")

    def _judge_seal(self, answer, place, jtis):
        claims = answer["claims"]
        if claims["nonce"] != place:
            self.complain("I7", f"request {place} got the seal of {claims['nonce']}")
        if claims["jti"] in jtis:
            self.complain("I7", f"jti {claims['jti']} was given twice")
        jtis.add(claims["jti"])
        outcome = self.record.seals.get(answer["sha256"])
        if outcome is None and answer["sha256"] in self.may_miss:
            self.missing.add(answer["sha256"])
            return
        if outcome is None:
            self.complain("I2", f"the seal of request {place} has no outcome")
            return
        attempt = self.record.attempts.get(outcome["attempt"], {})
        if (attempt.get("jti"), attempt.get("aud")) != (claims["jti"], claims["aud"]):
            self.complain("I2", f"the attempt of the seal of request {place} is another's")
        self._judge_times(place, claims, outcome)
        if "seal" in answer:
            self._verify(place, answer["seal"])

    def _judge_times(self, place, claims, outcome):
        made = datetime.datetime.fromisoformat(outcome["time"]).timestamp()
        if claims["exp"] != claims["iat"] + LIFETIME_S:
            self.complain("I8", f"the seal of request {place} does not live 30 seconds")
        if not claims["iat"] <= made < claims["exp"]:
            self.complain("I8", f"the seal of request {place} was made outside its time")

    def _verify(self, place, text):
        seal = Token(text)
        try:
            # Whoever replays this is late: the times were judged by the record.
            seal.verify_with_pyjwt(options={"verify_exp": False})
        except jwt.InvalidTokenError as error:
            self.complain("I8", f"the seal of request {place}: {error}")


def read_ledger(path):
    with open(path, encoding="ascii") as file:
        return [json.loads(line) for line in file]


def read_tally(path):
    path = Path(path)
    return path.read_text(encoding="ascii").splitlines().count("C_Sign") if path.exists() else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("record")
    parser.add_argument("ledger")
    parser.add_argument("--tally")
    args = parser.parse_args()
    tally = None if args.tally is None else read_tally(args.tally)
    complaints = Auditor(args.record, read_ledger(args.ledger), tally).judge()
    print("\n".join(complaints) or "nothing is missing")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
