# SPDX-License-Identifier: Apache-2.0
"""What zegel policy explain says is what the agent then does: each question is asked twice,
by an officer and by the client itself, and the words agree."""
import datetime
import getpass
import json
import os
import tempfile
import unittest
from pathlib import Path

import agent
import wire
from agent import AUDIENCE, run, wait_until
from office import Office
from officer import Officer, as_user, records
from wire import Client

OTHER = "did:ishare:EU.NL.NTRNL-10000003"
ISSUER = "did:ishare:EU.NL.NTRNL-10000001"
WORDS = ["OK", "INVALID", "DENIED", "LOCKED", "BUSY", "TIMEOUT", "UNAVAILABLE",
         "UNSUPPORTED", "INTERNAL"]
EXIT_CODES = {"OK": 0, "INVALID": 65, "UNSUPPORTED": 65, "DENIED": 77, "LOCKED": 77,
              "UNAVAILABLE": 69}
USAGE, BAD_DATA, UNAVAILABLE = 64, 65, 69
STRANGER, HIS_GROUP = 61001, 61009


def another_day():
    """A day of the week on which no test that begins now ends."""
    days = ["mo", "tu", "we", "th", "fr", "sa", "su"]
    return days[(datetime.date.today().weekday() + 3) % 7]


# Key: what one rule for dsgo-auth says.
AUTH_RULES = {
    "any": "",
    "audience": f'audience = "{AUDIENCE}"',
    "listed": "claims = listed claim \"/a\" { must-be = \"json:1\" }",
    "none": "claims = none",
    "must-be": 'claim "/scope" { must-be = "iSHARE" }',
    "may-be": 'claim "/env" { may-be = { "test", "json:5", "json:null" } }',
    "absent": 'claim "/admin" { absent = true }',
    "matches": 'claim "/roles/0" { matches = "read-*" }',
    "size": "max-size = 10",
    "open": 'hours = "mo-su 00:00-24:00"',
    "closed": f'hours = "{another_day()} 00:00-24:00"',
    "limits": "rate = 1000 burst = 1000 concurrent = 100",
    "locked": "",
    "gone": "",
    "gone-audience": f'audience = "{AUDIENCE}"',
}
JWS_RULES = {
    "any": "",
    "listed": "claims = listed claim \"/a\" { must-be = \"json:1\" }",
    "must-be": 'claim "/scope" { must-be = "iSHARE" }',
    "size": "max-size = 10",
    "master": "claims = any",
    "locked": "",
}
DIGEST_RULES = {"any": "", "locked": "", "closed": f'hours = "{another_day()} 00:00-24:00"'}

TOKEN = f'{{"iss":"{ISSUER}","aud":"x","exp":1}}'

# Key, its audience, claims, the word and the record's name for it.
AUTH = [
    ("any", AUDIENCE, None, "OK", "any"),
    ("any", OTHER, '{"a":[1,{"b":null}]}', "OK", "any"),
    ("any", AUDIENCE, f'{{"iss":"{ISSUER}","aud":"{AUDIENCE}"}}', "OK", "any"),
    ("any", AUDIENCE, f'{{"iss":"{OTHER}"}}', "INVALID", "identity"),
    ("any", AUDIENCE, f'{{"aud":"{OTHER}"}}', "INVALID", "identity"),
    ("any", AUDIENCE, '{"exp":1}', "INVALID", ""),
    ("any", AUDIENCE, '{"a":1,"a":1}', "INVALID", ""),
    ("any", AUDIENCE, "[]", "INVALID", ""),
    ("any", AUDIENCE, '{"a":' + "[" * 16 + "]" * 16 + "}", "INVALID", ""),
    ("any", "a b", None, "INVALID", ""),
    ("any", None, None, "INVALID", ""),
    ("audience", AUDIENCE, None, "OK", "audience"),
    ("audience", OTHER, None, "DENIED", "audience"),
    ("audience", AUDIENCE.upper(), None, "DENIED", "audience"),
    ("list", AUDIENCE, None, "OK", "list"),
    ("list", OTHER, None, "DENIED", "audience"),
    ("listed", AUDIENCE, '{"a":1}', "OK", "listed"),
    ("listed", AUDIENCE, '{"a":1,"b":2}', "DENIED", "claims"),
    ("listed", AUDIENCE, '{"a":1.0}', "DENIED", "claim"),
    ("listed", AUDIENCE, None, "DENIED", "claim"),
    ("none", AUDIENCE, None, "OK", "none"),
    ("none", AUDIENCE, f'{{"aud":"{AUDIENCE}"}}', "OK", "none"),
    ("none", AUDIENCE, '{"a":1}', "DENIED", "claims"),
    ("must-be", AUDIENCE, '{"scope":"iSHARE"}', "OK", "must-be"),
    ("must-be", AUDIENCE, '{"scope":"ishare"}', "DENIED", "claim"),
    ("must-be", AUDIENCE, '{"\\u0073cope":"iSHARE"}', "OK", "must-be"),
    ("may-be", AUDIENCE, '{"env":null}', "OK", "may-be"),
    ("may-be", AUDIENCE, '{"env":"5"}', "DENIED", "claim"),
    ("absent", AUDIENCE, '{"user":1}', "OK", "absent"),
    ("absent", AUDIENCE, '{"admin":false}', "DENIED", "claim"),
    ("matches", AUDIENCE, '{"roles":["read-all","x"]}', "OK", "matches"),
    ("matches", AUDIENCE, '{"roles":"read-all"}', "DENIED", "claim"),
    ("size", AUDIENCE, '{"a":1}', "OK", "size"),
    ("size", AUDIENCE, '{"a":12345}', "DENIED", "size"),
    ("open", AUDIENCE, None, "OK", "open"),
    ("closed", AUDIENCE, None, "DENIED", "hours"),
    ("limits", AUDIENCE, None, "OK", "limits"),
    ("two", OTHER, None, "OK", "two-b"),
    ("two", "did:x", None, "DENIED", "audience"),
    ("locked", AUDIENCE, None, "LOCKED", ""),
    ("locked", AUDIENCE, '{"sub":"x"}', "INVALID", "identity"),
    ("gone", AUDIENCE, None, "UNAVAILABLE", ""),
    ("gone-audience", OTHER, None, "DENIED", "audience"),
    ("master", AUDIENCE, None, "DENIED", "no-rule"),
    ("nobodys", AUDIENCE, None, "DENIED", "no-rule"),
    ("a/b", AUDIENCE, None, "INVALID", ""),
]

