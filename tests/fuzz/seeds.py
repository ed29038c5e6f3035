# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds, but for some of fuzz_config: python3 seeds.py (PYTHONPATH=../harness)."""
import hashlib
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

TOKEN = '{"iss":"did:x","sub":"did:x","aud":"did:y","jti":"z","iat":1,"exp":31}'
PAYLOADS = {
    "token": TOKEN.encode(),
    "token-utf16": TOKEN.encode("utf-16"),
    "token-utf16-be": TOKEN.encode("utf-16-be"),
    "token-utf32-le": TOKEN.encode("utf-32-le"),
    "byte-order-mark": b"\xef\xbb\xbf" + TOKEN.encode(),
    "comment": b"/* x */" + TOKEN.encode(),
    "pairs": b'[["iss","did:x"],["exp",1]]',
    "escaped": b'{"\\u0069ss":1}',
    "capitals": b'{"a":1,"EXP":1}',
    "sharp-s": '{"i\u00df":1}'.encode(),
    "folded": '{"i\u017fs":1}'.encode(),
    "twice": b'{"a":1,"a":2}',
    "rest-behind": b'{"a":1}{"iss":1}',
    "nul": b'{"iss":1}\0',
    "other-names": b'{"a":{"iss":1},"b":[["c",1]]}',
    "text": b"hello",
    "nested-jwt": b"eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
    "binary": bytes(range(32)),
}

MESSAGES = {
    "hello": wire.hello(),
    "whoami": message((1, 2), (3, b"")),
    "whoami-next": message((1, 2), (3, field(1, 200))),
    "list-keys": message((1, 2), (4, b"")),
    "list-keys-after": message((1, 2), (4, field(1, "a"))),
    "describe": message((1, 3), (5, field(1, "sandbox"))),
    "seal": wire.seal(4, "sandbox", "dsgo-auth", AUTH, "RS256", 5000),
    "jws": wire.seal(10, "sandbox", "jws", wire.jws(b"x", "a/b", "c", 1)),
    "digest": wire.seal(5, "sandbox", "digest", wire.digest_input(b"x" * 32), "RS256"),
    "health": message((1, 6), (7, b"")),
    "unknown": message((1, 7), (99, b"x")),
    "twice": message((1, 8), (1, 8), (7, b"")),
    "two-of-one": message((1, 9), (4, b""), (7, b"")),
    "long-varint": b"\x08\x89\x80\x00" + field(7, b""),
    "groups": field(1, 5) + b"\x33\x33\x34\x34",
    "nothing": field(1, 5),
}

# agent/token/job.h, in the byte order of this machine.
LAYOUT, DONE, GONE = 1, 0, 2


def job(kind, form, *values, layout=LAYOUT):
    return struct.pack("=II" + form, kind, layout, *values)


def job_open(n_sessions=1, n_environment=1):
    return job(1, "6I512s512s256s3840x", n_sessions, 1, 5000, n_environment, 1, 0,
               b"/usr/lib/module.so", b"pkcs11:token=t", b"A=b")


def job_found(label=b"label"):
    return job(65, "33s33s33s33s4I", label, b"serial", b"model", b"maker", 1, 0, 0, 0)


JOBS = {
    "open": job_open(),
    "open-no-session": job_open(n_sessions=0),
    "open-too-many-variables": job_open(n_environment=17),
    "key": job(2, "II512s", 0, 0, b"pkcs11:object=k"),
    "login": job(3, "II", 1, 0),
    "sign": job(4, "Q4I32s", 7, 0, 1, 32, 0, b"x" * 32),
    "sign-short": job(4, "Q4I16s", 7, 0, 1, 32, 0, b"x" * 16),
    "sign-far-too-long": job(4, "Q4I32s", 7, 0, 1, 2**32 - 1, 0, b"x" * 32),
    "found": job_found(),
    "found-unended": job_found(b"x" * 33),
    "may-login": job(66, ""),
    "logged-in": job(67, "IIQ", DONE, 0, 0),
    "key-is": job(68, "4IQ32s256s", 0, 0, 1, 256, 0, b"", b"n" * 256),
    "session-up": job(69, "IIQ", 0, DONE, 0),
    "signed": job(70, "QIIQII256s", 7, 0, DONE, 0, 256, 0, b"s" * 256),
    "signed-nothing": job(70, "QIIQII", 7, 0, DONE, 0, 0, 0),
    "failed": job(71, "IIQ32s256s", GONE, 0, 5, b"C_Initialize", b"words"),
    "failed-unended": job(71, "IIQ32s256s", GONE, 0, 5, b"C" * 32, b"words"),
    "other-layout": job(66, "", layout=99),
    "other-kind": job(99, ""),
    "half-a-head": b"\1\0\0\0",
}


