"""Certificates of a play cluster, made with openssl: an authority, the brokers' server certificate, a client's."""

import shutil
import subprocess
from pathlib import Path

DAYS = "30"


class Certificates:
    """PEM files in one folder. Kept when they are there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.broker = folder / "broker.pem"  # key and chain, as Kafka takes it
        self.client_certificate = folder / "client.pem"
        self.client_key = folder / "client.key.pem"
        self.foreign_ca = folder / "foreign-ca.pem"  # of somebody else: brokers do not verify with it
        self.foreign_certificate = folder / "foreign-client.pem"
        self.foreign_key = folder / "foreign-client.key.pem"

    def make(self) -> None:
        if self.broker.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority("ca", "Penstock play CA")
        self.issue("server", "localhost", "ca", "subjectAltName=IP:127.0.0.1,DNS:localhost\n"
                   "extendedKeyUsage=serverAuth,clientAuth\n")
        self.issue("client", "penstock-client", "ca", "extendedKeyUsage=clientAuth\n")
        self.authority("foreign-ca", "Somebody else's CA")
        self.issue("foreign-client", "penstock-client", "foreign-ca", "extendedKeyUsage=clientAuth\n")
        parts = [self.folder / "server.key.pem", self.folder / "server.pem", self.ca]
        self.broker.write_text("".join(part.read_text() for part in parts))

    def authority(self, name: str, common_name: str) -> None:
        self.new_key(name)
        self.openssl("req", "-x509", "-new", "-key", self.key(name), "-subj", f"/CN={common_name}", "-days", DAYS,
                     "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
                     "-out", self.folder / f"{name}.pem")

    def issue(self, name: str, common_name: str, issuer: str, extensions: str) -> None:
        self.new_key(name)
        request, wanted = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        wanted.write_text(extensions)
        self.openssl("req", "-new", "-key", self.key(name), "-subj", f"/CN={common_name}", "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.folder / f"{issuer}.pem", "-CAkey", self.key(issuer),
                     "-CAcreateserial", "-days", DAYS, "-extfile", wanted, "-out", self.folder / f"{name}.pem")
        request.unlink()
        wanted.unlink()

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key.pem"

    def new_key(self, name: str) -> None:
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key(name))
        self.key(name).chmod(0o600)

    @staticmethod
    def openssl(*words: object) -> None:
        if shutil.which("openssl") is None:
            raise RuntimeError("certificates are made with 'openssl': install the Debian package openssl")
        done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"openssl {words[0]} failed: {done.stderr[-1000:]}")
