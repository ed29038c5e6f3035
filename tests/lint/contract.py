# SPDX-License-Identifier: Apache-2.0
"""One truth in several files: contract.py ROOT BUILD.

The words of the wire have one number everywhere; every test file is run by ctest.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

import tree


def numbers(text, enum, prefix):
    body = re.search(rf"\benum {enum} {{(.*?)\n}}", text, re.S)[1]
    return {name: int(number) for name, number in
            re.findall(rf"^\s*{prefix}([A-Z]+) = (\d+)[,;]", body, re.M)}


def check_words(root):
    def read(path):
        return (root / path).read_text()

    truth = numbers(read("proto/zegel.proto"), "Status", "")
    others = {
        "agent/util/status.h": numbers(read("agent/util/status.h"), "wire_status", "WIRE_"),
        "clients/c/zegel.h": numbers(read("clients/c/zegel.h"), "zegel_status", "ZEGEL_"),
    }
    for path, found in others.items():
        if found != truth:
            yield f"{path}:1: words of the wire are not those of zegel.proto"
    for name, word in re.findall(r"^STATUS\((\w+), (\w+),", read("agent/util/status.def"),
                                 re.M):
        if word not in truth:
            yield f"agent/util/status.def:1: {name}: {word} is no word of zegel.proto"


def check_listed(root, build):
    listed = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"],
                            check=True, capture_output=True, text=True).stdout
    names = {test["name"] for test in json.loads(listed)["tests"]}
    for path in tree.files(root, ".c", ".py"):
        kind = path.parent.name
        room = path.stem.removeprefix("test_")
        is_test = path.parts[0] == "tests" and path.stem.startswith("test_")
        if is_test and f"{kind}/{room}" not in names:
            yield f"{path}:1: no test {kind}/{room} is listed"


def main():
    root = Path(sys.argv[1])
    tree.finish([*check_words(root), *check_listed(root, sys.argv[2])])


main()
