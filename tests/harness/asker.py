# SPDX-License-Identifier: Apache-2.0
"""Data services that ask while the rules change, and know by which rules they were heard."""
import threading

import wire
from agent import AUDIENCE, PATIENCE_S
from wire import Client

OTHER = "did:ishare:EU.NL.NTRNL-10000003"


class Switches:
    """How often the rules were changed: begun, and done, as who asks for it knows."""

    def __init__(self):
        self.begun = self.done = 0


class Asker(threading.Thread):
    """A data service with many requests in flight, for one audience and the other in turn.

    Each answer tells by which rules it was decided: a allows AUDIENCE and not OTHER, b the
    other way about. It also knows which rules can have been in force since it asked."""

    DEPTH = 16

    def __init__(self, path, switches):
        super().__init__(daemon=True)
        self.client = Client(str(path))
        self.switches = switches
        self.asked = {}  # id: how many switches were done before it was sent
        self.heard = {}  # id: (set, how many were begun when the answer came)
        self.n_sealed = 0
        self.is_over = False
        self.failure = None

    def send(self, request_id):
        audience = OTHER if request_id % 2 else AUDIENCE
        self.asked[request_id] = self.switches.done
        self.client.send(wire.seal(request_id, "good", "dsgo-auth", wire.dsgo_auth(audience),
                                   None, 60000))

    def hear(self, waiting):
        answer = self.client.receive()
        waiting.remove(answer.id)
        word = answer.fields[1][0] if answer.is_error else wire.OK
        assert word in (wire.OK, wire.DENIED), f"the answer {word}"
        self.n_sealed += word == wire.OK
        self.heard[answer.id] = ("ab"[(answer.id % 2 == 1) == (word == wire.OK)],
                                 self.switches.begun)

    def run(self):
        try:
            last, waiting = 100, set()
            while waiting or not self.is_over:
                while len(waiting) < self.DEPTH and not self.is_over:
                    last += 1
                    waiting.add(last)
                    self.send(last)
                self.hear(waiting)
        except Exception as failure:
            self.failure = failure

    def finish(self):
        self.is_over = True
        self.join(PATIENCE_S)
        assert not self.is_alive() and self.failure is None, self.failure
        self.client.socket.close()

    def check(self):
        """There is an order of decisions in which each is by the rules of its time: those
        of one connection are decided in the order of their ids."""
        assert self.heard.keys() == self.asked.keys()
        n = 0
        for request_id in sorted(self.asked):
            name, n_begun = self.heard[request_id]
            n = max(n, self.asked[request_id])
            n += "ab"[n % 2] != name
            assert n <= n_begun, f"request {request_id} by rules that were not in force"
