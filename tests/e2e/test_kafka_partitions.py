"""A topic that gets more partitions while a query reads it, and while nobody does."""

import json
import unittest

from kafka_case import KafkaCase

SQL = """
CREATE STREAM numbers (n BIGINT) WITH (KAFKA_TOPIC='numbers', VALUE_FORMAT='JSON');
CREATE STREAM doubled WITH (KAFKA_TOPIC='doubled', VALUE_FORMAT='JSON', PARTITIONS=2, ON_ERROR='dead_letter') AS
  SELECT n * 2 AS d, 100 / n AS q FROM numbers EMIT CHANGES;
"""
KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"]  # they lie in all of up to six partitions


class AddedPartitions(KafkaCase):
    def feed(self, first: int) -> None:
        values = [{"n": first + i, "k": key} for i, key in enumerate(KEYS)]
        self.produce("numbers", values, "--key", "k")
        self.wanted += [2 * value["n"] for value in values]

    def results(self) -> list[int]:
        return sorted(value["D"] for value in self.consume("doubled"))

    def wait_for_results(self) -> None:
        self.wait_until(lambda: self.results() == sorted(self.wanted), f"{len(self.wanted)} rows", 60)

    def test_are_read_at_once_and_after_a_restart(self) -> None:
        self.wanted: list[int] = []
        self.admin.create_topic("numbers", 1)
        self.feed(1)
        file = self.sql_file(SQL)
        server = self.start_kafka_server("--sql", file)
        self.wait_for_server(server)
        self.wait_for_results()
        self.admin.add_partitions("numbers", 3)
        self.feed(101)
        self.wait_for_results()
        self.produce("numbers", [{"n": 0, "k": key} for key in KEYS], "--key", "k")  # dead letters of each
        self.wait_until(lambda: self.committed("CSAS_DOUBLED_1.dead_letters") >= len(KEYS), "dead letters")
        status = json.loads(self.call("/penstock/status")[1])
        self.assertEqual([len(query["partitions"]) for query in status["queries"]], [3], status)
        self.assertEqual(self.terminate(server), 0)

        self.admin.add_partitions("numbers", 6)
        self.feed(201)
        server = self.start_kafka_server("--sql", file)
        self.wait_for_server(server)
        self.wait_for_results()
        self.assertEqual(self.terminate(server), 0)
        self.assertEqual(self.admin.partitions("numbers"), 6)


if __name__ == "__main__":
    unittest.main()