# fuzz_request.c says what the bytes are.
ALGORITHM, TIMEOUT, MORE, NBF, CTY, NO_PAYLOAD = 1, 2, 4, 8, 16, 32
TYP, X5C = MORE, NBF
NONE, DSGO, DIGEST, JWS = range(4)


def request(flags, kind, *texts, timeout_ms=5000):
    data = struct.pack(">BBI", flags, kind, timeout_ms)
    for text in texts:
        text = text.encode() if isinstance(text, str) else text
        data += struct.pack(">H", len(text)) + text
    return data


REQUESTS = {
    "auth": request(0, DSGO, "sandbox", "dsgo-auth", "", "did:x"),
    "auth-all": request(15, DSGO, "sandbox", "dsgo-auth", "RS256", "did:x", '{"a":[1,0.5]}'),
    "auth-same": request(MORE, DSGO, "k", "dsgo-auth", "", "did:x", '{"aud":"did:x","b":{}}'),
    "auth-escaped": request(MORE, DSGO, "k", "dsgo-auth", "", "did:x", '{"\\u0069at":1}'),
    "auth-ps256": request(ALGORITHM, DSGO, "k", "dsgo-auth", "PS256", "did:x"),
    "auth-nul": request(0, DSGO, "sandbox\0evil", "dsgo-auth", "", "did:x"),
    "auth-quote": request(0, DSGO, "k", "dsgo-auth", "", 'did:x","aud":"y'),
    "digest": request(ALGORITHM, DIGEST, "k", "digest", "RS512", b"d" * 64),
    "digest-of-the-key": request(0, DIGEST, "k", "digest", "", b"d" * 32),
    "digest-too-long": request(0, DIGEST, "k", "digest", "", b"d" * 65),
    "jws": request(0, JWS, "k", "jws", "", "hello"),
    "jws-all": request(ALGORITHM | TYP | X5C | CTY, JWS, "k", "jws", "ES256", b"\0\xff",
                       "vnd.example", "application/octet-stream"),
    "jws-token": request(0, JWS, "k", "jws", "", TOKEN),
    "jws-token-typ": request(TYP, JWS, "k", "jws", "", TOKEN, "x/y"),
    "jws-quote": request(TYP, JWS, "k", "jws", "", "", 'JWT","kid":"x'),
    "jws-no-payload": request(NO_PAYLOAD, JWS, "k", "jws"),
    "other-input": request(0, DIGEST, "k", "dsgo-auth", "", b"d" * 32),
    "no-input": request(0, NONE, "k", "dsgo-auth"),
    "timeout-0": request(TIMEOUT, DSGO, "k", "dsgo-auth", "", "did:x", timeout_ms=0),
}

# fuzz_officer.c says what the bytes are.
RELOAD, OPEN_RECORD, EXPLAIN = 3, 4, 5


def officer(*bodies, is_greeted=True):
    return bytes([is_greeted]) + b"".join(struct.pack(">I", len(b)) + b for b in bodies)


def explain(*fields, client="c", key="k"):
    return message((1, 2), (EXPLAIN, message((1, client), (2, key), *fields)))


