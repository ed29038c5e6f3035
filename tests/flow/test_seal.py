# SPDX-License-Identifier: Apache-2.0
"""A seal from the sandbox is a DSGO token, and others say so too."""
import time
import unittest

import agent
import jwt
from agent import AUDIENCE, Sandbox
from tokens import Token


class Seal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = cls.enterClassContext(Sandbox())

    def test_stdout_holds_one_line(self):
        done = self.sandbox.zegel("seal", "--profile", "dsgo-auth", "--key", "sandbox",
                                  "--aud", AUDIENCE)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertRegex(done.stdout, r"\A[\w-]+\.[\w-]+\.[\w-]+\n\Z")

    def test_header_has_alg_typ_and_x5c_in_this_order(self):
        token = Token(self.sandbox.seal())
        self.assertEqual(["alg", "typ", "x5c"], [name for name, _ in token.header])
        self.assertEqual([("alg", "RS256"), ("typ", "JWT")], token.header[:2])

    def test_x5c_goes_from_leaf_to_root(self):
        chain = Token(self.sandbox.seal()).chain
        for lower, upper in zip(chain, chain[1:]):
            self.assertEqual(lower.issuer, upper.subject)
        self.assertEqual(chain[-1].issuer, chain[-1].subject)

    def test_claims_are_those_of_dsgo(self):
        before = int(time.time())
        token = Token(self.sandbox.seal())
        claims = dict(token.claims)
        self.assertEqual(["iss", "sub", "aud", "jti", "iat", "exp"],
                         [name for name, _ in token.claims])
        self.assertEqual(claims["iss"], claims["sub"])
        self.assertRegex(claims["iss"], r"^did:ishare:EU\.NL\.NTRNL-\d{8}$")
        self.assertEqual(AUDIENCE, claims["aud"])
        self.assertIs(int, type(claims["iat"]))
        self.assertIs(int, type(claims["exp"]))
        self.assertEqual(claims["iat"] + 30, claims["exp"])
        self.assertTrue(before <= claims["iat"] <= int(time.time()))

    def test_each_seal_has_its_own_jti(self):
        tokens = [dict(Token(self.sandbox.seal()).claims)["jti"] for _ in range(5)]
        self.assertEqual(5, len(set(tokens)))

    def test_nbf_comes_on_wish_and_equals_iat(self):
        token = Token(self.sandbox.seal("--nbf"))
        claims = dict(token.claims)
        self.assertEqual(claims["iat"], claims["nbf"])
        self.assertIs(int, type(claims["nbf"]))

    def test_pyjwt_verifies(self):
        claims = Token(self.sandbox.seal()).verify_with_pyjwt()
        self.assertEqual(AUDIENCE, claims["aud"])

    def test_pyjwt_refuses_a_changed_token(self):
        token = Token(self.sandbox.seal())
        head, claims, signature = token.parts
        other = Token(self.sandbox.seal()).parts[1]
        self.assertNotEqual(claims, other)
        with self.assertRaises(jwt.InvalidSignatureError):
            Token(".".join([head, other, signature])).verify_with_pyjwt()

    def test_openssl_verifies_signature_and_chain(self):
        token = Token(self.sandbox.seal())
        self.assertIn("Verified OK", token.verify_with_openssl())
        self.assertIn("OK", token.verify_chain_with_openssl(self.sandbox.ca))

    def test_zegel_verify_agrees(self):
        text = self.sandbox.seal()
        good = self.verify(text)
        self.assertEqual(0, good.returncode, good.stdout + good.stderr)
        head, _, signature = text.split(".")
        other = self.sandbox.seal().split(".")[1]
        bad = self.verify(".".join([head, other, signature]))
        self.assertEqual(1, bad.returncode, bad.stdout + bad.stderr)

    def verify(self, text):
        return self.sandbox.zegel("verify", "--profile", "dsgo-auth", "--trust",
                                  self.sandbox.ca, input=text, stdin=None)


if __name__ == "__main__":
    agent.main()
