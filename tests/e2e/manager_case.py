"""A real manager, and a penstockd that gets its keys from it. Everything listens on loopback, on free ports."""

import json
import re
import secrets
import subprocess
import sys
from pathlib import Path

from harness import BIN, PENSTOCKD, SOURCE, START_TIMEOUT_S, ServerCase

MANAGER = BIN / "penstock-manager"
REQUIREMENTS = ("jwcrypto", "requests", "rfc8785")
sys.path.insert(0, str(SOURCE / "tests" / "broker"))

PAYMENTS_SQL = """
CREATE STREAM payments (card STRING, amount INT) WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', PARTITIONS=2,
  SEAL='psr1', KEY_POLICY='payments-v1');
CREATE STREAM masked WITH (KAFKA_TOPIC='masked', VALUE_FORMAT='JSON') AS
  SELECT MASK_KEEP_RIGHT(card, 4) AS card, amount FROM payments EMIT CHANGES;
CREATE STREAM review WITH (KAFKA_TOPIC='review', VALUE_FORMAT='JSON', SEAL='psr1', KEY_POLICY='review-v1') AS
  SELECT card, amount FROM payments WHERE amount >= 1000 EMIT CHANGES;
"""


class ManagerCase(ServerCase):
    """self.store is the manager's folder, self.app 'payments' exists in it, its platform key is in platform.key.pem."""

    app = "payments"

    def setUp(self) -> None:
        super().setUp()
        if not MANAGER.exists():
            self.skipTest(f"{MANAGER} is not built; set PENSTOCK_BIN")
        self.store = self.folder / "manager"
        self.platform_key = self.folder / "platform.key.pem"
        self.manager = self.start_manager()
        self.admin("app", "create", self.app)
        self.admin("platform", "new", "--out", self.platform_key)

    # -- the manager ----------------------------------------------------------------------------

    def start_manager(self, *more: object, store: Path | None = None, listen: str = "127.0.0.1:0",
                      environment: dict | None = None) -> subprocess.Popen:
        folder = store or self.store
        log = self.folder / "manager.log"
        with log.open("a") as stderr:
            manager = self.start(MANAGER, "--data", folder, "--listen", listen, *(more or ["--development"]),
                                 stdout=subprocess.PIPE, stderr=stderr, env=environment)
        line = manager.stdout.readline()
        found = re.search(r"https://\S+", line)
        if found is None:
            manager.wait(timeout=START_TIMEOUT_S)
            self.fail(f"the manager did not start ({manager.returncode}): {log.read_text()[-3000:]}")
        self.manager_url = found.group(0).rstrip("/")
        self.ca = folder / "ca.pem"
        return manager

    def manager_port(self) -> str:
        return self.manager_url.rsplit(":", 1)[1]

    def admin(self, *words: object, stdin: str = "", expect: int | None = 0):
        """`penstock manager …` with this manager's folder."""
        return self.penstock("manager", *words, "--data", self.store, stdin=stdin, expect=expect)

    def audit(self) -> list[dict]:
        return json.loads(self.admin("audit", "--json", "--limit", 1000).stdout)["entries"]

    def put_secret(self, path: str, value: str, app: str | None = None) -> None:
        self.admin("secret", "put", "--app", app or self.app, path, stdin=value)

    # -- an attested penstockd ------------------------------------------------------------------

    def make_stream_policies(self) -> None:
        """payments-v1 opens, review-v1 seals; keys go to the manager, and stay in self.keys for the test."""
        for policy, topic in (("payments-v1", "payments"), ("review-v1", "review")):
            self.new_policy(policy, topic)
        self.admin("stream-policy", "add", "--app", self.app, "--keys", self.key("payments-v1"), "--reader")
        self.admin("stream-policy", "add", "--app", self.app, "--keys", self.key("review-v1"), "--producer")
        self.make_state_key()

    def make_state_key(self, service: str = "pay") -> None:
        """32 bytes that are text, since the harness hands texts to programs."""
        self.put_secret(f"state-key/{service}", secrets.token_hex(16))

    def policy_digest(self, policy: str) -> str:
        shown = self.penstock("policy", "show", self.keys / f"{policy}.policy.json").stdout
        return re.search(r"^digest\s+(\w+)", shown, re.M).group(1)

    def measured_config(self, sql: str = PAYMENTS_SQL, statement_key: Path | None = None, name: str = "service",
                        more: str = "", offline_max_s: int | None = None) -> Path:
        """The packed configuration; its parts lie beside it."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "queries.sql").write_text(sql)
        (folder / "ca.pem").write_bytes(self.ca.read_bytes())
        keys = ""
        offline = "" if offline_max_s is None else f"offline_max_s = {offline_max_s}\n"
        if statement_key is not None:
            (folder / "review.pub.pem").write_bytes(statement_key.read_bytes())
            keys = 'statement_keys = ["review.pub.pem"]\n'
        (folder / "penstock.toml").write_text(
            f'service_id = "pay"\nsql_files = ["queries.sql"]\n{keys}{more}\n'
            f'[manager]\nurl = "{self.manager_url}"\nca = "ca.pem"\napp = "{self.app}"\n{offline}'
            f'[policies.payments-v1]\ndigest = "{self.policy_digest("payments-v1")}"\nopen = true\n'
            f'[policies.review-v1]\ndigest = "{self.policy_digest("review-v1")}"\nseal = true\n'
            '[limits]\ncommit_age_ms = 20\n')
        packed = self.folder / f"{name}.initdata.toml"
        self.penstock("config", "pack", folder / "penstock.toml", "--out", packed)
        return packed

    def approve(self, config: Path, binary: Path = PENSTOCKD) -> None:
        self.admin("build", "approve", "--app", self.app, "--binary", binary)
        self.admin("config", "approve", "--app", self.app, config)

    def attested(self, config: Path) -> list[object]:
        return ["--config", config, "--tee", "simulated", "--platform-key", self.platform_key]

    def start_attested(self, config: Path, *more: object) -> subprocess.Popen:
        return self.start_server(*self.attested(config), *more)

    def refused_start(self, config: Path, *more: object, program: Path = PENSTOCKD) -> subprocess.CompletedProcess:
        done = self.run_program(program, "--data", self.data, "--listen", "127.0.0.1:0", *self.attested(config), *more,
                                expect=None)
        self.assertNotEqual(done.returncode, 0, done.stderr)
        return done

    def produce_payments(self, first: int, count: int) -> list[dict]:
        values = [{"card": f"41111111{i:08}", "amount": i % 2000} for i in range(first, first + count)]
        self.produce("payments", values, "--partitions", 2, "--seal", "payments-v1", "--keys",
                     self.key("payments-v1", "producer"))
        return values
