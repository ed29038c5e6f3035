# SPDX-License-Identifier: Apache-2.0
"""Start, load, kill -9, perhaps a power cut, start again, audit: many times over.

Everything is drawn from one seed but the moment at which the kernel ends the process; kills
at a chosen operation of the disk do not depend on that either."""
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress

import auditor
import chain
from agent import PATIENCE_S
from ledger import Ledger, Service
from power import Power
from seam import SeamOffice

KEY = "seal"
MIB = 1 << 20
CONNECTIONS, AT_ONCE = 3, 8
LOAD_MS = 150
# After so many kills a record is begun anew: to audit it takes longer each time.
KILLS_A_RECORD = 8
POLL_S = 0.001
UNAVAILABLE, INTERNAL = 69, 70
WHEN = ("before", "half", "after")
# Its steps, by their number in a life that goes on in a file: the start syncs, too.
ROTATION = ("truncate 1", "rename 1", "create 1", "sync-directory 2")


def draw_seed():
    """ZEGEL_TEST_SEED, or one of today; printed, so that it can be given again."""
    text = os.environ.get("ZEGEL_TEST_SEED") or str(random.SystemRandom().randrange(1 << 32))
    print(f"ZEGEL_TEST_SEED={text}", flush=True)
    return int(text)


class Violation(AssertionError):
    pass


