"""An authority for clients: certificates that live as long as told, CRLs, intermediates."""

import datetime
import os
from pathlib import Path

from certificates import Certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _now():
    return datetime.datetime.utcnow().replace(microsecond=0)


class ClientAuthority:
    """path: its certificate; crl(): its list. issuer: who vouches for it, or itself."""

    def __init__(self, folder, name="Client CA", issuer=None, key=None):
        self.folder, self.name, self.issuer = Path(folder), name, issuer
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.certificate = (issuer or self)._sign(name, self.key.public_key(), 30 * DAY, True)
        self.path = self.folder / f"{name.replace(' ', '-')}-{os.urandom(3).hex()}.pem"
        self.path.write_bytes(self.pem())

    def pem(self):
        return self.certificate.public_bytes(PEM)

    def _sign(self, name, public_key, life, is_ca):
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self.name))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - DAY)
            .not_valid_after(_now() + life)
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def renewed(self):
        """The same authority and key under a new certificate."""
        return ClientAuthority(self.folder, self.name, self.issuer, self.key)

    def client(self, name, life=30 * DAY, file=None):
        """A client's certificate; its chain has the intermediates, but no root."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(name, key.public_key(), life, False)
        chain, above = made.public_bytes(PEM), self
        while above.issuer:
            chain, above = chain + above.pem(), above.issuer
        stem = self.folder / f"{file or name}-{os.urandom(3).hex()}"
        stem.with_suffix(".pem").write_bytes(chain)
        stem.with_suffix(".key").write_bytes(
            key.private_bytes(
                PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        der = made.public_bytes(serialization.Encoding.DER)
        return Certificate(stem.with_suffix(".pem"), stem.with_suffix(".key"), der)

    def crl(self, *revoked, until=DAY, path=None, key=None):
        """A list of these certificates, to replace the one at path."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(_name(self.name))
            .last_update(_now() - 2 * DAY)
            .next_update(_now() + until)
        )
        for certificate in revoked:
            serial = x509.load_der_x509_certificate(certificate.der).serial_number
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(_now() - DAY)
                .build()
            )
        path = path or self.folder / f"{self.name.replace(' ', '-')}-{os.urandom(3).hex()}.crl"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(builder.sign(key or self.key, hashes.SHA256()).public_bytes(PEM))
        fresh.replace(path)
        return path


def as_certificate(authority):
    """An intermediate's own certificate, as what may be revoked."""
    der = authority.certificate.public_bytes(serialization.Encoding.DER)
    return Certificate(authority.path, None, der)
