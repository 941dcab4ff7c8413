"""Certificates of the test's own: self-signed for a name or address, or from an authority that it makes."""
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


class Authority:
    """Signs certificates of servers and of clients."""

    def __init__(self, directory: Path):
        self.directory = directory
        directory.mkdir(parents=True)
        # Of the test's own, since the machine's would add its extensions to ours.
        (directory / "openssl.cnf").write_text("[req]\ndistinguished_name = name\n[name]\n")
        self.own = self.request("authority", "/CN=Authority of these tests", "basicConstraints=critical,CA:TRUE",
                                "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash")

    def issue_server(self, name: str, address: str = "127.0.0.1", host: str = "localhost") -> Certificate:
        return self.request(name, f"/CN={host}", f"subjectAltName=IP:{address},DNS:{host}", "extendedKeyUsage=serverAuth",
                            *self.of_a_leaf(), signed=True)

    def issue_client(self, name: str, subject: str) -> Certificate:
        return self.request(name, subject, "extendedKeyUsage=clientAuth", *self.of_a_leaf(), signed=True)

    def issue_expired(self, name: str, subject: str, usage: str = "clientAuth", more: str = "") -> Certificate:
        """Good for the January of 2020."""
        made = Certificate(self.directory / f"{name}.pem", self.directory / f"{name}-key.pem")
        asked = self.directory / f"{name}.csr"
        process.run("openssl", "req", "-new", "-config", self.directory / "openssl.cnf", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-out", asked, "-keyout", made.key)
        made.key.chmod(0o600)
        (self.directory / "index.txt").touch()
        settings = self.directory / f"{name}.cnf"
        settings.write_text(f"[ca]\ndefault_ca = own\n[own]\ndatabase = {self.directory}/index.txt\nrand_serial = yes\n"
                            f"new_certs_dir = {self.directory}\ndefault_md = sha256\npolicy = names\nunique_subject = no\n"
                            "x509_extensions = leaf\n[names]\ncommonName = supplied\norganizationName = optional\n"
                            f"[leaf]\nextendedKeyUsage = {usage}\n{more}")
        process.run("openssl", "ca", "-batch", "-config", settings, "-cert", self.own.certificate, "-keyfile", self.own.key,
                    "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-notext", "-in", asked,
                    "-out", made.certificate)
        return made

    @staticmethod
    def of_a_leaf() -> list[str]:
        return ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "authorityKeyIdentifier=keyid"]

    def request(self, name: str, subject: str, *extensions: str, signed: bool = False) -> Certificate:
        made = Certificate(self.directory / f"{name}.pem", self.directory / f"{name}-key.pem")
        signer = ["-CA", self.own.certificate, "-CAkey", self.own.key] if signed else []
        process.run("openssl", "req", "-x509", "-config", self.directory / "openssl.cnf", *signer, "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", subject,
                    *(part for extension in extensions for part in ("-addext", extension)), "-out", made.certificate,
                    "-keyout", made.key)
        made.key.chmod(0o600)
        return made
