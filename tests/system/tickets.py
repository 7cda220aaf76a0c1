"""Tickets made by hand, and `reprise ticket` run on them."""

import json
import os
import subprocess
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from harness import reprise_path


@dataclass(frozen=True)
class Told:
    code: int
    text: str
    errors: str

    @property
    def json(self):
        return json.loads(self.text)


def ticket(*arguments, given=None):
    done = subprocess.run(
        [reprise_path(), "ticket", *map(str, arguments)], input=given, stdin=None if given is not None
        else subprocess.DEVNULL, capture_output=True, timeout=50, check=False)
    return Told(done.returncode, done.stdout.decode(), done.stderr.decode())


def audit(*tickets):
    """Of these bytes, one ticket a line."""
    lines = "\n\n".join(t.hex() for t in tickets) + "\n"
    return ticket("audit", "--json", given=lines.encode())


def found(told):
    """Names of the faults."""
    return {f["finding"] for f in told.json["findings"] if f["severity"] == "fault"}


def _der(tag, content):
    n = len(content)
    size = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82]) + n.to_bytes(2, "big")
    return bytes([tag]) + size + content


def session(secret=None, version=0x0303, name=b"localhost"):
    """An SSL_SESSION as OpenSSL puts it into a ticket."""
    fields = [
        _der(2, b"\x01"), _der(2, version.to_bytes(2, "big")),
        _der(4, b"\xc0\x2f" if version == 0x0303 else b"\x13\x02"), _der(4, b""),
        _der(4, secret or os.urandom(48)), _der(0xA1, _der(2, (1700000000).to_bytes(4, "big"))),
        _der(0xA2, _der(2, b"\x01\x2c")), _der(0xA4, _der(4, os.urandom(32))),
        _der(0xA6, _der(4, name)),
    ]
    return _der(0x30, b"".join(fields))


def padded(plain):
    n = 16 - len(plain) % 16
    return plain + bytes([n]) * n


def cbc(key, iv, plain):
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padded(plain)) + encryptor.finalize()


def ctr(key, start, plain):
    encryptor = Cipher(algorithms.AES(key), modes.CTR(start)).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def mac(key, data, kind=hashes.SHA256):
    h = hmac.HMAC(key, kind())
    h.update(data)
    return h.finalize()


def openssl(aes, mac_key, plain=None, name=None, iv=None, kind=hashes.SHA256):
    """name, IV, CBC, HMAC: OpenSSL's."""
    iv = iv or os.urandom(16)
    head = (name or os.urandom(16)) + iv + cbc(aes, iv, plain or session())
    return head + mac(mac_key, head, kind)


def gnutls(aes, mac_key, plain, name=None):
    iv = os.urandom(16)
    sealed = cbc(aes, iv, plain)
    head = (name or os.urandom(16)) + iv + len(sealed).to_bytes(2, "big") + sealed
    return head + mac(mac_key, head, hashes.SHA1)


def mbedtls(key, plain, seal=AESGCM):
    head = os.urandom(4) + os.urandom(12)
    head += len(plain).to_bytes(2, "big")
    return head + seal(key).encrypt(head[4:16], plain, head)


def jsse(key, plain):
    """AES-GCM with an IV of 16 bytes, the key's number as additional data."""
    number, iv = os.urandom(4), os.urandom(16)
    return number + iv + AESGCM(key).encrypt(iv, plain, number)


def rustls(key, plain):
    name, nonce = os.urandom(16), os.urandom(12)
    return name + nonce + ChaCha20Poly1305(key).encrypt(nonce, plain, name)


def gcm(key, plain, aad=None):
    """name, nonce, GCM, tag, with additional data that nobody knows."""
    name, nonce = os.urandom(16), os.urandom(12)
    return name + nonce + AESGCM(key).encrypt(nonce, plain, aad or os.urandom(7))


def go(seed_parts, created=1700000000):
    """name, IV, CTR, HMAC; inside is Go's own form of a session."""
    name, aes, mac_key = seed_parts
    iv = os.urandom(16)
    state = b"\x03\x04\x01\x13\x01" + created.to_bytes(8, "big") + b"\x20" + os.urandom(32) + bytes(9)
    head = name + iv + ctr(aes, iv, state)
    return head + mac(mac_key, head)
