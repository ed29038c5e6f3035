# SPDX-License-Identifier: Apache-2.0
"""What the lint checks share: which files are ours, and how to complain."""
import os
import sys
from pathlib import Path

OUTSIDE = {".git", "node_modules", "__pycache__", "target"}


def files(root, *suffixes):
    """The files below root whose names end in one of suffixes, as paths from root."""
    found = []
    for folder, names, leaves in os.walk(root):
        here = Path(folder).relative_to(root)
        names[:] = [n for n in names if n not in OUTSIDE
                    and not (here == Path() and n.startswith("build"))]
        found += [here / leaf for leaf in leaves if leaf.endswith(suffixes)]
    return sorted(found)


def finish(complaints):
    """Prints them all; exit code 1 when there are any."""
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)
