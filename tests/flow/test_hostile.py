# SPDX-License-Identifier: Apache-2.0
"""Whatever one client does to its socket, the next one seals as if nothing had happened."""
import array
import contextlib
import os
import socket
import struct
import unittest

import agent
import wire
from agent import AUDIENCE, Sandbox, open_files, wait_until
from tokens import Token
from wire import Client, field, message

GOOD_INPUT = wire.dsgo_auth(AUDIENCE)
NONSENSE = os.urandom(4096)


def head(length):
    return struct.pack(">I", length)


def good_seal(request_id=7):
    return wire.seal(request_id, "sandbox", "dsgo-auth", GOOD_INPUT)


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = cls.enterClassContext(Sandbox())
        cls.path = cls.sandbox.socket
        cls.zegeld = cls.sandbox.zegeld
        with Client(cls.path) as client:
            client.ask(good_seal()).check()
        cls.files_before = open_files(cls.zegeld)

    def tearDown(self):
        # Our connections end first.
        self.doCleanups()
        self.doCleanups()
        with Client(self.path) as client:
            answer = client.ask(good_seal()).check()
        Token(answer[1][0].decode()).verify_with_pyjwt()
        if self.files_before is not None:
            wait_until(lambda: open_files(self.zegeld) <= self.files_before,
                       "zegeld has closed what it opened")
        self.assertEqual(self.zegeld, self.sandbox.zegeld, "zegeld is another process now")

    def connect(self, greet=True):
        return self.enterContext(Client(self.path, greet))

    def assert_refused(self, answer, status):
        self.assertTrue(answer.is_error)
        self.assertEqual(status, answer.fields[1][0], answer.fields[2][0])

    def assert_refuses(self, body, status):
        """A whole frame after a good hello gets an error with this word."""
        self.assert_refused(self.connect().ask(body), status)

    def assert_ends(self, data, greet=True):
        """The bytes end the connection."""
        client = self.connect(greet)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.socket.sendall(data)
        self.assertTrue(client.is_closed())

    # Frames

    def test_lengths_that_no_frame_has(self):
        for length in (0, 65537, 2**31 - 1, 2**31, 2**32 - 1):
            for greet in (True, False):
                with self.subTest(length=length, greet=greet):
                    self.assert_ends(head(length) + b"x" * 64, greet)

    def test_truncated_frame(self):
        for data in (b"\0", head(10), head(10) + b"abc", head(65536) + b"x" * 65535):
            with self.subTest(n=len(data)):
                client = self.connect()
                client.socket.sendall(data)
                client.socket.shutdown(socket.SHUT_WR)
                self.assertTrue(client.is_closed())

    def test_trickled_frame_is_a_frame(self):
        client = self.connect(greet=False)
        for body in (wire.hello(), good_seal()):
            for byte in head(len(body)) + body:
                client.socket.sendall(bytes([byte]))
            client.receive().check()

    def test_many_frames_in_one_write(self):
        client = self.connect(greet=False)
        bodies = [wire.hello(1)] + [good_seal(i) for i in range(2, 34)]
        client.socket.sendall(b"".join(head(len(b)) + b for b in bodies))
        answers = [client.receive() for _ in bodies]
        for answer in answers:
            answer.check()
        self.assertEqual(set(range(1, 34)), {answer.id for answer in answers})

    def test_garbage(self):
        self.assert_ends(NONSENSE, greet=False)
        self.assert_refuses(b"\xff" * 100, wire.INVALID)
        self.assert_refuses(b"GET / HTTP/1.1\r\n\r\n", wire.INVALID)

    # Messages

    def test_nothing_but_an_id(self):
        self.assert_refuses(message((1, 5)), wire.INVALID)

    def test_no_id(self):
        self.assert_refuses(field(7, b""), wire.INVALID)

    def test_nesting(self):
        nested = b""
        for _ in range(16000):
            nested = field(6, nested) if len(nested) < 65000 else nested
        answer = self.connect().ask(field(1, 5) + nested[:65000])
        self.assertTrue(answer.is_error)

    def test_groups(self):
        self.assert_refuses(field(1, 5) + b"\x33" * 30000 + b"\x34" * 30000, wire.INVALID)

    def test_64k_of_unknown_fields(self):
        unknown = wire.varint(99 << 3) + b"\0"
        body = field(1, 5) + unknown * (65000 // len(unknown))
        self.assert_refuses(body, wire.UNSUPPORTED)

    def test_unknown_field_in_each_message(self):
        inside = field(6, message((1, "sandbox"), (2, "dsgo-auth"), GOOD_INPUT, (99, 1)))
        for body in (field(1, 5) + field(99, b""), field(1, 5) + inside,
                     field(1, 5) + field(7, field(1, 1))):
            self.assert_refuses(body, wire.UNSUPPORTED)

    def test_duplicate_field(self):
        twice = field(6, message((1, "other"), (1, "sandbox"), (2, "dsgo-auth"), GOOD_INPUT))
        for body in (field(1, 4) + good_seal(5), field(1, 5) + twice,
                     good_seal(5) + field(6, b"")):
            self.assert_refuses(body, wire.INVALID)

    def test_two_members_of_a_oneof(self):
        both = field(6, message((1, "sandbox"), (2, "dsgo-auth"), GOOD_INPUT,
                                wire.digest_input(b"x" * 32)))
        for body in (field(1, 5) + both, field(1, 5) + field(4, b"") + field(7, b"")):
            self.assert_refuses(body, wire.INVALID)

    def test_field_of_the_wrong_type(self):
        for body in (field(1, b"id") + field(7, b""), field(1, 5) + field(6, 1),
                     field(1, 5) + field(5, field(1, 1))):
            self.assert_refuses(body, wire.INVALID)

    def test_forms_that_are_not_canonical(self):
        long_id = b"\x08\x85\x00" + field(7, b"")
        long_tag = b"\x88\x00\x05" + field(7, b"")
        long_length = field(1, 5) + b"\x3a\x80\x00"
        other_order = field(7, b"") + field(1, 5)
        endless = field(1, 5) + b"\x3a" + b"\xff" * 11
        for body in (long_id, long_tag, long_length, other_order, endless):
            with self.subTest(body=body):
                self.assert_refuses(body, wire.INVALID)

    def test_names_with_a_nul(self):
        for key in (b"sandbox\0", b"sandbox\0evil", b"\0"):
            body = wire.seal(5, key, "dsgo-auth", GOOD_INPUT)
            self.assert_refuses(body, wire.INVALID)
            self.assert_refuses(message((1, 5), (5, message((1, key)))), wire.INVALID)
        body = wire.seal(5, "sandbox", "dsgo-auth", wire.dsgo_auth(AUDIENCE + "\0x"))
        self.assert_refuses(body, wire.INVALID)

    # The conversation

    def test_no_hello_first(self):
        answer = self.connect(greet=False).ask(good_seal())
        self.assert_refused(answer, wire.INVALID)

    def test_second_hello(self):
        self.assert_refuses(wire.hello(2), wire.INVALID)

    def test_versions_that_we_do_not_speak(self):
        for low, high in ((2, 9), (0, 0), (2, 1)):
            with self.subTest(low=low, high=high):
                answer = self.connect(greet=False).ask(wire.hello(1, low, high))
                self.assertTrue(answer.is_error)
                self.assertIn(answer.fields[1][0], (wire.UNSUPPORTED, wire.INVALID))

    def test_id_twice_in_flight(self):
        client = self.connect()
        frames = head(len(good_seal(9))) + good_seal(9)
        client.socket.sendall(frames * 2)
        answers = [client.receive() for _ in range(2)]
        self.assertEqual([9, 9], [answer.id for answer in answers])
        self.assertEqual([False, True], sorted(answer.is_error for answer in answers))
        refused = next(answer for answer in answers if answer.is_error)
        self.assert_refused(refused, wire.INVALID)

    def test_id_may_be_used_again_when_answered(self):
        client = self.connect()
        for _ in range(3):
            self.assertEqual(9, client.ask(good_seal(9)).id)

    def test_more_in_flight_than_allowed(self):
        client = self.connect()
        bodies = [good_seal(i) for i in range(1, 201)]
        client.socket.sendall(b"".join(head(len(b)) + b for b in bodies))
        answers = [client.receive() for _ in bodies]
        self.assertEqual(set(range(1, 201)), {answer.id for answer in answers})
        for answer in answers:
            if answer.is_error:
                self.assert_refused(answer, wire.BUSY)

    # The connection

    def test_client_that_never_reads(self):
        client = self.connect()
        client.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError, ConnectionResetError, BrokenPipeError):
            for i in range(1, 65):
                client.socket.send(head(len(good_seal(i))) + good_seal(i))
        with Client(self.path) as other:
            other.ask(good_seal()).check()

    def test_client_that_never_reads_refusals(self):
        client = self.connect()
        client.socket.setblocking(False)
        body = message((1, 5), (99, 1))
        with contextlib.suppress(BlockingIOError, ConnectionResetError, BrokenPipeError):
            for _ in range(100000):
                client.socket.send(head(len(body)) + body)
        with Client(self.path) as other:
            other.ask(good_seal()).check()

    def test_half_close_still_hears_the_answer(self):
        client = self.connect()
        client.send(good_seal())
        client.socket.shutdown(socket.SHUT_WR)
        client.receive().check()
        self.assertTrue(client.is_closed())

    def test_client_that_leaves_at_once(self):
        for _ in range(100):
            client = Client(self.path)
            client.send(good_seal())
            client.socket.close()

    def test_connect_and_leave(self):
        for _ in range(500):
            Client(self.path, greet=False).socket.close()

    def test_descriptors_pushed_along(self):
        for greet in (True, False):
            client = self.connect(greet)
            body = good_seal()
            files = array.array("i", [client.socket.fileno()] * 100)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError, EOFError):
                client.socket.sendmsg([head(len(body)) + body], [
                    (socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
            self.assert_refused(client.receive(), wire.INVALID)
            self.assertTrue(client.is_closed())

    def test_a_thousand_idle_connections(self):
        idle = []
        self.addCleanup(lambda: [client.socket.close() for client in idle])
        for _ in range(1000):
            try:
                idle.append(Client(self.path))
            except (OSError, EOFError):
                # Over its quota a client may be turned away, but what it has must work.
                break
        idle[0].ask(good_seal()).check()
        idle[-1].ask(good_seal()).check()
        while idle:
            idle.pop().socket.close()


if __name__ == "__main__":
    agent.main()
