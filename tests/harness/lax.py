# SPDX-License-Identifier: Apache-2.0
"""What careless software reads in a JWS: as much as any JSON reader that we know of."""
import base64
import json
import re
import unicodedata

import jwt

CLAIMS = {"iss", "sub", "aud", "exp", "iat", "jti"}
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
BEGINNINGS_MAX = 8
# Comments, and the prefix against script inclusion, as Gson skips them.
SKIPPED = re.compile(r"/\*.*?\*/|//[^\n]*\n|#[^\n]*\n|^\)\]\}'\n", re.S)
NAME = re.compile(r"""[{,;\s]['"]?(\w+)['"]?\s*[:=]""")


class Pairs(list):
    """An object with all its members, also those of one name."""


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def texts(payload):
    """The payload as text in each encoding, also up to its first NUL."""
    for encoding in ENCODINGS:
        text = payload.decode(encoding, "replace").strip().strip("\ufeff").strip()
        yield text
        yield text.partition("\0")[0]


def values(text):
    """What one of the text's first brackets opens, whatever stands before and behind it."""
    decoder = json.JSONDecoder(strict=False, object_pairs_hook=Pairs)
    at = min((text.find(bracket) for bracket in "{[" if bracket in text), default=-1)
    for _ in range(BEGINNINGS_MAX):
        if at < 0:
            return
        try:
            yield decoder.raw_decode(text, at)[0]
            return
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)


def readings(text):
    """Values in the text; else in what is left without comments; else all that is named."""
    if text.startswith('"') or ("{" not in text and "[" not in text):
        return []  # a string, whatever is written in it
    return ([*values(text)] or [*values(SKIPPED.sub(" ", text))]
            or [Pairs((name, None) for name in NAME.findall(text))])


def fold(name):
    return unicodedata.normalize("NFKC", name).casefold().partition("\0")[0]


def names(value):
    """The names of an object, or of an array of pairs."""
    if isinstance(value, Pairs):
        return {fold(name) for name, _ in value}
    pairs = value if isinstance(value, list) else []
    return {fold(pair[0]) for pair in pairs
            if isinstance(pair, list) and pair and isinstance(pair[0], str)}


def names_claim(payload):
    return any(names(value) & CLAIMS for text in texts(payload)
               for value in readings(text))


def is_jwt_type(typ):
    """Whether a careless verifier takes typ for that of a token of DSGO."""
    return typ is None or re.search("jwt|jose", typ, re.I) is not None


def pyjwt_reads_claim(token, key, algorithms):
    """PyJWT verifies the signature and finds claims."""
    try:
        found = jwt.decode(token, key, algorithms=algorithms, options={
            "verify_signature": True, "verify_exp": False, "verify_nbf": False,
            "verify_iat": False, "verify_aud": False, "verify_iss": False})
    except jwt.DecodeError as error:
        assert not isinstance(error, jwt.InvalidSignatureError), "our seal does not verify"
        return False
    except RecursionError:
        return False  # the signature was good, the payload is too deep for it
    return bool(CLAIMS & set(found))


def could_pass(header, payload):
    """Whether some verifier would take the two for a DSGO or iSHARE JWT."""
    return is_jwt_type(header.get("typ")) and names_claim(payload)
