# SPDX-License-Identifier: Apache-2.0
"""Users and groups that exist for one test, and what they do in processes of their own."""
import contextlib
import grp
import os
import pickle
import pwd
import shutil
import signal
import socket
import traceback
import warnings

import agent
from agent import must_run, run

PREFIX = "zegel-test"


def needs_root():
    """A test of other users is skipped where they cannot be made."""
    if os.getuid() != 0:
        agent.skip("needs root, to be other users")
    for tool in ("useradd", "userdel", "groupadd", "groupdel"):
        if not shutil.which(tool):
            agent.skip(f"needs {tool}, to make users and groups")


def make_group(cleanup, name):
    """A group of this machine until the test (or its class) is over."""
    name = f"{PREFIX}-{name}"
    run("groupdel", name)
    must_run("groupadd", "--system", name)
    cleanup(run, "groupdel", name)
    return grp.getgrnam(name)


class Person:
    """A user of this machine until the test (or its class) is over."""

    def __init__(self, cleanup, name, *groups):
        self.name = f"{PREFIX}-{name}"
        run("userdel", self.name)
        must_run("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin",
                 *(("--groups", ",".join(g.gr_name for g in groups)) if groups else ()),
                 self.name)
        cleanup(run, "userdel", self.name)
        entry = pwd.getpwnam(self.name)
        self.uid, self.gid = entry.pw_uid, entry.pw_gid
        self.groups = [group.gr_gid for group in groups]

    def become(self):
        os.setgroups(self.groups)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)

    def start(self, act, *args, before=None):
        """A process of this user that does act(*args); before() is done as we are."""
        return Deed(self, act, args, before)

    def do(self, act, *args, before=None):
        return self.start(act, *args, before=before).result()


class Ourselves(Person):
    """We ourselves, in another process."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.uid, self.gid = os.getuid(), os.getgid()

    def become(self):
        pass


class Deed:
    """What somebody does in a process of his own; its result is read from a pipe."""

    def __init__(self, person, act, args, before):
        self.reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.reader)
            self._be(person, act, args, before, writer)
        os.close(writer)

    @staticmethod
    def _be(person, act, args, before, writer):
        # No test of the parent's runs on here, whatever happens.
        try:
            signal.alarm(2 * agent.PATIENCE_S)
            # What is open ends with the process.
            warnings.simplefilter("ignore", ResourceWarning)
            if before:
                before()
            person.become()
            answer = (True, act(*args))
        except BaseException as error:  # pylint: disable=broad-except
            answer = (False, (error, traceback.format_exc()))
        try:
            data = pickle.dumps(answer)
        except Exception:  # pylint: disable=broad-except
            data = pickle.dumps((False, (RuntimeError(repr(answer[1])), "")))
        while data:
            data = data[os.write(writer, data):]
        os._exit(0)  # pylint: disable=protected-access

    def result(self):
        """Waits for it; raises what it raised."""
        with open(self.reader, "rb") as pipe:
            data = pipe.read()
        os.waitpid(self.pid, 0)
        assert data, "the process ended without a word"
        is_good, value = pickle.loads(data)
        if not is_good:
            raise value[0] from RuntimeError(value[1])
        return value

    def end(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.close(self.reader)
        os.waitpid(self.pid, 0)


def hand_over(pair, connected):
    socket.send_fds(pair, [b"x"], [connected.fileno()])


def take_over(pair):
    _, files, _, _ = socket.recv_fds(pair, 1, 1)
    return socket.socket(fileno=files[0])
