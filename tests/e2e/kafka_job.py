"""The job that Kafka's tests disturb, and what must come out of it: the rows of an undisturbed run on files, once each.

Two queries feed `merged`; `vault` is sealed. Rows keep the name of their query in VIA.
"""

import base64
import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path

from kafka_case import CATCH_UP_S, PENSTOCK, FollowingProducer, KafkaCase
from kafka.foreign import foreign_consume  # kafka_case has set the path
from test_kill import FIRST_TIME_MS, SEED, SQL, row_of

PARTITIONS = 2
SEALED_START = b"\xd0\x83\x53"  # docs/psr-1.md: a tagged record with 19 protected bytes
LOOK_AGAIN_S = 0.3  # a look is a program of its own
CARD_RANGE = "41111100000"


class JobCase(KafkaCase):
    def setUp(self) -> None:
        super().setUp()
        self.new_policy("in", "input")
        self.new_policy("out", "vault")
        self.server_keys = self.combine_keys(self.key("in", "reader"), self.key("out", "producer"))
        self.file = self.sql_file(SQL)
        self.rng = random.Random(SEED)
        self.made: list[dict] = []

    # -- input ----------------------------------------------------------------------------------

    def new_values(self, count: int) -> list[dict]:
        first = len(self.made)
        values = [{"k": f"k{i % 11}", "id": i, "text": f"Card {CARD_RANGE}{i:05}", "at": FIRST_TIME_MS + i}
                  for i in range(first, first + count)]
        self.made += values
        return values

    def seal_options(self) -> list:
        return ["--key", "k", "--timestamp-field", "at", "--commit-lines", 16, "--seal", "in", "--keys",
                self.key("in", "producer")]

    def feed(self, values: list[dict], data: Path | None = None) -> None:
        self.produce("input", values, "--partitions", PARTITIONS, *self.seal_options(), data=data)

    def start_producer(self, where: list | None = None) -> FollowingProducer:
        self.feed([])  # the topic
        return FollowingProducer(self, "input", *self.seal_options(), where=where)

    # -- runners --------------------------------------------------------------------------------

    def start_job(self, *more: object, **also) -> subprocess.Popen:
        return self.start_kafka_server("--threads", 2, "--keys", self.server_keys, "--sql", self.file, *more, **also)

    def start_runner(self) -> subprocess.Popen:
        """penstockd or penstock run, by chance."""
        if self.rng.random() < 0.5:
            return self.start_job()
        log = self.folder / "runners.log"
        with log.open("a") as stderr:
            runner = self.start(PENSTOCK, "run", *self.where(), "--service", self.service, "--threads", 2, "--keys",
                                self.server_keys, "--commit-ms", 20, "--commit-records", 25, self.file, stderr=stderr)
        runner.log = log
        return runner

    def check_lives(self, process: subprocess.Popen, when: str) -> None:
        self.assertIsNone(process.poll(), f"{when}: it ended by itself\n{process.log.read_text()[-4000:]}")

    def finish(self, data: Path | None = None) -> dict:
        return self.run_to_end(self.file, "--keys", self.server_keys, data=data)

    # -- outputs --------------------------------------------------------------------------------

    def input_of(self, data: Path | None = None) -> list[dict]:
        return self.consume("input", "--with-metadata", "--open", "--keys", self.key("in", "reader"), data=data)

    def outputs_of(self, data: Path | None = None) -> dict[str, list[dict]]:
        return {"merged": self.consume("merged", "--with-metadata", data=data),
                "vault": self.consume("vault", "--with-metadata", "--open", "--keys", self.key("out", "reader"),
                                      data=data)}

    def undisturbed(self) -> dict[str, list[dict]]:
        """The same lines through files."""
        data = self.folder / "undisturbed"
        self.feed(self.made, data)
        self.finish(data)
        return self.outputs_of(data)

    def check_outputs(self) -> None:
        """Call at the end: finishes what is left, then compares."""
        self.finish()
        self.wait_until_decided("merged", "vault")
        ids = Counter(record["value"]["id"] for record in self.input_of())
        self.assertEqual(ids, Counter(range(len(self.made))), "lines lost or doubled on the way in")
        want, have = self.undisturbed(), self.outputs_of()
        self.assertEqual(len(want["vault"]), sum(v["id"] % 2 == 0 for v in self.made))
        self.assertEqual(len(want["merged"]), len(self.made) + sum(v["id"] % 3 != 1 for v in self.made))
        for topic in want:
            self.check_same_rows(topic, want[topic], have[topic])
            self.check_order(topic, have[topic])
        for topic in self.topic_names():
            if topic.endswith(".dead_letters"):
                self.assertEqual(self.consume(topic), [], topic)
        self.check_sequences("input", "vault")

    def check_same_rows(self, topic: str, want: list[dict], have: list[dict]) -> None:
        wanted, found = Counter(map(row_of, want)), Counter(map(row_of, have))
        doubled = sorted((found - wanted).elements())
        lost = sorted((wanted - found).elements())
        self.assertFalse(doubled or lost,
                         f"{topic}: {len(doubled)} rows too many {doubled[:10]}, {len(lost)} lost {lost[:10]}")

    def check_order(self, topic: str, have: list[dict]) -> None:
        """The rows of one source partition, query and output partition are in the order of their source."""
        place_of = {r["value"]["id"]: (r["partition"], r["offset"]) for r in self.input_of()}
        last: dict[tuple, int] = {}
        for record in have:
            source, offset = place_of[record["value"]["ID"]]
            lane = (record["partition"], record["value"]["VIA"], source)
            self.assertLess(last.get(lane, -1), offset, f"{topic}: order within {lane} at offset {record['offset']}")
            last[lane] = offset

    def check_sequences(self, *topics: str) -> None:
        """No (epoch, partition, sequence) was used twice, not even by what was aborted: it would be a nonce used twice."""
        seen: dict[bytes, tuple] = {}
        for record in foreign_consume(self.cluster, *topics, isolation_level="read_uncommitted"):
            raw = base64.b64decode(record["raw"])
            place = (record["topic"], record["partition"], record["offset"])
            self.assertEqual(raw[:3], SEALED_START, f"{place}: a record that is not sealed")
            nonce = raw[3:22] + record["partition"].to_bytes(4, "big")  # each partition has its own sequence
            self.assertNotIn(nonce, seen, f"{place} repeats epoch and sequence of {seen.get(nonce)}")
            seen[nonce] = place

    # -- load -----------------------------------------------------------------------------------

    def keep_feeding(self, producer: FollowingProducer, seconds: float, per_second: int = 200) -> None:
        """Lines at a steady rate for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            producer.write(self.new_values(max(1, per_second // 20)))
            time.sleep(0.05)

    def wait_until_caught_up(self, seconds: float = CATCH_UP_S) -> None:
        """All lines that were made have come out (of the sealed sink)."""
        wanted = sum(value["id"] % 2 == 0 for value in self.made)
        deadline = time.monotonic() + seconds
        while (found := len(self.consume("vault"))) < wanted:
            if time.monotonic() > deadline:
                self.fail(f"{found} of {wanted} rows in vault after {seconds} s; {self.where_rows_are()}")
            time.sleep(LOOK_AGAIN_S)

    def where_rows_are(self) -> str:
        """Read by who waits in vain: what has come in, what is decided, how far the queries are."""
        places = [f"{len(self.input_of())} of {len(self.made)} rows in input"]
        for topic in ("input", "merged", "vault"):
            for partition in range(self.admin.partitions(topic)):
                committed, all_of_it = (self.admin.offsets(topic, partition, only)[1] for only in (True, False))
                places.append(f"{topic}/{partition}: {committed} of {all_of_it} decided")
        if hasattr(self, "url"):
            places.append(self.penstock("status", "--server", self.url, expect=None).stdout)
        return "\n".join(places)
