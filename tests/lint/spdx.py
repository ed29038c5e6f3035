# SPDX-License-Identifier: Apache-2.0
"""Every source names its licence in its first line: spdx.py ROOT."""
import sys
from pathlib import Path

import tree

SUFFIXES = (".c", ".h", ".def", ".proto", ".py", ".sh", ".cmake", ".js", ".go", ".rs",
            "CMakeLists.txt", "run")
MARK = "SPDX-License-Identifier: Apache-2.0"


def has_mark(path):
    lines = path.read_text().splitlines()[:2]
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    return bool(lines) and MARK in lines[0]


def main():
    root = Path(sys.argv[1])
    tree.finish([f"{path}:1: no {MARK}" for path in tree.files(root, *SUFFIXES)
                 if not has_mark(root / path)])


main()
