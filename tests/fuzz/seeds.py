# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of fuzz_claims and fuzz_frame: python3 seeds.py (PYTHONPATH=../harness)."""
import struct
from pathlib import Path

import wire
from wire import field, message

HERE = Path(__file__).parent / "corpus"
AUTH = wire.dsgo_auth("did:ishare:EU.NL.NTRNL-10000002", '{"scope":"iSHARE"}', 1)

CLAIMS = {
    "empty": "{}",
    "texts": '{"a":"b","\\u00e9":"\\n\\u20ac\\ud83d\\ude00"}',
    "numbers": '{"a":0,"b":-1,"c":9007199254740991,"d":0.5,"e":1e10,"f":-0.0}',
    "nested": '{"a":[{"b":[[],{}]},null,true,false]}',
    "identity": '{"iss":"did:x","sub":"did:x","aud":"did:y","z":1}',
    "evidence": '{"delegationEvidence":{"notBefore":1,"policySets":[{"maxDelegationDepth":0}]}}',
    "duplicate": '{"a":1,"\\u0061":2}',
    "deep": '{"a":' + "[" * 15 + "]" * 15 + "}",
    "reserved": '{"exp":1}',
    "too-exact": '{"a":0.1000000000000000055511151231257827}',
}

MESSAGES = {
    "hello": wire.hello(),
    "list-keys": message((1, 2), (4, b"")),
    "list-keys-after": message((1, 2), (4, field(1, "a"))),
    "describe": message((1, 3), (5, field(1, "sandbox"))),
    "seal": wire.seal(4, "sandbox", "dsgo-auth", AUTH, "RS256", 5000),
    "digest": wire.seal(5, "sandbox", "digest", wire.digest_input(b"x" * 32), "RS256"),
    "health": message((1, 6), (7, b"")),
    "unknown": message((1, 7), (99, b"x")),
    "twice": message((1, 8), (1, 8), (7, b"")),
    "two-of-one": message((1, 9), (4, b""), (7, b"")),
    "long-varint": b"\x08\x89\x80\x00" + field(7, b""),
    "groups": field(1, 5) + b"\x33\x33\x34\x34",
    "nothing": field(1, 5),
}


def main():
    for name, text in CLAIMS.items():
        (HERE / "fuzz_claims" / name).write_text(text)
    for name, body in MESSAGES.items():
        (HERE / "fuzz_frame" / name).write_bytes(struct.pack(">I", len(body)) + body)


main()
