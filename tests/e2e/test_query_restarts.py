"""Queries that are ended and started again write what one that was never ended writes: on files and on Kafka."""

import unittest

from kafka_case import KafkaCase

SQL = """
CREATE STREAM visits (id STRING KEY, shop STRING, n BIGINT, at BIGINT)
  WITH (KAFKA_TOPIC='visits', VALUE_FORMAT='JSON', PARTITIONS=1, TIMESTAMP='AT');
CREATE STREAM lines AS SELECT id, UCASE(shop) AS shop, n * 2 AS twice, at FROM visits WHERE n <> 5;
CREATE TABLE shops WITH (PARTITIONS=1) AS
  SELECT shop, COUNT(*) AS c, SUM(n) AS total, COUNT_DISTINCT(id) AS ids, LATEST_BY_OFFSET(n, 2) AS newest
  FROM visits GROUP BY shop HAVING COUNT(*) > 1;
CREATE TABLE hours WITH (PARTITIONS=1) AS
  SELECT shop, COUNT(*) AS c FROM visits WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 0 SECONDS) GROUP BY shop EMIT FINAL;
CREATE TABLE stays WITH (PARTITIONS=1) AS
  SELECT shop, COUNT(*) AS c, EARLIEST_BY_OFFSET(n) AS first, MAX(n) AS most
  FROM visits WINDOW SESSION (20 SECONDS) GROUP BY shop;
CREATE TABLE sizes WITH (PARTITIONS=1) AS SELECT c, COUNT(*) AS shops FROM shops GROUP BY c;
"""
TOPICS = ("LINES", "SHOPS", "HOURS", "STAYS", "SIZES")
STEP_MS = 7000
COUNT = 90


def visits(begin: int, end: int) -> list[dict]:
    """Every tenth comes late, so that sessions meet."""
    return [{"id": f"v{i % 11}", "shop": f"s{i * i % 4}", "n": i,
             "at": 100_000 + (i if i % 10 else max(i - 3, 0)) * STEP_MS} for i in range(begin, end)]


class Restarts(KafkaCase):
    def newest(self, topic: str, data=None) -> dict:
        """What each key (a window is part of it) has in the end; groups that went are left out."""
        rows = self.consume(topic, "--with-metadata", data=data)
        newest = {row.get("key", row.get("key_base64")): row["value"] for row in rows}
        return {key: value for key, value in newest.items() if value is not None and value.get("SHOPS") != 0}

    def run_in_parts(self, parts: list[tuple[int, int]], data=None) -> dict[str, dict]:
        file = self.sql_file(SQL)
        for begin, end in parts:
            self.produce("visits", visits(begin, end), "--key", "id", *(["--partitions", 1] if begin == 0 else []),
                         data=data)
            self.run_to_end(file, data=data)
        return {topic: self.newest(topic, data) for topic in TOPICS}

    def test_parts_give_what_the_whole_gives(self) -> None:
        whole = self.run_in_parts([(0, COUNT)], data=self.folder / "whole")
        for topic in TOPICS:
            self.assertTrue(whole[topic], f"{topic} is empty: nothing is proven")
        parts = [(0, 13), (13, 14), (14, 60), (60, COUNT)]
        self.assertEqual(self.run_in_parts(parts, data=self.folder / "parts"), whole)
        self.assertEqual(self.run_in_parts(parts), whole)


if __name__ == "__main__":
    unittest.main()
