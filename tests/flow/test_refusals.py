# SPDX-License-Identifier: Apache-2.0
"""Requests that mean what may not be sealed get the right word, and never a seal."""
import unittest

import agent
import wire
from agent import AUDIENCE, Folder, Sandbox
from office import Office
from tokens import Token
from wire import Client, Refused

BAD_CLAIMS = {
    "nothing": b"",
    "no object": b"[]",
    "a text": b'"x"',
    "two objects": b"{}{}",
    "rest behind it": b"{} x",
    "not closed": b'{"a":1',
    "no JSON": b"{a:1}",
    "comment": b'{"a":1/**/}',
    "trailing comma": b'{"a":1,}',
    "not UTF-8": b'{"a":"\xff"}',
    "lone surrogate": b'{"a":"\\ud800"}',
    "NUL": b'{"a":"\0"}',
    "NUL behind": b"{}\0",
    "escaped NUL in a name": b'{"a\\u0000b":1}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "twice": b'{"a":1,"a":1}',
    "twice by escape": b'{"a":1,"\\u0061":2}',
    "twice below": b'{"x":[{"a":1,"a":2}]}',
    "too deep": b'{"a":' + b"[" * 16 + b"]" * 16 + b"}",
    "far too deep": b'{"a":' + b"[" * 8000 + b"]" * 8000 + b"}",
    "too long": b'{"a":"' + b"x" * 16384 + b'"}',
    "integer over 2^53": b'{"a":9007199254740993}',
    "integer over 2^64": b'{"a":36893488147419103232}',
    "float with many digits": b'{"a":0.30000000000000004}',
    "float too large": b'{"a":1e400}',
    "iat": b'{"iat":1}',
    "exp": b'{"exp":1}',
    "nbf": b'{"nbf":1}',
    "jti": b'{"jti":"x"}',
    "iat by escape": b'{"\\u0069at":1}',
    "other iss": b'{"iss":"did:ishare:EU.NL.NTRNL-99999999"}',
    "other sub": b'{"sub":"did:ishare:EU.NL.NTRNL-99999999"}',
    "other aud": b'{"aud":"did:ishare:EU.NL.NTRNL-99999999"}',
    "aud as array": f'{{"aud":["{AUDIENCE}"]}}'.encode(),
}

