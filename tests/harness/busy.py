# SPDX-License-Identifier: Apache-2.0
"""Many data services at once, each a process of its own with libzegel."""
import json
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import wire
from agent import AUDIENCE, PATIENCE_S, Background, program

GREEDY = "daemon"
GREEDY_CONNECTIONS = 64


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


class Flood(Background):
    """One data service that wants everything: flood.py, as a user of its own. It runs from a
    folder that this user may look into."""

    def __init__(self, folder, socket, at_least, audience, *keys):
        program = folder / "flood"
        program.mkdir(exist_ok=True)
        for name in ("flood.py", "wire.py"):
            shutil.copyfile(Path(wire.__file__).parent / name, program / name)
            (program / name).chmod(0o644)
        program.chmod(0o755)
        user = pwd.getpwnam(GREEDY)
        super().__init__(sys.executable, "-B", program / "flood.py", socket, GREEDY_CONNECTIONS,
                         at_least, audience, *keys, user=user.pw_uid, group=user.pw_gid,
                         extra_groups=[], cwd="/", env={}, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)

    def finish(self):
        """Tells it to end; gives how many answers of each word it had."""
        self.process.stdin.close()
        self.process.wait(2 * PATIENCE_S)
        return json.loads(self.process.stdout.read())

    def stop(self, sign=None):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.kill()
        super().stop()
