# SPDX-License-Identifier: Apache-2.0
"""The client's side of proto/zegel.proto by hand, so that tests can also say it wrongly."""
import contextlib
import socket
import struct

OK, INVALID, DENIED, LOCKED, BUSY, TIMEOUT, UNAVAILABLE, UNSUPPORTED, INTERNAL = range(9)
HELLO, WHOAMI, LIST_KEYS, DESCRIBE_KEY, SEAL, HEALTH = 2, 3, 4, 5, 6, 7
ERROR = 2
FRAME_MAX = 65536
PATIENCE_S = 30


def varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    """One field: an int as a varint, bytes or text with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    """A message of (number, value) pairs; pairs whose value is None are left out."""
    return b"".join(field(n, v) for n, v in fields if v is not None)


def read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def fields(data):
    """What a message holds: {number: [values]}; submessages stay bytes."""
    found, at = {}, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        found.setdefault(tag >> 3, []).append(value)
    return found


def hello(request_id=1, low=1, high=1):
    return message((1, request_id), (HELLO, message((1, low), (2, high))))


def dsgo_auth(audience, claims=None, not_before=None):
    return 16, message((1, audience), (2, claims), (3, not_before))


def digest_input(digest):
    return 17, message((1, digest))


def jws(payload, typ=None, cty=None, x5c=None):
    return 18, message((1, payload), (2, typ), (3, cty), (4, x5c))


def seal(request_id, key, profile, given, algorithm=None, timeout_ms=None):
    return message((1, request_id), (SEAL, message(
        (1, key), (2, profile), (3, algorithm), (4, timeout_ms), given)))


def whoami(request_id=1):
    return message((1, request_id), (WHOAMI, b""))


class Who:
    """What the agent said to whoami."""

    def __init__(self, found):
        def text(number):
            return found[number][0].decode() if number in found else None
        self.client, self.listen = text(1), text(10)
        self.unit, self.exe, self.label = text(7), text(8), text(9)
        self.uid, self.gid, self.pid = (found[number][0] for number in (2, 3, 4))
        self.is_unclear = bool(found[6][0])
        self.rules = [tuple(fields(rule)[number][0].decode() for number in (1, 2, 3))
                      for rule in found.get(11, [])]
        self.groups, packed, at = [], found.get(5, [b""])[0], 0
        while at < len(packed):
            value, at = read_varint(packed, at)
            self.groups.append(value)


class Refused(Exception):
    """The agent answered with an error."""

    def __init__(self, status, text):
        super().__init__(status, text)
        self.status, self.text = status, text

    def __str__(self):
        return f"{self.status}: {self.text}"


class Answer:
    def __init__(self, body):
        found = fields(body)
        self.id = found[1][0]
        self.kind = next(number for number in found if number != 1)
        self.fields = fields(found[self.kind][0])
        self.is_error = self.kind == ERROR

    def check(self):
        if self.is_error:
            raise Refused(self.fields[1][0], self.fields[2][0].decode())
        return self.fields


class Client:
    """A raw connection. Each wait ends after PATIENCE_S."""

    def __init__(self, path, greet=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # With a time-out set, connect() fails instead of waiting for a place in the queue.
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(PATIENCE_S)
        if greet:
            self.ask(hello()).check()

    @classmethod
    def adopt(cls, connected):
        """A connection that somebody else has made and greeted."""
        client = cls.__new__(cls)
        client.socket = connected
        connected.settimeout(PATIENCE_S)
        return client

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, body):
        self.socket.sendall(struct.pack(">I", len(body)) + body)

    def _receive_exactly(self, n):
        data = b""
        while len(data) < n:
            piece = self.socket.recv(n - len(data))
            if not piece:
                raise EOFError("the agent closed the connection")
            data += piece
        return data

    def receive(self):
        length, = struct.unpack(">I", self._receive_exactly(4))
        assert 0 < length <= FRAME_MAX, f"the agent sent a frame of {length} bytes"
        return Answer(self._receive_exactly(length))

    def ask(self, body):
        self.send(body)
        return self.receive()

    def whoami(self):
        return Who(self.ask(whoami()).check())

    def is_closed(self):
        """Whether the agent ends the connection, whatever it still says before that."""
        with contextlib.suppress(ConnectionResetError):
            while self.socket.recv(65536):
                pass
        return True
