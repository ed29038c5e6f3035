# SPDX-License-Identifier: Apache-2.0
"""Data services that ask for many seals at once and write down what they hear.

They are threads of the test, whose process outlives the agent; the ledger is what
auditor.py reads."""
import collections
import contextlib
import hashlib
import json
import threading
import time

import wire
from agent import AUDIENCE
from tokens import decode

# With an error the next request waits so long: else a refusing agent is asked all the time.
PAUSE_S = 0.005
SAMPLE = 50


class Ledger:
    def __init__(self, path):
        self.path = path
        self._file = open(path, "a", encoding="ascii")
        self._lock = threading.Lock()
        self.counts = collections.Counter()  # of the wire's words
        self.n_connections = 0

    def close(self):
        self._file.close()

    def n_answers(self):
        return sum(self.counts.copy().values())

    def number(self):
        with self._lock:
            self.n_connections += 1
            return self.n_connections

    def note(self, connection, answer):
        """The answer's status; every fiftieth seal is kept whole."""
        line = {"connection": connection, "id": answer.id, "status": wire.OK}
        if answer.is_error:
            line["status"] = answer.fields[1][0]
        else:
            text = answer.fields[1][0].decode()
            line["sha256"] = hashlib.sha256(text.encode()).hexdigest()
            line["claims"] = json.loads(decode(text.split(".")[1]))
        with self._lock:
            if line["status"] == wire.OK and self.counts[wire.OK] % SAMPLE == 0:
                line["seal"] = text
            self.counts[line["status"]] += 1
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        return line["status"]


class Service(threading.Thread):
    """One connection with n_at_once requests in flight, until the agent ends it, or we."""

    def __init__(self, ledger, path, key, n_at_once, timeout_ms=None):
        super().__init__()
        self.ledger, self.path, self.key = ledger, str(path), key
        self.n_at_once, self.timeout_ms = n_at_once, timeout_ms
        self.connection = ledger.number()
        self.failure = None
        self._is_ending = False
        self._next_id = 1
        self._n_out = 0

    def stop(self):
        """No further requests: waits for the answers to those that are out."""
        self._is_ending = True
        self.join()

    def run(self):
        # Whatever the agent had sent before its death was heard, and is read first.
        with contextlib.suppress(EOFError, ConnectionError, FileNotFoundError):
            try:
                with wire.Client(self.path, greet=False) as client:
                    client.ask(wire.hello()).check()
                    self._talk(client)
            except (AssertionError, LookupError, ValueError, TimeoutError) as failure:
                self.failure = failure

    def _talk(self, client):
        with contextlib.suppress(ConnectionError):
            for _ in range(self.n_at_once):
                self._ask(client)
        while self._n_out:
            status = self.ledger.note(self.connection, client.receive())
            self._n_out -= 1
            if status != wire.OK:
                time.sleep(PAUSE_S)
            if not self._is_ending:
                with contextlib.suppress(ConnectionError):
                    self._ask(client)

    def _ask(self, client):
        request_id, self._next_id = self._next_id + 1, self._next_id + 1
        self._n_out += 1
        nonce = json.dumps({"nonce": f"{self.connection}.{request_id}"})
        client.send(wire.seal(request_id, self.key, "dsgo-auth",
                              wire.dsgo_auth(AUDIENCE, nonce), None, self.timeout_ms))
