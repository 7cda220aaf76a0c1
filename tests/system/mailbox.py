"""
Messages of the mailbox (docs/formats/mailbox.md), made and read by whoever has a fleet secret; and
what stands in a store: entries of a folder, commands and answers of a Redis.
"""

import hashlib
import hmac
import os
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dissononce.cipher.aesgcm import AESGCMCipher
from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.exceptions.decrypt import DecryptFailedException
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.NN import NNHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState
from dissononce.processing.modifiers.psk import PSKPatternModifier

PRESENCE, PULL, RINGS, TIME, TIME_ANSWER = range(1, 6)
HEADER = 50
VALUE_MAX = 49152
NOBODY = bytes(16)


def _info(label, *fields):
    return b"".join(bytes([len(x)]) + x for x in (label, *fields)) + b"\x01"


def expand(key, label, *fields):
    return hmac.digest(key, _info(label, *fields), "sha256")


def chain_root(chain, ring, epoch):
    return expand(chain, b"reprise/1 chain root", ring, struct.pack(">Q", epoch))


def chain_next(chain, ring, epoch):
    return expand(chain, b"reprise/1 chain next", ring, struct.pack(">Q", epoch))


def secret_bytes(text):
    """Of a fleet secret as docs/formats/fleet-secret.md writes it."""
    number = 0
    for c in text.strip().partition(":")[2]:
        number = number << 5 | "0123456789abcdefghjkmnpqrstvwxyz".index(c)
    return (number >> 2).to_bytes(36, "big")[:32]


def shown(ring):
    """A ring's id as logs and status show it: its rank, and its end."""
    return (ring[:4] + ring[12:]).hex()


@dataclass(frozen=True)
class Header:
    kind: int
    sender: bytes
    to: bytes = NOBODY
    nonce: bytes = field(default_factory=lambda: os.urandom(16))

    def bytes(self):
        return bytes([1, self.kind]) + self.sender + self.to + self.nonce

    @staticmethod
    def of(message):
        """None: it is no message."""
        if len(message) < HEADER or message[0] != 1 or not PRESENCE <= message[1] <= TIME_ANSWER:
            return None
        return Header(message[1], message[2:18], message[18:34], message[34:50])


@dataclass(frozen=True)
class Held:
    ring: bytes
    time_ms: int = 0
    epoch: int = 0
    seals: bool = False


def _text(s):
    return bytes([len(s)]) + s


@dataclass(frozen=True)
class Presence:
    seq: int
    invite: bytes
    is_member: bool = True
    health: int = 0
    rotate_ms: int = 2000
    accept_ms: int = 60000
    reseed_ms: int = 86400000
    uncertainty_ms: int = 0
    held: tuple = ()
    name: bytes = b"mallory"
    address: bytes = b""
    version: bytes = b"1"

    def bytes(self):
        out = struct.pack(">Q16s??QQQIB", self.seq, self.invite, self.is_member, False,
                          self.rotate_ms, self.accept_ms, self.reseed_ms, self.uncertainty_ms,
                          len(self.held))
        out = out[:25] + bytes([self.health]) + out[26:]
        for h in self.held:
            out += struct.pack(">16sqQ?7x", h.ring, h.time_ms, h.epoch, h.seals)
        return out + _text(self.name) + _text(self.address) + _text(self.version)

    @staticmethod
    def of(plain):
        seq, invite, member, health, rotate, accept, reseed, late, n = struct.unpack_from(
            ">Q16s?BQQQIB", plain)
        held = tuple(Held(*struct.unpack_from(">16sqQ?", plain, 55 + 40 * i)) for i in range(n))
        texts, at = [], 55 + 40 * n
        for _ in range(3):
            texts.append(plain[at + 1 : at + 1 + plain[at]])
            at += 1 + plain[at]
        return Presence(seq, invite, member, health, rotate, accept, reseed, late, held, *texts)


@dataclass(frozen=True)
class Ring:
    """As RINGS tells of it."""

    ring: bytes
    chain: bytes | None
    seals: bool = True
    time_ms: int = 0
    epoch: int = 0
    first: int = 0
    roots: tuple = ()

    def bytes(self):
        flags = (1 if self.chain is not None else 0) | (2 if self.seals else 0)
        out = struct.pack(">16sBqQ", self.ring, flags, self.time_ms, self.epoch)
        out += self.chain or b""
        return out + struct.pack(">QH", self.first, len(self.roots)) + b"".join(self.roots)


def grown_ring(ring, epoch, time_ms):
    """A sound one, from its genesis on."""
    chain, roots = os.urandom(32), []
    for e in range(epoch + 2):
        roots.append(chain_root(chain, ring, e))
        before, chain = chain, chain_next(chain, ring, e)
    return Ring(ring, before, time_ms=time_ms, epoch=epoch, roots=tuple(roots))


def rings_bytes(rings, rotate_ms=2000, accept_ms=60000):
    out = struct.pack(">QQB", rotate_ms, accept_ms, len(rings))
    return out + b"".join(r.bytes() for r in rings)


