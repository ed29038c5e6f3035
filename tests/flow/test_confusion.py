# SPDX-License-Identifier: Apache-2.0
"""A rule for jws does not give tokens of DSGO, however the request is bent; nor is digest
had without its rule. Who judges what comes out is lax.py, as careless as any verifier."""
import collections
import getpass
import hashlib
import json
import random
import struct
import unittest

import agent
import lax
import wire
from agent import AUDIENCE, Folder
from cryptography import x509
from office import Office
from wire import Client

SEED = 20260801
NOW = 1504683445
TRIES = 10000
IN_FLIGHT = 32
IDENTIFIER = "did:ishare:EU.NL.NTRNL-10000001"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
DENIED_AS_TOKEN = b"a jws that could pass as a DSGO token needs another typ, or a rule with claims = any"

TYPES = {
    "family": ("JWT", "jwt", "Jwt", "application/jwt", "application/JWT", "at+jwt", "AT+JWT",
               "application/vnd.x+jwt", "dc+sd-jwt", "JOSE", "jose", "application/jose"),
    "other": ("vnd.example.report+json", "text/plain", "application/octet-stream", "x"),
    "no typ": ("", "JWT ", " JWT", "J\0WT", "\uff2aWT", 'x","typ":"JWT', "jwt;a=b", "j" * 128),
}


def token(random):
    claims = [("iss", IDENTIFIER), ("sub", IDENTIFIER), ("aud", AUDIENCE),
              ("jti", f"{random.getrandbits(128):032x}"), ("iat", NOW), ("exp", NOW + 30)]
    return claims + [("scope", "iSHARE")] * random.randrange(2)


# Each takes the members of a payload and gives them back otherwise.

def shuffle(random, members):
    return random.sample(members, len(members))


def leave_out(random, members):
    return random.sample(members, random.randrange(len(members) + 1))


def keep_one(random, members):
    return [random.choice(members)]


def repeat(random, members):
    return members + random.choices(members, k=random.randrange(1, 3))


def rename(random, members):
    changes = (str.upper, str.title, lambda name: name + "2", lambda name: name[:-1],
               lambda name: name.replace("s", "\u017f"), lambda name: name.replace("i", "\u0131"),
               lambda name: name.replace("ss", "\u00df"), lambda name: name + "\0",
               lambda name: "".join(chr(ord(c) + 0xfee0) for c in name))
    return [(random.choice(changes)(name) if random.random() < .7 else name, value)
            for name, value in members]


def lower(random, members):
    return [("claims", dict(members)), ("a", random.random())]


MEMBERS = (shuffle, leave_out, keep_one, repeat, rename, lower)


# Each writes the members as text.

def escape(random, text):
    return "".join(f"\\u{ord(c):04{random.choice('xX')}}" if random.random() < .5 else c
                   for c in text)


def quote(random, text):
    how = random.randrange(3)
    if how == 0:
        return f'"{escape(random, text)}"'
    return json.dumps(text, ensure_ascii=how == 1)


def plainly(random, members):
    comma, colon = random.choice(((",", ":"), (", ", ": "), ("\n,\t", " :\r\n")))
    return "{" + comma.join(quote(random, name) + colon + json.dumps(value)
                            for name, value in members) + "}"


def in_pairs(random, members):
    return json.dumps([list(member) for member in members])


def barely(random, members):
    return "{" + ";".join(f"{name}={value!r}" for name, value in members) + "}"


def in_a_text(random, members):
    return json.dumps(plainly(random, members))


def as_lines(random, members):
    return "\n".join(f"{name}: {value}" for name, value in members)


WRITERS = (plainly,) * 8 + (in_pairs, barely, in_a_text, as_lines)


# Each bends the text.

def put_before(random, text):
    return random.choice(("\ufeff", " \t\r\n", "\u00a0", "\v\f", "/* x */", "// x\n", "# x\n",
                          ")]}'\n", "\0", "[", "x=", "{}", "\u2028")) + text


def put_behind(random, text):
    return text + random.choice(("\0", " x", "}", "{}", ",", "\n", "\ufeff", text))


def wrap(random, text):
    depth = random.choice((1, 2, 20, 3000))
    return random.choice(('{"a":', "[")) * depth + text + random.choice(("}", "]")) * depth


def cut(random, text):
    return text[:random.randrange(len(text) + 1)]


