"""`reprise ticket audit`: every weakness that is put into a ticket is found, and none in sound ones."""

import hashlib
import os

import pytest
import tickets
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

ZERO16, ZERO32 = bytes(16), bytes(32)
COUNT = bytes(range(0x10, 0x20))
WEAK = {
    "zero AES-128 and HMAC": (ZERO16, ZERO16),
    "zero AES-256 and HMAC": (ZERO32, ZERO32),
    "zero AES-128, HMAC unknown": (ZERO16, None),
    "zero AES-256, HMAC unknown": (ZERO32, None),
    "counting, as seen in the wild": (COUNT, bytes(range(0x20, 0x30)) + ZERO16),
    "31 in one half, as seen in the wild": (b"\x31" * 16 + ZERO16, None),
    "constant": (b"\xa7" * 32, None),
    "counting down": (bytes(range(255, 223, -1)), None),
    "a debugger's pattern": (b"\xde\xad\xbe\xef" * 8, None),
    "FIPS-197's example": (bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"), None),
    "SHA-256 of a word": (hashlib.sha256(b"password").digest(), None),
    "MD5 of a word in hexadecimal": (hashlib.md5(b"secret").hexdigest().encode(), None),
    "a word filled up": (b"changeme".ljust(32, b"\0"), None),
    "AES unknown, zero HMAC": (None, ZERO32),
}


@pytest.mark.parametrize("what", WEAK)
@pytest.mark.parametrize("version", [0x0303, 0x0304])
def test_weak_key_of_openssls_layout(what, version):
    aes, mac_key = WEAK[what]
    ticket = tickets.openssl(aes or os.urandom(32), mac_key or os.urandom(32),
                             tickets.session(version=version))
    told = tickets.audit(ticket)
    assert told.code == 4 and tickets.found(told) == {"weak-key"}, told.text
    opens = [f for f in told.json["findings"] if "opens under" in f["evidence"]]
    forges = [f for f in told.json["findings"] if "verifies under" in f["evidence"]]
    assert bool(opens) == (aes is not None) and bool(forges) == (mac_key is not None), told.text
    if opens:
        assert f"TLS 1.{version - 0x0301}" in opens[0]["evidence"]
        assert "for localhost" in opens[0]["evidence"]


@pytest.mark.parametrize("kind", [hashes.SHA1, hashes.SHA384, hashes.SHA512, hashes.MD5])
def test_weak_mac_key_of_any_hash(kind):
    told = tickets.audit(tickets.openssl(os.urandom(16), ZERO16, kind=kind))
    assert tickets.found(told) == {"weak-key"}, told.text


def test_one_weak_host_among_many():
    name = os.urandom(16)
    sound = [tickets.openssl(b"\x5f" + os.urandom(31), os.urandom(32), name=name) for _ in range(20)]
    told = tickets.audit(*sound, tickets.openssl(ZERO32, os.urandom(32), name=name))
    weak = [f for f in told.json["findings"] if f["finding"] == "weak-key"]
    assert told.code == 4 and [(f["first"], f["tickets"]) for f in weak] == [(21, 1)], told.text


@pytest.mark.parametrize("offset", [0, 7, 17, 31])
@pytest.mark.parametrize("mode", ["cbc", "ctr", "gcm"])
def test_the_iv_is_looked_for(offset, mode):
    iv = os.urandom(12 if mode == "gcm" else 16)
    plain = tickets.session()
    if mode == "gcm":
        sealed = AESGCM(ZERO16).encrypt(iv, plain, os.urandom(5))
    else:
        sealed = getattr(tickets, mode)(ZERO16, iv, plain) + os.urandom(32)
    told = tickets.audit(os.urandom(offset) + iv + sealed)
    assert tickets.found(told) == {"weak-key"}, told.text
    assert f"IV at byte {offset}" in told.text


AEAD = {
    "mbedtls, GCM": lambda: tickets.mbedtls(ZERO32, os.urandom(110)),
    "mbedtls, CCM": lambda: tickets.mbedtls(ZERO32, os.urandom(110), AESCCM),
    "mbedtls, ChaCha20": lambda: tickets.mbedtls(ZERO32, os.urandom(110), ChaCha20Poly1305),
    "rustls": lambda: tickets.rustls(ZERO32, os.urandom(111)),
    "jsse": lambda: tickets.jsse(ZERO32, os.urandom(113)),
    "an unknown additional data": lambda: tickets.gcm(ZERO32, tickets.session()),
    "gnutls": lambda: tickets.gnutls(ZERO32, ZERO16, os.urandom(120)),
    "gnutls, MAC unknown": lambda: tickets.gnutls(
        ZERO32, os.urandom(16), bytes(40) + os.urandom(80)),
    "go": lambda: tickets.go((os.urandom(16), ZERO16, os.urandom(16))),
}


@pytest.mark.parametrize("what", AEAD)
def test_weak_key_of_other_layouts(what):
    told = tickets.audit(AEAD[what]())
    assert told.code == 4 and tickets.found(told) == {"weak-key"}, told.text


def test_not_encrypted():
    told = tickets.audit(os.urandom(16) + tickets.session() + os.urandom(32))
    assert told.code == 4 and tickets.found(told) == {"plain-ticket"}, told.text
    assert "stands in clear at byte 16" in told.text


def s_client_print(ticket, secret):
    """What s_client shows of a session, with its secret."""
    lines = ["SSL-Session:", "    Protocol  : TLSv1.2", f"    Master-Key: {secret.hex().upper()}",
             "    TLS session ticket lifetime hint: 300 (seconds)", "    TLS session ticket:"]
    for at in range(0, len(ticket), 16):
        row = ticket[at:at + 16]
        pairs = "".join(f"{b:02x}{'-' if i == 7 else ' '}" for i, b in enumerate(row))
        text = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
        lines.append(f"    {at:04x} - {pairs.ljust(48)}  {text}")
    return "\n".join(lines + ["", "    Start Time: 1700000000", "---", ""])


def test_the_secret_in_clear():
    """Known from what s_client says beside the ticket."""
    secret = os.urandom(48)
    given = s_client_print(os.urandom(60) + secret + os.urandom(40), secret).encode()
    told = tickets.ticket("audit", "--json", given=given)
    assert told.code == 4 and tickets.found(told) == {"plain-ticket"}, told.text
    assert secret.hex() not in told.text.lower(), "evidence without secrets"


def test_one_keystream_for_two():
    key, start, name = os.urandom(32), os.urandom(16), os.urandom(16)
    given = ""
    for _ in range(2):
        secret = os.urandom(48)
        sealed = tickets.ctr(key, start, os.urandom(11) + secret + os.urandom(20))
        given += s_client_print(name + os.urandom(16) + sealed + os.urandom(32), secret)
    told = tickets.ticket("audit", "--json", given=given.encode())
    assert told.code == 4 and tickets.found(told) == {"keystream-reused"}, told.text


def test_one_iv_for_two():
    aes, mac_key, name, iv = (os.urandom(n) for n in (32, 32, 16, 16))
    told = tickets.audit(*(tickets.openssl(aes, mac_key, name=name, iv=iv) for _ in range(3)))
    assert told.code == 4 and tickets.found(told) == {"keystream-reused"}, told.text


def sound_tickets(n):
    makers = [
        lambda: tickets.openssl(os.urandom(32), os.urandom(32)),
        lambda: tickets.openssl(os.urandom(16), os.urandom(16), tickets.session(version=0x0304)),
        lambda: tickets.gnutls(os.urandom(32), os.urandom(16), bytes(60) + os.urandom(60)),
        lambda: tickets.mbedtls(os.urandom(32), bytes(110)),
        lambda: tickets.rustls(os.urandom(32), bytes(111)),
        lambda: tickets.jsse(os.urandom(32), bytes(113)),
        lambda: tickets.go((os.urandom(16), os.urandom(16), os.urandom(16))),
        lambda: os.urandom(32),
        lambda: b"NSS!" + os.urandom(204),
        lambda: bytes.fromhex("01000000d08c9ddf0115d1118c7a00c04fc297eb01000000") + os.urandom(16)
        + bytes(40) + "session ticket key".encode("utf-16-le") + bytes(8) + os.urandom(200),
    ]
    return [makers[i % len(makers)]() for i in range(n)]


def test_sound_tickets_of_many_kinds():
    told = tickets.audit(*sound_tickets(20))
    assert told.code == 0 and not tickets.found(told), told.text
    report = told.json
    assert report["tickets"] == 20 and report["cipher_keys"] > 1000 and report["decryptions"] > 10**6


def test_a_ticket_that_comes_twice_is_a_note():
    ticket = tickets.openssl(os.urandom(32), os.urandom(32))
    told = tickets.audit(ticket, ticket)
    assert told.code == 0 and not tickets.found(told)
    assert [f["finding"] for f in told.json["findings"]] == ["ticket-reused"]


def test_for_people():
    ticket = tickets.openssl(ZERO16, os.urandom(16))
    told = tickets.ticket("audit", given=ticket.hex().encode())
    assert told.code == 4 and told.text.startswith("finding: weak-key: "), told.text
    assert "\ntried: " in told.text
    told = tickets.ticket("audit", given=os.urandom(160).hex().encode())
    assert told.code == 0 and told.text.startswith("no finding\n"), told.text
