# SPDX-License-Identifier: Apache-2.0
"""zegel audit on records in files: what it finds, says and exits with."""
import base64
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import agent
from agent import BIN, Folder, must_run, program, run

N_LINES, A_FILE, SEED = 2000, 700, 59
N_TAMPERINGS = 200
ORIGIN = "zegel/audit"


def audit(*words, **options):
    return run(program("zegel"), "audit", *words, **options)


class Record:
    """The files of a record, by name, as lists of lines without their newlines."""

    def __init__(self, folder):
        self.files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    def write(self, folder):
        for old in folder.iterdir():
            old.unlink()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)

    def lines(self, name):
        return self.files[name].split(b"\n")[:-1]

    def put(self, name, lines):
        self.files[name] = b"".join(line + b"\n" for line in lines)

    def whole(self):
        return b"".join(self.files[name] for name in self.names())

    def names(self):
        return sorted(self.files)


def note(seq, digest, key, name="zegel/audit", algorithm="RS256"):
    """A checkpoint signed by the openssl command line, with an RSA key."""
    text = f"{ORIGIN}\n{seq}\n{base64.b64encode(digest).decode()}\n".encode()
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text,
                               check=True, capture_output=True).stdout
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"],
                            check=True, capture_output=True).stdout
    key_id = hashlib.sha256(name.encode() + b"\n\xffzegel-" + algorithm.encode()
                            + public).digest()[:4]
    line = f"\u2014 {name} {base64.b64encode(key_id + signature).decode()}\n"
    return text + b"\n" + line.encode()


class Audit(Folder):
    def setUp(self):
        super().setUp()
        self.record_folder = self.folder / "record"
        self.record_folder.mkdir()
        must_run(program("zegel-record"), self.record_folder, N_LINES, A_FILE, SEED)
        self.record = Record(self.record_folder)

    def paths(self):
        paths = [str(path) for path in self.record_folder.iterdir()]
        random.shuffle(paths)
        return paths

    def verify(self, *words):
        return audit("verify", *words, *self.paths())

    def verdict(self, *words):
        done = self.verify("--json", *words)
        return done.returncode, json.loads(done.stdout)