OFFICERS = {
    "hello": officer(wire.hello(), message((1, 2), (RELOAD, b"")), is_greeted=False),
    "no-hello": officer(message((1, 2), (RELOAD, b"")), is_greeted=False),
    "second-hello": officer(wire.hello()),
    "other-version": officer(wire.hello(low=2, high=3), is_greeted=False),
    "reload": officer(*(message((1, n), (RELOAD, b"")) for n in (1, 2, 3, 4))),
    "record": officer(*(message((1, n + 1), (OPEN_RECORD, message((1, n)))) for n in range(4))),
    "record-now": officer(message((1, 1), (OPEN_RECORD, b""))),
    "record-far": officer(message((1, 1), (OPEN_RECORD, message((1, 2**64 - 1))))),
    "auth": officer(explain((3, "dsgo-auth"), (4, "did:x"), (5, '{"a":1}'))),
    "auth-allowed": officer(explain((3, "dsgo-auth"), (4, "did:x"))),
    "jws": officer(explain((3, "jws"), (6, TOKEN), (7, "a/b"))),
    "jws-long": officer(explain((3, "jws"), (6, b"x" * 21))),
    "digest": officer(explain((3, "digest"), (8, b"d" * 32))),
    "digest-any": officer(explain((3, "digest"))),
    "stranger": officer(explain((3, "digest"), client="")),
    "odd-names": officer(explain((3, "\n"), client="\x1b[2J", key="\0")),
    "other-input": officer(explain((3, "digest"), (4, "did:x"))),
    "id-0": officer(message((1, 0), (RELOAD, b""))),
    "unknown": officer(message((1, 1), (6, b""))),
    "unknown-below": officer(explain((3, "jws"), (9, 1))),
    "clients-seal": officer(wire.seal(1, "k", "dsgo-auth", AUTH)),
    "two-of-one": officer(message((1, 1), (RELOAD, b""), (OPEN_RECORD, b""))),
    "nothing": officer(message((1, 1))),
}


CGROUPS = {
    "service": "0::/system.slice/planning-api.service\n",
    "user": "0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.service\n",
    "marked": "0::/system.slice/_cpu.slice/__a.scope",
    "hybrid": "4:memory:/x\n1:name=systemd:/system.slice/a.service\n0::/init.scope\n",
    "old": "4:memory:/x\n1:name=systemd:/system.slice/a\\x2db@c:d.service\n",
    "none": "0::/system.slice/..\n",
}


# fuzz_policy.c says what the lines are.
POLICIES = {
    "audience": ("adid:x\nadid:y\nAdid:y", "{}"),
    "other-audience": ("adid:x\nAdid:y", "{}"),
    "must-be": ("=/scope\tiSHARE", '{"scope":"iSHARE"}'),
    "must-be-number": ("=/n/0\tjson:5", '{"n":[5]}'),
    "may-be": ("|/env/name\ttest\tjson:null", '{"env":{"name":null}}'),
    "absent": ("!/admin", '{"admin":false}'),
    "matches": ("~/party\tdid:*?x", '{"party":"did:\\u00e9x"}'),
    "many-stars": ("~/a\t*a*a*a*a*a*a*a*b", '{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'),
    "escaped": ("=/a~1b\tx\n=/c~0d\ty\n=/\tz", '{"a/b":"x","c~d":"y","":"z"}'),
    "listed": ("l\n!/a\n|/b/c\t1", '{"b":{"d":2}}'),
    "listed-other": ("l\n!/a", '{"b":1}'),
    "none": ("n", '{"a":1}'),
    "any": ("y\nZ", '{"iss":"x"}'),
    "token-like": ("Z", '{"iss":"x"}'),
    "size": ("ssss", '{"a":"longer"}'),
    "target": ("tPOST /a*\nt* /b?\nMGET\nU/b1", "{}"),
    "no-target": ("t* *\nMGET", "{}"),
    "bad-pointer": ("!a", "{}"),
}

