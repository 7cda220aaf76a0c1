"""A TLS client whose every byte passes through our hands: honest, slow, or cut off anywhere."""

import hashlib
import select
import socket
import ssl
import struct
import time

from backend import PART, pattern
from harness import wait_seconds

OP_IGNORE_UNEXPECTED_EOF = 1 << 7
KINDS = ("session-id", "ticket", "psk")


def _context(kind):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    version = ssl.TLSVersion.TLSv1_3 if kind == "psk" else ssl.TLSVersion.TLSv1_2
    context.minimum_version = context.maximum_version = version
    context.options &= ~OP_IGNORE_UNEXPECTED_EOF  # which Python sets by itself
    if kind == "session-id":
        context.options |= ssl.OP_NO_TICKET
    return context


CONTEXTS = {kind: _context(kind) for kind in KINDS}


def connect(address, source=None, deadline=20.0, window=None):
    """A TCP connection; window: a small receive buffer."""
    plain = socket.socket()
    try:
        if window:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(deadline)
        if source:
            plain.bind((source, 0))
        plain.connect(tuple(address))
        return plain
    except BaseException:
        plain.close()
        raise


def reset(plain):
    """Ends it by a reset."""
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()


class Tls:
    """
    handshake() first. prefix: sent before the ClientHello. step: at most so many bytes in one segment; pause: seconds between two. An
    end without close_notify is an error (ssl.SSLEOFError), as is a reset.
    """

    def __init__(self, address, kind, session=None, source=None, prefix=b"", **options):
        self.kind, self.step, self.pause = kind, None, 0.0
        self.plain = connect(address, source, **options)
        self.port = self.plain.getsockname()[1]
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._out.write(prefix)
        self._tls = CONTEXTS[kind].wrap_bio(
            self._in, self._out, server_hostname="localhost", session=session
        )
        self._offered = session is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.plain.close()

    def _flush(self):
        data = self._out.read()
        step = self.step or len(data)
        for at in range(0, len(data), step or 1):
            self.plain.sendall(data[at: at + step])
            if self.pause:
                wait_seconds(self.pause)

    def _receive(self):
        data = self.plain.recv(PART)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()

    def _run(self, call, *args):
        while True:
            try:
                return call(*args)
            except ssl.SSLWantReadError:
                self._flush()
                self._receive()

    def first_flight(self):
        """The ClientHello, taken off the connection."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self._out.read()

    def handshake(self):
        self._run(self._tls.do_handshake)
        self._flush()
        return self

    @property
    def resumed(self):
        return self._tls.session_reused

    @property
    def session(self):
        return self._tls.session

    def write(self, data):
        self._tls.write(data)
        self._flush()

    def read(self, n=PART):
        """Some bytes; none at the end, if it is a clean one."""
        try:
            return self._run(self._tls.read, n)
        except ssl.SSLZeroReturnError:
            return b""

    def read_exactly(self, n):
        out = b""
        while len(out) < n:
            part = self.read(n - len(out))
            if not part:
                raise EOFError(f"{len(out)} of {n} bytes, then the end")
            out += part
        return out

    def read_all(self):
        out = []
        while part := self.read():
            out.append(part)
        return b"".join(out)

    def end(self):
        """Our close_notify; the other way stays open."""
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def transfer(self, n, ends, rate=None):
        """
        Sends n bytes of the pattern, then close_notify if ends, and reads to the end meanwhile: both
        ways at once, at most so many bytes a second each. Returns the hash of what was read.
        """
        begun, idle_s = time.monotonic(), self.plain.gettimeout()
        source, sent, got = pattern(n), 0, 0
        waiting, digest = b"", hashlib.sha256()
        writing = True
        self.plain.setblocking(False)
        heard = time.monotonic()
        while True:
            allowed = (time.monotonic() - begun) * rate + PART if rate else float("inf")
            if writing and not waiting and sent <= allowed:
                part = next(source, None)
                if part is not None:
                    self._tls.write(part)
                    sent += len(part)
                else:
                    writing = False
                    if ends:
                        try:
                            self._tls.unwrap()
                        except ssl.SSLWantReadError:
                            pass
                waiting = self._out.read()
            reads = [self.plain] if got <= allowed else []
            writes = [self.plain] if waiting else []
            paced = rate and (got > allowed or (writing and sent > allowed))
            readable, writable, _ = select.select(reads, writes, [], 0.01 if paced else 1.0)
            if writable:
                try:
                    waiting = waiting[self.plain.send(waiting):]
                    heard = time.monotonic()
                except BlockingIOError:
                    pass
            if readable:
                heard = time.monotonic()
                data = self.plain.recv(PART)
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()
                part, over = self._drain()
                digest.update(part)
                got += len(part)
                if over:
                    return digest.hexdigest()
            if time.monotonic() - heard > idle_s and not paced:
                raise TimeoutError(f"{got} bytes came and {sent} went, then nothing")

    def _drain(self):
        out = []
        while True:
            try:
                part = self._tls.read(PART)
            except ssl.SSLWantReadError:
                return b"".join(out), False
            except ssl.SSLZeroReturnError:
                part = b""
            if not part:
                return b"".join(out), True
            out.append(part)