BAD_AUDIENCES = ["", " ", "a b", "a" * 257, "a\n", "a\0b", "\u00e9", 'a"b', "a\\b"]


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = cls.enterClassContext(Sandbox())

    def ask(self, *args, **options):
        # A refusal may end the connection, so each request has its own.
        with Client(self.sandbox.socket) as client:
            return client.ask(wire.seal(1, *args, **options)).check()

    def assert_refused(self, status, *args, **options):
        with self.assertRaises(Refused) as caught:
            self.ask(*args, **options)
        self.assertEqual(status, caught.exception.status, caught.exception.text)
        return caught.exception

    def seal(self, claims=None):
        answer = self.ask("sandbox", "dsgo-auth", wire.dsgo_auth(AUDIENCE, claims))
        return Token(answer[1][0].decode())

    def test_bad_claims(self):
        for name, claims in BAD_CLAIMS.items():
            with self.subTest(name):
                self.assert_refused(wire.INVALID, "sandbox", "dsgo-auth",
                                    wire.dsgo_auth(AUDIENCE, claims))

    def test_claims_that_say_what_the_seal_says(self):
        issuer = dict(self.seal().claims)["iss"]
        token = self.seal(f'{{"iss":"{issuer}","sub":"{issuer}","aud":"{AUDIENCE}"}}')
        self.assertEqual(["iss", "sub", "aud", "jti", "iat", "exp"],
                         [name for name, _ in token.claims])
        token.verify_with_pyjwt()

    def test_claims_come_out_as_they_went_in(self):
        claims = self.seal('{"n":9007199254740991,"m":-1,"f":0.5,"t":"\\u00e9\\n\\u20ac",'
                           '"l":[[],{}, null ,true]}').verify_with_pyjwt()
        self.assertEqual(9007199254740991, claims["n"])
        self.assertEqual((-1, 0.5, "\u00e9\n\u20ac"), (claims["m"], claims["f"], claims["t"]))
        self.assertEqual([[], {}, None, True], claims["l"])

    def test_bad_audiences(self):
        for audience in BAD_AUDIENCES:
            with self.subTest(audience):
                self.assert_refused(wire.INVALID, "sandbox", "dsgo-auth",
                                    wire.dsgo_auth(audience))

    def test_no_audience(self):
        self.assert_refused(wire.INVALID, "sandbox", "dsgo-auth", (16, b""))

    def test_unknown_profile(self):
        self.assert_refused(wire.UNSUPPORTED, "sandbox", "dsgo-other",
                            wire.dsgo_auth(AUDIENCE))

    def test_dsgo_is_rs256_only(self):
        for algorithm in ("PS256", "RS512", "ES256"):
            refusal = self.assert_refused(wire.UNSUPPORTED, "sandbox", "dsgo-auth",
                                          wire.dsgo_auth(AUDIENCE), algorithm)
            self.assertIn("RS256", refusal.text)

    def test_unknown_algorithm(self):
        for algorithm in ("none", "HS256", "rs256", "RS257"):
            self.assert_refused(wire.UNSUPPORTED, "sandbox", "dsgo-auth",
                                wire.dsgo_auth(AUDIENCE), algorithm)

    def test_input_of_another_profile(self):
        self.assert_refused(wire.INVALID, "sandbox", "dsgo-auth",
                            wire.digest_input(b"x" * 32))
        self.assert_refused(wire.INVALID, "sandbox", "digest", wire.dsgo_auth(AUDIENCE))
        self.assert_refused(wire.INVALID, "sandbox", "dsgo-auth", (1, None))

    def test_digest_of_the_wrong_length(self):
        for length in (0, 1, 20, 31, 33, 64, 4096):
            with self.subTest(length=length):
                self.assert_refused(wire.INVALID, "sandbox", "digest",
                                    wire.digest_input(b"x" * length), "RS256")

    def test_timeouts_out_of_range(self):
        for timeout_ms in (0, 60001, 2**32 - 1):
            self.assert_refused(wire.INVALID, "sandbox", "dsgo-auth",
                                wire.dsgo_auth(AUDIENCE), None, timeout_ms)

    def test_names_that_are_none(self):
        for name in ("", " ", "a/b", "x" * 65, "\u00e9"):
            self.assert_refused(wire.INVALID, name, "dsgo-auth", wire.dsgo_auth(AUDIENCE))


class Rights(Folder):
    """An unknown key and a forbidden key look alike."""

    def test_unknown_and_forbidden_look_alike(self):
        office = Office(self.folder)
        office.make_token("mine")
        office.make_token("theirs")
        office.configure(office.listen(), office.token("mine"), office.token("theirs"),
                         office.key("mine"), office.key("theirs"), office.client("mine"))
        self.enterContext(office.start())
        with Client(str(office.socket)) as client:
            refusals = {self.refusal(client, key) for key in ("theirs", "nobodys")}
            self.assertEqual({(wire.DENIED, "not allowed")}, refusals)
            descriptions = {self.describe(client, key) for key in ("theirs", "nobodys")}
            self.assertEqual({(wire.DENIED, "not allowed")}, descriptions)
            listed = client.ask(wire.message((1, 2), (wire.LIST_KEYS, b""))).check()
            names = [wire.fields(key)[1][0] for key in listed[1]]
            self.assertEqual([b"mine"], names)

    def refusal(self, client, key):
        with self.assertRaises(Refused) as caught:
            client.ask(wire.seal(1, key, "dsgo-auth", wire.dsgo_auth(AUDIENCE))).check()
        return caught.exception.status, caught.exception.text

    def describe(self, client, key):
        body = wire.message((1, 1), (wire.DESCRIBE_KEY, wire.message((1, key))))
        with self.assertRaises(Refused) as caught:
            client.ask(body).check()
        return caught.exception.status, caught.exception.text


if __name__ == "__main__":
    agent.main()
