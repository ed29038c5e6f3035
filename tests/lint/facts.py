# SPDX-License-Identifier: Apache-2.0
"""The facts of log_event() in C files: facts.py ROOT [FILE...] (style 36).

The log cuts a line into fields where its format ends a fact, so a format must be a
literal of facts: key=value without spaces, or key="value", with one space in between.
"""
import re
import sys
from pathlib import Path

import tree
from c_source import BLANK, line_of

CALL = re.compile(r"\blog_event\(")
LITERAL = re.compile(r'"((?:\\.|[^"\\\n])*)"')
# PRIx64 and its like stand for a conversion's letter.
WIDTH_MACRO = re.compile(r"\bPRI[dux](?:8|16|32|64|PTR|MAX)\b")
FACT = re.compile(r'([a-z][a-z0-9_]*)=(?:"[^"\\]*"|[^\s"\\]+)')
# Longer ones would be left out of the journal: JOURNAL_NAME_MAX_LEN, FACTS_MAX.
KEY_MAX, FORMAT_MAX = 64 - len("ZEGEL_"), 511


def blind(text):
    """The code alone: literals and comments are blanks, but for the quotes around."""
    return BLANK.sub(lambda m: m[0][0] + re.sub(r"[^\n]", " ", m[0][1:-1]) + m[0][-1]
                     if m[0][0] in "\"'" else re.sub(r"[^\n]", " ", m[0]), text)


def arguments(text, code, at):
    """The arguments of the call whose parenthesis opens before `at`."""
    depth, begin, found = 1, at, []
    while depth > 0 and at < len(code):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(code[at], 0)
        if depth == 0 or (depth == 1 and code[at] == ","):
            found.append(text[begin:at].strip())
            begin = at + 1
        at += 1
    return found


def check_format(words):
    """What is wrong with the facts that are written so in C."""
    rest = WIDTH_MACRO.sub("", LITERAL.sub("", words))
    if rest.strip():
        return "the facts of log_event() are no literal"
    text = "".join(m[1] for m in LITERAL.finditer(WIDTH_MACRO.sub('"u"', words)))
    text = re.sub(r'\\(["\\])', r"\1", text)
    if len(text) > FORMAT_MAX:
        return f"facts of {len(text)} characters, at most {FORMAT_MAX}"
    found = [m[1] for m in FACT.finditer(text)]
    if not re.fullmatch(f"{FACT.pattern}(?: {FACT.pattern})*", text):
        return f'expected facts like key=value or key="value" with one space between: {text}'
    if len(set(found)) < len(found):
        return f"a key stands twice: {text}"
    if any(len(key) > KEY_MAX for key in found):
        return f"a key of more than {KEY_MAX} characters: {text}"
    return None


def check(root, path):
    text = (root / path).read_text()
    code = blind(text)
    for call in CALL.finditer(code):
        words = arguments(text, code, call.end())
        if words[0].startswith("enum log_level "):
            continue
        complaint = check_format(words[2]) if len(words) > 2 else "facts are missing"
        if complaint:
            yield f"{path}:{line_of(text, call.start())}: {complaint}"


def main():
    root = Path(sys.argv[1])
    paths = [Path(p) for p in sys.argv[2:]] or [
        path for path in tree.files(root, ".c", ".h") if path.parts[0] in ("agent", "clients")]
    tree.finish([complaint for path in paths for complaint in check(root, path)])


if __name__ == "__main__":
    main()