CONFIGS = {
    "rule": """token "t" { module = "/m" uri = "pkcs11:serial=1" }
key "k" { on "t" { uri = "pkcs11:object=k" certificate = "/c" } }
client "c" {
    user = u group = g unit = "a@b.service" exe = "/e" label = l listen = client weight = 9
    allow "r" {
        key = k profile = dsgo-auth audience = x audience-file = "/did:a/did:b"
        claims = listed max-size = 9 rate = 1 burst = 2 concurrent = 3
        claim "/a" { must-be = "json:5" } claim "/b" { may-be = { x, y } }
        claim "/c" { absent = true } claim "/d" { matches = "*x?" }
        hours = { "mo-fr 08:00-18:00", "fr-mo 00:00-24:00" }
    }
    allow "j" { key = k profile = jws claims = any }
}
""",
    "ambiguous": 'client "a" { group = g }\nclient "b" { group = h }\n',
    "idle-limits": """token "t" { module = "/m" uri = "pkcs11:serial=1" }
key "k" { on "t" { uri = "pkcs11:object=k" certificate = "/c" } }
client "c" { user = u allow "r" { key = k profile = digest audience = x claims = none } }
""",
    "record": """token "t" { module = "/m" uri = "pkcs11:serial=1" }
key "k" { on "t" { uri = "pkcs11:object=k" certificate = "/c" } }
audit-directory = "/l" audit-sync = interval audit-rotate-mib = 0 audit-rotate-daily = false
checkpoint-key = k checkpoint-lines = 1 checkpoint-minutes = 0 officer-socket = "/o" officer-group = g
""",
    "not-yet": 'token "t" { module = "/m" uri = "pkcs11:serial=1" pin = "credential:x" }\n',
}


def entry(members=b"", seq=7, opened=5, kind=b"attempt", whole=True):
    line = (b'{"seq":%d,"time":"2026-11-24T08:05:03.123456Z","open":%d,"prev":"%s","kind":"%s"'
            % (seq, opened, b"0" * 64, kind)) + members
    tail = b',"hash":"%s"}' % hashlib.sha256(line).hexdigest().encode()
    return line + tail if whole else line


NOTE = ("zegel/audit\n1500\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n"
        "\u2014 zegel/audit UJLUCDtxgrfkh+vlyJk=\n").encode()

# What ends before its hash gets it from the target.
ENTRIES = {
    "attempt": entry(b',"client":"planning","uid":1000,"key":"bouw","aud":"did:x"'),
    "attempt-without-hash": entry(b',"client":"planning","aud":"did:x"', whole=False),
    "outcome": entry(b',"attempt":5,"status":"OK","seal":"' + b"ab" * 32 + b'"',
                     kind=b"outcome", whole=False),
    "first": entry(seq=1, opened=1, kind=b"start"),
    "escaped": entry(b',"unit":"\\u0000\\u001b[2J\\u202e","of":{"a":[1,null]}', whole=False),
    "no-json": entry(b',"a', whole=False),
    "twice": entry(b',"seq":9', whole=False),
    "control": entry(b',"a":"\x1b[2J"', whole=False),
    "open-behind": entry(opened=8, whole=False),
    "torn": entry()[:-30],
    "note": NOTE,
    "note-more": NOTE.replace(b"\n\n", b"\nmore\n\n") + NOTE.split(b"\n\n")[1],
    "note-empty-line": NOTE.replace(b"\n\n", b"\n\nmore\n\n"),
    "nasty": bytes(range(256)),
}


def main():
    (HERE / "fuzz_peer").mkdir(exist_ok=True)
    for name, text in CGROUPS.items():
        (HERE / "fuzz_peer" / name).write_text(text)

    (HERE / "fuzz_officer").mkdir(exist_ok=True)
    for name, data in OFFICERS.items():
        (HERE / "fuzz_officer" / name).write_bytes(data)

    for name, (lines, claims) in POLICIES.items():
        (HERE / "fuzz_policy" / name).write_text(f"{lines}\n---\n{claims}")
    for name, text in CONFIGS.items():
        (HERE / "fuzz_config" / name).write_text(text)

    for name, data in ENTRIES.items():
        (HERE / "fuzz_entry" / name).write_bytes(data)
    for name, data in JOBS.items():
        (HERE / "fuzz_job" / name).write_bytes(data)
    for name, data in REQUESTS.items():
        (HERE / "fuzz_request" / name).write_bytes(data)
    for name, payload in PAYLOADS.items():
        (HERE / "fuzz_confusion" / name).write_bytes(payload)
    for name, text in CLAIMS.items():
        (HERE / "fuzz_claims" / name).write_text(text)
    for name, body in MESSAGES.items():
        (HERE / "fuzz_frame" / name).write_bytes(struct.pack(">I", len(body)) + body)


main()
