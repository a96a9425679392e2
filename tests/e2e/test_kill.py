"""Kill -9 at random points: what comes out equals an undisturbed run over the same input, exactly once.

PENSTOCK_KILL_ROUNDS (default 100) and PENSTOCK_KILL_SEED (default: random; it is printed).
"""

import json
import os
import random
import shutil
import subprocess
import time
import unittest
from collections import Counter
from pathlib import Path

from harness import COMMAND_TIMEOUT_S, PENSTOCK, PENSTOCKD, Case, to_lines

ROUNDS = int(os.environ.get("PENSTOCK_KILL_ROUNDS", "100"))
SEED = int(os.environ.get("PENSTOCK_KILL_SEED", str(time.time_ns() % 1_000_000)))
LIVE_ROUNDS = max(1, ROUNDS // 5)  # of the test whose producer lives through the kills
LINES_PER_ROUND = 40
LIFE_S = (0.02, 0.3)  # of a runner, from its start
BUSY_LIFE_S = (0.0, 0.1)  # from the moment it holds the folder
FIRST_TIME_MS = 1_700_000_000_000

# Two queries feed `merged`; `vault` is sealed. Records that both queries take keep their names by `via`.
SQL = """
CREATE STREAM input (k STRING KEY, id BIGINT, text STRING)
  WITH (KAFKA_TOPIC='input', VALUE_FORMAT='JSON', PARTITIONS=2, SEAL='psr1', KEY_POLICY='in');
CREATE STREAM merged (k STRING KEY, via STRING, id BIGINT, text STRING)
  WITH (KAFKA_TOPIC='merged', VALUE_FORMAT='JSON', PARTITIONS=2);
INSERT INTO merged SELECT k, 'upper' AS via, id, UCASE(text) AS text FROM input EMIT CHANGES;
INSERT INTO merged SELECT k, 'lower' AS via, id, LCASE(text) AS text FROM input WHERE id % 3 <> 1 EMIT CHANGES;
CREATE STREAM vault WITH (KAFKA_TOPIC='vault', VALUE_FORMAT='JSON', PARTITIONS=2,
                          SEAL='psr1', KEY_POLICY='out') AS
  SELECT k, 'vault' AS via, id, text FROM input WHERE id % 2 = 0 EMIT CHANGES;
"""


def row_of(record: dict) -> tuple:
    value = record["value"]
    return (value["VIA"], value["ID"], value["TEXT"], record.get("key"), record["timestamp"])


class KillTest(Case):
    def setUp(self) -> None:
        super().setUp()
        self.new_policy("in", "input")
        self.new_policy("out", "vault")
        self.server_keys = self.combine_keys(self.key("in", "reader"), self.key("out", "producer"))
        self.file = self.sql_file(SQL)
        self.log = self.folder / "runners.log"
        self.rng = random.Random(SEED)
        self.made: list[dict] = []
        self.lived = Counter()

    # -- input ----------------------------------------------------------------------------------

    def new_values(self) -> list[dict]:
        first = len(self.made)
        values = [{"k": f"k{i % 11}", "id": i, "text": f"Line {i}", "at": FIRST_TIME_MS + i}
                  for i in range(first, first + LINES_PER_ROUND)]
        self.made += values
        return values

    def feed(self, values: list[dict], data: Path) -> None:
        self.produce("input", values, "--partitions", 2, "--key", "k", "--timestamp-field", "at", "--commit-lines",
                     16, "--seal", "in", "--keys", self.key("in", "producer"), data=data)

    # -- runners --------------------------------------------------------------------------------

    def start_runner(self) -> subprocess.Popen:
        with self.log.open("a") as log:
            if PENSTOCKD.exists() and self.rng.random() < 0.5:
                self.lived["penstockd"] += 1
                return self.start(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0", "--threads", 2, "--keys",
                                  self.server_keys, "--sql", self.file, stderr=log)
            self.lived["penstock run"] += 1
            return self.start(PENSTOCK, "run", "--data", self.data, "--threads", 2, "--keys", self.server_keys,
                              "--commit-ms", 5, "--commit-records", 25, self.file, stderr=log)

    def one_round(self, number: int) -> None:
        through_holder = self.rng.random() < 0.3
        if not through_holder and (number == 0 or self.rng.random() < 0.6):
            self.feed(self.new_values(), self.data)
        runner = self.start_runner()
        if through_holder:
            self.wait_for_holder(runner)
            self.feed(self.new_values(), self.data)  # ends before the kill: its count is certain
            self.lived["fed through the holder"] += 1
            time.sleep(self.rng.uniform(*BUSY_LIFE_S))
        elif self.rng.random() < 0.5:
            self.wait_for_holder(runner)
            time.sleep(self.rng.uniform(*BUSY_LIFE_S))
        else:
            time.sleep(self.rng.uniform(*LIFE_S))
        self.assertIsNone(runner.poll(), f"round {number}: the runner ended by itself\n" +
                          self.log.read_text()[-4000:])
        self.end(runner)

    def finish(self, data: Path) -> None:
        done = self.penstock("run", "--data", data, "--until-end", "--json", "--keys", self.server_keys, self.file)
        for query in json.loads(done.stdout)["queries"]:  # kills leave no holes in what was sealed
            self.assertNotIn("missing_records", query)

    # -- outputs --------------------------------------------------------------------------------

    def input_of(self, data: Path) -> list[dict]:
        return self.consume("input", "--with-metadata", "--open", "--keys", self.key("in", "reader"), data=data)

    def outputs_of(self, data: Path) -> dict[str, list[dict]]:
        return {"merged": self.consume("merged", "--with-metadata", data=data),
                "vault": self.consume("vault", "--with-metadata", "--open", "--keys", self.key("out", "reader"),
                                      data=data)}

    def undisturbed(self) -> dict[str, list[dict]]:
        """The same lines into a fresh folder, of which a copy is worked on once."""
        source, copy = self.folder / "source", self.folder / "copy"
        self.feed(self.made, source)
        places = [[(r["partition"], r["offset"], r["timestamp"], r["value"]) for r in self.input_of(folder)]
                  for folder in (source, self.data)]
        self.assertEqual(sorted(places[0], key=lambda p: p[:2]), sorted(places[1], key=lambda p: p[:2]),
                         "the input topic of the killed runs is not what was produced")
        shutil.copytree(source, copy)
        self.finish(copy)
        return self.outputs_of(copy)

    def check_outputs(self, want: dict[str, list[dict]]) -> None:
        have = self.outputs_of(self.data)
        place_of = {r["value"]["id"]: (r["partition"], r["offset"]) for r in self.input_of(self.data)}
        self.assertEqual(len(place_of), len(self.made))
        self.assertEqual(len(want["vault"]), sum(v["id"] % 2 == 0 for v in self.made))
        self.assertEqual(len(want["merged"]), len(self.made) + sum(v["id"] % 3 != 1 for v in self.made))
        for topic in want:
            self.check_same_rows(topic, want[topic], have[topic])
            self.check_order(topic, have[topic], place_of)
        for topic in self.topic_names():
            if topic.endswith(".dead_letters"):
                self.assertEqual(self.consume(topic), [], topic)

    def check_same_rows(self, topic: str, want: list[dict], have: list[dict]) -> None:
        wanted, found = Counter(map(row_of, want)), Counter(map(row_of, have))
        doubled = sorted((found - wanted).elements())
        lost = sorted((wanted - found).elements())
        self.assertFalse(doubled or lost,
                         f"{topic}: {len(doubled)} rows too many {doubled[:10]}, {len(lost)} lost {lost[:10]}")

    def check_order(self, topic: str, have: list[dict], place_of: dict[int, tuple[int, int]]) -> None:
        """The rows of one source partition, query and output partition are in the order of their offsets."""
        last: dict[tuple, int] = {}
        for record in have:
            source, offset = place_of[record["value"]["ID"]]
            lane = (record["partition"], record["value"]["VIA"], source)
            self.assertLess(last.get(lane, -1), offset, f"{topic}: order within {lane} at offset {record['offset']}")
            last[lane] = offset

    def test_outputs_equal_the_undisturbed_run_exactly_once(self) -> None:
        print(f"\n  kill test: {ROUNDS} rounds, PENSTOCK_KILL_SEED={SEED}", flush=True)
        began = time.monotonic()
        for number in range(ROUNDS):
            self.one_round(number)
        before = {topic: 0 for topic in ("merged", "vault")}
        for topic in before.keys() & set(self.topic_names()):
            before[topic] = len(self.consume(topic, "--with-metadata"))
        print(f"  {time.monotonic() - began:.0f} s, {dict(self.lived)}; {len(self.made)} records in; rows written "
              f"between the kills: {before}", flush=True)
        self.finish(self.data)
        self.check_outputs(self.undisturbed())
        if ROUNDS >= 20:
            self.assertGreater(before["merged"], 0, "no runner lived long enough to commit: this proved nothing")

    def test_a_producer_that_outlives_the_holders_writes_every_line_once(self) -> None:
        print(f"\n  kill test with a live producer: {LIVE_ROUNDS} rounds, PENSTOCK_KILL_SEED={SEED}", flush=True)
        self.feed([], self.data)
        runner = self.start_runner()
        self.wait_for_holder(runner)
        with self.log.open("a") as log:
            producer = self.start(PENSTOCK, "produce", "--data", self.data, "--topic", "input", "--key", "k",
                                  "--timestamp-field", "at", "--commit-lines", 16, "--seal", "in", "--keys",
                                  self.key("in", "producer"), stdin=subprocess.PIPE, stderr=log)
        for number in range(LIVE_ROUNDS):
            producer.stdin.write(to_lines(self.new_values()))
            producer.stdin.flush()
            if number == 0:  # before it is connected, the producer would take a free folder for itself
                self.wait_until(lambda: self.consume("input"), "the producer's first commit")
            time.sleep(self.rng.uniform(*BUSY_LIFE_S))
            self.assertIsNone(runner.poll(), f"round {number}: the runner ended by itself\n" +
                              self.log.read_text()[-4000:])
            self.end(runner)
            runner = self.start_runner()
            self.wait_for_holder(runner)
        producer.communicate(timeout=COMMAND_TIMEOUT_S)
        self.assertEqual(producer.returncode, 0, self.log.read_text()[-4000:])
        self.end(runner)
        ids = Counter(record["value"]["id"] for record in self.input_of(self.data))
        self.assertEqual(ids, Counter(range(len(self.made))), "lines lost or doubled by the producer")
        self.finish(self.data)
        self.check_outputs(self.undisturbed())


if __name__ == "__main__":
    unittest.main()
