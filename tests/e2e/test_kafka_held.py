"""Over Kafka, what a manager holds of each task: a changelog that the brokers lost or put back is noticed at the start."""

import json
import subprocess
import unittest
from pathlib import Path

from harness import PENSTOCKD, START_TIMEOUT_S, to_lines
from kafka_case import Cluster, KafkaUnavailable, speaks_kafka
from manager_case import ManagerCase

PUT_BACK = 5  # exit status of `failed_precondition`
ONE = """
CREATE STREAM orders (id INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=2);
CREATE STREAM small WITH (KAFKA_TOPIC='small', VALUE_FORMAT='JSON') AS SELECT id FROM orders WHERE id < 1000 EMIT CHANGES;
"""
TWO = ONE + """
CREATE STREAM even WITH (KAFKA_TOPIC='even', VALUE_FORMAT='JSON') AS SELECT id FROM orders WHERE id > 0 EMIT CHANGES;
"""


class HeldOnKafka(ManagerCase):
    service = "held"

    @classmethod
    def setUpClass(cls) -> None:
        if not speaks_kafka():
            raise unittest.SkipTest("this build has no --kafka")
        try:
            cls.cluster = Cluster("4.4.0", 1, "plaintext")
        except KafkaUnavailable as reason:
            raise unittest.SkipTest(f"no Kafka here: {reason}") from None
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.empty_cluster)
        self.servers = 0

    def empty_cluster(self) -> None:
        if topics := self.cluster.admin.topics():
            self.cluster.admin.delete_topics(*topics)

    def config(self, sql: str, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        (folder / "queries.sql").write_text(sql)
        (folder / "ca.pem").write_bytes(self.ca.read_bytes())
        (folder / "penstock.toml").write_text(
            f'service_id = "{self.service}"\nsql_files = ["queries.sql"]\n'
            f'[kafka]\nbootstrap = "{self.cluster.bootstrap}"\n'
            f'[manager]\nurl = "{self.manager_url}"\nca = "ca.pem"\napp = "{self.app}"\noffline_max_s = 20\n'
            '[limits]\ncommit_age_ms = 20\n')
        packed = self.folder / f"{name}.initdata.toml"
        self.penstock("config", "pack", folder / "penstock.toml", "--out", packed)
        self.approve(packed)
        return packed

    def feed(self, first: int, count: int) -> None:
        self.penstock("produce", "--kafka", self.cluster.bootstrap, "--topic", "orders", "--partitions", 2,
                      stdin=to_lines([{"ID": i} for i in range(first, first + count)]))

    def rows_of(self, topic: str) -> int:
        if topic not in self.cluster.admin.topics():
            return 0
        done = self.penstock("consume", "--kafka", self.cluster.bootstrap, "--topic", topic, "--from-beginning")
        return len(done.stdout.splitlines())

    def launch(self, config: Path) -> subprocess.Popen:
        self.servers += 1
        self.log = self.folder / f"penstockd-{self.servers}.log"
        with self.log.open("w") as out:
            return self.start(PENSTOCKD, "--listen", "127.0.0.1:0", *self.attested(config), stdout=subprocess.PIPE,
                              stderr=out)

    def ready(self, config: Path) -> subprocess.Popen:
        server = self.launch(config)
        line = server.stdout.readline()
        self.assertIn("is ready", line, self.log.read_text()[-3000:])
        return server

    def refused(self, config: Path) -> str:
        server = self.launch(config)
        self.assertEqual(server.wait(timeout=START_TIMEOUT_S), PUT_BACK, self.log.read_text()[-3000:])
        return self.log.read_text()

    def parts(self) -> dict:
        rows = json.loads(self.admin("checkpoint", "list", "--json").stdout)
        return rows[0]["checkpoint"]["parts"] if rows else {}

    def accept_loss(self) -> None:
        self.admin("checkpoint", "accept-loss", self.service, "--app", self.app, "--yes", "--owner-key",
                   self.store / "owner.key.pem")

    def changelogs(self) -> list[str]:
        return [t for t in self.cluster.admin.topics() if t.startswith(f"{self.service}.") and t.endswith(".changelog")]

    def test_a_changelog_that_is_gone_is_refused_until_the_owner_accepts_the_loss(self) -> None:
        config = self.config(ONE, "one")
        self.feed(1, 200)
        server = self.ready(config)
        self.wait_until(lambda: self.rows_of("small") == 200, "the job")
        self.assertEqual(self.terminate(server), 0)
        held = self.parts()
        self.assertEqual(len(held), 2, held)
        self.assertTrue(all(part["number"] > 0 for part in held.values()), held)
        server = self.ready(config)  # what is there is what is held
        server.kill()
        server.wait()
        self.cluster.admin.delete_topics(*self.changelogs())
        self.assertIn("accept-loss", self.refused(config))
        denial = [e for e in self.audit() if e["outcome"] == "denied"][-1]
        self.assertEqual(denial["rules"][0]["code"], "checkpoint-behind")
        self.refused(config)  # as often as it is tried
        self.accept_loss()
        server = self.ready(config)
        self.assertEqual(self.terminate(server), 0)
        self.assertIn("checkpoint.accept_loss", [e["action"] for e in self.audit()])

    def test_a_query_that_was_dropped_is_no_loss(self) -> None:
        two, one = self.config(TWO, "two"), self.config(ONE, "one")
        self.feed(1, 100)
        server = self.ready(two)
        self.wait_until(lambda: self.rows_of("small") == 100 and self.rows_of("even") == 100, "the job")
        self.assertEqual(self.terminate(server), 0)
        self.assertEqual(len(self.parts()), 4)
        server = self.ready(one)
        self.wait_until(lambda: len(self.parts()) == 2, "the manager knows that it was dropped")
        server.kill()
        server.wait()
        self.assertEqual(self.terminate(self.ready(one)), 0)


if __name__ == "__main__":
    unittest.main()