class Verify(Audit):
    def test_a_whole_record(self):
        done = self.verify()
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn(f"lines        {N_LINES} in 3 files\n", done.stdout)
        self.assertIn("not seen     a cut tail, and a record written anew", done.stdout)
        self.assertTrue(done.stdout.endswith("\nvalid\n"))
        code, verdict = self.verdict()
        last = json.loads(self.record.lines("audit.jsonl")[-1])
        self.assertEqual((0, True, None), (code, verdict["valid"], verdict["bad"]))
        self.assertEqual(last["hash"], verdict["head"])
        self.assertEqual({"seq": N_LINES, "time": last["time"]}, verdict["last"])
        self.assert_counts(verdict)

    def assert_counts(self, verdict):
        entries = [json.loads(line) for line in self.record.whole().splitlines()]

        def count(kind, status=None):
            return sum(1 for entry in entries if entry["kind"] == kind
                       and (status is None or (entry["status"] == "OK") == status))

        self.assertEqual(count("attempt"), verdict["attempts"])
        self.assertEqual(count("outcome", True), verdict["released"])
        self.assertEqual(count("outcome", False), verdict["failed"])
        self.assertEqual(count("orphan"), verdict["orphans"])
        self.assertEqual(count("undelivered"), verdict["undelivered"])
        self.assertEqual(count("attempt") - count("outcome") - count("orphan"),
                         verdict["open"])

    def test_200_tamperings(self):
        """Each is found, in the file and line that a comparison of bytes finds."""
        rng = random.Random(13)
        whole, untouched = self.record.whole(), dict(self.record.files)
        for number in range(N_TAMPERINGS):
            self.record.files = dict(untouched)
            way = WAYS[number % len(WAYS)]
            way(rng, self.record)
            self.record.write(self.record_folder)
            with self.subTest(number=number, way=way.__name__):
                done = self.verify()
                name, line = first_difference(self.record, whole)
                self.assertEqual(1, done.returncode, done.stdout + done.stderr)
                place = done.stdout.split("\n", 1)[0]
                self.assertTrue(place.startswith(f"{self.record_folder}/{name}:{line}: "),
                                f"wanted {name}:{line}, found {place}")
                self.assertIn("\ninvalid: ", "\n" + done.stdout)

    def test_the_default_place_is_named_when_it_cannot_be_opened(self):
        done = audit("verify")
        if os.access("/var/log/zegel/audit.jsonl", os.R_OK):
            # The record of an agent on this machine.
            self.assertIn(done.returncode, (0, 1))
            return
        self.assertEqual(69, done.returncode)
        self.assertIn("/var/log/zegel/audit.jsonl", done.stderr)

    def test_files_that_cannot_be_read(self):
        self.assertEqual(69, audit("verify", self.folder / "not-there").returncode)
        self.assertEqual(65, audit("verify", self.folder).returncode)
        self.assertEqual(65, audit("verify", "/dev/null").returncode)
        for words in (["judge"], [], ["verify", "--what"], ["show", "-n", "0"],
                      ["show", "--since", "yesterday"], ["verify", "--checkpoint"]):
            done = audit(*words)
            self.assertEqual((64, ""), (done.returncode, done.stdout), words)
            self.assertIn("hint", done.stderr)

    def test_a_full_disk_is_no_verdict(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([program("zegel"), "audit", "verify", *self.paths()],
                                  stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(70, done.returncode)


class Checkpoints(Audit):
    def setUp(self):
        super().setUp()
        self.key, self.certificate = self.make_key("signer")
        self.entries = [json.loads(line) for line in self.record.whole().splitlines()]

    def make_key(self, name):
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        must_run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                 "-keyout", key, "-out", certificate, "-subj", f"/CN={name}")
        return key, certificate

    def note(self, seq, name="note", digest=None, key=None):
        digest = digest or bytes.fromhex(self.entries[seq - 1]["hash"])
        path = self.folder / name
        path.write_bytes(note(seq, digest, key or self.key))
        return path

    def check(self, *words):
        code, verdict = self.verdict(*words)
        return code, [(one["result"], one["signature"]) for one in verdict["checkpoints"]]

    def test_held(self):
        path = self.note(1500)
        self.assertEqual((0, [("held", "unchecked")]), self.check("--checkpoint", path))
        self.assertEqual((0, [("held", "good")]), self.check(
            "--checkpoint", path, "--certificate", self.certificate))
        text = self.verify("--checkpoint", path, "--certificate", self.certificate).stdout
        self.assertIn("line 1500 is in the record as noted; signature good (RS256)", text)
        self.assertIn("behind line 1500, the last that a checkpoint holds", text)
        last = self.note(N_LINES)
        self.assertNotIn("not seen", self.verify("--checkpoint", last).stdout)

    def test_a_cut_tail_shows_only_here(self):
        path = self.note(N_LINES)
        lines = self.record.lines("audit.jsonl")
        self.record.put("audit.jsonl", lines[:-5])
        self.record.write(self.record_folder)
        done = self.verify()
        self.assertEqual(0, done.returncode)
        self.assertIn("not seen     a cut tail", done.stdout)
        self.assertEqual((1, [("cut", "unchecked")]), self.check("--checkpoint", path))
        self.assertIn(f"the tail behind line {N_LINES - 5} is cut",
                      self.verify("--checkpoint", path).stdout)

    def test_a_record_written_anew_shows_only_here(self):
        path = self.note(1500)
        for old in self.record_folder.iterdir():
            old.unlink()
        must_run(program("zegel-record"), self.record_folder, N_LINES, A_FILE, SEED + 1)
        self.assertEqual(0, self.verify().returncode)
        self.assertEqual((1, [("rewritten", "good")]), self.check(
            "--checkpoint", path, "--certificate", self.certificate))

    def test_a_note_of_somebody_else(self):
        other_key, other = self.make_key("other")
        mine, theirs = self.note(1500), self.note(1500, "theirs", key=other_key)
        self.assertEqual((1, [("held", "missing")]), self.check(
            "--checkpoint", mine, "--certificate", other))
        self.assertEqual((1, [("held", "good"), ("held", "missing")]), self.check(
            "--checkpoint", mine, "--checkpoint", theirs, "--certificate",
            self.certificate))
        both = self.folder / "both.pem"
        both.write_bytes(self.certificate.read_bytes() + other.read_bytes())
        self.assertEqual((0, [("held", "good"), ("held", "good")]), self.check(
            "--checkpoint", mine, "--checkpoint", theirs, "--certificate", both))

    def test_a_note_that_was_changed(self):
        path = self.note(1500)
        path.write_bytes(path.read_bytes().replace(b"\n1500\n", b"\n1501\n"))
        self.assertEqual((1, [("rewritten", "bad")]), self.check(
            "--checkpoint", path, "--certificate", self.certificate))

    def test_a_line_that_is_in_no_file_given(self):
        early, edge = self.note(500), self.note(A_FILE, "edge")
        (self.record_folder / self.record.names()[0]).unlink()
        code, results = self.check("--checkpoint", early, "--checkpoint", edge)
        self.assertEqual((1, [("not-given", "unchecked"), ("held", "unchecked")]),
                         (code, results))
        self.assertIn("not seen     lines 1 to 700", self.verify().stdout)

    def test_a_note_of_a_line_behind_the_bad_one_tells_nothing(self):
        path, before = self.note(1500), self.note(9, "before")
        lines = self.record.lines(self.record.names()[0])
        del lines[10]
        self.record.put(self.record.names()[0], lines)
        self.record.write(self.record_folder)
        self.assertEqual((1, [("unjudged", "unchecked"), ("held", "unchecked")]), self.check(
            "--checkpoint", path, "--checkpoint", before))
        self.assertIn("line 1500 stands behind the bad line",
                      self.verify("--checkpoint", path).stdout)

    def test_what_is_no_note_or_certificate(self):
        path = self.note(1500)
        for words in (["--checkpoint", self.certificate], ["--checkpoint", "/not/there"],
                      ["--checkpoint", path, "--certificate", path],
                      ["--checkpoint", path, "--certificate", self.key]):
            done = self.verify(*words)
            self.assertEqual((65, ""), (done.returncode, done.stdout), done.stderr)
        self.assertEqual(64, self.verify("--certificate", self.certificate).returncode)


class Show(Audit):
    def show(self, *words):
        return audit("show", *words, *self.paths())

    def test_json_is_the_record_as_it_stands(self):
        done = self.show("--json")
        self.assertEqual(0, done.returncode)
        self.assertEqual(self.record.whole().decode(), done.stdout)

    def test_a_filter_gives_what_a_program_would_pick(self):
        entries = [json.loads(line) for line in self.record.whole().splitlines()]
        mine = {entry["seq"] for entry in entries
                if entry["kind"] == "attempt" and entry["client"] == "archief"}
        wanted = [entry["seq"] for entry in entries if entry.get("client") == "archief"
                  or entry.get("attempt") in mine]
        done = self.show("--client", "archief", "--json")
        self.assertEqual(wanted, [json.loads(line)["seq"] for line in
                                  done.stdout.splitlines()])

    def test_the_last_ones_in_a_table(self):
        done = self.show("-n", "5")
        self.assertEqual(0, done.returncode)
        lines = done.stdout.splitlines()
        self.assertEqual(6, len(lines))
        self.assertEqual(["time", "seq", "kind", "status"], lines[0].split()[:4])
        times = [line.split()[0] for line in lines[1:]]
        self.assertEqual(sorted(times), times)
        day = times[0][:10]
        self.assertEqual("", self.show("--until", "2026-11-23").stdout)
        whole_day = self.show("--since", day, "--until", day, "--kind", "attempt").stdout
        self.assertGreater(len(whole_day.splitlines()), 100)

    def test_what_was_done_to_it_is_marked_and_cannot_drive_a_terminal(self):
        lines = self.record.lines("audit.jsonl")
        lines[10] = lines[10].replace(b"\"time\"", b"\x1b[2J\xe2\x80\xae\x9b0m")
        self.record.put("audit.jsonl", lines)
        self.record.write(self.record_folder)
        done = run(program("zegel"), "audit", "show", *self.paths(), text=False)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stdout, rb"(?m)^! \S+/audit.jsonl:11: it does not begin")
        self.assertIsNone(re.search(rb"[^\n\x20-\x7e]", done.stdout))
        self.assertIn(b"2 lines do not verify", done.stderr)
        done = self.show("--json")
        marked = [json.loads(line) for line in done.stdout.splitlines()
                  if line.startswith('{"unverified"')]
        self.assertEqual([11, 12], [one["line"] for one in marked])

    def test_a_name_of_a_file_cannot_drive_a_terminal(self):
        path = self.folder / "\x1b[2J\u202e"
        path.write_bytes(b"x\n")
        for command in ("verify", "show"):
            done = run(program("zegel"), "audit", command, path, text=False)
            self.assertEqual(1, done.returncode)
            self.assertIn(rb"\u001b[2J\u202e", done.stdout)
            self.assertIsNone(re.search(rb"[^\n\x20-\x7e]", done.stdout))

    def test_who_may_not_read_it_is_told_who_may(self):
        path = self.record_folder / "audit.jsonl"
        path.chmod(0)
        self.folder.chmod(0o711)
        # Root may read all; nobody may not, nor perhaps the build, hence the copies.
        words = ["zegel", "audit", "show", path]
        if os.getuid() == 0:
            for original in [BIN / "zegel", *BIN.parent.glob("**/libzegel.so*")]:
                shutil.copy(original, self.folder)
            done = run(*words, executable=self.folder / "zegel", user=65534, group=65534,
                       extra_groups=[], env={"LD_LIBRARY_PATH": str(self.folder)})
        else:
            done = run(*words, executable=program("zegel"))
        self.assertEqual(69, done.returncode)
        self.assertIn("Permission denied", done.stderr)
        self.assertIn("the record is root's and the agent's to read", done.stderr)


