"""Session ticket keys, each in the form that a server wants its own in."""

import base64
import os
import struct
import time
from dataclasses import dataclass, field


def _random(n):
    return lambda: os.urandom(n)


@dataclass(frozen=True)
class Stek:
    """The long keys; servers with 16-byte keys take the front of each."""

    name: bytes = field(default_factory=_random(16))
    aes: bytes = field(default_factory=_random(32))
    hmac: bytes = field(default_factory=_random(32))

    def nginx(self):
        return self.name + self.hmac + self.aes

    def nginx_short(self):
        return self.name + self.aes[:16] + self.hmac[:16]

    def apache(self):
        """Traffic Server's and Node.js's too."""
        return self.name + self.hmac[:16] + self.aes[:16]

    def haproxy(self):
        return base64.b64encode(self.name + self.aes + self.hmac) + b"\n"

    def lighttpd(self, now):
        return struct.pack("=iii", 0, int(now) - 60, int(now) + 86400) + self.nginx()

    def h2o(self, now):
        hmac = self.hmac * 2  # what it calls a key of SHA-256's is a block, 64 bytes
        return (
            f"- name: {self.name.hex()}\n  cipher: AES-256-CBC\n  hash: SHA256\n"
            f"  key: {(self.aes + hmac).hex()}\n"
            f"  not_before: {int(now) - 60}\n  not_after: {int(now) + 86400}\n"
        ).encode()


def write_secret(path, data):
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def write_nginx(folder, steks, short=False):
    """One file a key, in order; the first seals."""
    return [
        write_secret(folder / f"ticket{i}.key", k.nginx_short() if short else k.nginx())
        for i, k in enumerate(steks)
    ]


def write_haproxy(folder, stek):
    """Three keys, of which the middle one seals; the others are derived from it, so equal too."""
    around = [Stek(bytes([i]) * 16, stek.aes, stek.hmac) for i in (1, 2)]
    data = around[0].haproxy() + stek.haproxy() + around[1].haproxy()
    return write_secret(folder / "ticket.keys", data)


def write_apache(folder, stek):
    return write_secret(folder / "ticket.key", stek.apache())


def write_lighttpd(folder, stek):
    return write_secret(folder / "stek.bin", stek.lighttpd(time.time()))


def write_h2o(folder, stek):
    return write_secret(folder / "tickets.yaml", stek.h2o(time.time()))
