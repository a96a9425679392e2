"""A guest of the key broker, written from its protocol document with other people's libraries.

Shares no code with src/: jwcrypto for keys, JWE and tokens, rfc8785 for canonical JSON, requests for HTTPS.
"""

import base64
import hashlib
import json

import requests
import rfc8785
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from jwcrypto import jwe, jwk

TIMEOUT_S = 30
PROTOCOL = "0.4.0"
KEY_KINDS = {
    "P-256": ({"kty": "EC", "crv": "P-256"}, "ECDH-ES+A256KW", ("alg", "crv", "kty", "x", "y")),
    "P-521": ({"kty": "EC", "crv": "P-521"}, "ECDH-ES+A256KW", ("alg", "crv", "kty", "x", "y")),
    "RSA": ({"kty": "RSA", "size": 2048}, "RSA-OAEP-256", ("alg", "e", "kty", "n")),
}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def session(ca: str) -> requests.Session:
    """Trusts this CA alone, whatever the environment says."""
    made = requests.Session()
    made.trust_env, made.verify = False, ca
    return made


class Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, answer: requests.Response) -> None:
        body = answer.json()
        self.status, self.kind, self.detail = answer.status_code, body["type"].rsplit("/", 1)[-1], body["detail"]
        super().__init__(f"{self.status} {self.kind}: {self.detail}")


class SimulatedPlatform:
    """Signs reports as the simulated TEE does; the key comes from a development manager."""

    tee = "simulated"

    def __init__(self, pem: str, measurement: str, config_digest: str = "", debug: bool = False) -> None:
        self.key = serialization.load_pem_private_key(pem.encode(), None)
        self.measurement, self.config_digest, self.debug = measurement, config_digest, debug

    def evidence(self, report_data: bytes) -> dict:
        report = json.dumps({"v": 1, "measurement": self.measurement, "host_data": self.config_digest,
                             "report_data": report_data.hex(), "debug": self.debug, "svn": 1}).encode()
        r, s = utils.decode_dss_signature(self.key.sign(report, ec.ECDSA(hashes.SHA256())))
        return {"report": base64url(report), "signature": base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big")),
                "platform": self.platform()}

    def platform(self) -> str:
        spki = self.key.public_key().public_bytes(serialization.Encoding.DER,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(spki).hexdigest()


class SamplePlatform:
    """The evidence of public test clients: signed by nobody."""

    tee = "sample"

    @staticmethod
    def evidence(report_data: bytes) -> dict:
        return {"svn": "1", "report_data": base64.b64encode(report_data).decode()}


class Guest:
    def __init__(self, url: str, ca: str, platform, key_kind: str = "P-256", initdata: str | None = None) -> None:
        self.url, self.platform, self.initdata = url, platform, initdata
        self.ca = ca
        self.http = session(ca)
        kind, self.algorithm, self.members = KEY_KINDS[key_kind]
        self.key = jwk.JWK.generate(**kind)
        self.token = ""
        self.nonce = ""

    def public_key(self) -> dict:
        exported = {**self.key.export_public(as_dict=True), "alg": self.algorithm}
        return {name: exported[name] for name in self.members}

    def post(self, path: str, body: object) -> dict:
        answer = self.http.post(f"{self.url}/kbs/v0/{path}", json=body, timeout=TIMEOUT_S)
        if answer.status_code != 200:
            raise Refused(answer)
        return answer.json()

    def challenge(self, version: str = PROTOCOL) -> str:
        answer = self.post("auth", {"version": version, "tee": self.platform.tee, "extra-params": {
            "supported-hash-algorithms": ["sha256", "sha384", "sha512"]}})
        self.nonce = answer["nonce"]
        return self.nonce

    def report_data(self, nonce: str, key: dict) -> bytes:
        bound = rfc8785.dumps({"additional-evidence": "", "nonce": nonce, "tee-pubkey": key})
        return hashlib.sha384(bound).digest().ljust(64, b"\0")

    def request(self, nonce: str | None = None) -> dict:
        """What is posted to attest. nonce: another one than the session's, for attacks."""
        nonce, key = nonce or self.nonce, self.public_key()
        initdata = None if self.initdata is None else {"format": "toml", "body": self.initdata}
        return {"init-data": initdata, "runtime-data": {"nonce": nonce, "tee-pubkey": key},
                "tee-evidence": {"primary_evidence": self.platform.evidence(self.report_data(nonce, key)),
                                 "additional_evidence": ""}}

    def attest(self, request: dict | None = None) -> str:
        self.token = self.post("attest", request or self.request())["token"]
        return self.token

    def handshake(self) -> str:
        self.challenge()
        return self.attest()

    def sealed_resource(self, path: str, token: str | None = None) -> dict:
        """token: bearer access in a fresh session; otherwise by the cookie."""
        if token is None:
            answer = self.http.get(f"{self.url}/kbs/v0/resource/{path}", timeout=TIMEOUT_S)
        else:
            answer = session(self.ca).get(f"{self.url}/kbs/v0/resource/{path}", timeout=TIMEOUT_S,
                                          headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 200:
            raise Refused(answer)
        return answer.json()

    def open(self, message: dict) -> bytes:
        # Guests of the field parse the header and write it again before they authenticate it.
        header = json.loads(base64.urlsafe_b64decode(message["protected"] + "=="))
        ordered = {name: header[name] for name in ("alg", "enc")}
        ordered |= {name: header[name] for name in sorted(set(header) - set(ordered))}
        if "epk" in ordered:
            ordered["epk"] = {name: ordered["epk"][name] for name in ("crv", "kty", "x", "y")}
        message = {**message, "protected": base64url(json.dumps(ordered, separators=(",", ":")).encode())}
        opener = jwe.JWE(algs=["ECDH-ES+A256KW", "RSA-OAEP-256", "A256GCM"])
        opener.deserialize(json.dumps(message), key=self.key)
        return opener.payload

    def resource(self, path: str, token: str | None = None) -> bytes:
        return self.open(self.sealed_resource(path, token))
