"""penstockd whose keys come by attestation, and a host that tries everything else."""

import json
import os
import re
import shutil
import signal
import time
import unittest
from pathlib import Path

from certificates import Certificates
from harness import CORRUPT, FORBIDDEN, PENSTOCKD, START_TIMEOUT_S
from manager_case import PAYMENTS_SQL, ManagerCase


class Attested(Certificates, ManagerCase):
    def setUp(self) -> None:
        super().setUp()
        self.make_stream_policies()
        self.config = self.measured_config()
        self.approve(self.config)

    def masked(self) -> list[dict]:
        return self.consume("masked")

    def log(self) -> str:
        return (self.folder / "penstockd.log").read_text()

    def test_keys_come_by_attestation_and_the_job_is_done(self) -> None:
        values = self.produce_payments(0, 3000)
        server = self.start_attested(self.config)
        self.wait_until(lambda: self.count("masked") == 3000, "masking")
        self.assertIn("protects nothing", self.log())
        self.assertEqual(self.terminate(server), 0)
        self.assertEqual(sorted(row["CARD"] for row in self.masked()),
                         sorted("nnnnnnnnnnnn" + value["card"][-4:] for value in values))
        review = self.consume("review", "--open", "--keys", self.key("review-v1", "reader"))
        self.assertEqual(sorted(row["CARD"] for row in review),
                         sorted(value["card"] for value in values if value["amount"] >= 1000))
        granted = [e["subject"] for e in self.audit() if e["action"] == "release" and e["outcome"] == "granted"]
        self.assertEqual(sorted(granted), ["payments/policy/payments-v1", "payments/policy/review-v1",
                                           "payments/producer-key/review-v1", "payments/reader-key/payments-v1",
                                           "payments/state-key/pay"])

    def test_no_key_lies_in_any_file_of_the_host(self) -> None:
        self.produce_payments(0, 100)
        self.start_attested(self.config)
        self.wait_until(lambda: self.count("masked") == 100, "masking")
        scalars = [json.loads(self.key(p, kind).read_text())[member][p]["d"]
                   for p, kind, member in (("payments-v1", "reader", "policy_keys"),
                                           ("review-v1", "producer", "producer_keys"))]
        for root in (self.data, self.store, self.folder / "penstockd.log", self.folder / "manager.log"):
            files = [root] if root.is_file() else [f for f in root.rglob("*") if f.is_file()]
            for file in files:
                content = file.read_bytes()
                for scalar in scalars:
                    self.assertNotIn(scalar.encode(), content, file)
                self.assertNotIn(b"4111111100000042", content, file)

    # -- what the host may try ------------------------------------------------------------------------

    def assert_denied(self, done, rule: str) -> dict:
        """The refused process says code and rule only; the owner sees everything."""
        self.assertEqual(done.returncode, FORBIDDEN, done.stderr)
        self.assertIn(rule, done.stderr)
        self.assertNotRegex(done.stderr, r"[0-9a-f]{64}")
        entry = [e for e in self.audit() if e["outcome"] == "denied"][-1]
        failed = {r["name"]: r for r in entry["rules"] if r["result"] == "fail"}
        self.assertIn(rule, failed)
        for member in ("expected", "seen", "advice"):
            self.assertTrue(failed[rule][member], member)
        return failed[rule]

    def test_one_changed_byte_of_the_program_is_denied(self) -> None:
        changed = self.folder / "penstockd-changed"
        shutil.copy(PENSTOCKD, changed)
        with changed.open("r+b") as file:  # a letter of a help text: it still runs
            content = file.read()
            at = content.index(b"Runs streaming SQL over topics")
            file.seek(at)
            file.write(b"r")
        self.assert_denied(self.refused_start(self.config, program=changed), "measurement")

    def test_one_changed_line_of_the_configuration_is_denied(self) -> None:
        text = self.config.read_text()
        self.assertIn("MASK_KEEP_RIGHT(card, 4)", text)
        changed = self.folder / "changed.toml"
        changed.write_text(text.replace("MASK_KEEP_RIGHT(card, 4) AS card", "card"))
        self.assert_denied(self.refused_start(changed), "config_digest")

    def test_the_host_cannot_name_another_manager(self) -> None:
        other = self.start_manager(store=self.folder / "other", listen="127.0.0.1:0")
        url, ca = self.manager_url, self.folder / "other" / "ca.pem"
        swapped = self.folder / "swapped.toml"  # the other's address, our CA: TLS does not get that far
        original = re.search(r"https://[\d.:]+", self.config.read_text()).group(0)
        swapped.write_text(self.config.read_text().replace(original, url))
        done = self.run_impatiently(swapped)
        self.assertIn("certificate", done)
        self.assertIsNone(other.poll())
        self.assertTrue(ca.exists())

    def test_a_manager_that_took_the_port_is_not_believed(self) -> None:
        port = self.manager_port()
        self.end(self.manager)
        self.start_manager(store=self.folder / "impostor", listen=f"127.0.0.1:{port}")
        self.assertIn("certificate", self.run_impatiently(self.config))

    def run_impatiently(self, config: Path) -> str:
        """Starts a server that may either end or wait for the right manager; its log after it said why."""
        log = self.folder / "impatient.log"
        with log.open("w") as out:
            server = self.start(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0", *self.attested(config),
                                stdout=out, stderr=out)
        self.wait_until(lambda: "certificate" in log.read_text() or server.poll() is not None, "an answer")
        self.assertNotIn("is ready", log.read_text())
        self.end(server)
        return log.read_text()

    def test_statements_over_the_wire_only_look(self) -> None:
        self.produce_payments(0, 10)
        self.start_attested(self.config)
        for text in ("CREATE STREAM leak WITH (KAFKA_TOPIC='leak', VALUE_FORMAT='JSON') AS SELECT * FROM payments "
                     "EMIT CHANGES;",
                     "CREATE OR REPLACE STREAM review WITH (KAFKA_TOPIC='review', VALUE_FORMAT='JSON') AS "
                     "SELECT card, amount FROM payments EMIT CHANGES;",
                     "INSERT INTO masked SELECT card, amount FROM payments EMIT CHANGES;",
                     "TERMINATE ALL;", "DROP STREAM masked;"):
            status, body = self.call("/ksql", {"ksql": text, "streamsProperties": {}})
            self.assertEqual(status, 403, body)
        for path in ("/query", "/query-stream"):
            for text in ("SELECT * FROM payments EMIT CHANGES;", "SELECT * FROM review EMIT CHANGES LIMIT 1;"):
                status, body = self.call(path, {"sql": text, "ksql": text, "properties": {}})
                self.assertGreaterEqual(status, 400, body)
                self.assertNotIn("4111", body)
        self.assertEqual(self.ksql("SHOW QUERIES;")[0]["@type"], "queries")
        status, body = self.call("/query-stream", {"sql": "SELECT * FROM masked EMIT CHANGES LIMIT 1;",
                                                   "properties": {"auto.offset.reset": "earliest"}})
        self.assertEqual(status, 200, body)

    def test_key_files_and_other_sql_are_refused_beside_a_manager(self) -> None:
        for more in (["--keys", self.key("payments-v1")], ["--sql", self.sql_file("SHOW STREAMS;")]):
            self.assertIn(more[0], self.refused_start(self.config, *more).stderr)

    def test_a_topic_prepared_by_the_host_does_not_make_a_sealed_sink_plain(self) -> None:
        # The folder comes from a run of the host's own, with a plain `review` stream in its catalogue.
        self.run_sql("CREATE STREAM review (card STRING, amount INT) WITH (KAFKA_TOPIC='review', VALUE_FORMAT='JSON', "
                     "PARTITIONS=2);")
        self.produce_payments(1000, 20)
        self.start_attested(self.config)
        self.wait_until(lambda: self.count("masked") == 20 and self.count("review") == 20, "the job")
        self.assertTrue(all("sealed_bytes" in row for row in self.consume("review")))

    def test_a_state_key_of_another_length_is_refused_with_the_line_that_replaces_it(self) -> None:
        self.put_secret("state-key/pay", "too short")
        refused = self.refused_start(self.config)
        self.assertIn("has 9 bytes, expected 32", refused.stderr)
        self.assertIn(f"penstock manager secret put --app {self.app} state-key/pay", refused.stderr)
        self.admin("secret", "remove", "--app", self.app, "state-key/pay")
        self.start_attested(self.config)  # the manager makes one

    # -- faults ---------------------------------------------------------------------------------------

    def test_it_waits_for_a_manager_that_is_away(self) -> None:
        port = self.manager_port()
        self.end(self.manager)
        log = self.folder / "waiting.log"
        with log.open("w") as out:
            server = self.start(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0",
                                *self.attested(self.config), stdout=out, stderr=out)
        self.wait_until(lambda: "manager" in log.read_text(), "saying what it waits for")
        self.assertIsNone(server.poll())
        self.start_manager(listen=f"127.0.0.1:{port}")
        self.wait_until(lambda: "is ready" in log.read_text(), "the start")
        self.assertEqual(self.terminate(server), 0)

    def test_sigterm_ends_the_waiting(self) -> None:
        self.end(self.manager)
        log = self.folder / "waiting.log"
        with log.open("w") as out:
            server = self.start(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0",
                                *self.attested(self.config), stdout=out, stderr=out)
        self.wait_until(lambda: "manager" in log.read_text(), "saying what it waits for")
        self.terminate(server)

    def test_running_queries_go_on_when_the_manager_goes_away(self) -> None:
        server = self.start_attested(self.config)
        self.end(self.manager)
        self.produce_payments(0, 500)
        self.wait_until(lambda: self.count("masked") == 500, "masking without the manager")
        self.assertIsNone(server.poll())

    def test_killed_servers_come_back_exactly_where_they_were(self) -> None:
        self.produce_payments(0, 20_000)
        for _ in range(3):
            server = self.start_attested(self.config)
            time.sleep(0.15)
            server.kill()
            server.wait()
        self.start_attested(self.config)
        self.wait_until(lambda: self.count("masked") >= 20_000, "masking")
        self.assertEqual(len({row["CARD"] for row in self.masked()}), 10_000)  # the last four digits
        self.assertEqual(self.count("masked"), 20_000)

    def test_a_manager_killed_in_the_middle_keeps_its_chain_and_its_clients(self) -> None:
        port = self.manager_port()
        for round_ in range(4):
            log = self.folder / f"round{round_}.log"
            with log.open("w") as out:
                server = self.start(PENSTOCKD, "--data", self.folder / f"data{round_}", "--listen", "127.0.0.1:0",
                                    *self.attested(self.config), stdout=out, stderr=out)
            time.sleep(0.02 * (round_ + 1))
            self.manager.send_signal(signal.SIGKILL)
            self.manager.wait()
            self.manager = self.start_manager(listen=f"127.0.0.1:{port}")
            self.wait_until(lambda: "is ready" in log.read_text(), "the start after the manager's death")
            self.end(server)
            self.penstock("audit", "verify", "--data", self.store, "--head", self.folder / "head.json")

    def test_a_store_that_was_put_back_is_noticed(self) -> None:
        head = self.folder / "head.json"
        self.penstock("audit", "verify", "--data", self.store, "--head", head)
        self.end(self.manager)
        copy = self.folder / "copy"
        shutil.copytree(self.store, copy)
        self.manager = self.start_manager()
        self.admin("app", "create", "later")
        self.penstock("audit", "verify", "--data", self.store, "--head", head)
        self.end(self.manager)
        shutil.rmtree(self.store)
        shutil.copytree(copy, self.store)
        self.manager = self.start_manager()
        for _ in range(2):  # as it was put back, and after others have made it as long as it was
            done = self.penstock("audit", "verify", "--data", self.store, "--head", head, expect=CORRUPT)
            self.assertIn("older copy", done.stderr + done.stdout)
            self.admin("app", "create", f"other{_}")
            self.admin("app", "create", f"more{_}")

    # -- reports and signed statements ----------------------------------------------------------------

    def test_penstock_attest_says_what_runs(self) -> None:
        self.start_attested(self.config)
        good = ["--binary", PENSTOCKD, "--config", self.config, "--platform-key", self.platform_key,
                "--allow-simulated"]
        done = self.penstock("attest", self.url, *good)
        self.assertIn("protects nothing", done.stdout + done.stderr)
        report = json.loads(self.penstock("attest", self.url, *good, "--json").stdout)
        self.assertTrue(all(rule["result"] == "pass" for rule in report["rules"]), report)
        measured = self.penstock("measure", PENSTOCKD).stdout
        self.assertIn(report["claims"]["measurement"], measured)
        self.penstock("attest", self.url, *good[:-1], expect=FORBIDDEN)  # simulated must be allowed
        other = self.measured_config(PAYMENTS_SQL + "-- more\n", name="other")
        self.penstock("attest", self.url, "--binary", PENSTOCKD, "--config", other, *good[4:], expect=FORBIDDEN)

    def test_a_packed_configuration_is_in_force_without_manager_and_keys(self) -> None:
        folder = self.folder / "alone"
        folder.mkdir()
        (folder / "penstock.toml").write_text(
            'service_id = "alone"\nsql = "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC=\'s\', VALUE_FORMAT=\'JSON\', '
            'PARTITIONS=1);"\n')
        packed = self.folder / "alone.initdata.toml"
        self.penstock("config", "pack", folder / "penstock.toml", "--out", packed)
        good = ["--binary", PENSTOCKD, "--platform-key", self.platform_key, "--allow-simulated"]
        server = self.start_attested(packed)
        leak = "CREATE STREAM leak AS SELECT * FROM s EMIT CHANGES;"
        self.penstock("sql", "--server", self.url, "-e", leak, expect=FORBIDDEN)
        report = self.penstock("attest", self.url, *good, "--config", packed).stdout
        self.assertRegex(report, r"mode +measured")
        self.end(server)
        for more in (["--sql", self.sql_file("SHOW STREAMS;")], ["--keys", self.key("payments-v1")],
                     ["--service", "other"], ["--kafka", "127.0.0.1:1"], ["--share"], ["--instance", "a"]):
            self.assertIn(more[0], self.refused_start(packed, *more).stderr)
        server = self.start_attested(folder / "penstock.toml")  # not packed: whoever reaches it says what runs
        self.penstock("sql", "--server", self.url, "-e", leak)
        report = self.penstock("attest", self.url, *good, expect=FORBIDDEN)
        self.assertRegex(report.stdout, r"mode +NOT measured")
        self.assertIn("any statement may run", report.stdout)

    def test_over_tls_the_evidence_is_bound_to_the_connection(self) -> None:
        ca = self.make_ca("rest-ca")
        self.issue("rest", ca, "serverAuth", "subjectAltName=IP:127.0.0.1\n")
        config = self.measured_config(name="tls", more='[rest]\ncertificate = "rest.pem"\nprivate_key = "rest.key.pem"\n')
        self.approve(config)
        self.start_attested(config)
        done = self.penstock("attest", self.url, "--ca", ca, "--binary", PENSTOCKD, "--config", config, "--platform-key",
                             self.platform_key, "--allow-simulated")
        self.assertIn("bound to this TLS connection", done.stdout)

    def test_signed_statements_run_and_survive(self) -> None:
        self.penstock("statement-key", "new", "--out", self.folder / "review")
        key, public = self.folder / "review.key.pem", self.folder / "review.pub.pem"
        config = self.measured_config(statement_key=public, name="signed")
        self.approve(config)
        server = self.start_attested(config)
        statement = ("CREATE STREAM small WITH (KAFKA_TOPIC='small', VALUE_FORMAT='JSON') AS "
                     "SELECT amount FROM masked WHERE amount < 10 EMIT CHANGES;")
        self.penstock("sql", "--server", self.url, "-e", statement, expect=FORBIDDEN)
        self.penstock("statement-key", "new", "--out", self.folder / "foreign")
        self.penstock("sql", "--server", self.url, "--sign", self.folder / "foreign.key.pem", "-e", statement,
                      expect=FORBIDDEN)
        self.penstock("sql", "--server", self.url, "--sign", key, "-e", statement)
        self.produce_payments(0, 100)
        self.wait_until(lambda: self.count("small") == 10, "the signed query")
        self.assertEqual(self.terminate(server), 0)
        self.start_attested(config)
        self.produce_payments(100, 2000)
        self.wait_until(lambda: self.count("small") == 20, "the signed query after a restart")


if __name__ == "__main__":
    unittest.main()
