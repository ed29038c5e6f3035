# SPDX-License-Identifier: Apache-2.0
"""What is installed is hardened and links no more than it may: elf.py FOLDER WORD...

FOLDER is searched for ELF files; a WORD (the path of the build machine) may not occur in
any of them. Names after --expect must be there.
"""
import argparse
import re
import subprocess
from pathlib import Path

import tree

LIBC = r"libc\.so\.6|ld-linux.*"
# A program and all that it may link.
MAY_NEED = {
    "zegeld": rf"{LIBC}|libcrypto.*|libjansson.*|libconfuse.*|libprotobuf-c.*|libseccomp.*",
    "zegel-token": rf"{LIBC}|libp11-kit.*|libseccomp.*",
    "zegel-enrol": rf"{LIBC}|libp11\.so.*|libp11-kit.*|libcrypto.*",
    "zegel": rf"{LIBC}|libzegel.*|libcrypto.*|libjansson.*|libprotobuf-c.*",
    "libzegel": rf"{LIBC}|libprotobuf-c\.so\.1",
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def is_elf(path):
    return path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF"


def check_hardening(path):
    text = run("readelf", "-hldW", "--notes", str(path))
    rules = [
        ("not position independent", re.search(r"Type:\s+DYN", text)),
        ("no RELRO", "GNU_RELRO" in text),
        ("not BIND_NOW", re.search(r"FLAGS.*(BIND_NOW|NOW)", text)),
        ("executable stack", re.search(r"GNU_STACK.* RW ", text)),
        ("segment both writable and executable", not re.search(r"LOAD.* RWE ", text)),
        ("RPATH or RUNPATH", not re.search(r"\((RPATH|RUNPATH)\)", text)),
        ("TEXTREL", "(TEXTREL)" not in text),
        ("no build-id", "NT_GNU_BUILD_ID" in text),
    ]
    yield from (what for what, is_right in rules if not is_right)


def check_symbols(path):
    symbols = run("nm", "-D", "--undefined-only", str(path))
    if "__stack_chk_fail" not in symbols:
        yield "no stack canary"
    if not re.search(r"__\w+_chk\b", symbols.replace("__stack_chk_fail", "")):
        yield "no fortified call"


def check_needed(path):
    name = path.name.split(".")[0]
    for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", str(path))):
        if name in MAY_NEED and not re.fullmatch(MAY_NEED[name], needed):
            yield f"links {needed}"


def check_words(path, words):
    content = path.read_bytes()
    yield from (f"contains {word}" for word in words if word.encode() in content)


def check(path, words):
    complaints = [*check_hardening(path), *check_symbols(path), *check_needed(path),
                  *check_words(path, words)]
    return [f"{path.name}: {c}" for c in complaints]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--expect", action="append", default=[])
    args = parser.parse_args()
    found = [path for path in sorted(args.folder.rglob("*")) if is_elf(path)]
    names = {path.name.split(".")[0] for path in found}
    missing = [f"{name}: is not there" for name in args.expect if name not in names]
    tree.finish(missing + [c for path in found for c in check(path, args.words)])


main()
