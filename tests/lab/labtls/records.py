"""The server's side of the record layer: rawtls's, over an accepted connection."""

import socket
import time

from rawtls import Malformed, names
from rawtls.record import RecordLayer

EARLY_MOST = 1 << 17  # bytes of early data that are skipped


class ServerRecords(RecordLayer):
    def __init__(self, connection, deadline):  # pylint: disable=super-init-not-called
        self._until = time.monotonic() + deadline
        self._socket = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in = b""
        self._messages = b""
        self.seal = None
        self.open = None
        self.tls13 = False
        self.most = 16384
        self.application = b""
        self.warnings = []
        self.skipping = 0  # bytes of early data that may still be passed over

    def _record(self):
        while True:
            while len(self._in) < 5 or len(self._in) < 5 + int.from_bytes(self._in[3:5], "big"):
                self._receive()
            n = 5 + int.from_bytes(self._in[3:5], "big")
            if n > 5 + 16384 + 256:
                raise Malformed("a record is too long")
            kind, body, self._in = self._in[0], self._in[5:n], self._in[n:]
            if kind not in (names.CCS, names.ALERT, names.HANDSHAKE, names.APPLICATION):
                raise Malformed("no record of TLS")
            if self.open is None:
                if kind == names.APPLICATION and self.skipping > 0:
                    self.skipping -= len(body)  # early data before a second ClientHello
                    continue
                return kind, body
            if self.tls13 and kind == names.CCS:
                continue
            opened = self._open(kind, body)
            if opened is not None:
                return opened

    def _open(self, kind, body):
        """None for a record of early data that was rejected (RFC 8446 section 4.2.10)."""
        if self.skipping <= 0:
            return self.open.open(kind, body)
        sequence = self.open.sequence()
        try:
            out = self.open.open(kind, body)
        except Malformed:
            self.skipping -= len(body)
            self.open.rewind(sequence)
            return None
        self.skipping = 0
        return out

    def reset(self):
        """Ends the connection as a process does that died."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self._socket.close()

    def finish(self):
        """Ends it so that the peer gets what was written, even where it has written more."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(0.5)
            while self._socket.recv(65536):
                pass
        except OSError:
            pass
        self._socket.close()
