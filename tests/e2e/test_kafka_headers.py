"""Headers of records that others wrote, and records with more of them, or larger, than we take."""

import base64
import json
import unittest

from kafka_case import KafkaCase
from kafka.foreign import foreign_consume, foreign_produce

MIXED = [("trace", b"1"), ("trace", None), ("trace", b"1"), ("bin", b"\x01\xff"), ("penstock.reason", b"none")]
MANY = [("n", str(i).encode()) for i in range(300)]
LARGE = 4 << 20
COPY = """
CREATE STREAM numbers (n BIGINT) WITH (KAFKA_TOPIC='in', VALUE_FORMAT='JSON');
CREATE STREAM copy WITH (KAFKA_TOPIC='out', VALUE_FORMAT='JSON') AS SELECT n FROM numbers WHERE n > 0 EMIT CHANGES;
"""


def as_printed(headers: list) -> list:
    def one(name: str, value: bytes | None) -> dict:
        if value is None or value.isascii() and value.decode().isprintable():
            return {"name": name, "value": value if value is None else value.decode()}
        return {"name": name, "value_base64": base64.b64encode(value).decode()}

    return [one(*header) for header in headers]


def carried_on(headers: list) -> list:
    return [("foreign." + name if name.startswith("penstock.") else name, value) for name, value in headers]


class Headers(KafkaCase):
    def setUp(self) -> None:
        super().setUp()
        self.admin.create_topic("in", max_message_bytes=LARGE)

    def put(self, *records: tuple) -> None:
        foreign_produce(self.cluster, "in", list(records), max_request_size=LARGE, buffer_memory=8 * LARGE)

    def test_they_are_printed_and_passed_on_whole(self) -> None:
        self.put((None, '{"n":1}', MIXED), (None, '{"n":-1}', MANY[:5]), (None, '{"n":2}'), (None, '{"n":3}', MANY[:256]))
        rows = self.consume("in", "--with-metadata")
        self.assertEqual(rows[0]["headers"], as_printed(MIXED))
        self.assertNotIn("headers", rows[2])
        self.run_to_end(self.sql_file(COPY))
        rows = foreign_consume(self.cluster, "out")
        seen = [[(name, value if value is None else base64.b64decode(value)) for name, value in row["header_list"]]
                for row in rows]
        self.assertEqual([json.loads(row["value"])["N"] for row in rows], [1, 2, 3])
        self.assertEqual(seen, [carried_on(MIXED), [], MANY[:256]])

    def test_a_record_beyond_the_limits_is_a_dead_letter_and_the_query_goes_on(self) -> None:
        large = json.dumps({"n": 2, "pad": "x" * (1 << 20)})
        self.put((None, '{"n":1}', MANY), (None, large), (None, '{"n":3}', [("h", b"x" * (2 << 20))]),
                 (None, "{", MIXED), (None, '{"n":4}'))
        self.assertEqual(self.consume("in", "--with-metadata")[0]["headers"], as_printed(MANY))
        query = self.run_to_end(self.sql_file(COPY))["queries"][0]
        self.assertEqual([row["N"] for row in self.consume("out")], [4])
        letters = self.consume(query["id"] + ".dead_letters", "--with-metadata")
        ours = [{header["name"]: header["value"] for header in letter["headers"]
                 if header["name"].startswith("penstock.")} for letter in letters]
        self.assertEqual([(of["penstock.reason"], of.get("penstock.omitted"), of.get("penstock.headers_truncated"))
                          for of in ours],
                         [("too_many_headers", None, "52"), ("record_too_large", "value", None),
                          ("record_too_large", None, "1"), ("malformed_json", None, None)])
        self.assertEqual([letter["value"] for letter in letters[:3:2]], [{"n": 1}, {"n": 3}])
        self.assertEqual(letters[0]["headers"][6:-1], as_printed(MANY[:248]))
        self.assertEqual(letters[3]["headers"][6:], as_printed(carried_on(MIXED)))
        self.put((None, '{"n":5}'))
        self.run_to_end(self.sql_file(COPY))
        self.assertEqual([row["N"] for row in self.consume("out")], [4, 5])


if __name__ == "__main__":
    unittest.main()
