# SPDX-License-Identifier: Apache-2.0
"""A token that signs when the test says so: tests/unit/worker_module.c behind a gate."""
import hashlib
import os

from tokens import Token


class Gate:
    """Lets signatures through, one for each byte, and knows in which order they began."""

    def __init__(self, folder):
        self.path = folder / "gate"
        self.order = folder / "order"
        os.mkfifo(self.path)
        self.order.touch()
        # For both ways: then opening it does not wait for the token.
        self.fd = os.open(self.path, os.O_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    @property
    def environment(self):
        return [f"FAULT_ORDER={self.order}", f"FAULT_GATE={self.path}"]

    def let(self, n=1):
        os.write(self.fd, b"x" * n)

    def begun(self):
        """What each signature that has begun is of, in hex."""
        return self.order.read_text(encoding="ascii").splitlines()


def digest_of(answer):
    """What the token had to sign for this answer, a DSGO token: the end of its line."""
    token = Token(answer.check()[1][0].decode())
    token.verify_with_pyjwt()
    return hashlib.sha256(".".join(token.parts[:2]).encode()).hexdigest()
