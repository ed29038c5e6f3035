# SPDX-License-Identifier: Apache-2.0
"""What a security officer would have made: tokens in SoftHSM, keys, certificates, and a
configuration for a zegeld of the test's own."""
import getpass
import os
import socket
import subprocess
from pathlib import Path

from agent import PIN, SOFTHSM, Background, must_run, program, wait_until

SUBJECT = "/C=NL/O=Test/organizationIdentifier=NTRNL-10000001/CN=Test seal"
LEAF = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,nonRepudiation\n"


class Office:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.socket = self.folder / "zegel.sock"
        self.config = self.folder / "zegel.conf"
        self.log = self.folder / "log"
        self.audit = self.folder / "audit"
        self.softhsm = self.folder / "softhsm2.conf"
        (self.folder / "tokens").mkdir()
        self.audit.mkdir(mode=0o700)
        self.softhsm.write_text(f"directories.tokendir = {self.folder}/tokens\n"
                                "objectstore.backend = file\nlog.level = ERROR\n")

        self.write("pin", PIN)
        must_run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                 "-subj", "/CN=Test CA", "-keyout", self.folder / "ca.key",
                 "-out", self.folder / "ca.pem")

    def enrol(self, *words):
        """One act of zegel-enrol; the PIN is descriptor 0, again and again."""
        with open(self.folder / "pin", encoding="ascii") as pin:
            return must_run(program("zegel-enrol"), *words, "--module", SOFTHSM, "--pin-fd", 0,
                            stdin=pin, env={"SOFTHSM2_CONF": str(self.softhsm)})

    def write(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def make_token(self, label, extension="", key_type="rsa:2048"):
        """A token with one key of the same label, and the key's certificate."""
        uri = self.enrol("init", "--label", label, "--so-pin-fd", 0).strip()
        public = self.write(f"{label}.pub", self.enrol(
            "keygen", "--uri", uri, "--type", key_type, "--label", label))
        leaf = must_run("openssl", "x509", "-new", "-force_pubkey", public, "-subj", SUBJECT,
                        "-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca.key",
                        "-days", "2", "-extfile", self.write("leaf.cnf", LEAF + extension))
        self.write(f"{label}.pem", leaf + (self.folder / "ca.pem").read_text())
        self.write(f"{label}.pin", PIN)

    def token(self, label, pin=None, module=SOFTHSM, uri=None, environment=(), deadline=5,
              sessions=1):
        pin = pin or f"file:{self.folder}/{label}.pin"
        variables = ", ".join(
            f'"{variable}"' for variable in (f"SOFTHSM2_CONF={self.softhsm}", *environment))
        return (f'token "{label}" {{\n'
                f'\tmodule = "{module}"\n'
                f'\turi = "{uri or f"pkcs11:token={label}"}"\n'
                f"\tenvironment = {{ {variables} }}\n"
                f"\tdeadline = {deadline}\n"
                f'\tpin = "{pin}"\n'
                f"\tsessions = {sessions}\n}}\n")

    def key(self, label):
        return (f'key "{label}" {{\n'
                f'\ton "{label}" {{\n'
                f'\t\turi = "pkcs11:object={label}"\n'
                f'\t\tcertificate = "{self.folder}/{label}.pem"\n'
                "\t}\n}\n")

    def listen(self):
        return f'listen "test" {{\n\tpath = "{self.socket}"\n}}\n'

    def client(self, *keys):
        rules = "".join(f'\tallow "{key}" {{ key = "{key}" profile = "dsgo-auth" }}\n'
                        for key in keys)
        return f'client "test" {{\n\tuser = "{getpass.getuser()}"\n{rules}}}\n'

    def places(self):
        """Where the record and the officer's socket are: in the test's folder."""
        return (f'audit-directory = "{self.audit}"\n'
                f'officer-socket = "{self.folder}/officer.sock"\n')

    def configure(self, *sections):
        self.write("zegel.conf", self.places() + "".join(sections))

    def configure_simply(self, *labels):
        """All labels are tokens with their key, and we may use them."""
        self.configure(self.listen(), *map(self.token, labels), *map(self.key, labels),
                       self.client(*labels))

    def command(self, *words):
        return [program("zegeld"), "--config", str(self.config), *words]

    def start(self):
        """A zegeld that listens."""
        with open(self.log, "a", encoding="utf-8") as log:
            zegeld = Background(*self.command("--foreground"), stderr=log,
                                stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: self.is_listening() or zegeld.process.poll() is not None,
                       "zegeld listens")
            assert zegeld.process.poll() is None, self.log.read_text()
        except AssertionError:
            zegeld.stop()
            raise
        return zegeld

    def is_listening(self):
        # A socket file alone may be left from a zegeld that died.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self.folder / "officer.sock")) == 0