def change(random, text):
    at = random.randrange(len(text))
    return text[:at] + chr(random.randrange(256)) + text[at + 1:]


TEXTS = (put_before, put_behind, wrap, cut, change)
ENCODINGS = ("utf-8",) * 12 + ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be",
                               "utf-8-sig", "latin-1")


def flip(random, data):
    data = bytearray(data or b"x")
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def payload(random):
    members = token(random)
    for bend in random.choices(MEMBERS, k=random.randrange(3)):
        members = bend(random, members) if members else members
    text = random.choice(WRITERS)(random, members)
    for bend in random.choices(TEXTS, k=random.choice((0, 0, 0, 1, 2))):
        text = bend(random, text) if text else text
    data = text.encode(random.choice(ENCODINGS), "replace")
    if random.random() < .1:
        data = flip(random, data)
    if random.random() < .05:
        data = random.randbytes(random.randrange(64))
    return data[:32768]


def some_type(random):
    kind = random.choice((None,) * 8 + ("family",) * 7 + ("other",) * 4 + ("no typ",))
    return None if kind is None else random.choice(TYPES[kind])


def signing_input(data):
    header = {"alg": "RS256", "typ": "JWT"}
    return b".".join(lax.encode(part) for part in (json.dumps(header).encode(), data))


class Try:
    """One request, and what may come of it."""

    def __init__(self, random, profile=None):
        self.payload = payload(random)
        self.typ = some_type(random)
        self.cty = random.choice((None, None, "JWT", "json"))
        self.x5c = random.choice((None, 0, 1, 1))
        self.algorithm = random.choice((None,) * 60 + ALGORITHMS + (
            "none", "HS256", "rs256", "ES256", "RS256\0", "EdDSA"))
        self.key = random.choice(("mine",) * 60 + ("theirs", "MINE", "mine\0", "mine ", ""))
        self.profile = profile or random.choice(("jws",) * 60 + (
            "digest", "digest", "dsgo-auth", "dsgo-auth", "JWS", "jws\0", "dsgo-nr", "jades", ""))
        self.given = wire.jws(self.payload, self.typ, self.cty, self.x5c)
        if self.profile == "digest" or random.random() < .02:
            self.given = wire.digest_input(hashlib.sha256(signing_input(self.payload)).digest())
        elif self.profile == "dsgo-auth" or random.random() < .02:
            self.given = wire.dsgo_auth(AUDIENCE)

    def body(self, request_id):
        return wire.seal(request_id, self.key, self.profile, self.given, self.algorithm)


def answers(client, tries):
    """Yields each try with its answer; IN_FLIGHT of them are under way at once."""
    for start in range(0, len(tries), IN_FLIGHT):
        waiting = dict(enumerate(tries[start:start + IN_FLIGHT], 1))
        bodies = [one.body(request_id) for request_id, one in waiting.items()]
        client.socket.sendall(b"".join(struct.pack(">I", len(b)) + b for b in bodies))
        for _ in bodies:
            answer = client.receive()
            yield waiting.pop(answer.id), answer


