# SPDX-License-Identifier: Apache-2.0
"""Rules that change while the agent runs: at once for new requests, whole or not at all."""
import getpass
import hashlib
import os
import signal
import struct
import subprocess
import sys

import agent
import wire
from agent import AUDIENCE, PATIENCE_S, Folder, open_files, run, wait_until
from asker import OTHER, Asker, Switches
from gate import Gate
from office import Office
from officer import Officer, records
from wire import Client, Refused

MODULE = os.environ["ZEGEL_FAULT_MODULE"]
N_RELOADS = 1000
BAD_DATA, UNAVAILABLE = 65, 69


def config_hash(*sources):
    """As agent/config/config_hash.c has it: over name and text of each, behind their lengths."""
    digest = hashlib.sha256()
    for source in sources:
        for part in (str(source).encode(), source.read_bytes()):
            digest.update(struct.pack(">Q", len(part)) + part)
    return digest.hexdigest()


class Rules(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)
        self.office.make_token("good")
        self.next_id = 100

    def write(self, *sections, token=None, top=""):
        """In one step, as an officer should."""
        office = self.office
        new = office.write("new", top + office.places() + office.listen()
                           + (token or office.token("good", sessions=2))
                           + office.key("good") + "".join(sections))
        new.rename(office.config)

    @staticmethod
    def client(*rules, name="me"):
        words = "".join(f'\tallow "{rule}" {{ key = "good" profile = "dsgo-auth" {rest} }}\n'
                        for rule, rest in rules)
        return f'client "{name}" {{\n\tuser = "{getpass.getuser()}"\n{words}}}\n'

    def start(self):
        self.zegeld = self.enterContext(self.office.start())
        self.officer = self.enterContext(Officer(self.folder / "officer.sock"))
        self.data_service = self.enterContext(Client(str(self.office.socket)))

    def ask(self, audience=AUDIENCE):
        """The word for one request, always on the same connection."""
        self.next_id += 1
        answer = self.data_service.ask(wire.seal(self.next_id, "good", "dsgo-auth",
                                                 wire.dsgo_auth(audience)))
        return answer.fields[1][0] if answer.is_error else wire.OK

    def wait_for_token(self):
        wait_until(lambda: self.ask() == wire.OK, "the token is there")

    def zegel_reload(self):
        return run(agent.program("zegel"), "reload", env={
            **os.environ, "ZEGEL_OFFICER_SOCKET": str(self.folder / "officer.sock")})

    def reload(self):
        found = self.officer.reload()
        self.assertTrue(found.is_done, found.errors)
        return found

    def reload_in_vain(self):
        found = self.officer.reload()
        self.assertFalse(found.is_done)
        return found.errors

    def acts(self):
        return [line for line in records(self.office.audit) if line["act"] == "reload"]

    def hup(self):
        """SIGHUP, and the line that it leaves."""
        n = len(self.acts())
        self.zegeld.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.acts()) == n + 1, "the reload is recorded")
        return self.acts()[-1]