def draw(rng, record):
    """A file and the number of a line in it, from 0."""
    name = rng.choice(record.names())
    return name, rng.randrange(len(record.lines(name)))


def flip(rng, record):
    name = rng.choice(record.names())
    content = bytearray(record.files[name])
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    record.files[name] = bytes(content)


def delete(rng, record):
    name, at = draw(rng, record)
    lines = record.lines(name)
    # The very last one is the tail: that shows against a checkpoint only.
    del lines[at - 1 if at == len(lines) - 1 else at]
    record.put(name, lines)


def insert(rng, record):
    name, at = draw(rng, record)
    lines = record.lines(name)
    other, where = draw(rng, record)
    lines.insert(at, record.lines(other)[where])
    record.put(name, lines)


def invent(rng, record):
    name, at = draw(rng, record)
    lines = record.lines(name)
    body = re.sub(rb',"hash":".*', b"", lines[at])
    body = re.sub(rb'"prev":"\w+"', b'"prev":"' + b"5a" * 32 + b'"', body)
    digest = hashlib.sha256(body).hexdigest().encode()
    lines.insert(at, body + b',"hash":"' + digest + b'"}')
    record.put(name, lines)


def swap(rng, record):
    (one, i), (other, j) = draw(rng, record), draw(rng, record)
    if (one, i) == (other, j):
        j = (j + 1) % len(record.lines(other))
    of_one, of_other = record.lines(one)[i], record.lines(other)[j]
    for name, at, line in ((one, i, of_other), (other, j, of_one)):
        lines = record.lines(name)
        lines[at] = line
        record.put(name, lines)


def swap_files(rng, record):
    one, other = rng.sample(record.names(), 2)
    record.files[one], record.files[other] = record.files[other], record.files[one]


WAYS = [flip, flip, delete, insert, invent, swap, swap_files]


def first_difference(record, whole):
    """The file and line where the record stops being the one it was."""
    at = 0
    for name in record.names():
        *lines, rest = record.files[name].split(b"\n")
        for number, line in enumerate(lines, 1):
            if not whole.startswith(line + b"\n", at):
                return name, number
            at += len(line) + 1
        if rest:
            return name, len(lines) + 1
    return None


if __name__ == "__main__":
    agent.main()
