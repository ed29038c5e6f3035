# SPDX-License-Identifier: Apache-2.0
"""Wrote what stands beside it: python3 make.py. Keys, certificates and signatures are the
openssl command line's, so that nothing of ours is checked against itself.
"""
import base64
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
HASH = bytes(range(32))
TEXT = b"zegel/audit\n1500\n" + base64.b64encode(HASH) + b"\n"
# Name of the file, algorithm, how the key is made, digest, bytes of r and of s.
KINDS = [
    ("rs256", "RS256", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "sha256", 0),
    ("es256", "ES256", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "sha256", 32),
    ("es384", "ES384", ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "sha384", 48),
    ("es512", "ES512", ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "sha512", 66),
]
NAME = b"zegel/audit"


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, check=True,
                          capture_output=True).stdout


def integers(der):
    """r and s of an ECDSA signature: SEQUENCE { INTEGER, INTEGER }."""
    at = 2 if der[1] < 0x80 else 3
    for _ in range(2):
        assert der[at] == 2
        yield int.from_bytes(der[at + 2:at + 2 + der[at + 1]], "big")
        at += 2 + der[at + 1]


def make(stem, algorithm, kind, digest, half):
    with tempfile.TemporaryDirectory() as folder:
        key = f"{folder}/key.pem"
        openssl("genpkey", "-algorithm", *kind, "-out", key)
        certificate = openssl("req", "-new", "-x509", "-key", key, "-days", "36500",
                              "-subj", "/CN=zegel audit test")
        signature = openssl("dgst", f"-{digest}", "-sign", key, data=TEXT)
        public = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    if half:
        signature = b"".join(number.to_bytes(half, "big") for number in integers(signature))
    key_id = hashlib.sha256(NAME + b"\n\xffzegel-" + algorithm.encode() + public).digest()[:4]
    line = "\u2014 ".encode() + NAME + b" " + base64.b64encode(key_id + signature)
    (HERE / f"{stem}.pem").write_bytes(certificate)
    (HERE / f"{stem}.note").write_bytes(TEXT + b"\n" + line + b"\n")


if __name__ == "__main__":
    for row in KINDS:
        make(*row)
    sys.exit(0)
