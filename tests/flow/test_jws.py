# SPDX-License-Identifier: Apache-2.0
"""A plain JWS is one for software that is not ours, whatever its payload and algorithm."""
import base64
import json
import unittest

import agent
from agent import Sandbox
from cryptography import x509
from jwt.api_jws import PyJWS
from lax import decode

RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
HARMLESS = (b"", b"hello", b"{}", b"[]", b'{"a":{"iss":1},"caf\xc3\xa9":[1,null,"iss"]}',
            b' {"scope":"iSHARE","nbf":1,"n":12345678901234567890}\n', b'[["a",1]]', b'"x"',
            b"1", b"eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "caf\u00e9\r\n\t<iss/>".encode())
TOKEN = b'{"iss":"did:x","sub":"did:x","aud":"did:y","jti":"z","iat":1,"exp":31}'
BINARY = bytes(range(256)) + b"{["


class Sealing:
    """What both kinds of key have in common."""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = cls.enterClassContext(Sandbox(*cls.OPTIONS))
        pem = cls.sandbox.zegel("cert", "sandbox", "--pem").stdout
        cls.key = x509.load_pem_x509_certificate(pem.encode()).public_key()

    def ask(self, payload, *words):
        return self.sandbox.zegel("seal", "--profile", "jws", "--key", "sandbox",
                                  "--payload", "-", *words, input=payload, stdin=None,
                                  text=False)

    def seal(self, payload, *words):
        """The header, once PyJWT has verified the seal and found the payload in it."""
        done = self.ask(payload, *words)
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        text = done.stdout.decode().removesuffix("\n")
        found = PyJWS().decode_complete(text, self.key, algorithms=self.ALGORITHMS)
        self.assertEqual(payload, found["payload"])
        return json.loads(decode(text.split(".")[0]), object_pairs_hook=list)

    def test_each_algorithm_of_the_key_verifies(self):
        for algorithm in self.ALGORITHMS:
            with self.subTest(algorithm):
                header = self.seal(b'{"a":1}', "--algorithm", algorithm)
                self.assertEqual([("alg", algorithm)], header)

    def test_without_an_algorithm_the_key_has_one(self):
        self.assertEqual([("alg", self.ALGORITHMS[0])], self.seal(b"{}"))


class Rsa(Sealing, unittest.TestCase):
    OPTIONS, ALGORITHMS = (), RSA

    def test_payloads_that_are_no_token_need_no_typ(self):
        for payload in HARMLESS:
            with self.subTest(payload):
                self.assertEqual([("alg", "RS256")], self.seal(payload))

    def test_any_payload_may_have_a_typ_of_its_own(self):
        for payload in (*HARMLESS, TOKEN, BINARY, TOKEN.decode().encode("utf-16")):
            with self.subTest(payload):
                self.assertEqual([("alg", "RS256"), ("typ", "vnd.example.report+json")],
                                 self.seal(payload, "--typ", "vnd.example.report+json"))

    def test_header_parameters_come_in_one_order(self):
        header = self.seal(b"{}", "--x5c", "--cty", "json", "--typ", "a/b")
        self.assertEqual(["alg", "typ", "cty", "x5c"], [name for name, _ in header])
        chain = [x509.load_der_x509_certificate(base64.b64decode(der, validate=True))
                 for der in dict(header)["x5c"]]
        self.assertEqual(self.key.public_numbers(), chain[0].public_key().public_numbers())
        self.assertEqual(chain[-1].issuer, chain[-1].subject)

    def test_the_longest_payload_fits_with_its_chain(self):
        self.seal(b"x" * 32768, "--x5c", "--typ", "t" * 127, "--cty", "c" * 127)
        self.assertEqual(65, self.ask(b"x" * 32769).returncode)

    def test_what_could_pass_as_a_token_is_denied_and_told_why(self):
        for words in ((), ("--typ", "JWT"), ("--typ", "application/at+jwt"), ("--x5c",)):
            for payload in (TOKEN, b"\xff\xfe" + TOKEN.decode().encode("utf-16-le"), BINARY):
                with self.subTest(words=words, payload=payload):
                    done = self.ask(payload, *words)
                    self.assertEqual((77, b""), (done.returncode, done.stdout))
                    self.assertIn(b"could pass as a DSGO token", done.stderr)

    def test_typ_and_cty_cannot_bring_in_other_parameters(self):
        for word in ("--typ", "--cty"):
            for value in ("", 'a","kid":"b', "a\\u0022", "a b", "a;b=c", "t" * 128):
                with self.subTest(word=word, value=value):
                    self.assertEqual(65, self.ask(b"{}", word, value).returncode)

    def test_algorithms_of_other_keys_are_unsupported(self):
        for algorithm in ("ES256", "none", "HS256", "EdDSA"):
            done = self.ask(b"{}", "--algorithm", algorithm)
            self.assertEqual(65, done.returncode)
            self.assertIn(b"UNSUPPORTED", done.stderr)

    def test_json_tells_what_there_is(self):
        done = self.ask(b"{}", "--json")
        self.assertEqual({"seal", "algorithm", "certificate_sha256"},
                         set(json.loads(done.stdout)))


class P256(Sealing, unittest.TestCase):
    OPTIONS, ALGORITHMS = ("--key-type", "ec:p256"), ("ES256",)


class P384(Sealing, unittest.TestCase):
    OPTIONS, ALGORITHMS = ("--key-type", "ec:p384"), ("ES384",)


if __name__ == "__main__":
    agent.main()
