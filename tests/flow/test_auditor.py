# SPDX-License-Identifier: Apache-2.0
"""The auditor finds what it is there for: each defect is planted and must be named.

Records and ledgers are made by hand here; no agent runs."""
import base64
import datetime
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import agent
import auditor
import chain
from agent import AUDIENCE, Folder

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
IAT = int(datetime.datetime.fromisoformat(chain.TIME).timestamp()) - 1
OTHER_HASH = hashlib.sha256(b"another").hexdigest()


def make_certificate():
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    return (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(KEY.public_key()).serial_number(1).not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=1)).sign(KEY, hashes.SHA256()))


X5C = [base64.b64encode(make_certificate().public_bytes(serialization.Encoding.DER)).decode()]


class World:
    """What was recorded and heard: two seals, an orphan, two files. To be spoilt."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.ledger = [self.hear(request_id) for request_id in (2, 3)]
        first, second = self.ledger
        self.files = {
            chain.older_name(1): [
                ("start", {"after": "new"}),
                ("attempt", self.attempt(first)),
                ("attempt", self.attempt(second)),
                ("outcome", {"attempt": 2, "status": "OK", "seal": first["sha256"]}),
                ("attempt", {"jti": "lost", "aud": AUDIENCE})],
            chain.CURRENT: [
                ("rotate", {"file": chain.older_name(1)}),
                ("outcome", {"attempt": 3, "status": "OK", "seal": second["sha256"]}),
                ("start", {"after": "crash"}),
                ("orphan", {"attempt": 5})]}
        self.tally = 3
        self.spoil = lambda path: None

    @staticmethod
    def hear(request_id):
        claims = {"aud": AUDIENCE, "iat": IAT, "exp": IAT + 30, "jti": f"jti-{request_id}",
                  "nonce": f"1.{request_id}"}
        return World.seal({"connection": 1, "id": request_id, "status": 0}, claims)

    @staticmethod
    def seal(answer, claims):
        text = jwt.encode(claims, KEY, "RS256", headers={"x5c": X5C})
        return {**answer, "claims": claims, "seal": text,
                "sha256": hashlib.sha256(text.encode()).hexdigest()}

    @staticmethod
    def attempt(answer):
        return {name: answer["claims"][name] for name in ("jti", "aud")}

    def line(self, name, number):
        """(kind, members) of a line, to be changed."""
        return self.files[name][number][1]

    def judge(self):
        record = self.folder / "record"
        record.mkdir()
        writer = chain.Writer()
        for name, lines in self.files.items():
            (record / name).write_bytes(
                b"".join(writer.line(kind, **members) for kind, members in lines))
        self.spoil(record)
        return auditor.Auditor(record, self.ledger, self.tally).judge()


OLDER = chain.older_name(1)
DEFECTS = []
BY_ZEGEL = "I4: zegel audit verify: "
# Older files may be moved away, oldest first; and a name is no part of the chain.
NOT_BY_ZEGEL = {"first_file_that_is_missing", "rotation_that_names_another_file"}


def defect(invariant):
    """A function that spoils the world; its name is what is wrong."""
    def note(function):
        DEFECTS.append((invariant, function))
        return function
    return note


@defect("I1")
def call_without_attempt(world):
    world.tally += 1


@defect("I5")
def signature_without_call(world):
    world.tally = 1


@defect("I2")
def seal_without_outcome(world):
    world.line(chain.CURRENT, 1).update(status="LOST")


@defect("I2")
def seal_of_other_bytes(world):
    world.line(chain.CURRENT, 1).update(seal=OTHER_HASH)


@defect("I2")
def outcome_that_points_to_another_attempt(world):
    world.line(OLDER, 3).update(attempt=3)
    world.line(chain.CURRENT, 1).update(attempt=2)


@defect("I2")
def attempt_for_another_audience(world):
    world.line(OLDER, 1).update(aud="did:ishare:EU.NL.NTRNL-10000009")


@defect("I3")
def attempt_without_end(world):
    world.files[chain.CURRENT].pop()


@defect("I3")
def attempt_with_two_ends(world):
    world.files[chain.CURRENT].append(("orphan", {"attempt": 2}))


@defect("I3")
def end_of_nothing(world):
    world.files[chain.CURRENT].append(("orphan", {"attempt": 1}))


@defect("I7")
def request_that_is_answered_twice(world):
    world.ledger.append({"connection": 1, "id": 2, "status": 6})


@defect("I7")
def seals_that_were_swapped(world):
    first, second = world.ledger
    first["id"], second["id"] = second["id"], first["id"]


@defect("I7")
def seal_that_was_given_twice(world):
    world.ledger[1] = {**world.ledger[0], "id": 3}
    world.ledger[1]["claims"] = {**world.ledger[0]["claims"], "nonce": "1.3"}


def change_claims(world, **claims):
    """Of the first seal, in all places."""
    answer = world.ledger[0]
    world.ledger[0] = world.seal(answer, {**answer["claims"], **claims})
    world.line(OLDER, 3).update(seal=world.ledger[0]["sha256"])


@defect("I8")
def seal_that_lives_too_long(world):
    change_claims(world, exp=IAT + 31)


@defect("I8")
def seal_from_the_future(world):
    change_claims(world, iat=IAT + 2, exp=IAT + 32)


@defect("I8")
def seal_that_was_dead_when_it_was_made(world):
    change_claims(world, iat=IAT - 30, exp=IAT)


@defect("I8")
def seal_that_does_not_verify(world):
    answer = world.ledger[0]
    head, claims, signature = answer["seal"].split(".")
    first = "B" if signature[0] == "A" else "A"
    answer["seal"] = f"{head}.{claims}.{first}{signature[1:]}"


def change_lines(name, change):
    """Spoils the bytes of a file, given its lines."""
    def spoil(record):
        path = record / name
        lines = path.read_bytes().split(b"\n")[:-1]
        path.write_bytes(b"".join(line + b"\n" for line in change(lines)))
    return spoil


@defect("I4")
def line_that_was_changed(world):
    world.spoil = change_lines(OLDER, lambda lines: [
        line.replace(b"jti-2", b"jti-9") for line in lines])


@defect("I4")
def line_that_was_taken_out(world):
    world.spoil = change_lines(OLDER, lambda lines: lines[:2] + lines[3:])


@defect("I4")
def lines_that_were_swapped(world):
    world.spoil = change_lines(OLDER, lambda lines: [lines[0], lines[2], lines[1], *lines[3:]])


@defect("I4")
def line_that_stands_twice(world):
    world.spoil = change_lines(OLDER, lambda lines: lines + lines[-1:])


@defect("I4")
def line_of_another_chain(world):
    other = chain.Writer(seq=4, last=OTHER_HASH)
    line = other.line("attempt", jti="lost", aud=AUDIENCE)[:-1]
    world.spoil = change_lines(OLDER, lambda lines: lines[:4] + [line])


@defect("I4")
def line_in_another_form(world):
    world.spoil = change_lines(OLDER, lambda lines: [
        json.dumps(json.loads(line)).encode() for line in lines])


@defect("I4")
def torn_tail(world):
    def spoil(record):
        path = record / chain.CURRENT
        path.write_bytes(path.read_bytes()[:-10])
    world.spoil = spoil


@defect("I4")
def zeros(world):
    world.spoil = change_lines(chain.CURRENT, lambda lines: [*lines, b"\0" * 100])


@defect("I4")
def first_file_that_is_missing(world):
    world.spoil = lambda record: (record / OLDER).unlink()


@defect("I4")
def file_with_the_name_of_another(world):
    world.spoil = lambda record: (record / OLDER).rename(record / chain.older_name(2))


@defect("I4")
def rotation_that_names_another_file(world):
    world.line(chain.CURRENT, 0).update(file=chain.older_name(2))


@defect("I4")
def line_that_hides_an_open_attempt(world):
    class Liar(chain.Writer):
        def line(self, kind, **members):
            self.open = {}
            return super().line(kind, **members)

    def spoil(record):
        writer = Liar()
        for name, lines in world.files.items():
            (record / name).write_bytes(
                b"".join(writer.line(kind, **members) for kind, members in lines))
    world.spoil = spoil


class Auditor(Folder):
    def test_nothing_is_wrong_with_what_is_right(self):
        self.assertEqual([], World(self.folder).judge())

    def test_each_defect_is_named(self):
        """Also without zegel's opinion, which is asked for on top."""
        for invariant, spoil in DEFECTS:
            with self.subTest(spoil.__name__):
                self.setUp()
                world = World(self.folder)
                spoil(world)
                complaints = world.judge()
                named = {text.split(":")[0] for text in complaints
                         if not text.startswith(BY_ZEGEL)}
                self.assertIn(invariant, named)
                if invariant == "I4":
                    self.assertEqual(spoil.__name__ not in NOT_BY_ZEGEL,
                                     any(text.startswith(BY_ZEGEL) for text in complaints))

    def test_every_invariant_has_a_defect(self):
        self.assertEqual({"I1", "I2", "I3", "I4", "I5", "I7", "I8"},
                         {invariant for invariant, _ in DEFECTS})

    def test_what_may_be_lost_is_counted_and_no_complaint(self):
        world = World(self.folder)
        world.line(chain.CURRENT, 1).update(status="LOST")
        world.judge()
        lost = world.ledger[1]["sha256"]
        judge = auditor.Auditor(self.folder / "record", world.ledger, may_miss={lost})
        self.assertEqual(([], {lost}), (judge.judge(), judge.missing))

    def test_it_can_be_called_by_hand(self):
        for spoil, code in ((lambda world: None, 0), (call_without_attempt, 1)):
            self.setUp()
            world = World(self.folder)
            spoil(world)
            world.judge()
            (self.folder / "tally").write_text("C_Login\n" + "C_Sign\n" * world.tally)
            (self.folder / "ledger").write_text(
                "".join(json.dumps(answer) + "\n" for answer in world.ledger))
            done = subprocess.run(
                [sys.executable, "-B", auditor.__file__, self.folder / "record",
                 self.folder / "ledger", "--tally", self.folder / "tally"],
                check=False, stdout=subprocess.PIPE, text=True)
            self.assertEqual(code, done.returncode, done.stdout)


if __name__ == "__main__":
    agent.main()
