# SPDX-License-Identifier: Apache-2.0
"""File systems of the test's own, which end with it: mounts that nobody else sees."""
import ctypes
import os

from agent import run, skip

CLONE_NEWNS = 0x20000


def leave_the_others():
    """To be called once, before threads; ends the program as skipped where that is not
    allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0:
        skip("mounting a small file system needs root")
    if libc.unshare(CLONE_NEWNS) != 0:
        skip(f"no mounts of our own: {os.strerror(ctypes.get_errno())}")
    done = run("mount", "--make-rprivate", "/")
    if done.returncode != 0:
        skip(f"no mounts of our own: {done.stderr.strip()}")


def mount_tmpfs(path, size):
    done = run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path)
    assert done.returncode == 0, done.stderr


def unmount(path):
    """Even if somebody still has a file open there."""
    run("umount", "--lazy", path)


def fill(path):
    """A file that takes all the space that is left, to the last page."""
    block = b"x" * 4096
    with open(path, "ab", buffering=0) as file:
        try:
            while file.write(block):
                pass
        except OSError:
            return
