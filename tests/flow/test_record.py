# SPDX-License-Identifier: Apache-2.0
"""Somebody else lays hands on the record: nothing is written behind what is not ours.

While the agent runs it stops sealing until an officer comes (that he can is shown where
`zegel reload` is); at a start it goes on from what a crash may leave, and from nothing
else."""
import os
import signal

import agent
import chain
import wire
from agent import run
from disk import DiskTest
from seam import LastingOffice

BAD_DATA, UNAVAILABLE = 65, 69
STRANGE = b'{"a line":"of somebody else"}\n'


class RecordTest(DiskTest):
    office_class = LastingOffice

    @property
    def path(self):
        return self.office.audit / chain.CURRENT


class Running(RecordTest):
    """Under load, so that both doors are tried: the next write, and the next sync."""

    def change(self, how):
        self.start_under_load()
        how()
        self.wait_for(wire.UNAVAILABLE, 50)
        sealed = self.ledger.counts[wire.OK]
        self.wait_for(wire.UNAVAILABLE, 50)
        self.assertEqual(sealed, self.ledger.counts[wire.OK])
        self.assert_said("status=CHANGED_FILE")
        self.check_health()

    def check_health(self):
        """All but seals goes on."""
        with wire.Client(str(self.office.socket)) as client:
            answer = client.ask(wire.message((1, 2), (wire.HEALTH, b"")))
        self.assertEqual(wire.HEALTH, answer.kind)

    def end(self):
        self.end_load()
        self.zegeld.stop()
        self.assertEqual(0, self.zegeld.process.returncode)

    def test_removed(self):
        self.change(self.path.unlink)
        self.end()
        self.assertFalse(self.path.exists())

    def test_moved_away(self):
        away = self.folder / "away"
        away.mkdir()
        self.change(lambda: self.path.rename(away / chain.CURRENT))
        self.end()
        self.assertFalse(self.path.exists())
        # All that was heard is in what was moved away.
        self.judge_moved(away)

    def judge_moved(self, away):
        """As if it were brought back."""
        (away / chain.CURRENT).rename(self.path)
        self.start().stop()
        self.judge()

    def test_replaced(self):
        away = self.folder / "away"
        away.mkdir()

        def replace():
            self.path.rename(away / chain.CURRENT)
            self.path.write_bytes(STRANGE)

        self.change(replace)
        self.end()
        self.assertEqual(STRANGE, self.path.read_bytes())
        self.judge_moved(away)

    def test_replaced_by_a_copy(self):
        """Its lines are right; it is another file all the same."""
        away = self.folder / "away"
        away.mkdir()

        def replace():
            self.path.rename(away / chain.CURRENT)
            self.path.write_bytes((away / chain.CURRENT).read_bytes())

        self.change(replace)
        size = self.path.stat().st_size
        self.end()
        self.assertEqual(size, self.path.stat().st_size)
        self.judge_moved(away)

    def test_appended_to(self):
        def append():
            with open(self.path, "ab") as file:
                file.write(STRANGE)

        self.change(append)
        self.end()
        self.assertTrue(self.path.read_bytes().endswith(STRANGE))
        # Nor does the next one write behind that.
        done = run(*self.office.command("--foreground"))
        self.assertEqual(BAD_DATA, done.returncode)
        self.assertTrue(self.path.read_bytes().endswith(STRANGE))
        self.cut_strange()

    def cut_strange(self):
        """Without that line all is there."""
        self.path.write_bytes(self.path.read_bytes()[:-len(STRANGE)])
        self.start().stop()
        self.judge()

    def test_truncated(self):
        self.change(lambda: os.truncate(self.path, 100))
        self.end()
        self.assertEqual(100, self.path.stat().st_size)

    def test_changed_while_nobody_asks(self):
        self.start()
        self.wait_for_word(wire.OK)
        with open(self.path, "ab") as file:
            file.write(STRANGE)
        self.assertEqual(wire.UNAVAILABLE, self.ask())
        self.check_health()