class WhatChanges(Rules):
    def test_clients_come_and_go_on_the_same_connection(self):
        self.write()
        self.start()
        self.assertEqual(wire.DENIED, self.ask())
        self.write(self.client(("a", "")))
        self.reload()
        self.wait_for_token()
        self.write()
        self.assertEqual(wire.OK, self.ask(), "before the reload")
        self.reload()
        self.assertEqual(wire.DENIED, self.ask())

    def test_a_signal_does_the_same(self):
        self.write(self.client(("a", "")))
        self.start()
        self.wait_for_token()
        self.write()
        line = self.hup()
        self.assertEqual((os.getuid(), os.getpid(), "OK"),
                         (line["uid"], line["pid"], line["status"]))
        self.assertEqual(wire.DENIED, self.ask())

    def test_audiences_and_their_list(self):
        listed = self.office.write("list", f"{AUDIENCE}\n")
        self.write(self.client(("a", f'audience-file = "{listed}"')))
        self.start()
        self.wait_for_token()
        self.assertEqual(wire.DENIED, self.ask(OTHER))
        listed.write_text(f"# another\n{OTHER}\n")
        self.assertEqual(wire.OK, self.ask(), "before the reload")
        self.reload()
        self.assertEqual((wire.DENIED, wire.OK), (self.ask(), self.ask(OTHER)))
        self.write(self.client(("a", f'audience = "{AUDIENCE}"')))
        self.reload()
        self.assertEqual((wire.OK, wire.DENIED), (self.ask(), self.ask(OTHER)))

    def test_a_rate_keeps_what_was_spent(self):
        """Another rate is another tap on the same bucket; no rate is no bucket."""
        self.write(self.client(("a", "")))
        self.start()
        self.wait_for_token()
        self.write(self.client(("a", "rate = 1 burst = 2")))
        self.reload()
        while self.ask() == wire.OK:
            pass
        self.write(self.client(("a", "rate = 1 burst = 1000")))
        self.reload()
        words = [self.ask() for _ in range(20)]
        self.assertIn(wire.BUSY, words)
        self.write(self.client(("a", "")))
        self.reload()
        self.assertEqual([wire.OK] * 20, [self.ask() for _ in range(20)])

    def test_conf_d_and_the_order_of_sections(self):
        self.write()
        self.start()
        folder = self.folder / "conf.d"
        folder.mkdir(mode=0o700)
        self.office.write("conf.d/a.conf", self.client(("a", "")))
        self.assertEqual(config_hash(self.office.config, folder / "a.conf"),
                         self.reload().sha256)
        self.wait_for_token()
        # The same sections in other files are nothing that needs a restart.
        text = self.office.config.read_text()
        self.office.write("conf.d/b.conf", self.office.token("good", sessions=2))
        self.office.write("zegel.conf", text.replace(
            self.office.token("good", sessions=2), ""))
        self.reload()
        (folder / "a.conf").unlink()
        self.reload()
        self.assertEqual(wire.DENIED, self.ask())

    def start_behind_gate(self):
        """The token is there, and signs when the gate lets it."""
        gate = self.enterContext(Gate(self.folder))
        self.gated = self.office.token("good", module=MODULE, environment=gate.environment,
                                       deadline=60)
        self.write(self.client(("a", "")), token=self.gated)
        self.start()
        gate.let()
        self.wait_for_token()
        return gate

    def test_what_waits_in_line_was_decided_before(self):
        gate = self.start_behind_gate()
        for n in range(1, 4):
            self.data_service.send(wire.seal(n, "good", "dsgo-auth",
                                             wire.dsgo_auth(AUDIENCE), None, 60000))
        wait_until(lambda: len(records(self.office.audit, "attempt")) == 2, "one is out")
        self.write(token=self.gated, top="line-max = 1\nmin-left = 1\n")
        self.reload()
        gate.let(3)
        answers = [self.data_service.receive() for _ in range(3)]
        self.assertEqual([False] * 3, [answer.is_error for answer in answers])
        self.assertEqual(wire.DENIED, self.ask())

    def test_not_while_it_stops(self):
        gate = self.start_behind_gate()
        self.data_service.send(wire.seal(1, "good", "dsgo-auth", wire.dsgo_auth(AUDIENCE)))
        wait_until(lambda: len(records(self.office.audit, "attempt")) == 2, "one is out")
        self.zegeld.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not self.office.socket.exists(), "it stops")
        with self.assertRaises(Refused) as caught:
            self.officer.reload()
        self.assertEqual(wire.UNAVAILABLE, caught.exception.status)
        self.assertIn("stopping", caught.exception.text)
        gate.let()
        self.assertFalse(self.data_service.receive().is_error)
        self.assertEqual(0, self.zegeld.process.wait(PATIENCE_S))
        self.assertEqual([], self.acts())


