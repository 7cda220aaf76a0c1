"""A client's certificate and the proof that it has its key (ECDSA on P-256)."""

import re
import ssl

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import names
from .codec import u8, u16, u24, vec16, vec24
from .keys import digest

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
ECDSA_SECP256R1_SHA256 = 0x0403


def _chain(certificate):
    """The chain as DER; none at all without a certificate."""
    if certificate is None:
        return []
    found = re.findall(f"{BEGIN}.*?{END}", certificate.chain.read_text(), re.DOTALL)
    return [ssl.PEM_cert_to_DER_cert(pem) for pem in found]


def _message(kind, body):
    return u8(kind) + u24(len(body)) + body


def certificate12(certificate):
    return _message(names.CERTIFICATE, vec24(b"".join(vec24(x) for x in _chain(certificate))))


def certificate13(certificate):
    listed = b"".join(vec24(x) + vec16(b"") for x in _chain(certificate))
    return _message(names.CERTIFICATE, u8(0) + vec24(listed))


def _verify(certificate, signed):
    key = serialization.load_pem_private_key(certificate.key.read_bytes(), None)
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return _message(names.CERTIFICATE_VERIFY, u16(ECDSA_SECP256R1_SHA256) + vec16(signature))


def verify12(certificate, transcript):
    """RFC 5246 section 7.4.8."""
    return _verify(certificate, transcript)


def verify13(certificate, hash_name, transcript):
    """RFC 8446 section 4.4.3."""
    label = b"TLS 1.3, client CertificateVerify"
    return _verify(certificate, b" " * 64 + label + b"\0" + digest(hash_name, transcript))