class Starting(RecordTest):
    """What lies there is judged before anything is written."""

    def make_record(self):
        """By an agent that was killed, so that it ends with lines of seals."""
        self.start_under_load()
        self.zegeld.stop(signal.SIGKILL)
        self.end_load()

    def refuse(self, code, words):
        before = {path: path.lstat() for path in self.office.audit.iterdir()}
        done = run(*self.office.command("--foreground"))
        self.assertEqual(code, done.returncode, done.stderr)
        self.assertIn(words, done.stderr)
        after = {path: path.lstat() for path in self.office.audit.iterdir()}
        self.assertEqual({path: facts.st_size for path, facts in before.items()},
                         {path: facts.st_size for path, facts in after.items()})

    def test_directory_that_others_can_write_to(self):
        for mode in (0o770, 0o702):
            with self.subTest(oct(mode)):
                self.office.audit.chmod(mode)
                self.refuse(BAD_DATA, "chmod go-w")

    def test_directory_that_is_not_there(self):
        self.office.audit.rmdir()
        self.office.audit = self.folder
        self.refuse(UNAVAILABLE, "No such file or directory")

    def test_symbolic_link(self):
        target = self.office.write("target", "")
        self.path.symlink_to(target)
        self.refuse(BAD_DATA, "it is not a regular file")
        self.assertEqual("", target.read_text())

    def test_other_things_than_files(self):
        os.mkfifo(self.path)
        self.refuse(BAD_DATA, "not a regular file")

    def change(self, line, change):
        """One of the last lines: -1 is the last."""
        lines = self.path.read_bytes().split(b"\n")[:-1]
        lines[line] = change(lines[line])
        self.path.write_bytes(b"".join(text + b"\n" for text in lines))

    def test_last_line_that_was_changed(self):
        self.make_record()
        self.change(-1, lambda line: line.replace(b'"seq":', b'"seq": ', 1))
        self.refuse(BAD_DATA, "it does not begin as a line of a record")

    def test_digit_that_was_changed(self):
        self.make_record()
        self.change(-1, lambda line: line.replace(b'"time":"2', b'"time":"3', 1))
        self.refuse(BAD_DATA, "its hash is not that of its bytes")

    def test_line_of_somebody_else_at_the_end(self):
        self.make_record()
        with open(self.path, "ab") as file:
            file.write(STRANGE)
        self.refuse(BAD_DATA, "it does not begin as a line of a record")

    def cut(self, tail):
        """What a crash or a power cut leaves is cut off, and the start line says so."""
        self.make_record()
        whole = self.path.read_bytes()
        self.path.write_bytes(whole + tail)
        self.start().stop()
        start = self.judge()["start"][-1]
        self.assertEqual(("crash", len(tail)), (start["after"], start["cut"]))
        self.assert_said(f"a torn tail was cut off the record bytes={len(tail)}")
        self.assertTrue(self.path.read_bytes().startswith(whole))

    def next_lines(self):
        """Such as would follow a record of its own."""
        writer = chain.Writer()
        return [writer.line("refusals", client=f"{i}") for i in range(3)]

    def test_half_a_line(self):
        self.cut(self.next_lines()[0][:100])

    def test_line_without_its_end(self):
        self.cut(self.next_lines()[0][:-1])

    def test_stretch_of_zeros(self):
        self.cut(b"\0" * 5000)

    def test_half_a_line_and_zeros(self):
        self.cut(self.next_lines()[0][:100] + b"\0" * 4096)

    def test_zeros_before_whole_lines(self):
        """Blocks reach the disk in any order."""
        self.cut(b"\0" * 1000 + b"".join(self.next_lines()))

    def test_zeros_in_the_middle_of_a_line(self):
        lines = self.next_lines()
        self.cut(lines[0][:50] + b"\0" * 100 + lines[0][150:] + lines[1])

    def test_first_file_without_a_line(self):
        self.path.touch(mode=0o600)
        self.start().stop()
        self.assertEqual("new", self.judge()["start"][0]["after"])

    def test_older_file_with_half_a_line(self):
        """A power cut took the new one, and a part of what the older one had in memory."""
        self.make_record()
        older = self.office.audit / chain.older_name(1)
        self.path.rename(older)
        whole = older.read_bytes()
        older.write_bytes(whole + b"{")
        self.start().stop()
        self.judge()
        self.assertEqual(whole, older.read_bytes())

    def test_older_file_that_was_changed(self):
        self.make_record()
        self.change(-1, lambda line: line.replace(b'"time":"2', b'"time":"3', 1))
        self.path.rename(self.office.audit / chain.older_name(1))
        self.refuse(BAD_DATA, "its hash is not that of its bytes")

    def test_death_between_two_files(self):
        """The current one has its older name, and the new one is not there, or empty."""
        for is_made in (False, True):
            with self.subTest(is_made):
                self.make_record()
                last = list(chain.read_file(self.path))
                self.path.rename(self.office.audit / chain.older_name(last[0]["seq"]))
                if is_made:
                    self.path.touch(mode=0o600)
                self.start().stop()
                self.judge()
                self.assertEqual(last[-1]["seq"] + 1, next(chain.read_file(self.path))["seq"])


if __name__ == "__main__":
    agent.main()
