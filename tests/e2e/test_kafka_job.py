"""The payments example over Kafka: the same as on files, on both versions, and readable and writable by others."""

import json
import re
import shutil
import subprocess
import sys
import unittest
from collections import Counter

from harness import SOURCE
from kafka_case import Cluster, KafkaCase, rounds
from kafka.foreign import foreign_consume, foreign_produce, foreign_transaction

EXAMPLE = SOURCE / "examples" / "payments"
COUNT = 2000
POLICIES = (("payments-v1", "payments"), ("review-v1", "payments_review"))


class PaymentsCase(KafkaCase):
    def setUp(self) -> None:
        super().setUp()
        for policy, topic in POLICIES:
            self.new_policy(policy, topic)
        self.server_keys = self.combine_keys(self.key("payments-v1", "reader"), self.key("review-v1", "producer"))
        made = subprocess.run([sys.executable, EXAMPLE / "generate.py", "--count", str(COUNT)], capture_output=True,
                              text=True, check=True).stdout
        self.payments = [json.loads(line) for line in made.splitlines()]

    def run_payments(self, data=None) -> None:
        self.produce("payments", self.payments, "--partitions", 2, "--seal", "payments-v1", "--keys",
                     self.key("payments-v1", "producer"), data=data)
        self.run_to_end(EXAMPLE / "payments.sql", "--keys", self.server_keys, data=data)

    def outputs(self, data=None) -> dict[str, Counter]:
        rows = {"payments_masked": self.consume("payments_masked", data=data),
                "payments_review": self.consume("payments_review", "--open", "--keys",
                                                self.key("review-v1", "reader"), data=data)}
        return {topic: Counter(json.dumps(row, sort_keys=True) for row in found) for topic, found in rows.items()}


class SameJob:
    """On a cluster of the class's version."""

    def test_the_outputs_are_those_of_files(self) -> None:
        self.run_payments()
        self.run_payments(self.data)
        outputs = self.outputs()
        self.assertEqual(outputs, self.outputs(self.data))
        self.assertEqual(sum(outputs["payments_masked"].values()), COUNT)
        self.check_foreign_readers(outputs["payments_masked"])
        self.check_files_hold_no_card()

    def check_foreign_readers(self, masked: Counter) -> None:
        java = [json.loads(record["value"]) for record in foreign_consume(self.cluster, "payments_masked")]
        self.assertEqual(Counter(json.dumps(row, sort_keys=True) for row in java), masked)
        if shutil.which("kcat") is None:
            print("\n  kcat is not installed: it was not asked to read", flush=True)
            return
        done = subprocess.run(["kcat", "-C", "-q", "-e", "-b", self.cluster.plain_bootstrap, "-t", "payments_masked"],
                              capture_output=True, text=True, timeout=60)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(Counter(json.dumps(row, sort_keys=True) for row in rows), masked, done.stderr)

    def check_files_hold_no_card(self) -> None:
        files = [path.read_bytes() for path in self.cluster.log_files()]
        self.assertTrue(any(b"Bike Works" in text for text in files), "the plain topic is not there: nothing is proven")
        cards = {payment["card"].encode() for payment in self.payments}
        self.assertEqual([found for text in files for found in re.findall(rb"\d{16}", text) if found in cards], [])

    def test_a_second_run_goes_on_where_the_first_stopped(self) -> None:
        self.run_payments()
        second = self.run_to_end(EXAMPLE / "payments.sql", "--keys", self.server_keys)
        self.assertEqual([query["records_in"] for query in second["queries"]], [0, 0])
        self.run_payments()
        self.assertEqual(sum(self.outputs()["payments_masked"].values()), 2 * COUNT)


class Kafka440(SameJob, PaymentsCase):
    version = "4.4.0"


class Kafka392(SameJob, PaymentsCase):
    version = "3.9.2"


