# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: includes.py ROOT (style 3 and 4, floors of design 2)."""
import re
import sys
from pathlib import Path

import tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.M)

BROKER = {"util", "token", "policy", "seal", "server"}
# A folder, and the folders whose headers it may include beside its own.
FLOORS = {
    "agent": BROKER | {"config"},
    "agent/config": BROKER,
    "agent/server": {"seal", "policy", "token", "util", "proto"},
    "agent/seal": {"policy", "token", "util"},
    "agent/policy": {"util"},
    "agent/token": {"util"},
    "agent/util": set(),
    "agent/worker": {"util"},
    "agent/enrol": {"util"},
    "clients/c": {"proto"},
    "clients/cli": {"util"},
    "proto": set(),
}
# What one folder takes from another that is else closed to it.
DOORS = {
    "agent/worker": {"token/job.h"},
    # zegel_pkcs11 in worker/CMakeLists.txt: what both need before a vendor's code runs.
    "agent/enrol": {"token/job.h", "worker/ckr.h", "worker/mech.h", "worker/module.h",
                    "worker/place.h", "worker/slot.h"},
    # zegel_entry in policy/CMakeLists.txt: a line of the record, which zegel audit reads.
    "clients/cli": {"zegel.h", "policy/entry.h"},
}
# The same for one file: the officer speaks a contract that libzegel does not.
FILE_DOORS = {"clients/cli/officer.c": {"proto/frame.h"}}
# A kind of header of others, and the paths that may include it.
FOREIGN = [
    ("threads", r"^(pthread|threads)\.h$",
     r"^(agent/worker/|agent/enrol/deadline\.c|agent/policy/record\.c|clients/c/|tests/)"),
    ("PKCS#11", r"^p11-kit/|pkcs11|^libp11\.h$", r"^(agent/worker/|agent/enrol/|tests/)"),
    ("protobuf", r"^protobuf-c/|\.pb-c\.h$", r"^(agent/server/|clients/c/|clients/cli/(officer|policy|reload)|proto/|tests/)"),
]


def check_floor(path, name):
    here = path.parent.as_posix()
    if here not in FLOORS or "/" not in name and here != "clients/cli":
        return None
    folder = name.split("/")[0]
    is_own = here.endswith("/" + folder) or here == folder or "/" not in name
    doors = DOORS.get(here, set()) | FILE_DOORS.get(path.as_posix(), set())
    if is_own or folder in FLOORS[here] or name in doors:
        return None
    return f'"{name}" stands on a floor that {here}/ may not know'


def check_foreign(path, name):
    for kind, header, allowed in FOREIGN:
        if re.search(header, name) and not re.search(allowed, path.as_posix()):
            return f"{name}: {kind} headers are not for this folder"
    return None


def check(root, path):
    text = (root / path).read_text()
    for found in INCLUDE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        complaints = [check_foreign(path, found[2])]
        if found[1] == '"':
            complaints.append(check_floor(path, found[2]))
            if ".." in found[2]:
                complaints.append(f'"{found[2]}" leaves its folder by ..')
        yield from (f"{path}:{line}: {c}" for c in complaints if c)


def main():
    root = Path(sys.argv[1])
    paths = tree.files(root, ".c", ".h")
    tree.finish([complaint for path in paths for complaint in check(root, path)])


main()