class WhatDoesNot(Rules):
    def setUp(self):
        super().setUp()
        self.write(self.client(("a", "")))
        self.start()
        self.wait_for_token()
        self.before = config_hash(self.office.config)
        self.good = self.office.config.read_text()

    def assert_as_before(self, status, config=None):
        """The last reload changed nothing, and the record says so."""
        self.assertEqual((wire.OK, wire.OK), (self.ask(), self.ask(OTHER)))
        line = self.acts()[-1]
        self.assertEqual((os.getuid(), status, config),
                         (line["uid"], line["status"], line.get("config")))

    def test_files_with_errors(self):
        for text, words in (
                ("token {\n", "zegel.conf:1: "),
                (self.good + 'colour = "red"\n', f"zegel.conf:{self.good.count(chr(10)) + 1}: "
                 "colour: unknown word"),
                (self.good.replace('key = "good"', 'key = "bad"'), "expected"),
                (self.good.replace(getpass.getuser(), "zegel-no-such-user"), "a user of this"),
                (self.good + self.client(("b", ""), name="other"), "ambiguous"),
                (self.good[:-3], "expected }"),
        ):
            with self.subTest(words):
                self.office.write("zegel.conf", text)
                done = self.zegel_reload()
                self.assertEqual(BAD_DATA, done.returncode, done.stderr)
                self.assertRegex(done.stderr, r"INVALID: .*zegel\.conf:\d+: ")
                self.assertIn(words, done.stderr)
                self.assertIn("nothing has changed", done.stderr)
                self.assertEqual("", done.stdout)
                self.assert_as_before("BAD_CONFIG")
                n_said = self.office.log.read_text().count(words)
                self.assertEqual("BAD_CONFIG", self.hup()["status"])
                self.assert_as_before("BAD_CONFIG")
                self.assertGreater(self.office.log.read_text().count(words), n_said)
        self.assertEqual(self.before, self.officer_hash())

    def officer_hash(self):
        """What is in force, by way of a reload that changes nothing."""
        self.office.write("zegel.conf", "token {\n")
        return self.officer.reload().sha256

    def test_every_error_is_told_with_its_line(self):
        self.office.write("zegel.conf", self.good.replace("sessions = 2", "sessions = 65")
                          .replace("deadline = 5", "deadline = 0"))
        errors = self.reload_in_vain().splitlines()
        self.assertEqual(2, len(errors))
        for line in errors:
            self.assertRegex(line, r'zegel\.conf:\d+: token "good": ')
        log = self.office.log.read_text()
        for line in errors:
            self.assertIn(line.split('token "good": ')[1].split(",")[0], log)
        self.assertIn(f"reload refused; nothing has changed uid={os.getuid()}", log)

    def test_a_file_that_is_not_there(self):
        self.office.config.rename(self.folder / "away")
        self.assertIn("not found", self.reload_in_vain())
        self.assert_as_before("NOT_FOUND")

    def test_a_file_that_others_could_change(self):
        self.office.config.chmod(0o620)
        self.assertIn("can be written by its group or others", self.reload_in_vain())
        self.assert_as_before("BAD_CONFIG")

    def test_a_list_with_errors(self):
        listed = self.office.write("list", f"{AUDIENCE}\nnot one\n")
        self.write(self.client(("a", f'audience-file = "{listed}"')))
        self.assertIn(f"{listed}:2: expected an audience", self.reload_in_vain())
        self.assert_as_before("BAD_CONFIG")

    def test_what_needs_a_restart_is_named(self):
        rules = self.client()
        good = self.good.replace(self.client(("a", "")), rules)
        officer = f'officer-socket = "{self.folder}/officer.sock"\n'
        for text, words in (
                (good.replace("sessions = 2", "sessions = 1"), 'token "good": has changed'),
                (good.replace("object=good", "object=other"), 'key "good": has changed'),
                (good.replace("zegel.sock", "other.sock"), 'listen "test": has changed'),
                (good.replace('listen "test"', 'listen "more"'), 'listen "more": is new'),
                (good.replace(officer, officer.replace("officer.sock", "o.sock")),
                 "officer-socket or officer-group: has changed"),
                (f'audit-sync = "interval"\n{good}', "audit- or checkpoint-: has changed"),
        ):
            with self.subTest(words):
                self.office.write("zegel.conf", text)
                done = self.zegel_reload()
                self.assertEqual(BAD_DATA, done.returncode)
                self.assertIn(f"{words}; this needs a restart", done.stderr)
                # The clients of that file are not taken over either.
                self.assert_as_before("BAD_CONFIG", config_hash(self.office.config))

    def test_a_reload_that_cannot_be_recorded(self):
        (self.office.audit / "audit.jsonl").unlink()
        self.assertEqual(wire.UNAVAILABLE, self.ask())
        self.write()
        done = self.zegel_reload()
        self.assertEqual(UNAVAILABLE, done.returncode, done.stderr)
        self.assertIn("UNAVAILABLE: the record cannot be written", done.stderr)
        # An officer has said that what was done to the files was meant: it goes on.
        wait_until(lambda: self.ask() == wire.OK, "the old rules seal again")
        self.assertEqual([], self.acts())
        self.reload()
        self.assertEqual(wire.DENIED, self.ask())
        self.assertEqual(["OK"], [line["status"] for line in self.acts()])


class WhatIsRecorded(Rules):
    def test_the_hash_is_that_of_the_files(self):
        listed = self.office.write("list", f"{AUDIENCE}\n")
        self.write(self.client(("a", f'audience-file = "{listed}"')))
        self.start()
        first = config_hash(self.office.config, listed)
        self.assertEqual(first, records(self.office.audit, "start")[0]["config"])
        self.assertEqual(first, self.reload().sha256)
        listed.write_text(f"{OTHER}\n")
        done = self.zegel_reload()
        second = config_hash(self.office.config, listed)
        self.assertEqual((0, f"reloaded: configuration {second[:16]}…\n"),
                         (done.returncode, done.stdout))
        self.assertEqual(second, self.hup()["config"])
        self.assertEqual([first, second, second], [line["config"] for line in self.acts()])
        self.assertEqual({"OK"}, {line["status"] for line in self.acts()})

    def test_usage(self):
        self.write()
        for words in (["now"], ["--force"], ["-x"]):
            done = run(agent.program("zegel"), "reload", *words)
            self.assertEqual(64, done.returncode)
            self.assertIn("zegel reload --help", done.stderr)

    def test_a_signal_before_it_listens_is_not_its_end(self):
        """Sent as early as can be: at the first sign of the process."""
        self.write(self.client(("a", "")))
        for _ in range(20):
            with agent.Background(*self.office.command("--foreground"),
                                  stderr=subprocess.DEVNULL) as zegeld:
                status = f"/proc/{zegeld.pid}/status"
                wait_until(lambda: is_blocked(status, signal.SIGHUP), "it blocks SIGHUP")
                zegeld.process.send_signal(signal.SIGHUP)
                wait_until(lambda: self.office.is_listening()
                           or zegeld.process.poll() is not None, "it listens")
                self.assertIsNone(zegeld.process.poll())
                wait_until(lambda: self.acts(), "the reload came")
            (self.office.audit / "audit.jsonl").unlink()


