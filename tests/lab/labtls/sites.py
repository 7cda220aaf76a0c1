"""A server's certificates with their keys, and what it makes of a client's."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from rawtls import Malformed
from rawtls.codec import Reader, u16, vec16

from .hello import BAD_CERTIFICATE, CERTIFICATE_REQUIRED, DECRYPT_ERROR, HANDSHAKE_FAILURE, Abort

ECDSA_SHA256, PSS_SHA256, RSA_SHA256 = 0x0403, 0x0804, 0x0401
END = "-----END CERTIFICATE-----"


def _pss(algorithm):
    return padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)


# Signature schemes to hash and padding, for both directions.
SCHEMES = {
    ECDSA_SHA256: (hashes.SHA256(), None),
    0x0503: (hashes.SHA384(), None),
    0x0603: (hashes.SHA512(), None),
    PSS_SHA256: (hashes.SHA256(), _pss(hashes.SHA256())),
    0x0805: (hashes.SHA384(), _pss(hashes.SHA384())),
    0x0806: (hashes.SHA512(), _pss(hashes.SHA512())),
    RSA_SHA256: (hashes.SHA256(), padding.PKCS1v15()),
}


@dataclass
class Identity:
    """A chain and its key."""

    chain: list  # DER, leaf first
    key: object = field(repr=False)

    @staticmethod
    def load(chain, key):
        text = Path(chain).read_text(encoding="ascii")
        pems = [part + END for part in text.split(END)[:-1]]
        private = serialization.load_pem_private_key(Path(key).read_bytes(), None)
        return Identity([ssl.PEM_cert_to_DER_cert(pem.strip()) for pem in pems], private)

    @property
    def is_rsa(self):
        return isinstance(self.key, rsa.RSAPrivateKey)

    def sign(self, offered, data):
        """As CertificateVerify and ServerKeyExchange end: scheme and signature."""
        wanted = (PSS_SHA256, RSA_SHA256) if self.is_rsa else (ECDSA_SHA256,)
        scheme = next((s for s in wanted if s in offered), None)
        if scheme is None:
            raise Abort(HANDSHAKE_FAILURE)
        algorithm, pad = SCHEMES[scheme]
        if pad is None:
            signature = self.key.sign(data, ec.ECDSA(algorithm))
        else:
            signature = self.key.sign(data, pad, algorithm)
        return u16(scheme) + vec16(signature)


def _verify(public, scheme, signature, data):
    algorithm, pad = SCHEMES[scheme]
    try:
        if pad is None:
            public.verify(signature, data, ec.ECDSA(algorithm))
        else:
            public.verify(signature, data, pad, algorithm)
    except (InvalidSignature, TypeError) as e:
        raise Abort(DECRYPT_ERROR) from e


def check_client(authority, chain, alert):
    """The client's public key; Abort if it showed no certificate or one of somebody else's."""
    if not chain:
        raise Abort(alert)
    try:
        leaf = x509.load_der_x509_certificate(chain[0])
        issuer = x509.load_der_x509_certificate(authority).public_key()
        scheme = ECDSA_SHA256 if isinstance(issuer, ec.EllipticCurvePublicKey) else RSA_SHA256
        _verify(issuer, scheme, leaf.signature, leaf.tbs_certificate_bytes)
        return leaf.public_key()
    except (ValueError, Abort) as e:
        raise Abort(BAD_CERTIFICATE) from e


def check_proof(public, body, data):
    """A client's CertificateVerify."""
    r = Reader(body)
    scheme, signature = r.u16(), r.vec16()
    r.done()
    if scheme not in SCHEMES:
        raise Malformed("a signature scheme that was not asked for")
    _verify(public, scheme, signature, data)


REQUIRED12, REQUIRED13 = HANDSHAKE_FAILURE, CERTIFICATE_REQUIRED
