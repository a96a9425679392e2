"""Certificates for tests, made by openssl as an operator would."""

import subprocess
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Certificates:
    """For a Case: NAME.pem and NAME.key.pem in its folder."""

    folder: Path

    def make_ca(self, name: str) -> Path:
        file = self.folder / f"{name}.pem"
        openssl("req", "-x509", *KEY, "-subj", f"/CN={name}", "-days", 2, "-keyout", self.folder / f"{name}.key.pem",
                "-out", file, "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0")
        return file

    def issue(self, name: str, ca: Path, usage: str, more: str = "") -> None:
        key, request = self.folder / f"{name}.key.pem", self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"extendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n{more}")
        openssl("req", "-new", *KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca.with_name(ca.stem + ".key.pem"), "-days", 1,
                "-extfile", extensions, "-out", self.folder / f"{name}.pem")
        key.chmod(0o600)
