# SPDX-License-Identifier: Apache-2.0
"""Under systemd the log goes to the journal with its facts as fields; when the journal does
not take a line, it goes to standard error; and no foreign byte forges a line or a field.

The journal is played: a socket of the test's own at the place of the real one, in a mount
namespace where nobody else sees it."""
import contextlib
import os
import socket
import struct
import sys
from pathlib import Path

import agent
import wire
from agent import AUDIENCE, Folder, must_run, program, run, wait_until
from office import Office
from wire import Client

JOURNAL = Path("/run/systemd/journal/socket")
INSIDE = "ZEGEL_TEST_OWN_RUN"
BASIC = ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER"]
SEALS = 1000


def parse(datagram):
    """The fields of an entry, as journald reads it."""
    fields, at = [], 0
    while at < len(datagram):
        end = datagram.index(b"\n", at)
        name, equals, value = datagram[at:end].partition(b"=")
        at = end + 1
        if not equals:
            length, = struct.unpack_from("<Q", datagram, at)
            value, at = datagram[at + 8:at + 8 + length], at + 8 + length + 1
            assert datagram[at - 1:at] == b"\n"
        fields.append((name.decode("ascii"), value.decode("ascii")))
    return fields


class Journal(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)
        self.office.log.touch()
        self.open_journal()
        self.addCleanup(lambda: self.socket.close())
        self.stand_in(self.office.log)
        self.addCleanup(os.environ.pop, "JOURNAL_STREAM")

    def open_journal(self):
        JOURNAL.parent.mkdir(parents=True, exist_ok=True)
        JOURNAL.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(JOURNAL))

    def stand_in(self, path):
        """Says that this file is the journal's stream, as systemd does."""
        facts = path.stat()
        os.environ["JOURNAL_STREAM"] = f"{facts.st_dev}:{facts.st_ino}"

    def entries(self):
        """All that has come since the last time, each a dict; its fields stand once."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                fields = parse(self.socket.recv(65536, socket.MSG_DONTWAIT))
                self.assertEqual(BASIC, [name for name, _ in fields[:3]])
                self.assertEqual(len(fields), len(dict(fields)), fields)
                self.assertTrue(all(name.startswith("ZEGEL_") for name, _ in fields[3:]))
                found.append(dict(fields))
        return found

    def wait_for(self, message, **facts):
        """The first entry with this message and facts; those before it are forgotten."""
        found = []

        def has_come():
            found.extend(entry for entry in self.entries()
                         if entry["MESSAGE"].startswith(message + " ")
                         and facts.items() <= entry.items())
            return found

        wait_until(has_come, f"the journal has {message!r}")
        return found[0]

    def start_with(self, label):
        self.office.make_token(label)
        self.office.configure_simply(label)
        self.enterContext(self.office.start())
        self.wait_for("token ready")

    def seal(self, key):
        with Client(str(self.office.socket)) as client:
            return client.ask(wire.seal(7, key, "dsgo-auth", wire.dsgo_auth(AUDIENCE)))

    def lines(self):
        return self.office.log.read_text().splitlines()

    def test_facts_of_an_event_are_fields(self):
        self.start_with("good")
        self.assertFalse(self.seal("good").is_error)
        entry = self.wait_for("sealed")
        for name, value in (("PRIORITY", "6"), ("SYSLOG_IDENTIFIER", "zegeld"),
                            ("ZEGEL_CLIENT", "test"), ("ZEGEL_RULE", "good"),
                            ("ZEGEL_KEY", "good"), ("ZEGEL_PROFILE", "dsgo-auth"),
                            ("ZEGEL_STATUS", "OK"), ("ZEGEL_TRIES", "1")):
            self.assertEqual(value, entry[name])
        self.assertRegex(entry["ZEGEL_REQ"], r"^[0-9a-f]+\.7$")
        self.assertRegex(entry["MESSAGE"], r"^sealed req=\S+ client=test rule=good key=good ")
        self.assertTrue(self.seal("nobody").is_error)
        entry = self.wait_for("denied")
        self.assertEqual(AUDIENCE, entry["ZEGEL_AUD"])
        self.assertEqual("no-rule", entry["ZEGEL_RULE"])
        self.assertNotIn("zegeld: ", self.office.log.read_text())

    def test_lines_go_to_standard_error_while_the_journal_is_away(self):
        self.start_with("good")
        self.socket.close()
        JOURNAL.unlink()
        self.seal("good")
        wait_until(lambda: any(line.startswith("<6>zegeld: sealed req=") for line in self.lines()),
                   "standard error has the line with its priority")
        self.open_journal()
        self.seal("good")
        self.wait_for("sealed")
        self.assertEqual(1, self.office.log.read_text().count("sealed req="))

    def test_journal_that_is_not_read_costs_neither_lines_nor_answers(self):
        self.start_with("good")
        with Client(str(self.office.socket)) as client:
            for number in range(1, SEALS + 1):
                client.ask(wire.seal(number, "good", "dsgo-auth", wire.dsgo_auth(AUDIENCE))).check()
        told = [entry for entry in self.entries() if entry["MESSAGE"].startswith("sealed ")]
        fallen = [line for line in self.lines() if line.startswith("<6>zegeld: sealed ")]
        self.assertTrue(told and fallen, (len(told), len(fallen)))
        self.assertEqual(SEALS, len(told) + len(fallen))

    def test_standard_error_that_is_not_the_journals_gets_plain_lines(self):
        self.stand_in(self.office.config.parent)
        self.office.make_token("good")
        self.office.configure_simply("good")
        with self.office.start():
            wait_until(lambda: "zegeld: token ready token=good" in self.lines(),
                       "standard error has the line")
        self.assertEqual([], self.entries())
        self.assertNotIn("<", "".join(line[0] for line in self.lines()))

    def test_worker_speaks_to_the_journal_too(self):
        self.office.make_token("faulty")
        self.office.configure(
            self.office.listen(),
            self.office.token("faulty", module=os.environ["ZEGEL_FAULT_MODULE"], environment=[
                "FAULT_CALL=C_Sign", "FAULT_FROM=1", "FAULT_COUNT=1", "FAULT_HOW=short"]),
            self.office.key("faulty"), self.office.client("faulty"))
        self.enterContext(self.office.start())
        self.wait_for("token ready")
        self.seal("faulty")
        entry = self.wait_for("signature of a wrong length")
        self.assertEqual(("zegel-token", "3", "255"), (
            entry["SYSLOG_IDENTIFIER"], entry["PRIORITY"], entry["ZEGEL_LEN"]))

    def test_program_of_the_officer_speaks_to_the_journal_too(self):
        with open(self.office.log, "a", encoding="utf-8") as log:
            run(program("zegel-enrol"), "nonsense", capture_output=False, stdout=log, stderr=log)
        entry = self.wait_for("wrong use")
        self.assertEqual(("zegel-enrol", "init, keygen, certificate or --help"),
                         (entry["SYSLOG_IDENTIFIER"], entry["ZEGEL_EXPECTED"]))
        self.assertEqual([], self.lines())

    # A token's label is whatever somebody wrote on it.

    def assert_shows_label(self, label, shown):
        must_run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", agent.PIN,
                 "--so-pin", agent.PIN,
                 env={**os.environ, "SOFTHSM2_CONF": str(self.office.softhsm)})
        self.office.make_token("good")
        pin = self.office.write("nasty.pin", agent.PIN)
        uri = "pkcs11:token=" + "".join(f"%{byte:02X}" for byte in label.encode())
        self.office.configure(
            self.office.listen(), self.office.token("good"),
            self.office.token("nasty", uri=uri, pin=f"file:{pin}"), self.office.key("good"),
            self.office.key("nasty").replace("nasty.pem", "good.pem"),
            self.office.client("good"))
        self.enterContext(self.office.start())
        entry = self.wait_for("token found", ZEGEL_TOKEN="nasty")
        self.assertEqual([*BASIC, "ZEGEL_TOKEN", "ZEGEL_LABEL", "ZEGEL_SERIAL", "ZEGEL_MODEL"],
                         list(entry))
        self.assertEqual(("5", shown), (entry["PRIORITY"], entry["ZEGEL_LABEL"]))
        self.assertIn(f' token=nasty label="{shown}" serial="', entry["MESSAGE"])

    def test_label_of_a_token_begins_no_field_of_an_entry(self):
        self.assert_shows_label("x\nPRIORITY=0\n_UID=0\n", r"x\x0aPRIORITY=0\x0a_UID=0\x0a")

    def test_label_of_a_token_begins_no_fact(self):
        self.assert_shows_label('x" serial="1" token=y', r"x\x22 serial=\x221\x22 token=y")

    def test_label_of_a_token_does_nothing_to_a_terminal(self):
        self.assert_shows_label("x\x1b[2J\u202e\u2028\u0085\r",
                                r"x\x1b[2J\xe2\x80\xae\xe2\x80\xa8\xc2\x85\x0d")


def main():
    if os.getuid() != 0:
        agent.skip("needs root, for a mount namespace where it can play the journal")
    if os.environ.get(INSIDE) != "yes":
        own = 'mount -t tmpfs tmpfs /run || exit 1; exec "$@"'
        words = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
        if run(*words, own, "sh", "true").returncode != 0:
            agent.skip("needs a mount namespace where it can play the journal")
        os.execvpe(words[0], [*words, own, "sh", sys.executable, "-B", *sys.argv],
                   {**os.environ, INSIDE: "yes"})
    agent.main()


if __name__ == "__main__":
    main()