# Key, payload, typ, the word and the record's name for it.
JWS = [
    ("any", "hello", None, "OK", "any-jws"),
    ("any", "", None, "OK", "any-jws"),
    ("any", TOKEN, None, "DENIED", "token-like"),
    ("any", TOKEN, "jwt+x", "DENIED", "token-like"),
    ("any", TOKEN, "vnd.example", "OK", "any-jws"),
    ("any", "hello", "a b", "INVALID", ""),
    ("any", None, None, "INVALID", ""),
    ("listed", '{"a":1}', None, "OK", "listed-jws"),
    ("listed", "hello", None, "DENIED", "claims"),
    ("listed", '{"a":1,"b":2}', None, "DENIED", "claims"),
    ("must-be", '{"scope":"iSHARE"}', None, "OK", "must-be-jws"),
    ("size", "0123456789", None, "OK", "size-jws"),
    ("size", "01234567890", None, "DENIED", "size"),
    ("master", TOKEN, None, "OK", "master-jws"),
    ("locked", "hello", None, "LOCKED", ""),
    ("audience", "hello", None, "DENIED", "no-rule"),
]

DIGEST = [
    ("any", "OK", "any-digest"),
    ("closed", "DENIED", "hours"),
    ("locked", "LOCKED", ""),
    ("size", "DENIED", "no-rule"),
]


