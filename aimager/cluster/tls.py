"""By what the machines of a cluster know each other: one certificate for all, of an authority of
their own, whose key nobody has any more.

Who has the certificate's key can run programs on every worker, and be any of the machines.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aimager.errors import ConfigError
from aimager.files import FILE, OPEN, guard_folder, publish
from aimager.graph import artifacts
from aimager.model.cluster import Cluster

AUTHORITY, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"

_DAYS = 365
_LEFT = 30
"""Days that a certificate is good, and when less are left for which another is made."""


def tls_folder(cluster: Cluster) -> Path:
    """The folder of the certificates."""
    return cluster.tls or artifacts.CACHE / "cluster" / "tls"


def check_certificates(cluster: Cluster) -> None:
    """See that they are there, where they are needed.

    :raises ConfigError: when one is not
    """
    folder = tls_folder(cluster)
    for name in () if cluster.is_plain else (AUTHORITY, CERTIFICATE, KEY):
        if not os.access(folder / name, os.R_OK):
            raise ConfigError(
                f"the cluster at {cluster.address} is spoken to by certificates, and"
                f" {folder / name} is not there, or not readable",
                hint="cluster-tls= names the folder that doit cluster has made, or a copy of it",
            )


def make_certificates(folder: Path) -> bool:
    """Make them in ``folder``, for its owner alone, unless they are there; whether they were made.

    :raises ConfigError: when only some are there
    """
    paths = [folder / name for name in (AUTHORITY, CERTIFICATE, KEY)]
    there = [path for path in paths if path.exists()]
    if len(there) == len(paths) and _is_good(folder / CERTIFICATE):
        return False
    if there and len(there) < len(paths):
        raise ConfigError(
            f"{folder} has some of a cluster's certificates, and not all",
            hint="remove the folder, and all are made anew; or name another with cluster-tls=",
        )
    guard_folder(folder)
    now = datetime.now(UTC)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("aimager cluster's authority", authority_key, None, now)
    certificate = _certificate("aimager cluster", key, (authority, authority_key), now)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    for path, content, mode in zip(
        paths,
        (authority.public_bytes(pem), certificate.public_bytes(pem), private),
        (OPEN, OPEN, FILE),
        strict=True,
    ):
        with publish(path, mode=mode) as temporary:
            temporary.write_bytes(content)
    return True


def _is_good(path: Path) -> bool:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    until = getattr(certificate, "not_valid_after_utc", None)  # since cryptography 42
    until = until or certificate.not_valid_after.replace(tzinfo=UTC)
    return until - datetime.now(UTC) > timedelta(days=_LEFT)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
    now: datetime,
) -> x509.Certificate:
    """One for ``key``, which ``issuer`` signs, or the key itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing = issuer[1] if issuer else key
    public = signing.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(_usage(signs=issuer is None), critical=True)
    )
    return builder.sign(signing, hashes.SHA256())


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
