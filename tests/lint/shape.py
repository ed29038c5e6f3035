# SPDX-License-Identifier: Apache-2.0
"""The shape of C files: shape.py ROOT [FILE...] (style 5, 7, 8, 11, 23)."""
import re
import sys
from pathlib import Path

import tree
from c_source import Source, nesting, parameters

FILE_LINES, FUNCTION_LINES, PARAMETERS, NESTING = 500, 60, 5, 3
# Where a mutable variable may stand at file scope.
MAY_HAVE_STATE = re.compile(r"^agent/((\w+/)?main|util/log)\.c$|^clients/cli/main\.c$")
TYPE_ONLY = re.compile(r"^(struct|union|enum) \w*( ?\{\})?$")
FUNCTION_TYPE = re.compile(r"^typedef .*\b\w+_fn ?\(")


def check_function(function, source):
    lines = function.last_line - function.first_line + 1
    if lines > FUNCTION_LINES:
        yield function.first_line, f"function has {lines} lines, at most {FUNCTION_LINES}"
    if parameters(function.head) > PARAMETERS:
        yield function.first_line, f"more than {PARAMETERS} parameters"
    if nesting(function.body) > NESTING:
        yield function.first_line, f"control statements nest deeper than {NESTING}"
    if re.search(r"\bgoto\b", function.body):
        yield function.first_line, "goto"
    for line, directive in source.directives:
        inside = function.first_line < line < function.last_line
        if inside and directive.startswith("if"):
            yield line, "#if inside a function"


def is_mutable(head):
    """Whether a declaration at file scope makes a variable that can change."""
    head = re.sub(r"__attribute__ ?\(\(.*?\)\)|\bZEGEL_API\b", "", head)
    head = head.split("=")[0].strip()
    if TYPE_ONLY.match(head) or not head:
        return False
    if re.match(r"(extern|typedef|_Static_assert)\b", head):
        return False
    if "(" in head and "(*" not in head:
        return False
    declarator = head.rsplit("*", 1)[-1] if "*" in head else head
    return not re.search(r"\bconst\b", declarator)


def check_declaration(piece, path):
    if piece.head.startswith("typedef") and not FUNCTION_TYPE.match(piece.head):
        yield piece.first_line, "typedef of something other than a thing_fn"
    if is_mutable(piece.head) and not MAY_HAVE_STATE.match(path.as_posix()):
        yield piece.first_line, "mutable variable at file scope"


def check(root, path):
    text = (root / path).read_text()
    source = Source(text)
    found = []
    lines = text.count("\n")
    if lines > FILE_LINES:
        found.append((1, f"file has {lines} lines, at most {FILE_LINES}"))
    for piece in source.pieces:
        found += check_function(piece, source) if piece.is_function \
            else check_declaration(piece, path)
    return [f"{path}:{line}: {what}" for line, what in found]


def main():
    root = Path(sys.argv[1])
    paths = [Path(p) for p in sys.argv[2:]] or tree.files(root, ".c", ".h")
    tree.finish([complaint for path in paths for complaint in check(root, path)])


if __name__ == "__main__":
    main()
