"""A self-signed certificate for a name or address of the test's own."""
from dataclasses import dataclass
from pathlib import Path

from . import process


@dataclass
class Certificate:
    certificate: Path
    key: Path


def make(directory: Path, host: str = "127.0.0.1") -> Certificate:
    made = Certificate(directory / "certificate.pem", directory / "key.pem")
    kind = "IP" if host.replace(".", "").isdigit() else "DNS"
    process.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={host}", "-addext", f"subjectAltName={kind}:{host}", "-out", made.certificate,
                "-keyout", made.key)
    made.key.chmod(0o600)
    return made
