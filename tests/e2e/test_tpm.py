"""A software TPM and the field's own tools enrol at a manager: an attestation key that nobody has certified, in the TPM
of a certified endorsement key."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import ssl
import subprocess
import unittest

from manager_case import ManagerCase

TOOLS = ("swtpm", "swtpm_setup", "tpm2")
MISSING = [name for name in TOOLS if shutil.which(name) is None]
INITDATA = 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n"penstock.toml" = "service_id = \'x\'"\n'
PCRS = (0, 4, 8, 9)
# A public key whose private half nobody has.
JWK = {"alg": "RSA-OAEP-256", "e": "AQAB", "kty": "RSA",
       "n": "onXk_rx9xjMvNFlfsrF4HJtbyTTtfSBsN55FEwTtgEdRsl2mVh62UBi1Hz1VbH3uKazeynyB7E2cjefYrTMWhN5u0Q4pZ4wwx6a89pmA"
            "T2Qhg07_TWynoABNVOjqWRVm1IxeeTmVoTxIMx7bPnUo9_-AVxkyuCeZTJEKi6WQexcg-hZRMfNnynTDCe7AplLGuc-DZIGL27DOvFv5"
            "qE56EV1IMUQmOrYG2phHaLqp6MTO-uoSXL_slfjcX7WnrakBe3xt4qKpTxBszH9jTKbuynvP2noMLpdGahalQ9V_uRfJwAEJafzYy8GF"
            "PF5RuAcChpaIFaBnoKydyaO3KW7CdQ"}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Tpm:
    """swtpm over a socket in `folder`, made with a CA of its own."""

    def __init__(self, case: "Enrolment", folder) -> None:
        self.folder = folder
        for name in ("state", "ca"):
            (folder / name).mkdir(parents=True)
        (folder / "ca.conf").write_text(
            f"statedir = {folder}/ca\nsigningkey = {folder}/ca/signkey.pem\nissuercert = {folder}/ca/issuercert.pem\n"
            f"certserial = {folder}/ca/certserial\n")
        (folder / "setup.conf").write_text(
            f"create_certs_tool = {shutil.which('swtpm_localca')}\ncreate_certs_tool_config = {folder}/ca.conf\n"
            f"create_certs_tool_options = /etc/swtpm-localca.options\nactive_pcr_banks = sha256\n")
        self.must(["swtpm_setup", "--tpm2", "--tpmstate", folder / "state", "--create-ek-cert", "--config",
                   folder / "setup.conf"])
        socket = folder / "s"
        case.start(shutil.which("swtpm"), "socket", "--tpm2", "--tpmstate", f"dir={folder}/state", "--ctrl",
                   f"type=unixio,path={socket}.ctrl", "--server", f"type=unixio,path={socket}", "--flags",
                   "not-need-init,startup-clear")
        self.env = dict(os.environ, TPM2TOOLS_TCTI=f"swtpm:path={socket}")
        case.wait_until(lambda: subprocess.run(["tpm2", "getrandom", "4", "-o", folder / "r"], env=self.env,
                                               capture_output=True).returncode == 0, "the TPM answers")
        self.tool("nvread", "0x1c00002", "-o", "ek.der")
        self.tool("createek", "-c", "ek.ctx", "-G", "rsa", "-u", "ek.pub")
        self.new_ak()
        for index in (0, 4, 9):
            self.extend(index, hashlib.sha256(b"boot %d" % index).digest())
        self.extend(8, hashlib.sha256(INITDATA.encode()).digest())

    def must(self, words) -> None:
        done = subprocess.run([str(w) for w in words], cwd=self.folder, env=getattr(self, "env", None),
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stdout[-1500:]} {done.stderr[-1500:]}"

    def tool(self, *words) -> None:
        self.must(["tpm2", *words])
        self.must(["tpm2", "flushcontext", "-t"])  # there is no resource manager that would

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def new_ak(self) -> None:
        self.tool("createak", "-C", "ek.ctx", "-c", "ak.ctx", "-G", "ecc", "-g", "sha256", "-s", "ecdsa", "-u", "ak.pub",
                  "-n", "ak.name")

    def extend(self, index: int, digest: bytes) -> None:
        self.tool("pcrextend", f"{index}:sha256={digest.hex()}")

    def extra_params(self) -> dict:
        return {"tpm": {"ek_cert": b64(self.read("ek.der")), "ek_public": b64(self.read("ek.pub")),
                        "ak_public": b64(self.read("ak.pub"))}}

    def activate(self, challenge: dict) -> bytes:
        """What was in the credential. AssertionError: the TPM refuses."""
        head = (0xBADCC0DE).to_bytes(4, "big") + (1).to_bytes(4, "big")
        (self.folder / "cred").write_bytes(head + base64.b64decode(challenge["credential_blob"])
                                           + base64.b64decode(challenge["secret"]))
        self.tool("startauthsession", "--policy-session", "-S", "session")
        try:
            self.tool("policysecret", "-S", "session", "-c", "e")
            self.tool("activatecredential", "-c", "ak.ctx", "-C", "ek.ctx", "-i", "cred", "-o", "opened", "-P",
                      "session:session")
        finally:
            self.tool("flushcontext", "session")
        return self.read("opened")

    def quote(self, nonce: bytes) -> dict:
        selection = "sha256:" + ",".join(map(str, PCRS))
        self.tool("quote", "-c", "ak.ctx", "-l", selection, "-q", nonce.hex(), "-m", "quote", "-s", "signature", "-g",
                  "sha256")
        self.tool("pcrread", selection, "-o", "pcrs")
        values = self.read("pcrs")
        return {"message": b64(self.read("quote")), "signature": b64(self.read("signature")),
                "pcrs": {"sha256": {str(index): values[32 * i:32 * i + 32].hex() for i, index in enumerate(PCRS)}}}


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class Enrolment(ManagerCase):
    def setUp(self) -> None:
        super().setUp()
        self.tpm = Tpm(self, self.folder / "tpm")
        self.cookie = self.nonce = ""

    def call(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        context = ssl.create_default_context(cafile=str(self.ca))
        host, port = self.manager_url.removeprefix("https://").split(":")
        connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=60)
        headers = {"Content-Type": "application/json", **({"Cookie": self.cookie} if self.cookie else {})}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        if answer.getheader("Set-Cookie"):
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text)

    def begin(self, tpm: Tpm) -> dict:
        self.cookie = ""
        status, challenge = self.call("POST", "/kbs/v0/auth", {"version": "0.4.0", "tee": "tpm",
                                                               "extra-params": tpm.extra_params()})
        self.assertEqual(status, 200, challenge)
        self.nonce = challenge["nonce"]
        return challenge["extra-params"]

    def attest(self, tpm: Tpm, secret: bytes, **changed) -> tuple[int, dict]:
        runtime = json.dumps({"additional-evidence": "", "nonce": self.nonce, "tee-pubkey": JWK}, sort_keys=True,
                             separators=(",", ":")).encode()
        digest = hashlib.sha256(runtime).digest()
        evidence = {"ak_tpmt": b64(tpm.read("ak.pub")), "ek_cert": b64(tpm.read("ek.der")),
                    "ek_chain": b64(tpm.read("ca/issuercert.pem")),
                    "activation": b64(hmac.new(secret, digest, "sha256").digest()), "tpm_quote": tpm.quote(digest),
                    **changed}
        return self.call("POST", "/kbs/v0/attest", {
            "init-data": {"format": "toml", "body": INITDATA},
            "runtime-data": {"nonce": self.nonce, "tee-pubkey": JWK},
            "tee-evidence": {"primary_evidence": evidence, "additional_evidence": ""}})

    def trust(self, tpm: Tpm, name: str = "our swtpm") -> None:
        self.admin("anchor", "add", tpm.folder / "ca" / "swtpm-localca-rootca-cert.pem", "--name", name,
                   "--trust", "operator")

    def check_refused(self, rule: str, secret: bytes, **changed) -> None:
        status, answer = self.attest(self.tpm, secret, **changed)
        self.assertEqual(status, 401, answer)
        self.assertIn(rule, answer["detail"])

    def denied(self) -> list[str]:
        """Rules of the newest entry; refusals that follow a first one are only counted."""
        last = [entry for entry in self.audit() if entry["outcome"] == "denied"][-1]
        return [rule["name"] for rule in last["rules"] if rule["result"] != "pass"]

    def test_a_key_in_the_tpm_of_a_trusted_maker_gets_what_the_policy_grants(self) -> None:
        challenge = self.begin(self.tpm)
        self.assertEqual(self.attest(self.tpm, self.tpm.activate(challenge))[0], 401)
        self.assertIn("ek_root", self.denied())  # nobody has named this maker yet
        self.trust(self.tpm)
        self.assertIn("our swtpm (operator)", self.admin("anchor", "list").stdout)
        challenge = self.begin(self.tpm)
        status, answer = self.attest(self.tpm, self.tpm.activate(challenge))
        self.assertEqual(status, 200, answer)
        # An operator's own TPM opens nothing until a policy says that it may.
        self.put_secret("secret/db", "hunter2")
        self.assertEqual(self.call("GET", "/kbs/v0/resource/payments/secret/db")[0], 403)
        pcr4 = hashlib.sha256(bytes(32) + hashlib.sha256(b"boot 4").digest()).hexdigest()
        policy = self.folder / "policy.json"
        policy.write_text(json.dumps({"version": 1, "allow_operator_vtpm": True, "allow_any_build": True,
                                      "allOf": [{"claim": "tpm.pcr4", "equals": pcr4}]}))
        self.admin("policy", "set", "--app", self.app, policy)
        status, answer = self.call("GET", "/kbs/v0/resource/payments/secret/db")
        self.assertEqual(status, 200, answer)
        self.assertIn("ciphertext", answer)

    def test_what_was_not_proved_is_refused(self) -> None:
        self.trust(self.tpm)
        self.begin(self.tpm)
        self.check_refused("activation", bytes(32))  # a guess
        self.assertIn("activation", self.denied())
        # The key that was enrolled is gone: its credential does not open for the next one.
        challenge = self.begin(self.tpm)
        self.tpm.new_ak()
        with self.assertRaises(AssertionError):
            self.tpm.activate(challenge)
        self.check_refused("ak_enrolled", bytes(32))
        # Another TPM's endorsement key.
        other = Tpm(self, self.folder / "other")
        self.trust(other, "another swtpm")
        self.begin(self.tpm)
        self.check_refused("ek_key", bytes(32), ek_cert=b64(other.read("ek.der")),
                           ek_chain=b64(other.read("ca/issuercert.pem")))


if __name__ == "__main__":
    unittest.main()
