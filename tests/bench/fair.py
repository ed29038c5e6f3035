# SPDX-License-Identifier: Apache-2.0
"""What a modest client notices of a greedy one: its wait beside it, as a ratio to its wait
alone. Prints and asserts nothing: the promise is held by tests/flow/test_fair.py, by the
order of events. Run by hand, as root; see README.md beside this file."""
import os
import statistics
import tempfile
import time
from pathlib import Path

import agent
import wire
from agent import AUDIENCE, wait_until
from busy import GREEDY, Flood
from office import Office
from wire import Client

SEALS = 200
PAUSE_S = 0.02
DENIED = "did:ishare:EU.NL.NTRNL-99999999"


class Bench:
    def __init__(self, folder, sessions):
        self.office = Office(folder)
        self.office.make_token("bench")
        rule = (f'\tallow "a" {{ key = "bench" profile = "dsgo-auth"'
                f' audience = "{AUDIENCE}" }}\n')
        clients = [f'client "{user}" {{\n\tuser = "{user}"\n{rule}}}\n'
                   for user in (GREEDY, "root")]
        self.office.configure(
            self.office.listen().replace("}", "\tmode = 0666\n}"),
            self.office.token("bench", sessions=sessions), self.office.key("bench"), *clients)

    def waits_ms(self):
        """How long each of the modest client's seals took, in order."""
        waits = []
        with Client(str(self.office.socket)) as client:
            for request_id in range(1, SEALS + 1):
                start = time.monotonic()
                client.ask(wire.seal(request_id, "bench", "dsgo-auth",
                                     wire.dsgo_auth(AUDIENCE), None, 60000)).check()
                waits.append(1000 * (time.monotonic() - start))
                time.sleep(PAUSE_S)
        return sorted(waits)

    def is_flooded(self):
        """The greedy one has begun: what it asks for is in the log."""
        return f"client={GREEDY}" in self.office.log.read_text(encoding="utf-8")

    def beside(self, audience):
        with Flood(self.office.folder, self.office.socket, 0, audience, "bench"):
            wait_until(self.is_flooded, "the flood has begun")
            return self.waits_ms()

    def run(self):
        with self.office.start():
            yield "alone", self.waits_ms()
        for name, audience in (("greedy", AUDIENCE), ("refused", DENIED)):
            self.office.log.unlink()
            with self.office.start():
                yield name, self.beside(audience)


def measure(sessions):
    with tempfile.TemporaryDirectory(prefix="zegel-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        alone = None
        for beside, waits in Bench(folder, sessions).run():
            median, p99 = statistics.median(waits), waits[len(waits) * 99 // 100]
            alone = alone or (median, p99)
            print(f"sessions={sessions} beside={beside:8}"
                  f" median={median:7.2f} ms ({median / alone[0]:5.2f})"
                  f" p99={p99:7.2f} ms ({p99 / alone[1]:5.2f})", flush=True)


def main():
    if os.getuid() != 0:
        agent.skip("needs root, to run a client as another user")
    print(f"{SEALS} seals each; in brackets: as a ratio to alone")
    for sessions in (1, 2):
        measure(sessions)


main()
