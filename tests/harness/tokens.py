# SPDX-License-Identifier: Apache-2.0
"""Takes a DSGO token apart and verifies it with software that is not ours."""
import base64
import json
import subprocess
import tempfile
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from agent import AUDIENCE, must_run


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Token:
    def __init__(self, text):
        self.text = text
        self.parts = text.split(".")
        self.header = json.loads(decode(self.parts[0]), object_pairs_hook=list)
        self.claims = json.loads(decode(self.parts[1]), object_pairs_hook=list)
        self.signature = decode(self.parts[2])
        self.chain = [x509.load_der_x509_certificate(base64.b64decode(der, validate=True))
                      for der in dict(self.header)["x5c"]]

    @property
    def public_key(self):
        return self.chain[0].public_key()

    def verify_with_pyjwt(self, **options):
        return jwt.decode(self.text, self.public_key, algorithms=["RS256"],
                          audience=AUDIENCE, **options)

    def verify_with_openssl(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "input").write_text(".".join(self.parts[:2]))
            (folder / "signature").write_bytes(self.signature)
            (folder / "key").write_bytes(self.public_key.public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo))
            return must_run("openssl", "dgst", "-sha256", "-verify", folder / "key",
                            "-signature", folder / "signature", folder / "input")

    def verify_chain_with_openssl(self, ca):
        with tempfile.NamedTemporaryFile() as chain, tempfile.NamedTemporaryFile() as leaf:
            pems = [c.public_bytes(serialization.Encoding.PEM) for c in self.chain]
            Path(leaf.name).write_bytes(pems[0])
            Path(chain.name).write_bytes(b"".join(pems[1:]))
            return must_run("openssl", "verify", "-x509_strict", "-CAfile", ca,
                            "-untrusted", chain.name, leaf.name, stderr=subprocess.STDOUT,
                            capture_output=False, stdout=subprocess.PIPE)