def is_blocked(status, sign):
    with open(status, encoding="ascii") as file:
        mask = next(line.split()[1] for line in file if line.startswith("SigBlk"))
    return bool(int(mask, 16) >> (sign - 1) & 1)


def memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class UnderLoad(Rules):
    """1,000 reloads, good and bad ones in turn, between two sets of rules (F40)."""

    N_ASKERS = 3
    AUDIENCE_OF = {"a": AUDIENCE, "b": OTHER}

    def write_set(self, name):
        self.write(self.client((name, f'audience = "{self.AUDIENCE_OF[name]}"')))
        return config_hash(self.office.config)

    def write_bad(self, n):
        if n % 2:
            self.office.write("zegel.conf", "token {\n")
        else:
            # A set that would allow all, and a token that needs a restart.
            self.write(self.client(("all", "")), token=self.office.token("good"))

    def check_set(self, name):
        """The next request follows the rules that were just loaded."""
        for rule, audience in self.AUDIENCE_OF.items():
            self.assertEqual(wire.OK if rule == name else wire.DENIED, self.ask(audience))

    def check_record(self, set_of):
        """Gives how many attempts had been decided by the rules before."""
        in_force, n_late, n_since = set_of[records(
            self.office.audit, "start")[0]["config"]], 0, 0
        for line in records(self.office.audit, None):
            if line["kind"] == "officer" and line["status"] == "OK":
                in_force, n_since = set_of[line["config"]], 0
            if line["kind"] == "attempt":
                self.assertEqual(self.AUDIENCE_OF[line["rule"]], line["aud"])
                # It may have waited in line meanwhile, as many as there are did.
                n_since += line["rule"] != in_force
                n_late += line["rule"] != in_force
                self.assertLessEqual(n_since, self.N_ASKERS * Asker.DEPTH)
            if line["kind"] == "refusal" and line["status"] == "DENIED":
                self.assertEqual(("audience", in_force), (line["rule"], line["nearest"]))
                self.assertNotEqual(self.AUDIENCE_OF[in_force], line["aud"])
        return n_late

    def reload_often(self):
        names = list(self.AUDIENCE_OF)
        for n in range(N_RELOADS // 2):
            self.write_bad(n)
            self.assertTrue(self.reload_in_vain())
            self.check_set(names[n % 2])
            self.write_set(names[(n + 1) % 2])
            self.switches.begun += 1
            self.reload()
            self.switches.done += 1
            self.check_set(names[(n + 1) % 2])
            if n == 50:
                self.memory = memory_kib(self.zegeld.pid)

    def test_old_rules_or_new_and_never_a_mix(self):
        set_of = {self.write_set(name): name for name in ("b", "a")}
        self.start()
        self.wait_for_token()
        files = open_files(self.zegeld.pid)
        self.switches = Switches()
        askers = [Asker(self.office.socket, self.switches) for _ in range(self.N_ASKERS)]
        for asker in askers:
            asker.start()
        self.reload_often()
        for asker in askers:
            asker.finish()
            asker.check()
        self.assertLess(memory_kib(self.zegeld.pid) - self.memory, 4096)
        wait_until(lambda: open_files(self.zegeld.pid) <= files, "its files are closed")
        n_late = self.check_record(set_of)
        acts = [line["status"] for line in self.acts()]
        self.assertEqual(["BAD_CONFIG", "OK"] * (N_RELOADS // 2), acts)
        n_sealed = sum(asker.n_sealed for asker in askers)
        in_record = sum(line["status"] == "OK" for line in records(self.office.audit, "outcome"))
        # Ours: the first one, and one at each look.
        self.assertEqual(n_sealed + N_RELOADS + 1, in_record)
        print(f"{n_sealed} seals, {n_late} of them decided before a reload, "
              f"{memory_kib(self.zegeld.pid)} KiB", file=sys.stderr)


if __name__ == "__main__":
    agent.main()
