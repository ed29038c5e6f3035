# SPDX-License-Identifier: Apache-2.0
"""npm's jose verifies our seals with the leaf's public key. Only with --full."""
import os
import shutil
from pathlib import Path

import agent
from agent import AUDIENCE, Folder, Sandbox, must_run
from cryptography.hazmat.primitives import serialization
from tokens import Token

VERSION = "5.10.0"
PLAIN = '{"iss":"did:x","sub":"did:x"}'
HERE = Path(__file__).parent


class Jose(Folder):
    def test_jose_verifies_and_refuses(self):
        must_run("npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts",
                 f"jose@{VERSION}", cwd=self.folder, timeout=300,
                 env={**os.environ, "npm_config_cache": str(self.folder / "cache")})
        shutil.copy(HERE / "jose.mjs", self.folder)
        with Sandbox() as sandbox:
            text = sandbox.seal()
            plain = sandbox.zegel("seal", "--profile", "jws", "--key", "sandbox", "--typ",
                                  "vnd.example", "--payload", "-", input=PLAIN, stdin=None)
            (self.folder / "key.pem").write_bytes(Token(text).public_key.public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo))
            told = must_run("node", "jose.mjs", "key.pem", AUDIENCE, text,
                            plain.stdout.strip(), cwd=self.folder)
        self.assertEqual("verified\nrefused when changed\n"
                         f"verified vnd.example: {PLAIN}\nrefused as a token\n", told)


if __name__ == "__main__":
    if os.environ.get("ZEGEL_TEST_FULL") != "1":
        agent.skip("fetches jose with npm: only with --full")
    agent.main()
