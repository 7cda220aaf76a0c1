"""TLS records over a TCP connection, and the handshake messages inside them."""

import socket
import time

from . import names
from .codec import u8, u16, vec16

RECORD_MAX = 16384


class PeerAlert(Exception):
    def __init__(self, level, code):
        super().__init__(f"{'fatal' if level == 2 else 'warning'} alert {names.alert_name(code)}")
        self.level, self.code = level, code


class PeerClosed(Exception):
    """The peer closed or reset the connection."""


class RecordLayer:
    """Reads and writes records; protects them once seal and open are set."""

    def __init__(self, address, deadline):
        self._until = time.monotonic() + deadline
        self._socket = socket.create_connection(address, timeout=deadline)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in = b""
        self._messages = b""
        self.seal = None
        self.open = None
        self.tls13 = False
        self.most = RECORD_MAX  # bytes in a record that is sent
        self.application = b""
        self.warnings = []

    def close(self):
        self._socket.close()

    def _receive(self):
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server did not answer within the deadline")
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError) as e:
            raise PeerClosed from e
        if not data:
            raise PeerClosed
        self._in += data

    def _record(self):
        while len(self._in) < 5 or len(self._in) < 5 + int.from_bytes(self._in[3:5], "big"):
            self._receive()
        n = 5 + int.from_bytes(self._in[3:5], "big")
        kind, body, self._in = self._in[0], self._in[5:n], self._in[n:]
        if self.open and not (self.tls13 and kind == names.CCS):
            kind, body = self.open.open(kind, body)
        return kind, body

    def _alert(self, body):
        level, code = body[0], body[1]
        if level == 1 and code != 0 and not self.tls13:
            self.warnings.append(code)
            return
        raise PeerAlert(level, code)

    def message(self):
        """
        The next handshake message: type, body, all of it. A TLS 1.2 CCS counts as one; the type is
        None where application data came instead, or a warning after the handshake.
        """
        while True:
            if len(self._messages) >= 4:
                n = 4 + int.from_bytes(self._messages[1:4], "big")
                if len(self._messages) >= n:
                    whole, self._messages = self._messages[:n], self._messages[n:]
                    return whole[0], whole[4:], whole
            kind, body = self._record()
            if kind == names.HANDSHAKE:
                self._messages += body
            elif kind == names.ALERT:
                self._alert(body)
                if self.seal:
                    return None, b"", b""
            elif kind == names.APPLICATION:
                self.application += body
                return None, b"", b""
            elif kind == names.CCS and not self.tls13:
                return "ccs", b"", b""

    def write(self, kind, data):
        out = b""
        for at in range(0, max(len(data), 1), self.most):
            part = data[at : at + self.most]
            outer, body = self.seal.seal(kind, part) if self.seal else (kind, part)
            out += u8(outer) + u16(names.TLS12) + vec16(body)
        self.write_raw(out)

    def write_raw(self, data):
        try:
            self._socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError) as e:
            raise PeerClosed from e
