"""Certificates for tests: one authority, one chain for any names."""

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    chain: Path
    key: Path
    der: bytes


class Authority:
    """Signs server certificates; its own is in ca.pem."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        own = self._build(self._name, self._key, [], is_ca=True)
        self.path = self.folder / "ca.pem"
        self.path.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def _build(self, subject, key, hosts, is_ca=False):
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        )
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, *hosts, kind="ecdsa"):
        if kind == "rsa":
            key = rsa.generate_private_key(65537, 2048)
        else:
            key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        made = self._build(subject, key, hosts)
        stem = f"{hosts[0].replace('*', 'any')}-{kind}-{os.urandom(3).hex()}"
        chain, key_path = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        chain.write_bytes(made.public_bytes(serialization.Encoding.PEM) + self.path.read_bytes())
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        key_path.chmod(0o600)
        return Certificate(chain, key_path, made.public_bytes(serialization.Encoding.DER))
