"""A certificate authority, a server and a client certificate for tests, valid for loopback and, if nothing else is said, one
day."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files; ``keystore`` holds the server's key and chain in one file, as a Java broker wants it."""

    authority: Path
    certificate: Path
    key: Path
    keystore: Path

    @classmethod
    def create(cls, directory: Path, valid_for: datetime.timedelta = ONE_DAY) -> Certificates:
        """Make an authority and one certificate that serves for both ends of a connection to 127.0.0.1.

        Args:
            valid_for: from now on; a negative one has expired, by less than five minutes.
        """
        authority_key = ec.generate_private_key(ec.SECP256R1())
        authority = _builder("test authority", authority_key, issuer="test authority").add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        )
        leaf = _builder("127.0.0.1", key, "test authority", valid_for).add_extension(names, critical=False)
        key_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        leaf_pem = leaf.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        authority_pem = authority.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return cls(
            authority=_write(directory / "ca.pem", authority_pem),
            certificate=_write(directory / "cert.pem", leaf_pem),
            key=_write(directory / "key.pem", key_pem),
            keystore=_write(directory / "keystore.pem", key_pem + leaf_pem + authority_pem),
        )


def _builder(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, valid_for: datetime.timedelta = ONE_DAY
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + valid_for)
    )


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