def rings_of(payload):
    rotate, accept, n = struct.unpack_from(">QQB", payload)
    at, out = 17, []
    for _ in range(n):
        ring, flags, time_ms, epoch = struct.unpack_from(">16sBqQ", payload, at)
        at += 33
        chain = payload[at : at + 32] if flags & 1 else None
        at += 32 if flags & 1 else 0
        first, n_roots = struct.unpack_from(">QH", payload, at)
        at += 10
        roots = tuple(payload[at + 32 * i : at + 32 * (i + 1)] for i in range(n_roots))
        at += 32 * n_roots
        out.append(Ring(ring, chain, bool(flags & 2), time_ms, epoch, first, roots))
    assert at == len(payload)
    return rotate, accept, out


class _Known(X25519DH):
    """With an ephemeral key that somebody knows."""

    def __init__(self, private):
        super().__init__()
        self._private = private

    def generate_keypair(self, privatekey=None):
        return super().generate_keypair(PrivateKey(self._private))


class Exchange:
    """One side of Noise_NNpsk0."""

    def __init__(self, asks, psk, prologue, private=None):
        dh = _Known(private) if private else X25519DH()
        symmetric = SymmetricState(CipherState(AESGCMCipher()), SHA256Hash())
        self._state = HandshakeState(symmetric, dh)
        self._state.initialize(PSKPatternModifier(0).modify(NNHandshakePattern()), asks, prologue,
                               psks=[psk])

    def write(self, payload):
        message = bytearray()
        self._state.write_message(payload, message)
        return bytes(message)

    def read(self, message):
        """None: it does not open."""
        payload = bytearray()
        try:
            self._state.read_message(message, payload)
        except (DecryptFailedException, InvalidTag, ValueError):
            return None
        return bytes(payload)


class Fleet:
    """What a fleet secret is good for."""

    def __init__(self, secret, name="shop"):
        self.secret = secret
        self.name = name.encode()
        self.psk = expand(secret, b"reprise/1 mailbox psk", self.name)
        self.mark = expand(secret, b"reprise/1 mailbox mark", self.name)[:4]

    def best_ring(self, rest=bytes(8)):
        """An id that wins against all that a sound member begins."""
        return bytes(4) + self.mark + rest

    def _key(self, head):
        return expand(self.secret, b"reprise/1 mailbox seal", self.name,
                      hashlib.sha256(head).digest())

    def seal(self, header, plain):
        head = header.bytes()
        return head + AESGCM(self._key(head)).encrypt(bytes(12), plain, head)

    def open(self, message):
        """None: it does not open."""
        head = message[:HEADER]
        try:
            return AESGCM(self._key(head)).decrypt(bytes(12), message[HEADER:], head)
        except InvalidTag:
            return None

    def _prologue(self, header):
        label = b"reprise/1 pull"
        return _text(label) + _text(self.name) + header.bytes()

    def pull(self, header, invite, private=None):
        """The message, and the exchange that goes on with its answer."""
        exchange = Exchange(True, self.psk, self._prologue(header), private)
        return header.bytes() + exchange.write(invite), exchange

    def answer(self, message, payload):
        """The RINGS that answers a PULL; None: it does not open."""
        header = Header.of(message)
        exchange = Exchange(False, self.psk, self._prologue(header))
        if exchange.read(message[HEADER:]) is None:
            return None
        head = Header(RINGS, header.to, header.sender, header.nonce)
        return head.bytes() + exchange.write(payload)

    def read_pull(self, message):
        """The invite in it; None: it does not open."""
        exchange = Exchange(False, self.psk, self._prologue(Header.of(message)))
        return exchange.read(message[HEADER:])


def letter_name(header):
    return header.nonce.hex() + f"{header.kind:02x}"


class Folder:
    """The boxes of a fleet in a store that is a folder, for whoever may write there."""

    MAGIC = b"rp-entry"

    def __init__(self, store, name="shop"):
        self.path = Path(store) / "reprise/1" / name
        text = Path("/proc/sys/kernel/random/boot_id").read_text()
        self.boot_id = bytes.fromhex(text.strip().replace("-", ""))
        self.count = 0

    def box(self, box):
        return self.path / box

    def names(self, box):
        try:
            return [p.name[1:] for p in self.box(box).iterdir() if p.name.startswith("+")]
        except FileNotFoundError:
            return []

    def boxes(self):
        return [p.name for p in self.path.iterdir() if p.is_dir()]

    def raw(self, value, lifetime_ms=30000):
        end = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000 + lifetime_ms
        return self.MAGIC + self.boot_id + struct.pack(">Q", end) + value

    def put_raw(self, box, file, data):
        folder = self.box(box)
        if not folder.exists():
            folder.mkdir(mode=0o700)
            above = self.path.stat()
            os.chown(folder, above.st_uid, above.st_gid)
        self.count += 1
        aside = folder / f".mallory-{self.count}"
        aside.write_bytes(data)
        aside.chmod(0o644)
        aside.rename(folder / file)

    def put(self, box, name, value, lifetime_ms=30000):
        self.put_raw(box, "+" + name, self.raw(value, lifetime_ms))

    def get(self, box, name):
        try:
            return (self.box(box) / ("+" + name)).read_bytes()[32:]
        except FileNotFoundError:
            return None

    def send(self, message):
        header = Header.of(message)
        self.put("in-" + header.to.hex(), letter_name(header), message)

    def remove(self, box, name):
        (self.box(box) / ("+" + name)).unlink(missing_ok=True)
