# SPDX-License-Identifier: Apache-2.0
"""A client that wants everything: flood.py SOCKET CONNECTIONS AT_LEAST AUDIENCE KEY...

It opens so many connections, keeps as many requests in flight on each as the protocol
allows, for the keys in turn. For each answer it asks again; after BUSY a little later and a
few at a time, in vain but for keeping the line full. When its standard input ends, and at
least so many answers have come, it prints how many of each word came, as JSON, and ends.
Tests run it as another user (busy.py); it needs wire.py beside it."""
import json
import select
import socket
import struct
import sys
import time

import wire

IN_FLIGHT_MAX = 64
PIECE = 256 * 1024
PAUSE_S = 0.02
AGAIN = 8


class Connection:
    """Many requests at once, without waiting for any."""

    def __init__(self, path, requests):
        self.client = wire.Client(path)
        self.socket = self.client.socket
        self.socket.settimeout(None)
        self.requests = requests
        self.asked = 0
        self.unsaid = b""
        self.unread = b""
        for _ in range(IN_FLIGHT_MAX):
            self.ask()

    def ask(self):
        self.asked += 1
        request = self.requests[self.asked % len(self.requests)](self.asked + 1)
        self.unsaid += struct.pack(">I", len(request)) + request

    def say(self):
        sent = self.socket.send(self.unsaid, socket.MSG_DONTWAIT)
        self.unsaid = self.unsaid[sent:]

    def hear(self):
        """Yields the word of each whole answer that came."""
        piece = self.socket.recv(PIECE)
        if not piece:
            raise EOFError("the agent closed a connection of the flood")
        self.unread += piece
        while len(self.unread) >= 4:
            end = 4 + struct.unpack(">I", self.unread[:4])[0]
            if len(self.unread) < end:
                return
            answer = wire.Answer(self.unread[4:end])
            self.unread = self.unread[end:]
            yield answer.fields[1][0] if answer.is_error else wire.OK


def request_for(key, audience):
    return lambda request_id: wire.seal(request_id, key, "dsgo-auth",
                                        wire.dsgo_auth(audience), None, 60000)


class Flood:
    def __init__(self, path, n_connections, audience, keys):
        requests = [request_for(key, audience) for key in keys]
        self.connections = [Connection(path, requests) for _ in range(n_connections)]
        self.answers = [0] * 9
        self.busy = []  # connections, one for each answer BUSY
        self.again_s = 0.0

    def hear(self, connection):
        for word in connection.hear():
            self.answers[word] += 1
            if word == wire.BUSY:
                self.busy.append(connection)
            else:
                connection.ask()

    def ask_again(self):
        if time.monotonic() < self.again_s:
            return
        self.again_s = time.monotonic() + PAUSE_S
        for connection in self.busy[:AGAIN]:
            connection.ask()
        del self.busy[:AGAIN]

    def turn(self, *others):
        """Says and hears what can be; gives those of the others that can be read."""
        sockets = {connection.socket: connection for connection in self.connections}
        can_hear, can_say, _ = select.select(
            [*sockets, *others], [s for s, c in sockets.items() if c.unsaid], [], PAUSE_S)
        for sock in can_say:
            sockets[sock].say()
        for sock in can_hear:
            if sock in sockets:
                self.hear(sockets[sock])
        self.ask_again()
        return [other for other in can_hear if other in others]


def main():
    path, n_connections, at_least, audience, *keys = sys.argv[1:]
    flood = Flood(path, int(n_connections), audience, keys)
    while not flood.turn(sys.stdin):
        pass
    while sum(flood.answers) < int(at_least):
        flood.turn()
    print(json.dumps(flood.answers))


if __name__ == "__main__":
    main()
