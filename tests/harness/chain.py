# SPDX-License-Identifier: Apache-2.0
"""The record as it lies in its files: lines read strictly, and lines made for tests.

This knows the form of a line (agent/policy/entry.h) once more, on purpose: what writes the
record shall not be what judges it."""
import hashlib
import json
import re
from pathlib import Path

CURRENT = "audit.jsonl"
OLDER = re.compile(r"audit-(\d{20})\.jsonl")
NOTHING = "0" * 64
TIME = "2026-11-24T08:05:03.123456Z"
FORM = re.compile(
    rb'\{"seq":([1-9]\d{0,18}),'
    rb'"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)",'
    rb'"open":([1-9]\d{0,18}),"prev":"([0-9a-f]{64})","kind":"([a-z-]{1,24})"'
    rb'[ -~]*,"hash":"([0-9a-f]{64})"\}')
HASHED = -len(',"hash":""}') - 64


class Broken(Exception):
    """No line of a record, or none that may stand there."""


def older_name(first_seq):
    return f"audit-{first_seq:020}.jsonl"


def read_line(line):
    """The members of one line, given without its newline; raises Broken."""
    if not FORM.fullmatch(line):
        raise Broken(f"this is no line of a record: {line[:60]!r}")
    members = json.loads(line)
    if hashlib.sha256(line[:HASHED]).hexdigest() != members["hash"]:
        raise Broken(f"the hash of line {members['seq']} is not that of its bytes")
    return members


def files(directory):
    """The files of a record, oldest first."""
    older = sorted(path for path in Path(directory).iterdir() if OLDER.fullmatch(path.name))
    current = Path(directory) / CURRENT
    return older + ([current] if current.exists() else [])


def read_file(path):
    """Yields the members of each line; raises Broken."""
    text = path.read_bytes()
    if text and not text.endswith(b"\n"):
        raise Broken(f"{path.name} does not end with a whole line")
    for line in text.split(b"\n")[:-1]:
        yield read_line(line)


class Writer:
    """Makes lines that follow each other."""

    def __init__(self, seq=0, last=NOTHING):
        self.seq, self.hash = seq, last
        self.open = {}

    def line(self, kind, **members):
        """The next line, with its newline; attempts and what closes them are followed."""
        self.seq += 1
        if kind == "attempt":
            self.open[self.seq] = None
        if kind in ("outcome", "orphan"):
            self.open.pop(members["attempt"], None)
        front = {"seq": self.seq, "time": TIME, "open": next(iter(self.open), self.seq),
                 "prev": self.hash, "kind": kind}
        text = json.dumps({**front, **members}, separators=(",", ":"))[:-1]
        self.hash = hashlib.sha256(text.encode()).hexdigest()
        return f'{text},"hash":"{self.hash}"}}\n'.encode()


def pad(directory, size):
    """Begins a record with about so many bytes, as of an agent that was stopped."""
    writer = Writer()
    lines = [writer.line("start", after="new")]
    filler = "x" * 10000
    while size > 0:
        lines.append(writer.line("refusals", client=filler[:size]))
        size -= len(lines[-1])
    path = Path(directory) / CURRENT
    path.write_bytes(b"".join(lines + [writer.line("stop")]))
    path.chmod(0o600)
