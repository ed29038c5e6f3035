# SPDX-License-Identifier: Apache-2.0
"""A power cut, played on the files of a record after its agent was killed.

What was not synced may be lost, by the log of the seam: bytes behind the size that a file
had when its last completed sync began, and changes of names since the last completed sync
of the directory. How much of it is lost is drawn: a power cut may keep everything, and
names are lost from the last change back. Of bytes that are kept a block may be zeros, in
the middle too: file systems write blocks in any order. What is there afterwards is durable.
"""
import datetime
import os
import re

import chain
from seam import read_log

BLOCK = 4096
TIMED_SEAL = re.compile(rb'"time":"([^"]+)".*"seal":"([0-9a-f]{64})"')
TIMED = re.compile(rb'"time":"([^"]+)"')


def to_ms(time):
    return int(datetime.datetime.fromisoformat(time.decode()).timestamp() * 1000)


class Power:
    def __init__(self, office):
        self.office = office
        self.directory = office.audit
        self._settle()
        self.n_torn = 0
        self.n_names = 0

    def _settle(self):
        """What is there now survives every further cut."""
        self.durable = {path.stat().st_ino: path.stat().st_size
                        for path in self.directory.iterdir()}
        self.pending = []     # changes of names that are not synced
        self.shortened = {}   # inode: its size before a truncation that is not synced
        self.office.seam_log.unlink(missing_ok=True)

    def _read_log(self):
        begun = {}
        for kind, facts in read_log(self.office.seam_log):
            if kind.endswith("-begin"):
                begun[kind] = facts
                continue
            begun.pop(kind + "-begin", None)
            if facts["error"] == 0:
                self._note(kind, facts)
        for kind, facts in begun.items():
            self._note_half(kind, facts)
        self.office.seam_log.unlink(missing_ok=True)

    def _note(self, kind, facts):
        if kind == "sync":
            self.durable[facts["inode"]] = facts["size"]
            self.shortened.pop(facts["inode"], None)
        elif kind == "sync-directory":
            self.pending.clear()
        elif kind == "truncate":
            self._note_shorter(facts["inode"], facts["from"], facts["to"])
        elif kind == "create":
            self.pending.append(("create", facts["name"], None))
            self.durable[facts["inode"]] = 0
            self.shortened.pop(facts["inode"], None)
        elif kind == "rename":
            self.pending.append(("rename", facts["from"], facts["to"]))

    def _note_shorter(self, inode, before, after):
        if after < before:
            self.shortened[inode] = max(before, self.shortened.get(inode, 0))
        self.durable[inode] = min(after, self.durable.get(inode, 0))

    def _note_half(self, kind, facts):
        """The process died in this operation, or right before or behind it."""
        if kind == "truncate-begin":
            self._note_shorter(facts["inode"], facts["from"], facts["to"])
        if kind == "create-begin" and (self.directory / facts["name"]).exists():
            self.pending.append(("create", facts["name"], None))
        if kind == "rename-begin" and (self.directory / facts["to"]).exists():
            self.pending.append(("rename", facts["from"], facts["to"]))

    def stay(self):
        """The agent died and the machine did not: nothing is lost, nor made durable."""
        self._read_log()

    def cut(self, rng):
        """Gives the SHA-256 of the seals whose outcomes were not durable, and for how many
        milliseconds: of the record's own clock, until its newest line."""
        self._read_log()
        at_risk = self._find_seals()
        self._lose_names(rng)
        for path in chain.files(self.directory):
            self._lose_bytes(rng, path)
        self._settle()
        return at_risk

    def _find_seals(self):
        """In bytes, or in files, that a cut may take."""
        created = {name for kind, name, _ in self.pending if kind == "create"}
        found, newest = {}, 0
        for path in chain.files(self.directory):
            start = 0 if path.name in created else self.durable.get(path.stat().st_ino, 0)
            # The line that begins before it may be cut in its middle.
            text = path.read_bytes()
            text = text[text.rfind(b"\n", 0, start) + 1:]
            newest = max([newest, *map(to_ms, TIMED.findall(text))])
            found |= {seal.decode(): to_ms(time) for time, seal in TIMED_SEAL.findall(text)}
        return {seal: newest - ms for seal, ms in found.items()}

    def _lose_names(self, rng):
        for _ in range(rng.randint(0, len(self.pending))):
            kind, name, to = self.pending.pop()
            self.n_names += 1
            if kind == "create":
                (self.directory / name).unlink()
            else:
                (self.directory / to).rename(self.directory / name)

    def _lose_bytes(self, rng, path):
        facts = path.stat()
        durable = min(self.durable.get(facts.st_ino, 0), facts.st_size)
        before = self.shortened.get(facts.st_ino, 0)
        size = rng.choice((durable, facts.st_size, rng.randint(durable, facts.st_size),
                           rng.randint(durable, facts.st_size)))
        if size < facts.st_size:
            os.truncate(path, size)
        if size > durable and rng.random() < 0.5:
            self._lose_block(rng, path, durable, size)
        if before > size and rng.random() < 0.5:
            # The old length came back, and not what stood there.
            os.truncate(path, rng.randint(size + 1, before))
            self.n_torn += 1

    def _lose_block(self, rng, path, durable, size):
        begin = max(durable, rng.randrange(durable, size) // BLOCK * BLOCK)
        end = min(size, begin // BLOCK * BLOCK + BLOCK)
        if rng.random() < 0.3:
            begin = rng.randrange(begin, end)
        with open(path, "r+b") as file:
            file.seek(begin)
            file.write(b"\0" * (end - begin))
        self.n_torn += 1