class FreshBroker(KafkaCase):
    """Its coordinators of groups and transactions are loading while the first programs come."""

    @classmethod
    def start_cluster(cls) -> None:
        """Each round has its own."""

    def empty_cluster(self) -> None:
        """Gone."""

    def test_the_first_program_waits_for_what_is_loading(self) -> None:
        self.new_policy("payments-v1", "payments")
        for _ in range(rounds(2, 10)):
            type(self).cluster = Cluster(self.version)
            with self.cluster.start(coordinators=False):
                self.produce("payments", [{"card": str(i)} for i in range(100)], "--seal", "payments-v1", "--keys",
                             self.key("payments-v1", "producer"))
                rows = self.consume("payments", "--open", "--keys", self.key("payments-v1", "reader"))
                self.assertEqual(len(rows), 100)


class ForeignPeers(KafkaCase):
    KEYS = [f"key-{i}" for i in range(200)] + ["", "é", "日本", "k" * 300]

    def test_a_java_producer_puts_keys_where_we_do(self) -> None:
        self.produce("ours", [{"k": key} for key in self.KEYS], "--partitions", 7, "--key", "k")
        ours = {row["key"]: row["partition"] for row in self.consume("ours", "--with-metadata")}
        self.admin.create_topic("theirs", 7)
        theirs = {row["key"]: row["partition"] for row in
                  foreign_produce(self.cluster, "theirs", [(key, "{}") for key in self.KEYS])}
        self.assertEqual(ours, theirs)
        self.assertEqual({row["key"]: row["partition"] for row in foreign_consume(self.cluster, "ours")}, ours)

    def test_sql_reads_what_a_java_producer_wrote(self) -> None:
        self.admin.create_topic("people", 3)
        foreign_produce(self.cluster, "people", [(f"k{i}", json.dumps({"id": i, "name": f"Zoë {i}"}))
                                                 for i in range(500)])
        self.run_to_end(self.sql_file("""
CREATE STREAM people (k STRING KEY, id BIGINT, name STRING) WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON');
CREATE STREAM loud WITH (KAFKA_TOPIC='loud', VALUE_FORMAT='JSON') AS
  SELECT k, id, UCASE(name) AS name FROM people EMIT CHANGES;
"""))
        rows = foreign_consume(self.cluster, "loud")
        self.assertEqual(sorted((row["key"], json.loads(row["value"])["NAME"]) for row in rows),
                         sorted((f"k{i}", f"ZOË {i}") for i in range(500)))

    def test_an_open_transaction_is_named(self) -> None:
        self.produce("held", [{"id": 1}])
        sql = self.sql_file("""
CREATE STREAM held (id BIGINT) WITH (KAFKA_TOPIC='held', VALUE_FORMAT='JSON');
CREATE STREAM copied WITH (KAFKA_TOPIC='copied', VALUE_FORMAT='JSON') AS SELECT id FROM held;
""")
        named = r"\d+ offsets from \d+ on wait behind an open transaction of producer \d+, whose first record is of 20\d\d-"
        with foreign_transaction(self.cluster, "held", ['{"id": 2}', '{"id": 3}']):
            self.produce("held", [{"id": 4}])
            shown = self.penstock("topics", "describe", *self.where(), "--topic", "held").stdout
            self.assertRegex(shown, "partition 0: " + named)
            done = self.penstock("run", *self.where(), "--service", self.service, "--until-end", sql)
            self.assertRegex(done.stderr, "partition 0: " + named)
            self.wait_for_server(self.start_kafka_server("--sql", sql))
            self.wait_until(lambda: "undecided" in self.call("/penstock/status")[1], "the status names it")
            self.assertRegex(self.penstock("status", "--server", self.url).stdout, "WAITING .*" + named)
        self.wait_until(lambda: len(self.consume("copied")) == 2, "what was behind it is read")
        self.assertNotIn("undecided", self.call("/penstock/status")[1])
        self.assertEqual([row["ID"] for row in self.consume("copied")], [1, 4])


if __name__ == "__main__":
    unittest.main()
