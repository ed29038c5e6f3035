# SPDX-License-Identifier: Apache-2.0
"""A client known by its label, where SELinux or AppArmor give one (SO_PEERSEC)."""
import getpass
import socket

import agent
import wire
from agent import AUDIENCE, Folder, wait_until
from office import Office
from wire import Client

SO_PEERSEC = 31


def our_label():
    """What the kernel says of ourselves; skips where it says nothing."""
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with pair[0], pair[1]:
        try:
            label = pair[0].getsockopt(socket.SOL_SOCKET, SO_PEERSEC, 512)
        except OSError as error:
            agent.skip(f"this kernel gives no label of a peer (SO_PEERSEC: {error.strerror})")
    return label.rstrip(b"\0").decode("ascii")


class Label(Folder):
    def ask(self, label):
        office = Office(self.folder)
        office.make_token("good")
        office.configure(
            office.listen(), office.token("good"), office.key("good"),
            f'client "me" {{\n\tuser = "{getpass.getuser()}"\n\tlabel = "{label}"\n'
            '\tallow "good" { key = "good" profile = "dsgo-auth" }\n}\n')
        with office.start():
            wait_until(lambda: "token ready" in office.log.read_text(encoding="ascii"),
                       "the token is ready")
            with Client(str(office.socket)) as client:
                return client.ask(wire.seal(1, "good", "dsgo-auth",
                                            wire.dsgo_auth(AUDIENCE))).is_error

    def test_who_has_it_is_the_client(self):
        self.assertFalse(self.ask(LABEL))

    def test_who_has_another_is_a_stranger(self):
        self.assertTrue(self.ask(LABEL + "-other"))


if __name__ == "__main__":
    LABEL = our_label()
    agent.main()
