"""Key schedules and record protection of TLS 1.2 (RFC 5246, 7627) and 1.3 (RFC 8446)."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import names
from .codec import Malformed, u8, u16, u64, vec8

SUITES = {  # hash and AES key length
    names.RSA_AES128: ("sha256", 16),
    names.RSA_AES256: ("sha384", 32),
    names.ECDSA_AES128: ("sha256", 16),
    names.ECDSA_AES256: ("sha384", 32),
    names.AES128_SHA256: ("sha256", 16),
    names.AES256_SHA384: ("sha384", 32),
}


def suite_hash(suite):
    return SUITES[suite][0]


def digest(hash_name, data):
    return hashlib.new(hash_name, data).digest()


def mac(hash_name, key, data):
    return hmac.new(key, data, hash_name).digest()


def prf(hash_name, secret, label, seed, n):
    """RFC 5246 section 5."""
    seed = label + seed
    out, a = b"", seed
    while len(out) < n:
        a = mac(hash_name, secret, a)
        out += mac(hash_name, secret, a + seed)
    return out[:n]


def hkdf_extract(hash_name, salt, secret):
    size = hashlib.new(hash_name).digest_size
    return mac(hash_name, salt or bytes(size), secret or bytes(size))


def hkdf_expand_label(hash_name, secret, label, context, n):
    """RFC 8446 section 7.1."""
    info = u16(n) + vec8(b"tls13 " + label) + vec8(context)
    out, block, i = b"", b"", 1
    while len(out) < n:
        block = mac(hash_name, secret, block + info + u8(i))
        out += block
        i += 1
    return out[:n]


BASE_POINT = b"\x09" + bytes(31)


class Share:
    """One ephemeral key exchange: X25519 or P-256."""

    def __init__(self, group):
        self.group = group
        if group == names.X25519:
            self._key = x25519.X25519PrivateKey.generate()
            # RFC 7748 section 6.1; public_key() goes by way of ASN.1, and takes as long as the rest.
            self.public = self.secret(BASE_POINT)
        elif group == names.SECP256R1:
            self._key = ec.generate_private_key(ec.SECP256R1())
            self.public = self._key.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
        else:
            raise ValueError(f"group {group} is not known here")

    def secret(self, peer):
        if self.group == names.X25519:
            return self._key.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), peer)
        return self._key.exchange(ec.ECDH(), point)


class Aead12:
    """AES-GCM of one direction in TLS 1.2 (RFC 5288)."""

    def __init__(self, key, salt):
        self._aead, self._salt, self._seq = AESGCM(key), salt, 0

    def _extra(self, kind, n):
        return u64(self._seq) + u8(kind) + u16(names.TLS12) + u16(n)

    def seal(self, kind, data):
        nonce = u64(self._seq)
        body = self._aead.encrypt(self._salt + nonce, data, self._extra(kind, len(data)))
        self._seq += 1
        return kind, nonce + body

    def open(self, kind, body):
        extra = self._extra(kind, len(body) - 24)
        try:
            data = self._aead.decrypt(self._salt + body[:8], body[8:], extra)
        except InvalidTag as e:
            raise Malformed("a record does not authenticate") from e
        self._seq += 1
        return kind, data


class Aead13:
    """AES-GCM of one direction in TLS 1.3 (RFC 8446 section 5.2)."""

    def __init__(self, suite, secret):
        hash_name, key_len = SUITES[suite]
        self._aead = AESGCM(hkdf_expand_label(hash_name, secret, b"key", b"", key_len))
        self._iv = hkdf_expand_label(hash_name, secret, b"iv", b"", 12)
        self._seq = 0

    def _nonce(self):
        seq = bytes(4) + u64(self._seq)
        self._seq += 1
        return bytes(a ^ b for a, b in zip(self._iv, seq))

    def seal(self, kind, data):
        extra = u8(names.APPLICATION) + u16(names.TLS12) + u16(len(data) + 17)
        return names.APPLICATION, self._aead.encrypt(self._nonce(), data + u8(kind), extra)

    def open(self, kind, body):
        if kind != names.APPLICATION:
            return kind, body  # a CCS for middleboxes, or a plain alert
        extra = u8(kind) + u16(names.TLS12) + u16(len(body))
        try:
            data = self._aead.decrypt(self._nonce(), body, extra).rstrip(b"\0")
        except InvalidTag as e:
            raise Malformed("a record does not authenticate") from e
        return data[-1], data[:-1]


class Keys12:
    """The master secret of a TLS 1.2 connection and what follows from it."""

    def __init__(self, suite, master, client_random, server_random):
        self.hash, key_len = SUITES[suite]
        self.master = master
        block = prf(
            self.hash, master, b"key expansion", server_random + client_random, 2 * key_len + 8
        )
        ivs = block[2 * key_len :]
        self.client = Aead12(block[:key_len], ivs[:4])
        self.server = Aead12(block[key_len : 2 * key_len], ivs[4:])

    def verify_data(self, label, transcript):
        return prf(self.hash, self.master, label, digest(self.hash, transcript), 12)

    @staticmethod
    def master_secret(suite, premaster, ems_transcript, randoms):
        hash_name = suite_hash(suite)
        if ems_transcript is not None:  # RFC 7627 section 4
            session_hash = digest(hash_name, ems_transcript)
            return prf(hash_name, premaster, b"extended master secret", session_hash, 48)
        return prf(hash_name, premaster, b"master secret", randoms, 48)


class Schedule13:
    """The key schedule of RFC 8446 section 7.1."""

    def __init__(self, hash_name, psk=b""):
        self.hash = hash_name
        self._size = hashlib.new(hash_name).digest_size
        self._secret = hkdf_extract(hash_name, b"", psk)

    def derive(self, label, transcript=b""):
        context = digest(self.hash, transcript)
        return hkdf_expand_label(self.hash, self._secret, label, context, self._size)

    def mix(self, secret):
        self._secret = hkdf_extract(self.hash, self.derive(b"derived"), secret)

    def finished(self, secret, transcript):
        key = hkdf_expand_label(self.hash, secret, b"finished", b"", self._size)
        return mac(self.hash, key, digest(self.hash, transcript))

    def binder(self, transcript):
        return self.finished(self.derive(b"res binder"), transcript)

    def psk(self, resumption_secret, nonce):
        return hkdf_expand_label(self.hash, resumption_secret, b"resumption", nonce, self._size)