class Rig:
    """One token and one configuration for all records and kills."""

    def __init__(self, folder, module, seed, sync="seal", **options):
        self.folder, self.seed, self.sync = folder, seed, sync
        self.amnesia = options.get("amnesia", False)
        self.counts_calls = options.get("counts_calls", not self.amnesia)
        # All records are there before, and rotate: only that changes names.
        self.only_rotation = options.get("only_rotation", False)
        self.keeps = not options.get("defect")
        self.office = SeamOffice(folder, options.get("defect"))
        self.office.make_token(KEY)
        self.tally = folder / "tally"
        office = self.office
        office.configure(
            f'audit-sync = "{sync}"\naudit-rotate-mib = 1\naudit-rotate-daily = false\n',
            office.listen(),
            office.token(KEY, module=module, environment=[f"FAULT_TALLY={self.tally}"],
                         sessions=2),
            office.key(KEY), office.client(KEY))
        self.n_kills = self.n_sealed = self.n_lost = self.n_cut = 0
        self.n_rotations = self.n_starts_killed = self.n_torn = self.n_names = 0
        self.oldest_lost_ms = self.n_deaths_as_ordered = 0
        self.rng = None
        self.zegeld = self.ledger = self.power = None
        self.is_near_rotation = False
        self.at_risk = {}  # seal that may be lost: its age in ms when the power was cut

    def run(self, n_kills):
        """Raises Violation with all that the auditor says, and where it can be seen."""
        with self._ending():
            while self.n_kills < n_kills:
                # What one life draws does not shift what the next ones do.
                self.rng = random.Random(f"{self.seed} {self.n_kills}")
                if self.ledger is None or self.n_kills % KILLS_A_RECORD == 0:
                    self._end_record()
                    self._begin_record(self.only_rotation or self.rng.random() < 0.7)
                self._live(self._draw_orders(), self.rng.uniform(0, LOAD_MS) / 1000)
            self._end_record()

    def die_in_rotation(self, order):
        """One life, in a record of its own, that ends as this orders."""
        with self._ending():
            self.rng = random.Random(f"{self.seed} {order}")
            self._begin_record(is_near_rotation=True)
            self._live([order], PATIENCE_S)
            self._end_record()

    @contextmanager
    def _ending(self):
        """Whatever happens; a record in which something is missing is not gone on with."""
        try:
            yield
        except Violation:
            self.n_kills += 1
            raise
        finally:
            if self.zegeld:
                self.zegeld.stop(signal.SIGKILL)
            if self.ledger:
                self.ledger.close()
                self.ledger = None

    def summary(self):
        said = (f"{self.n_kills} kills, {self.n_starts_killed} of them at a start, "
                f"{self.n_sealed} seals released, {self.n_lost} lost, "
                f"{self.n_rotations} rotations, {self.n_cut} tails cut")
        if self.amnesia:
            said += f", {self.n_torn} blocks torn, {self.n_names} names undone"
        if self.n_lost:
            said += f"; the oldest lost was {self.oldest_lost_ms} ms old"
        return said

    # A record

    def _begin_record(self, is_near_rotation):
        audit = self.office.audit
        shutil.rmtree(audit)
        audit.mkdir(mode=0o700)
        for name in ("ledger", "tally", "seam.log"):
            (self.folder / name).unlink(missing_ok=True)
        self.is_near_rotation = is_near_rotation
        if is_near_rotation:
            chain.pad(audit, MIB - self.rng.randrange(1000, 40000))
        self.ledger = Ledger(self.folder / "ledger")
        self.power = Power(self.office)
        self.at_risk = {}

    def _end_record(self):
        if self.ledger is None:
            return
        self.office.order()
        self._start(may_die=False).stop()
        record = self._audit()
        self.n_cut += sum(start.get("cut", 0) > 0 for start in record.kinds["start"])
        self.n_rotations += len(record.kinds.get("rotate", ()))
        self.n_sealed += self.ledger.counts[0]
        self.n_lost += len(self.at_risk)
        self.n_torn += self.power.n_torn
        self.n_names += self.power.n_names
        self.ledger.close()
        self.ledger = None

    # A life

    def _live(self, orders, load_s):
        """From a start to a death, and what that death left."""
        self.office.order(*orders)
        zegeld = self._start(may_die=True)
        if zegeld is None or not self._audit_at_rest(zegeld):
            self.n_starts_killed += 1
        else:
            self._load(zegeld, load_s)
        self.n_kills += 1
        self._suffer()

    def _draw_orders(self):
        """How the disk fails in this life, and at which operation it ends."""
        return self._draw_death() + self._draw_faults()

    def _draw_death(self):
        """In most of the lives that will rotate, there; in a third, at some operation."""
        choice, is_near_rotation = self.rng.random(), self.is_near_rotation
        self.is_near_rotation = False
        if self.only_rotation:
            return []
        if is_near_rotation and choice < 0.8:
            return [f"{self.rng.choice(ROTATION)} kill {self.rng.choice(WHEN)}"]
        if choice < 0.35:
            kind = self.rng.choice(("write", "write", "sync", "truncate", "open", "reserve"))
            return [f"{kind} {self._draw_nth()} kill {self.rng.choice(WHEN)}"]
        return []

    def _draw_nth(self):
        return self.rng.choice((1, 2, 3, self.rng.randint(4, 60)))

    def _draw_faults(self):
        """In a fourth of the lives."""
        if self.rng.random() > 0.25:
            return []
        error = self.rng.choice(("EIO", "ENOSPC", "EROFS"))
        nth = self._draw_nth()
        return [self.rng.choice((
            f"write {nth} fail {error}",
            f"write {nth} short {self.rng.randint(1, 2000)} {error}",
            f"sync {nth} fail {error}",
            f"sync {nth}+ delay {self.rng.randint(1, 20)}",
            f"rename 1 fail {error}",
            f"create 1 fail {error}",
            f"reserve {self.rng.randint(1, 2)} fail {error}",
            f"sync-directory {self.rng.randint(1, 2)} fail {error}")),
            f"truncate {self.rng.randint(2, 3)} fail {error}"]

    def _start(self, may_die):
        """A zegeld that listens; None when it died as it was told."""
        zegeld = self.zegeld = self.office.launch()
        end = time.monotonic() + PATIENCE_S
        while not self.office.is_listening():
            if zegeld.process.poll() is not None:
                zegeld.stop()
                if may_die and zegeld.process.returncode in self._good_ends():
                    return None
                self._fail([f"the agent does not start: exit {zegeld.process.returncode}",
                            *self._judge().record.complaints])
            if time.monotonic() > end:
                zegeld.stop(signal.SIGKILL)
                self._fail(["the agent does not come to listen"])
            time.sleep(POLL_S)
        return zegeld

    def _good_ends(self):
        """On a disk that fails it may refuse to start, and must end when a sync failed."""
        return {-signal.SIGKILL, *((UNAVAILABLE, INTERNAL) if self._is_disk_faulty() else ())}

    def _is_disk_faulty(self):
        orders = self.office.orders.read_text()
        return "fail" in orders or "short" in orders

    def _load(self, zegeld, seconds):
        services = [Service(self.ledger, self.office.socket, KEY, AT_ONCE)
                    for _ in range(CONNECTIONS)]
        for service in services:
            service.start()
        self._wait_for_answers(zegeld)
        self._wait_for_death(zegeld, seconds)
        for service in services:
            service.join()
            if service.failure:
                self._fail([f"a client heard nonsense: {service.failure!r}"])

    def _wait_for_answers(self, zegeld):
        """The worker is up, or the agent is dead."""
        before, end = self.ledger.n_answers(), time.monotonic() + PATIENCE_S
        while self.ledger.n_answers() == before and zegeld.process.poll() is None:
            if time.monotonic() > end:
                self._fail(["the agent answers nobody"])
            time.sleep(POLL_S)

    def _wait_for_death(self, zegeld, seconds):
        with suppress(subprocess.TimeoutExpired):
            zegeld.process.wait(seconds)
            self.n_deaths_as_ordered += 1
        zegeld.stop(signal.SIGKILL)
        if zegeld.process.returncode not in self._good_ends():
            self._fail([f"the agent ended by itself: {zegeld.process.returncode}"])

    def _suffer(self):
        """Sometimes the machine survives what the agent did not, and the cut comes later."""
        if not self.amnesia:
            return
        if self.rng.random() < 0.2:
            self.power.stay()
            return
        at_risk = self.power.cut(self.rng)
        if self.sync == "interval":
            self.at_risk.update(at_risk)

    # The judgement

    def _judge(self):
        tally = auditor.read_tally(self.tally) if self.counts_calls else None
        judge = auditor.Auditor(self.office.audit, auditor.read_ledger(self.ledger.path),
                                tally, may_miss=self.at_risk.keys())
        judge.judge()
        return judge

    def _look(self):
        return [(path.name, path.stat().st_ino, path.stat().st_size)
                for path in chain.files(self.office.audit)]

    def _audit_at_rest(self, zegeld):
        """A start on a file that is too long rotates at once, and may die of that: what
        changes while it is read is read again, and what a death left is the next one's.
        So is half a line that a faulty disk neither took whole nor let go: the agent tries
        again to cut it off, while no other complaint ever goes away by itself.
        False: it is dead."""
        complaints, end = [], time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with suppress(FileNotFoundError):
                before = self._look()
                judge = self._judge()
                if zegeld.process.poll() is not None:
                    self._wait_for_death(zegeld, 0)
                    return False
                complaints = judge.record.complaints
                is_for_good = not complaints or not self._is_disk_faulty()
                if is_for_good and self._look() == before:
                    self._accept(judge)
                    return True
            time.sleep(POLL_S)
        self._fail(["the record does not come to rest", *complaints])

    def _audit(self):
        judge = self._judge()
        self._accept(judge)
        return judge.record

    def _accept(self, judge):
        """What was at risk and is there is not at risk any more: the start synced it."""
        if judge.record.complaints:
            self._fail(judge.record.complaints)
        self.at_risk = {seal: self.at_risk[seal] for seal in judge.missing}
        self.oldest_lost_ms = max([self.oldest_lost_ms, *self.at_risk.values()])

    def _fail(self, complaints):
        where = ""
        if self.keeps:
            where = tempfile.mkdtemp(prefix="zegel-crash-")
            shutil.copytree(self.folder, where, dirs_exist_ok=True, ignore=lambda _, names: [
                name for name in names if name.endswith(".sock")])
            where = f"; the files are kept in {where}"
        raise Violation("\n".join([f"after {self.n_kills} kills{where}", *complaints[:20]]))
