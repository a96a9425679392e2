"""A host that edits the segment files of a sealed topic, checksums included, and what of it is found."""

import struct
import unittest
from pathlib import Path

from harness import Case

RECORDS = 12
SEALED_START = bytes.fromhex("d08353a301030448")
SQL = """
CREATE STREAM payments (id BIGINT)
  WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', SEAL='psr1', KEY_POLICY='pay');
CREATE STREAM plain WITH (KAFKA_TOPIC='plain', VALUE_FORMAT='JSON', PARTITIONS=2) AS SELECT id FROM payments;
"""


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Segment:
    """The first batch of a partition (src/topics/batch_codec.h); the last one's checksum is kept elsewhere."""

    def __init__(self, data: Path, topic: str, partition: int) -> None:
        (self.path,) = (data / "topics" / topic / str(partition)).glob("*.seg")
        self.bytes = bytearray(self.path.read_bytes())
        lengths = struct.unpack_from("<3I", self.bytes, 40)
        count = struct.unpack_from("<H", self.bytes, 16)[0]
        flags = struct.unpack_from("<H", self.bytes, 6)[0]
        assert flags == 0, "no keys, no headers, one timestamp"
        self.end = 64 + 4 * count + sum(lengths)
        self.places = []
        at = self.bytes.find(SEALED_START)
        for _ in range(count):
            following = self.bytes.find(SEALED_START, at + 1)
            self.places.append(slice(at, following if 0 < following < self.end else self.end))
            at = following
        assert crc32c(bytes(self.bytes[64:self.end] + self.bytes[:60])) == struct.unpack_from("<I", self.bytes, 60)[0]

    def record(self, index: int) -> bytes:
        return bytes(self.bytes[self.places[index]])

    def put(self, index: int, record: bytes) -> None:
        assert len(record) == len(self.record(index))
        self.bytes[self.places[index]] = record
        struct.pack_into("<I", self.bytes, 60, crc32c(bytes(self.bytes[64:self.end] + self.bytes[:60])))
        self.path.write_bytes(self.bytes)


class EditedSegments(Case):
    def setUp(self) -> None:
        super().setUp()
        self.new_policy("pay", "payments")
        self.feed(RECORDS - 2)
        self.feed(2)
        self.parts = [Segment(self.data, "payments", partition) for partition in range(2)]

    def feed(self, count: int) -> None:
        self.produce("payments", [{"id": 100 + i, "at": 1_700_000_000_000} for i in range(count)], "--partitions", 2,
                     "--timestamp-field", "at", "--seal", "pay", "--keys", self.key("pay", "producer"))

    def run_query(self) -> dict:
        return self.run_sql(SQL, "--keys", self.key("pay"))["queries"][0]

    def reasons(self, query: dict) -> list[str]:
        return [header["value"] for row in self.consume(query["id"] + ".dead_letters", "--with-metadata")
                for header in row["headers"] if header["name"] == "penstock.reason"]

    def test_untouched_nothing_is_missing(self) -> None:
        query = self.run_query()
        self.assertEqual((query["records_out"], query["dead_letters"]), (RECORDS, 0))
        self.assertNotIn("missing_records", query)

    def test_a_record_replaced_by_its_predecessor_is_a_replay_and_a_gap(self) -> None:
        self.parts[0].put(3, self.parts[0].record(2))
        query = self.run_query()
        self.assertEqual(self.reasons(query), ["sealed_replayed"])
        self.assertEqual(query["missing_records"], {"taken_out": 1, "head": 0})
        self.assertEqual(query["records_out"], RECORDS - 1)
        done = self.penstock("consume", "--data", self.data, "--topic", "payments", "--from-beginning", "--open",
                             "--keys", self.key("pay"), expect=None)
        self.assertIn("1 sealed records are missing", done.stderr)

    def test_a_record_copied_to_the_same_place_of_another_partition_does_not_open(self) -> None:
        self.parts[1].put(3, self.parts[0].record(3))
        query = self.run_query()
        self.assertEqual(self.reasons(query), ["sealed_not_authentic"])
        self.assertEqual(query["missing_records"], {"taken_out": 1, "head": 0})


if __name__ == "__main__":
    unittest.main()
