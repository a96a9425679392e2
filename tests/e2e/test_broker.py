"""The key broker met by a client that shares nothing with us but the protocol document."""

import hashlib
import importlib.util
import json
import socket
import ssl
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from harness import NOT_FOUND
from manager_case import REQUIREMENTS, ManagerCase

MISSING = [name for name in REQUIREMENTS if importlib.util.find_spec(name) is None]
if not MISSING:
    import jwcrypto.jwk
    import jwcrypto.jwt
    import requests
    from independent_client import Guest, Refused, SamplePlatform, SimulatedPlatform, session

MEASUREMENT = hashlib.sha384(b"a build").hexdigest()
INITDATA = 'version = "0.1.0"\nalgorithm = "sha384"\n[data]\n"penstock.toml" = "service_id = \'x\'"\n'


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)} (tests/requirements.txt; ./dev test installs them)")
class Broker(ManagerCase):
    def setUp(self) -> None:
        super().setUp()
        self.pem = self.platform_key.read_text()
        self.put_secret("secret/db", "hunter2")
        self.admin("build", "approve", "--app", self.app, "--measurement", MEASUREMENT)
        config = self.folder / "initdata.toml"
        config.write_text(INITDATA)
        self.admin("config", "approve", "--app", self.app, config)

    def guest(self, key: str = "P-256", measurement: str = MEASUREMENT, initdata: str | None = INITDATA,
              **more) -> "Guest":
        digest = "" if initdata is None else hashlib.sha384(initdata.encode()).hexdigest()
        platform = SimulatedPlatform(self.pem, measurement, digest, **more)
        return Guest(self.manager_url, str(self.ca), platform, key, initdata)

    def assert_refused(self, status: int, kind: str, call, *arguments) -> str:
        with self.assertRaises(Refused) as caught:
            call(*arguments)
        self.assertEqual((caught.exception.status, caught.exception.kind), (status, kind), caught.exception)
        return caught.exception.detail

    def denials(self) -> list[dict]:
        return [entry for entry in self.audit() if entry["outcome"] == "denied"]

    def failed_rules(self) -> list[str]:
        return [rule["name"] for rule in self.denials()[-1]["rules"] if rule["result"] == "fail"]

    # -- what must work ---------------------------------------------------------------------------

    def test_a_secret_by_cookie_by_bearer_and_for_every_kind_of_key(self) -> None:
        for kind in ("P-256", "P-521", "RSA"):
            with self.subTest(kind):
                guest = self.guest(kind)
                token = guest.handshake()
                self.assertEqual(guest.resource("payments/secret/db"), b"hunter2")
                self.assertEqual(guest.resource("payments/secret/db", token), b"hunter2")
        releases = [entry for entry in self.audit() if entry["action"] == "release"]
        self.assertEqual([(e["outcome"], e["subject"]) for e in releases], [("granted", "payments/secret/db")] * 6)

    def test_a_uri_without_authority_means_the_default_repository(self) -> None:
        self.admin("app", "create", "default")
        self.put_secret("key/1", "abc", app="default")
        self.admin("build", "approve", "--app", "default", "--measurement", MEASUREMENT)
        config = self.folder / "initdata.toml"
        self.admin("config", "approve", "--app", "default", config)
        guest = self.guest()
        guest.handshake()
        self.assertEqual(guest.resource("/default/key/1"), b"abc")
        self.assertEqual(guest.resource("default/key/1"), b"abc")

    def test_the_token_is_an_ear_that_others_can_check(self) -> None:
        token = self.guest().handshake()
        keys = session(str(self.ca)).get(f"{self.manager_url}/.well-known/jwks.json", timeout=30).json()
        key = jwcrypto.jwk.JWK(**keys["keys"][0])
        claims = json.loads(jwcrypto.jwt.JWT(jwt=token, key=key, algs=["ES256"]).claims)
        self.assertEqual(claims["eat_profile"], "tag:github.com,2024:confidential-containers/Trustee")
        self.assertEqual(claims["exp"] - claims["iat"], 300)
        cpu = claims["submods"]["cpu0"]
        self.assertIn("ear.status", cpu)
        self.assertIn("ear.trustworthiness-vector", cpu)
        evidence = cpu["ear.veraison.annotated-evidence"]
        self.assertEqual(evidence["runtime_data_claims"]["tee-pubkey"]["crv"], "P-256")
        self.assertIn(MEASUREMENT, json.dumps(claims))

    def test_sample_evidence_counts_as_simulated_where_a_policy_allows_it(self) -> None:
        self.admin("app", "create", "samples")
        self.put_secret("secret/s", "sampled", app="samples")
        policy = self.folder / "policy.json"
        condition = {"claim": "tee", "equals": "sample"}
        policy.write_text(json.dumps({"version": 1, "allow_simulated": False, "allow_any_build": True,
                                      "allOf": [condition]}))
        self.admin("policy", "set", "--app", "samples", policy)
        guest = Guest(self.manager_url, str(self.ca), SamplePlatform())
        guest.handshake()
        self.assert_refused(403, "PolicyDeny", guest.resource, "samples/secret/s")
        policy.write_text(json.dumps({"version": 1, "allow_simulated": True, "allow_any_build": True,
                                      "allOf": [condition]}))
        self.admin("policy", "set", "--app", "samples", policy)
        self.assertEqual(guest.resource("samples/secret/s"), b"sampled")

    # -- denials ------------------------------------------------------------------------------------

    def test_a_deny_all_policy_refuses_and_says_why_to_the_owner_alone(self) -> None:
        guest = self.guest()
        token = guest.handshake()
        self.admin("policy", "set", "--app", self.app, "deny-all")
        for by in (None, token):  # checked at every release, whatever the token says
            detail = self.assert_refused(403, "PolicyDeny", guest.resource, "payments/secret/db", by)
            self.assertNotIn(MEASUREMENT, detail)
        # The first is entered whole, the second is counted with what follows it.
        self.assertEqual([entry["outcome"] for entry in self.audit()[-2:]], ["done", "denied"])

    def test_an_unapproved_build_is_denied_with_both_values_for_the_owner(self) -> None:
        other = hashlib.sha384(b"another build").hexdigest()
        guest = self.guest(measurement=other)
        guest.handshake()
        detail = self.assert_refused(403, "PolicyDeny", guest.resource, "payments/secret/db")
        self.assertIn("measurement", detail)
        self.assertNotIn(other, detail)
        failed = [rule for rule in self.denials()[-1]["rules"] if rule["result"] == "fail"]
        self.assertEqual([rule["name"] for rule in failed], ["measurement"])
        self.assertIn(other, failed[0]["seen"])
        self.assertIn("build approve", failed[0]["advice"])

    def test_a_changed_configuration_is_denied(self) -> None:
        guest = self.guest(initdata=INITDATA + "# one more line\n")
        guest.handshake()
        self.assertIn("config_digest", self.assert_refused(403, "PolicyDeny", guest.resource, "payments/secret/db"))

    def test_a_configuration_that_is_not_the_measured_one_gets_no_token(self) -> None:
        guest = self.guest()
        guest.initdata = INITDATA + "# swapped by the host\n"
        guest.challenge()
        self.assert_refused(401, "AttestationError", guest.attest)
        self.assertIn("config_digest", self.failed_rules())

    def test_debug_is_denied(self) -> None:
        guest = self.guest(debug=True)
        guest.challenge()
        try:
            guest.attest()
        except Refused as refused:
            self.assertEqual(refused.status, 401)
        else:
            self.assert_refused(403, "PolicyDeny", guest.resource, "payments/secret/db")

    def test_what_is_not_there_is_not_found(self) -> None:
        guest = self.guest()
        guest.handshake()
        self.assert_refused(404, "PluginInternalError", guest.resource, "payments/secret/nothing")

    # -- attacks ------------------------------------------------------------------------------------

    def test_a_nonce_and_its_cookie_serve_once(self) -> None:
        guest = self.guest()
        guest.challenge()
        request = guest.request()
        guest.attest(request)
        self.assert_refused(401, "AttestationError", guest.attest, request)
        thief = self.guest()
        thief.challenge()
        self.assert_refused(401, "AttestationError", thief.attest, request)  # in the thief's own session

    def test_evidence_relayed_from_another_session_is_refused(self) -> None:
        victim, thief = self.guest(), self.guest()
        victim.challenge()
        thief.challenge()
        relayed = thief.request()
        relayed["tee-evidence"] = victim.request()["tee-evidence"]
        self.assert_refused(401, "AttestationError", thief.attest, relayed)
        # The thief asks the victim to attest over the thief's nonce: the victim's key is in there.
        relayed["tee-evidence"] = victim.request(thief.nonce)["tee-evidence"]
        thief.challenge()
        self.assert_refused(401, "AttestationError", thief.attest, relayed)

    def test_evidence_of_an_unknown_platform_is_refused(self) -> None:
        other = self.folder / "other.key.pem"
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        other.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.pem = other.read_text()
        guest = self.guest()
        guest.challenge()
        self.assert_refused(401, "AttestationError", guest.attest)

    def test_a_stolen_token_opens_nothing(self) -> None:
        owner, thief = self.guest(), self.guest()
        token = owner.handshake()
        message = thief.sealed_resource("payments/secret/db", token)
        with self.assertRaises(Exception):
            thief.open(message)
        self.assertEqual(owner.open(message), b"hunter2")

    def test_tokens_that_were_changed_or_made_elsewhere_are_refused(self) -> None:
        guest = self.guest()
        token = guest.handshake()
        head, body, signature = token.split(".")
        foreign = jwcrypto.jwk.JWK.generate(kty="EC", crv="P-256")
        forged = jwcrypto.jwt.JWT(header={"alg": "ES256", "typ": "JWT", "jwk": foreign.export_public(as_dict=True)},
                                  claims=json.loads(jwcrypto.common.base64url_decode(body)))
        forged.make_signed_token(foreign)
        changed = body[:-2] + ("A" if body[-2] != "A" else "B") + body[-1]
        none = jwcrypto.common.base64url_encode('{"alg":"none"}')
        for bad in (f"{head}.{changed}.{signature}", forged.serialize(), f"{none}.{body}.", "x", "..", "a.b.c",
                    "A" * 20000):
            self.assert_refused(401, "TokenVerifierError", guest.resource, "payments/secret/db", bad)

    def test_other_versions_are_refused_with_both_in_the_text(self) -> None:
        for version in ("0.1.1", "0.5.0", "1.0.0", "", "0.4", "x"):
            detail = self.assert_refused(401, "ProtocolVersion", self.guest().challenge, version)
            self.assertIn("0.4", detail)

    def test_malformed_and_oversized_bodies_are_refused_and_hurt_nobody(self) -> None:
        url = f"{self.manager_url}/kbs/v0"
        http = session(str(self.ca))
        for body in (b"", b"{", b"[]", b"null", b'{"version":4}', b'{"version":"0.4.0"}', b"\xff" * 100,
                     b'{"a":' * 5000, b'{"version":"0.4.0","tee":"nothing","extra-params":{}}'):
            answer = http.post(f"{url}/auth", data=body, timeout=30)
            self.assertIn(answer.status_code, (400, 401), body[:40])
            self.assertEqual(set(answer.json()), {"type", "detail"})
        guest = self.guest()
        guest.challenge()
        good = guest.request()
        for path, value in (("runtime-data", {}), ("tee-evidence", {"primary_evidence": {}}), ("init-data", 7),
                            ("runtime-data", {"nonce": 1, "tee-pubkey": {}})):
            fresh = self.guest()
            fresh.challenge()
            with self.assertRaises(Refused):
                fresh.attest({**good, path: value})
        self.assertIn(http.post(f"{url}/attest", data=b"x" * (3 << 20), timeout=30).status_code, (400, 401, 413))
        for path in ("", "a", "a/b", "a/b/c/d", "a/../b", "a/b/%2e%2e", "a/b/" + "c" * 5000, ".a/b/c"):
            answer = http.get(f"{url}/resource/{path}", timeout=30)
            self.assertIn(answer.status_code, (400, 401, 404, 431), path)
        guest.attest(good)
        self.assertEqual(guest.resource("payments/secret/db"), b"hunter2")

    def test_clients_that_say_nothing_do_not_keep_others_out(self) -> None:
        host, port = "127.0.0.1", int(self.manager_port())
        silent = [socket.create_connection((host, port)) for _ in range(60)]
        context = ssl.create_default_context(cafile=str(self.ca))
        for _ in range(20):
            slow = context.wrap_socket(socket.create_connection((host, port)), server_hostname=host)
            slow.sendall(b"POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            silent.append(slow)
        guest = self.guest()
        guest.handshake()
        self.assertEqual(guest.resource("payments/secret/db"), b"hunter2")
        for connection in silent:
            connection.close()

    def test_plain_http_and_old_tls_are_not_spoken(self) -> None:
        with self.assertRaises(requests.RequestException):
            session(str(self.ca)).get(self.manager_url.replace("https", "http"), timeout=10)
        context = ssl.create_default_context(cafile=str(self.ca))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(socket.create_connection(("127.0.0.1", int(self.manager_port()))),
                                server_hostname="127.0.0.1")

    def test_the_admin_interface_wants_its_token(self) -> None:
        http = session(str(self.ca))
        for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer " + "A" * 43},
                       {"Authorization": "Basic eDp5"}):
            for path in ("/v1/info", "/v1/apps", "/v1/audit", f"/v1/apps/{self.app}/policy"):
                answer = http.get(self.manager_url + path, headers=header, timeout=30)
                self.assertEqual(answer.status_code, 401, path)
        token = (self.store / "admin.token").read_text().strip()
        answer = http.get(f"{self.manager_url}/v1/apps/{self.app}", headers={"Authorization": f"Bearer {token}"},
                              timeout=30)
        self.assertEqual(answer.status_code, 200)
        self.assertNotIn("hunter2", answer.text)

    def test_five_hundred_attestations_at_once(self) -> None:
        def one(_: int) -> bytes:
            guest = self.guest()
            guest.handshake()
            return guest.resource("payments/secret/db")

        before = len([e for e in self.audit() if e["action"] == "release"])
        with ThreadPoolExecutor(50) as pool:
            self.assertEqual(set(pool.map(one, range(500))), {b"hunter2"})
        done = self.admin("audit", "--json", "--limit", 100_000)
        after = len([e for e in json.loads(done.stdout)["entries"] if e["action"] == "release"])
        self.assertEqual(after - before, 500)
        self.penstock("audit", "verify", "--data", self.store, "--head", self.folder / "head.json")


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class ProductionStore(ManagerCase):
    """A store that was not made for development."""

    def setUp(self) -> None:
        super().setUp()
        self.pem = self.platform_key.read_text()
        self.end(self.manager)
        self.store = self.folder / "production"
        self.manager = self.start_manager("--name", "manager.example")

    def test_simulated_evidence_is_out_of_reach(self) -> None:
        self.admin("app", "create", self.app)
        self.put_secret("secret/db", "hunter2")
        self.admin("platform", "new", "--out", self.folder / "p.pem", expect=None)
        self.assertFalse((self.folder / "p.pem").exists())
        policy = self.folder / "policy.json"
        policy.write_text(json.dumps({"version": 1, "allow_simulated": True, "allow_any_build": True,
                                      "allOf": [{"claim": "debug", "equals": False}]}))
        done = self.admin("policy", "set", "--app", self.app, policy, expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("development", done.stderr)
        for platform in (SimulatedPlatform(self.pem, MEASUREMENT), SamplePlatform()):
            guest = Guest(self.manager_url, str(self.ca), platform)
            with self.assertRaises(Refused) as caught:
                guest.handshake()
            self.assertIn(caught.exception.status, (400, 401))

    def test_it_cannot_become_a_development_store(self) -> None:
        self.end(self.manager)
        from manager_case import MANAGER
        done = self.run_program(MANAGER, "--data", self.store, "--listen", "127.0.0.1:0", "--development", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("development", done.stderr)

    def test_an_unknown_app_is_not_found(self) -> None:
        self.admin("app", "show", "nobody", expect=NOT_FOUND)


if __name__ == "__main__":
    unittest.main()
