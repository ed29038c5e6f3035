# SPDX-License-Identifier: Apache-2.0
"""The officer's side of proto/officer.proto by hand, also as a user that is no officer."""
import array
import contextlib
import json
import os
import socket
import struct
import traceback

import wire
from wire import Client, message

RELOAD, OPEN_RECORD, EXPLAIN = 3, 4, 5


def reload(request_id):
    return message((1, request_id), (RELOAD, b""))


def open_record(request_id, index=None):
    return message((1, request_id), (OPEN_RECORD, message((1, index))))


def explain(request_id, client, key, profile, *given):
    """given: (number, value) pairs of Explain: 4 audience, 5 claims, 6 payload, …"""
    return message((1, request_id), (EXPLAIN, message(
        (1, client), (2, key), (3, profile), *given)))


class Reloaded:
    def __init__(self, found):
        self.is_done = found[1] == [1]
        self.errors = found.get(2, [b""])[0].decode()
        self.sha256 = found[3][0].hex()


class Explained:
    def __init__(self, found):
        self.status = found[1][0]
        self.rule, self.nearest, self.text = (found[n][0].decode() for n in (2, 3, 4))


class Officer(Client):
    """A connection to the officer's socket."""

    def __init__(self, path, greet=True):
        self.last_id = 1
        super().__init__(str(path), greet)

    def _next_id(self):
        self.last_id += 1
        return self.last_id

    def _ask(self, body):
        answer = self.ask(body)
        assert answer.id == self.last_id, f"an answer to {answer.id}, not {self.last_id}"
        return answer.check()

    def reload(self):
        return Reloaded(self._ask(reload(self._next_id())))

    def explain(self, *question):
        return Explained(self._ask(explain(self._next_id(), *question)))

    def open_record(self, index=None):
        """The file's name, and a descriptor to be closed."""
        self.send(open_record(self._next_id(), index))
        data, fds, flags, _ = socket.recv_fds(self.socket, 4, 4)
        length, = struct.unpack(">I", data)
        answer = wire.Answer(self._receive_exactly(length))
        assert answer.id == self.last_id and not flags & socket.MSG_CTRUNC
        try:
            found = answer.check()
        except wire.Refused:
            assert not fds, "a descriptor came with an error"
            raise
        fd, = fds
        return found[1][0].decode(), fd


def push_descriptor(sock, fd, data):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])


def as_user(act, uid, gid, *groups):
    """What act() gives, as JSON lets it through, in a process of that user and groups."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        # Nothing of the test may run twice: this process leaves by _exit() only.
        code = 1
        with contextlib.suppress(BaseException):
            try:
                os.setgroups(groups)
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)
                os.write(writer, json.dumps(act()).encode())
                code = 0
            except BaseException:
                traceback.print_exc()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as found:
        text = found.read()
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "it failed as the other user"
    return json.loads(text)


def records(folder, kind="officer"):
    """Lines of that kind (None: all) in the current file of the record."""
    with open(folder / "audit.jsonl", encoding="ascii") as file:
        lines = [json.loads(line) for line in file.read().splitlines()]
    return [line for line in lines if kind in (None, line["kind"])]