class Explained(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(
            tempfile.TemporaryDirectory(prefix="zegel-explain-")))
        cls.folder.chmod(0o711)
        cls.office = office = Office(cls.folder)
        for token in ("good", "away"):
            office.make_token(token)
        tokens = {"locked": "away", "gone": "lost", "gone-audience": "lost"}
        names = {*AUTH_RULES, *JWS_RULES, *DIGEST_RULES, "list", "two"}
        office.configure(
            office.listen().replace("}", "\tmode = 0666\n}"),
            office.token("good", sessions=2), office.token("away", pin="officer"),
            office.token("lost", pin=f"file:{cls.folder}/good.pin", uri="pkcs11:token=lost"),
            *(cls.key(name, tokens.get(name, "good")) for name in sorted(names)),
            cls.client())
        cls.enterClassContext(office.start())
        wait_until(lambda: cls.ask(wire.seal(2, "any", "dsgo-auth", wire.dsgo_auth(AUDIENCE)))
                   == "OK", "the token is there")
        wait_until(lambda: cls.ask(wire.seal(2, "gone", "dsgo-auth", wire.dsgo_auth(AUDIENCE)))
                   == "UNAVAILABLE", "the other is not")

    @classmethod
    def key(cls, name, token):
        label = "away" if token == "away" else "good"
        return (f'key "{name}" {{ on "{token}" {{ uri = "pkcs11:object={label}"'
                f' certificate = "{cls.folder}/{label}.pem" }} }}\n')

    @classmethod
    def client(cls):
        listed = cls.office.write("list", f"{AUDIENCE}\n")
        rules = [(key, key, "dsgo-auth", rest) for key, rest in AUTH_RULES.items()]
        rules += [(f"{key}-jws", key, "jws", rest) for key, rest in JWS_RULES.items()]
        rules += [(f"{key}-digest", key, "digest", rest) for key, rest in DIGEST_RULES.items()]
        rules += [("list", "list", "dsgo-auth", f'audience-file = "{listed}"'),
                  ("two-a", "two", "dsgo-auth", f'audience = "{AUDIENCE}"'),
                  ("two-b", "two", "dsgo-auth", f'audience = "{OTHER}"')]
        # No rule may be called as a refusal is.
        words = "".join(f'\tallow "{cls.name_of(name)}" {{ key = "{key}" profile = "{profile}" '
                        f"{rest} }}\n" for name, key, profile, rest in rules)
        return f'client "me" {{\n\tuser = "{getpass.getuser()}"\n{words}}}\n'

    @staticmethod
    def name_of(rule):
        return f"r-{rule}"

    @classmethod
    def ask(cls, body):
        """The word that the client hears."""
        with Client(str(cls.office.socket)) as client:
            answer = client.ask(body)
        return WORDS[answer.fields[1][0]] if answer.is_error else "OK"

    def explain(self, *words, **options):
        environment = {**os.environ, "ZEGEL_OFFICER_SOCKET": str(self.folder / "officer.sock")}
        return run(agent.program("zegel"), "policy", "explain", *words, env=environment,
                   **options)

    def check(self, word, name, body, *question):
        """name: of the rule that allows it, or of the refusal."""
        done = self.explain("--client", "me", "--json", *question)
        self.assertEqual("", done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual((word, word), (found["status"], self.ask(body)))
        self.assertEqual(EXIT_CODES[word], done.returncode)
        self.assertEqual(word == "OK", found["allowed"])
        self.assertEqual(self.name_of(name) if word == "OK" else name, found["rule"])
        if word == "OK":
            self.assertEqual("", found["nearest"])
            self.assertIn(f'allowed by rule "{found["rule"]}"', found["text"])
        return found

    def file(self, text):
        return () if text is None else (self.office.write("input", text),)

    def test_dsgo_auth(self):
        for key, audience, claims, word, name in AUTH:
            with self.subTest(key=key, audience=audience, claims=claims):
                question = ["--key", key, "--profile", "dsgo-auth"]
                question += [] if audience is None else ["--aud", audience]
                question += [] if claims is None else ["--claims", *self.file(claims)]
                self.check(word, name, wire.seal(2, key, "dsgo-auth",
                                                 wire.dsgo_auth(audience, claims)), *question)

    def test_jws(self):
        for key, payload, typ, word, name in JWS:
            with self.subTest(key=key, payload=payload, typ=typ):
                question = ["--key", key, "--profile", "jws"]
                question += [] if payload is None else ["--payload", *self.file(payload)]
                question += [] if typ is None else ["--typ", typ]
                self.check(word, name, wire.seal(2, key, "jws", wire.jws(payload, typ)),
                           *question)

    def test_digest(self):
        for key, word, name in DIGEST:
            with self.subTest(key=key):
                self.check(word, name, wire.seal(2, key, "digest", wire.digest_input(b"x" * 32)),
                           "--key", key, "--profile", "digest")

    def test_a_profile_that_is_none(self):
        self.check("UNSUPPORTED", "", wire.seal(2, "any", "other", wire.dsgo_auth(AUDIENCE)),
                   "--key", "any", "--profile", "other")

    def test_what_another_profile_takes(self):
        for profile, *words in (("jws", "--aud", AUDIENCE), ("digest", "--aud", AUDIENCE),
                                ("dsgo-auth", "--typ", "x"),
                                ("dsgo-auth", "--aud", AUDIENCE, "--payload", "/dev/null"),
                                ("digest", "--payload", "/dev/null")):
            done = self.explain("--client", "me", "--key", "any", "--profile", profile, *words)
            self.assertEqual(BAD_DATA, done.returncode)
            self.assertIn("BAD_INPUT: the request must carry exactly the input", done.stdout)

    def test_strangers(self):
        question = ["--key", "any", "--profile", "dsgo-auth", "--aud", AUDIENCE]
        for client in ("", "nobody"):
            done = self.explain("--client", client, *question)
            self.assertEqual(77, done.returncode)
            self.assertIn("refused: stranger: no client section fits\n", done.stdout)
        self.assertIn('client "nobody": there is no client section of this name', done.stdout)
        if os.getuid() == 0:
            body = wire.seal(2, "any", "dsgo-auth", wire.dsgo_auth(AUDIENCE))
            self.assertEqual("DENIED", as_user(lambda: self.ask(body), STRANGER, HIS_GROUP))

    def test_words_for_people(self):
        done = self.explain("--client", "me", "--key", "two", "--profile", "dsgo-auth",
                            "--aud", "did:x")
        self.assertEqual(
            f'rule "r-two-a": audience: expected "{AUDIENCE}", found "did:x"\n'
            f'rule "r-two-b": audience: expected "{OTHER}", found "did:x"\n'
            'refused: audience: rule "r-two-a" came nearest\n'
            'key "two": ready\n', done.stdout)
        done = self.explain("--client", "me", "--key", "locked", "--profile", "dsgo-auth",
                            "--aud", AUDIENCE)
        self.assertEqual(
            'rule "r-locked": allowed\nallowed by rule "r-locked"\n'
            'warning: rule "r-locked-digest" (digest) contains every other kind of seal with '
            "this key\n"
            "refused behind the rules: LOCKED: the token is locked until an officer unlocks "
            "it\n"
            'key "locked": locked: an officer must unlock its token\n', done.stdout)

    def test_what_is_foreign_is_shown_escaped(self):
        bad = "\x1b[2J\n\u20ac"
        done = self.explain("--client", bad, "--key", bad, "--profile", "dsgo-auth")
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn(r"\x1b[2J\x0a\xe2\x82\xac", done.stdout)
        done = self.explain("--client", "me", "--key", "must-be", "--profile", "dsgo-auth",
                            "--aud", AUDIENCE, "--claims",
                            *self.file(json.dumps({"scope": bad})))
        self.assertIn(r'expected "iSHARE", found "\x1b[2J\x0a\xe2\x82\xac"', done.stdout)

    def test_from_standard_input(self):
        done = self.explain("--client", "me", "--key", "none", "--profile", "dsgo-auth",
                            "--aud", AUDIENCE, "--claims", "-", input='{"a":1}', stdin=None)
        self.assertIn('expected none, found "a"', done.stdout)

    def test_usage(self):
        good = ["--client", "me", "--key", "any", "--profile", "jws"]
        for words in ([], good[2:], good[:2] + good[4:], good[:4], good + ["more"],
                      good + ["--colour"], good + ["--aud"], ["--help=x"]):
            done = self.explain(*words)
            self.assertEqual(USAGE, done.returncode, words)
            self.assertEqual("", done.stdout)
        for words in (["policy"], ["policy", "show"]):
            self.assertEqual(USAGE, run(agent.program("zegel"), *words).returncode)

    def test_files_that_cannot_be_used(self):
        question = ["--client", "me", "--key", "any", "--profile", "dsgo-auth", "--aud",
                    AUDIENCE, "--claims"]
        for path, words in ((self.folder / "nothing", "No such file"),
                            (self.folder, "directory"),
                            (self.office.write("long", "x" * 16385), "longer than 16384")):
            done = self.explain(*question, path)
            self.assertEqual(BAD_DATA, done.returncode)
            self.assertIn(words, done.stderr)

    def test_without_an_agent(self):
        done = run(agent.program("zegel"), "policy", "explain", "--client", "me", "--key", "any",
                   "--profile", "jws", env={"ZEGEL_OFFICER_SOCKET": "/nonexistent"})
        self.assertEqual(UNAVAILABLE, done.returncode)
        self.assertIn("cannot connect to /nonexistent", done.stderr)

    def test_nothing_is_sealed_and_nothing_recorded(self):
        before = len(records(self.office.audit, None))
        with Officer(self.folder / "officer.sock") as officer:
            for _ in range(100):
                officer.explain("me", "any", "dsgo-auth", (4, AUDIENCE))
        self.assertEqual(before, len(records(self.office.audit, None)))

    def test_after_a_reload_it_is_the_new_rules(self):
        text = self.office.config.read_text()
        question = ("me", "audience", "dsgo-auth", (4, OTHER))
        with Officer(self.folder / "officer.sock") as officer:
            self.assertEqual(wire.DENIED, officer.explain(*question).status)
            self.office.write("zegel.conf", text.replace(
                self.client(), self.client().replace(f'audience = "{AUDIENCE}"', "")))
            try:
                self.assertTrue(officer.reload().is_done)
                self.assertEqual(wire.OK, officer.explain(*question).status)
            finally:
                self.office.write("zegel.conf", text)
                self.assertTrue(officer.reload().is_done)
            self.assertEqual(wire.DENIED, officer.explain(*question).status)


if __name__ == "__main__":
    agent.main()
