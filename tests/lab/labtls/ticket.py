"""
Session tickets, sealed as OpenSSL does: key name 16, IV 16, AES-256-CBC, HMAC-SHA-256 32.

The ways of getting the MAC wrong:
  none     it is not looked at
  late     it is looked at after the padding, and each has an answer of its own
  no_name  it leaves out the key name, of which only the first four bytes are compared
  no_iv    it leaves out the IV, which is neither compared
  short    four bytes of it are compared
  prefix   what follows the ticket is ignored
  slow     it is looked at after the padding: one answer for both, which takes longer
"""

import hashlib
import hmac
import os
import threading
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from rawtls import Malformed

NAME, IV, MAC, BLOCK = 16, 16, 32, 16
FURTHER_MOST = 600  # bytes behind a ticket that are ignored where they are
SLOW = 0.02  # seconds


class Refused(Exception):
    """A ticket that is answered by an alert, where a full handshake were right."""


@dataclass(frozen=True)
class Key:
    name: bytes
    aes: bytes
    mac: bytes


def derive_key(seed, label, name_label=None):
    """A key of a fleet that shares the seed; "zero" is the one that was never set."""

    def part(what, of):
        return hmac.new(seed, f"{what} {of}".encode(), hashlib.sha256).digest()

    name = part("name", name_label or label)[:NAME]
    if label == "zero":
        return Key(name, bytes(32), bytes(32))
    return Key(name, part("aes", label), part("mac", label))


def _run(key, mode, data, decrypt=False):
    cipher = Cipher(algorithms.AES(key), mode)
    worker = cipher.decryptor() if decrypt else cipher.encryptor()
    return worker.update(data) + worker.finalize()


def _pad(data):
    n = BLOCK - len(data) % BLOCK
    return data + bytes([n]) * n


def _unpad(data):
    n = data[-1] if data else 0
    if not 1 <= n <= BLOCK or data[-n:] != bytes([n]) * n:
        raise Malformed("the padding is wrong")
    return data[:-n]


def _encrypt(policy, key, iv, data):
    if policy.seal == "plain":
        return data
    if policy.seal == "stream":
        return _run(key.aes, modes.CTR(bytes(IV)), data)
    return _run(key.aes, modes.CBC(iv), _pad(data))


def _decrypt(policy, key, iv, data):
    if policy.seal == "plain":
        return data
    if policy.seal == "stream":
        return _run(key.aes, modes.CTR(bytes(IV)), data, decrypt=True)
    if not data or len(data) % BLOCK:
        raise Malformed("no whole number of blocks")
    return _unpad(_run(key.aes, modes.CBC(iv), data, decrypt=True))


def _covered(policy, name, iv, sealed):
    return {"no_name": iv + sealed, "no_iv": name + sealed}.get(policy.mac, name + iv + sealed)


def _tag(key, data):
    return hmac.new(key.mac, data, hashlib.sha256).digest()


def seal(policy, key, data):
    iv = os.urandom(IV)
    sealed = _encrypt(policy, key, iv, data)
    return key.name + iv + sealed + _tag(key, _covered(policy, key.name, iv, sealed))


def _find_key(policy, keys, name):
    n = 4 if policy.mac == "no_name" else NAME
    return next((k for k in keys if k.name[:n] == name[:n]), None)


def _parts(policy, key, ticket):
    """IV, ciphertext, tag. The lenient one tries where the ticket might end."""
    ends = [len(ticket)]  # never none: a block is the least that is inside
    if policy.mac == "prefix":
        least = max(NAME + IV + BLOCK + MAC, len(ticket) - FURTHER_MOST)
        ends = range(len(ticket), least - 1, -1)
    for end in ends:
        iv, sealed = ticket[NAME : NAME + IV], ticket[NAME + IV : end - MAC]
        tag = ticket[end - MAC : end]
        if hmac.compare_digest(_tag(key, _covered(policy, ticket[:NAME], iv, sealed)), tag):
            break
    return iv, sealed, tag


def unseal(policy, keys, ticket):
    """What is inside; None if there is no such key or if it was tampered with."""
    key = _find_key(policy, keys, ticket[:NAME])
    if key is None or len(ticket) < NAME + IV + BLOCK + MAC:
        return None
    iv, sealed, tag = _parts(policy, key, ticket)
    n = {"none": 0, "short": 4}.get(policy.mac, MAC)
    right = _tag(key, _covered(policy, ticket[:NAME], iv, sealed))
    authentic = hmac.compare_digest(right[:n], tag[:n])
    if not authentic and policy.mac not in ("late", "slow"):
        return None
    try:
        data = _decrypt(policy, key, iv, sealed)
    except Malformed as e:
        if policy.mac == "late":
            raise Refused("padding") from e
        return None
    if policy.mac == "slow":
        threading.Event().wait(SLOW)
    return data if authentic else None
