"""A page that takes long to read."""

import threading
import time

from fleet import Page
from harness import DEADLINE
from tls import Tls

BLOCK = 1 << 16
N_BLOCKS = 512
BYTES = N_BLOCKS * BLOCK
WINDOW = 1 << 16  # what is on its way is little beside what is to come


def block(i):
    return i.to_bytes(4, "big") * (BLOCK // 4)


def blocks():
    return (block(i) for i in range(N_BLOCKS))


class LargePage(Page):
    """/large behind a proxy."""

    def do_GET(self):
        if self.path != "/large":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(BYTES))
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for each in blocks():
                self.wfile.write(each)
        except OSError:
            pass  # the client had enough


class Download:
    """Reads /large of a server at such a pace that it takes so long; result() says how it ended."""

    def __init__(self, address, seconds):
        self._address, self._seconds = address, seconds
        self._failure = "it did not end"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _read(self):
        with Tls(self._address, "psk", window=WINDOW) as tls:
            tls.handshake()
            tls.write(b"GET /large HTTP/1.0\r\nHost: localhost\r\n\r\n")
            head = b""
            while b"\r\n\r\n" not in head:
                head += tls.read(1) or self._raise("an end within the header")
            assert b" 200 " in head.partition(b"\r\n")[0], head
            begun = time.monotonic()
            for i in range(N_BLOCKS):
                assert tls.read_exactly(BLOCK) == block(i), f"other bytes in block {i}"
                if self._stop.wait(max(0, begun + self._seconds * i / N_BLOCKS - time.monotonic())):
                    self._raise("it was ended")

    @staticmethod
    def _raise(why):
        raise EOFError(why)

    def _run(self):
        try:
            self._read()
            self._failure = None
        except Exception as e:  # pylint: disable=broad-except
            self._failure = repr(e)

    def is_over(self):
        return not self._thread.is_alive()

    def check(self):
        """Waits for its end: all of it came."""
        self._thread.join(self._seconds + DEADLINE)
        assert self._failure is None, self._failure

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(DEADLINE)