class Confusion(Folder):
    def setUp(self):
        super().setUp()
        self.office = Office(self.folder)
        self.office.make_token("mine")
        self.key = x509.load_pem_x509_certificate(
            (self.folder / "mine.pem").read_bytes()).public_key()

    def start(self, *profiles):
        """An agent where we may have these profiles of the key "mine"."""
        rules = "".join(f'\tallow "{profile}" {{ key = "mine" profile = "{profile}" }}\n'
                        for profile in profiles)
        self.office.configure(
            self.office.listen(), self.office.token("mine"), self.office.key("mine"),
            f'client "test" {{\n\tuser = "{getpass.getuser()}"\n{rules}}}\n')
        self.enterContext(self.office.start())
        return self.enterContext(Client(str(self.office.socket)))

    def judge(self, one, answer):
        """Whether a seal is the one that was asked for, and no verifier's token."""
        text = answer.fields[1][0].decode()
        head, body, _ = text.split(".")
        header = json.loads(lax.decode(head))
        self.assertEqual(("jws", "mine"), (one.profile, one.key))
        self.assertEqual(one.payload, lax.decode(body))
        self.assertEqual(one.typ, header.get("typ"))
        has_claim = lax.pyjwt_reads_claim(text, self.key, ALGORITHMS)
        self.assertFalse(has_claim and lax.is_jwt_type(one.typ), (one.typ, one.payload))
        self.assertFalse(lax.could_pass(header, one.payload), (one.typ, one.payload))
        return "sealed, with claims under another typ" if has_claim else "sealed"

    def outcome(self, one, answer):
        if not answer.is_error:
            return self.judge(one, answer)
        status, text = answer.fields[1][0], answer.fields[2][0]
        if (one.profile, one.key) == ("digest", "mine") and one.algorithm in (None, "RS256"):
            self.assertEqual((wire.DENIED, b"not allowed"), (status, text))
            return "digest denied"
        if text == DENIED_AS_TOKEN:
            self.assertEqual((wire.DENIED, "jws", "mine"), (status, one.profile, one.key))
            would_pass = lax.could_pass({} if one.typ is None else {"typ": one.typ}, one.payload)
            return "token denied" if would_pass else "denied, to be safe"
        self.assertIn(status, (wire.DENIED, wire.INVALID, wire.UNSUPPORTED), text)
        return "refused"

    def test_ten_thousand_tries_give_no_token(self):
        source = random.Random(SEED)
        client = self.start("jws")
        tries = [Try(source) for _ in range(TRIES)]
        counts = collections.Counter(self.outcome(*pair) for pair in answers(client, tries))
        print(dict(counts))
        self.assertEqual(TRIES, counts.total())
        # Each kind came often enough to mean something.
        self.assertGreater(counts["token denied"], TRIES / 4)
        self.assertGreater(counts["digest denied"], TRIES / 100)
        self.assertGreater(counts["sealed"], TRIES / 10)
        self.assertGreater(counts["sealed, with claims under another typ"], TRIES / 40)

    def test_digest_is_denied_where_all_else_is_allowed(self):
        source = random.Random(SEED)
        client = self.start("dsgo-auth", "jws")
        tries = [Try(source, profile="digest") for _ in range(TRIES // 5)]
        counts = collections.Counter(self.outcome(*pair) for pair in answers(client, tries))
        self.assertEqual({"digest denied", "refused"}, set(counts))
        self.assertGreater(counts["digest denied"], len(tries) / 2)
        for algorithm, length in (("RS256", 32), ("PS384", 48), ("RS512", 64)):
            given = wire.digest_input(bytes(length))
            answer = client.ask(wire.seal(9, "mine", "digest", given, algorithm))
            self.assertEqual([wire.DENIED], answer.fields[1])
        # The judge knows a real token when it sees one.
        answer = client.ask(wire.seal(9, "mine", "dsgo-auth", wire.dsgo_auth(AUDIENCE))).check()
        head, body, _ = answer[1][0].decode().split(".")
        self.assertTrue(lax.could_pass(json.loads(lax.decode(head)), lax.decode(body)))
        self.assertTrue(lax.pyjwt_reads_claim(answer[1][0].decode(), self.key, ALGORITHMS))


class Judge(unittest.TestCase):
    """The judge finds what it must: else the tries above would prove nothing."""

    TOKEN = '{"iss":"a","sub":"a","aud":"b","jti":"c","iat":1,"exp":31}'

    def test_it_finds_a_token_in_every_form(self):
        text = self.TOKEN
        for data in (text.encode(), text.encode("utf-16"), text.encode("utf-16-be"),
                     text.encode("utf-32"), text.encode("utf-8-sig"), b"/* x */" + text.encode(),
                     b'[["iss","a"],["exp",1]]', b"{iss:'a';exp=1}", b'{"\\u0069ss":1}',
                     b'{"ISS":1}', '{"i\u017fs":1}'.encode(), '{"i\u00df":1}'.encode(),
                     b'{"iss":1}\0', b'{"a":1,"a":2,"exp":3}', b'{"a":"\xff","exp":3}',
                     b"# x\n" + text.encode(), b'{"a":NaN,"exp":1}'):
            with self.subTest(data):
                self.assertTrue(lax.could_pass({}, data))

    def test_it_finds_none_where_none_is(self):
        for data in (b"", b"hello", b"{}", b"[]", b'{"a":{"iss":1}}', b'"{\\"iss\\":1}"',
                     b"iss: a\nexp: 1", b'["iss"]', bytes(range(64))):
            with self.subTest(data):
                self.assertFalse(lax.could_pass({}, data))
        self.assertFalse(lax.could_pass({"typ": "text/plain"}, self.TOKEN.encode()))


if __name__ == "__main__":
    agent.main()
