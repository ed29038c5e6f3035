# SPDX-License-Identifier: Apache-2.0
"""Reads C just far enough for house rules: functions, declarations, nesting.

Not a compiler: it wants code that compiles and is laid out by clang-format.
"""
import re
from dataclasses import dataclass

BLANK = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w+)(?:[^\\\n]|\\\n|\\.)*", re.M)
TOKEN = re.compile(r"\w+|[^\w\s]")
CONTROL = {"if", "for", "while", "switch"}


def same_lines(text):
    return re.sub(r"[^\n]", " ", text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


@dataclass
class Piece:
    """One thing at file scope: a function, or a declaration up to its semicolon."""
    head: str
    body: str
    first_line: int
    last_line: int
    is_function: bool


class Source:
    def __init__(self, text):
        self.text = text
        code = BLANK.sub(lambda m: same_lines(m[0]), text)
        self.directives = [(line_of(code, m.start()), m[1]) for m in DIRECTIVE.finditer(code)]
        self.code = DIRECTIVE.sub(lambda m: same_lines(m[0]), code)
        self.pieces = list(self._read_pieces())
        self.functions = [p for p in self.pieces if p.is_function]

    def _closing(self, at):
        """Where the brace that opens at `at` closes."""
        depth = 0
        for m in re.compile(r"[{}]").finditer(self.code, at):
            depth += 1 if m[0] == "{" else -1
            if depth == 0:
                return m.start()
        return len(self.code) - 1

    def _piece(self, start, end, head, body, is_function):
        return Piece(" ".join(head.split()), body, line_of(self.code, start),
                     line_of(self.code, end), is_function)

    def _read_pieces(self):
        code, start, at, head, body = self.code, 0, 0, "", ""
        while at < len(code):
            if not head.strip():
                start, head, body = at, "", ""
            if code[at] == ";":
                yield self._piece(start, at, head, body, False)
                head = ""
            elif code[at] == "{":
                end = self._closing(at)
                body = code[at + 1:end]
                if re.search(r"\)\s*$", head) and "=" not in head:
                    yield self._piece(start, end, head, body, True)
                    head = ""
                elif re.search(r'\bextern\s*$', head):
                    # extern "C" { … }: what is inside stands at file scope.
                    head, at = "", at + 1
                    continue
                else:
                    head += "{}"
                at = end
            elif code[at] != "}":
                head += code[at]
            at += 1


def parameters(head):
    """How many parameters a function's head declares."""
    end, depth = head.rindex(")"), 0
    for at in range(end, -1, -1):
        depth += {")": 1, "(": -1}.get(head[at], 0)
        if depth == 0:
            break
    inside = head[at + 1:end].strip()
    while "(" in inside:
        inside = re.sub(r"\([^()]*\)", "", inside)
    return 0 if inside in ("", "void") else inside.count(",") + 1


def nesting(body):
    """How deep control statements stand in each other."""
    return Nesting(TOKEN.findall(body)).deepest


class Nesting:
    def __init__(self, tokens):
        self.tokens = tokens
        self.deepest = 0
        at = 0
        while at < len(tokens):
            at = self._statement(at, 0)

    def _peek(self, at):
        return self.tokens[at] if at < len(self.tokens) else ""

    def _group(self, at):
        """Behind the group of brackets that opens at `at`."""
        depth = 0
        while at < len(self.tokens):
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(
                self.tokens[at], 0)
            at += 1
            if depth == 0:
                break
        return at

    def _to(self, at, end):
        """Behind the next `end` outside brackets."""
        while at < len(self.tokens) and self.tokens[at] != end:
            at = self._group(at) if self.tokens[at] in "({[" else at + 1
        return at + 1

    def _inner(self, at, depth):
        self.deepest = max(self.deepest, depth + 1)
        return self._statement(at, depth + 1)

    def _block(self, at, depth):
        while at < len(self.tokens) and self.tokens[at] != "}":
            at = self._statement(at, depth)
        return at + 1

    def _statement(self, at, depth):
        word = self._peek(at)
        if word == "{":
            return self._block(at + 1, depth)
        if word in CONTROL:
            return self._control(at, depth)
        if word == "do":
            return self._to(self._inner(at + 1, depth), ";")
        if word in ("case", "default"):
            return self._to(at, ":")
        return self._to(at, ";")

    def _control(self, at, depth):
        at = self._inner(self._group(at + 1), depth)
        if self._peek(at) != "else":
            return at
        if self._peek(at + 1) == "if":
            return self._statement(at + 1, depth)
        return self._inner(at + 1, depth)
