# SPDX-License-Identifier: Apache-2.0
"""A zegeld whose disk obeys the test: tests/seam/seam.h says how."""
import os
import shutil
import subprocess

from agent import Background, program, wait_until
from office import Office


class LastingOffice(Office):
    """Its agents may be killed at any moment.

    SoftHSM writes a token's file again at each login, and whoever is killed just then
    leaves it empty: so each life of an agent has copies of the tokens of its own."""

    def __init__(self, folder):
        super().__init__(folder)
        self._tokens = self._copies = self.folder / "tokens"
        self._conf = self.softhsm.read_text()
        self._n_lives = 0

    def renew_tokens(self):
        if self._n_lives:
            shutil.rmtree(self._copies)
        self._n_lives += 1
        self._copies = self.folder / f"tokens-{self._n_lives}"
        shutil.copytree(self._tokens, self._copies)
        self.softhsm.write_text(self._conf.replace(f"{self._tokens}\n", f"{self._copies}\n"))

    def start(self):
        self.renew_tokens()
        return super().start()


class SeamOffice(LastingOffice):
    """Starts zegeld-seam in place of zegeld; defect: a lie that the tests must find."""

    def __init__(self, folder, defect=None):
        super().__init__(folder)
        self.seam_log = self.folder / "seam.log"
        self.orders = self.folder / "orders"
        self.environment = {**os.environ, "ZEGEL_SEAM_LOG": str(self.seam_log),
                            "ZEGEL_SEAM_ORDERS": str(self.orders)}
        if defect:
            self.environment["ZEGEL_SEAM_DEFECT"] = defect

    def command(self, *words):
        return [program("zegeld-seam"), "--config", str(self.config), *words]

    def order(self, *orders):
        """From the next operation on these hold, and no others."""
        self.write("orders.new", "".join(f"{order}\n" for order in orders)).rename(self.orders)

    def launch(self):
        """A zegeld-seam that may not live long."""
        self.renew_tokens()
        with open(self.log, "a", encoding="utf-8") as log:
            return Background(*self.command("--foreground"), stderr=log,
                              stdin=subprocess.DEVNULL, env=self.environment)

    def start(self):
        zegeld = self.launch()
        try:
            wait_until(lambda: self.is_listening() or zegeld.process.poll() is not None,
                       "zegeld listens")
            assert zegeld.process.poll() is None, self.log.read_text()[-1000:]
        except AssertionError:
            zegeld.stop()
            raise
        return zegeld

    def operations(self, kind):
        """What the seam did of this kind: a dict of words for each."""
        return [facts for name, facts in read_log(self.seam_log) if name == kind]


def read_log(path):
    """Yields (kind, facts) for each operation; numbers are ints."""
    if not path.exists():
        return
    for line in path.read_text(encoding="ascii").splitlines():
        ms, kind, *words = line.split(" ")
        facts = dict(word.split("=", 1) for word in words)
        yield kind, {"ms": int(ms), **{name: int(value) if value.isdigit() else value
                                       for name, value in facts.items()}}
