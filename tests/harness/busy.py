# SPDX-License-Identifier: Apache-2.0
"""Many data services at once, each a process of its own with libzegel."""
import tempfile

from agent import AUDIENCE, PATIENCE_S, Background, program


class Crowd:
    """n_clients processes that ask for n_each seals each."""

    def __init__(self, sandbox, n_clients, n_each):
        self.outputs = [tempfile.TemporaryFile("w+") for _ in range(n_clients)]
        self.errors = [tempfile.TemporaryFile("w+") for _ in range(n_clients)]
        self.clients = [
            Background(program("zegel-load"), "sandbox", AUDIENCE, n_each,
                       env=sandbox.environment, stdout=output, stderr=error)
            for output, error in zip(self.outputs, self.errors)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.stop()
        for file in self.outputs + self.errors:
            file.close()

    def is_busy(self):
        return any(client.process.poll() is None for client in self.clients)

    def n_sealed(self):
        return sum(len(self._read(output)) for output in self.outputs)

    @staticmethod
    def _read(file):
        # By name: the client writes through the offset of the descriptor itself.
        with open(f"/proc/self/fd/{file.fileno()}", encoding="utf-8") as again:
            return again.read().splitlines()

    def finish(self):
        """Waits for all; gives (exit code, words on stderr) of each, and the seals."""
        ends = [client.process.wait(10 * PATIENCE_S) for client in self.clients]
        words = ["\n".join(self._read(error)) for error in self.errors]
        return list(zip(ends, words)), [seal for o in self.outputs for seal in self._read(o)]
