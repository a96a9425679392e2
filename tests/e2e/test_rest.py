"""penstockd's REST interface over TLS: who logs in how, and what strangers are told."""

import base64
import json
import re
import ssl
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from certificates import Certificates
from harness import FORBIDDEN, PENSTOCKD, USAGE, ServerCase


class Rest(Certificates, ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.config = self.folder / "penstock.toml"
        self.ca = self.make_ca("ca")
        self.clients = self.make_ca("clients")
        self.issue("rest", self.ca, "serverAuth", "subjectAltName=IP:127.0.0.1\n")
        self.issue("alice-cn", self.clients, "clientAuth")
        self.tokens = {name: self.new_token(name) for name in ("reader", "writer")}

    def new_token(self, name: str) -> str:
        shown = self.penstock("token", "new", "--out", self.folder / f"{name}.token", "--user", name).stdout
        self.assertNotIn((self.folder / f"{name}.token").read_text().strip(), shown)
        return re.search(r'token_sha256 = \["([0-9a-f]{64})"\]', shown).group(1)

    def configure(self, more: str = "") -> list[object]:
        self.config.write_text(
            '[rest]\ncertificate = "rest.pem"\nprivate_key = "rest.key.pem"\nclient_ca = "clients.pem"\n'
            f'[rest.users.reader]\nrole = "query"\ntoken_sha256 = ["{self.tokens["reader"]}"]\n'
            f'[rest.users.writer]\nrole = "statement"\ntoken_sha256 = ["{self.tokens["writer"]}"]\n'
            f'[rest.users.alice]\nrole = "admin"\ncertificate_name = "alice-cn"\n{more}')
        return ["--config", self.config]

    def sql(self, statement: str, *login: object, ca: Path | None = None, expect: int | None = 0):
        return self.penstock("sql", "--server", self.url, "--ca", ca or self.ca, *login, "-e", statement, expect=expect)

    def get(self, path: str, authorization: str | None = None) -> tuple[int, dict, str]:
        context = ssl.create_default_context(cafile=str(self.ca))
        request = urllib.request.Request(self.url + path, headers={"Authorization": authorization} if authorization else {})
        try:
            with urllib.request.urlopen(request, context=context, timeout=20) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, dict(answer.headers), answer.read().decode()

    def test_users_log_in_and_their_roles_hold(self) -> None:
        self.start_server(*self.configure())
        self.assertTrue(self.url.startswith("https://"))
        reader, writer = ["--token", self.folder / "reader.token"], ["--token", self.folder / "writer.token"]
        alice = ["--cert", self.folder / "alice-cn.pem", "--cert-key", self.folder / "alice-cn.key.pem"]
        make = "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"
        self.assertIn("takes 'statement'", self.sql(make, *reader, expect=FORBIDDEN).stderr)
        self.sql(make, *writer)
        self.assertIn("S", self.sql("SHOW STREAMS;", *reader).stdout)
        reset = "ALTER QUERY CSAS_T_1 RESET POSITIONS TO earliest;"
        self.assertIn("takes 'admin'", self.sql(reset, *writer, expect=FORBIDDEN).stderr)
        self.sql("CREATE STREAM t AS SELECT * FROM s EMIT CHANGES;", *alice)
        self.penstock("status", "--server", self.url, "--ca", self.ca, *reader)
        self.assertIn("--token", self.penstock("status", "--server", self.url, "--ca", self.ca, expect=None).stderr)
        self.assertIn("log in", self.sql("SHOW STREAMS;", expect=None).stderr)
        self.penstock("sql", "--data", self.data, "--ca", self.ca, *reader, "-e", "SHOW STREAMS;")

        token = (self.folder / "reader.token").read_text().strip()
        basic = base64.b64encode(f"reader:{token}".encode()).decode()
        self.assertEqual(self.get("/info", f"Basic {basic}")[0], 200)
        self.assertEqual(self.get("/info", f"Bearer {token}")[0], 200)
        for wrong in (None, "Bearer " + token[:-1], "Basic " + base64.b64encode(f"writer:{token}".encode()).decode(), "x"):
            status, headers, body = self.get("/info", wrong)
            self.assertEqual(status, 401, wrong)
            self.assertEqual(json.loads(body)["error_code"], 40100)
            self.assertIn("Basic", headers["WWW-Authenticate"])
            self.assertNotIn(token[:-1], body)
        for open_to_all in ("/healthcheck", "/v1/metadata", "/chc/live"):
            self.assertEqual(self.get(open_to_all)[0], 200)
        for closed in ("/metrics", "/penstock/status", "/status", "/"):
            self.assertEqual(self.get(closed)[0], 401, closed)

    def test_certificates_of_others_do_not_log_in(self) -> None:
        self.start_server(*self.configure())
        self.issue("alice-cn", self.ca, "clientAuth")  # the right name from the wrong CA
        alice = ["--cert", self.folder / "alice-cn.pem", "--cert-key", self.folder / "alice-cn.key.pem"]
        self.sql("SHOW STREAMS;", *alice, expect=None)
        self.assertNotEqual(self.sql("SHOW STREAMS;", *alice, expect=None).returncode, 0)
        self.issue("alice-cn", self.clients, "serverAuth")  # the right CA, but not for clients
        self.assertNotEqual(self.sql("SHOW STREAMS;", *alice, expect=None).returncode, 0)
        self.issue("bob", self.clients, "clientAuth")  # nobody's name
        bob = ["--cert", self.folder / "bob.pem", "--cert-key", self.folder / "bob.key.pem"]
        self.assertIn("not one of this server's users", self.sql("SHOW STREAMS;", *bob, expect=None).stderr)
        done = self.sql("SHOW STREAMS;", "--token", self.folder / "reader.token", ca=self.clients, expect=None)
        self.assertIn("certificate", done.stderr)

    def test_without_tls_and_users_it_stays_on_this_machine(self) -> None:
        self.configure()
        for more in ([], ["--config", self.bare('[rest]\ncertificate = "rest.pem"\nprivate_key = "rest.key.pem"\n')]):
            done = self.run_program(PENSTOCKD, "--data", self.data, "--listen", "0.0.0.0:0", *more, expect=USAGE)
            self.assertIn("reachable from other machines", done.stderr)
        (self.folder / "rest.key.pem").chmod(0o644)
        done = self.run_program(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0", *self.configure(), expect=FORBIDDEN)
        self.assertIn("chmod 600", done.stderr)

    def bare(self, text: str) -> Path:
        file = self.folder / "bare.toml"
        file.write_text(text)
        return file


if __name__ == "__main__":
    unittest.main()
