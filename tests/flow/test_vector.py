# SPDX-License-Identifier: Apache-2.0
"""The published vector is right, unit tests use it, and a real seal has its form."""
import base64
import hashlib
import json
import unittest
from pathlib import Path

import agent
from agent import AUDIENCE, Sandbox
from tokens import Token, decode

TESTS = Path(__file__).parent.parent
VECTOR = json.loads((TESTS / "vectors/dsgo-auth.json").read_text(encoding="ascii"))


def encode(text):
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Vector(unittest.TestCase):
    def test_bytes_of_the_vector(self):
        signing_input = f"{encode(VECTOR['header'])}.{encode(VECTOR['claims'])}"
        self.assertEqual(VECTOR["input_bytes"], len(signing_input))
        self.assertEqual(VECTOR["input_sha256"],
                         hashlib.sha256(signing_input.encode()).hexdigest())

    def test_unit_tests_use_it(self):
        source = (TESTS / "unit/test_form.c").read_text(encoding="utf-8")
        self.assertIn(VECTOR["input_sha256"], source)

    def test_real_seal_has_its_form(self):
        """The same members, in the same order, without a byte between them."""
        with Sandbox() as sandbox:
            token = Token(sandbox.seal())
        for part, name in zip(token.parts, ("header", "claims")):
            sealed, published = json.loads(decode(part)), json.loads(VECTOR[name])
            self.assertEqual(list(published), list(sealed))
            self.assertEqual([type(value) for value in published.values()],
                             [type(value) for value in sealed.values()])
            self.assertEqual(compact(sealed), decode(part).decode())
            self.assertEqual(compact(published), VECTOR[name])
        self.assertEqual(json.loads(VECTOR["claims"])["aud"], AUDIENCE)


if __name__ == "__main__":
    agent.main()
