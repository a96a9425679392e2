"""Joins over kill -9: every pair of rows exactly once, tables as they are at the end; in a folder and over Kafka.

PENSTOCK_KILL_SEED as in test_kill.py; PENSTOCK_LONG=1: 60 rounds.
"""

import random
import time
from collections import Counter

from harness import PENSTOCK, Case
from kafka_case import CATCH_UP_S, KafkaCase, rounds
from test_kill import SEED

ROUNDS = rounds(6, 60)
LINES = 60  # of each topic and round
CUSTOMERS = 13
LIFE_S = (0.1, 0.8)  # of a runner, from its start
SHARED_ROUNDS = rounds(2, 20)
SHARED_LIFE_S = (4, 8)  # tasks of a member that was killed are the others' after 6 s
FIRST_TIME_MS = 1_700_000_000_000

# pairs is read where it lies, visits moves both sides, owners goes by a foreign key, counts groups a join.
SQL = """
CREATE STREAM orders (id STRING KEY, customer STRING, n BIGINT)
  WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=3);
CREATE STREAM payments (id STRING KEY, customer STRING, m BIGINT)
  WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', PARTITIONS=3);
CREATE TABLE bills (id STRING PRIMARY KEY, customer STRING, m BIGINT)
  WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', PARTITIONS=3);
CREATE TABLE people (customer STRING PRIMARY KEY, name STRING)
  WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON', PARTITIONS=3);
CREATE STREAM pairs WITH (KAFKA_TOPIC='pairs', VALUE_FORMAT='JSON', PARTITIONS=3) AS
  SELECT o.id, n, m FROM orders o JOIN payments p WITHIN 30 DAYS ON o.id = p.id;
CREATE STREAM visits WITH (KAFKA_TOPIC='visits', VALUE_FORMAT='JSON', PARTITIONS=3) AS
  SELECT o.customer, n, m FROM orders o JOIN payments p WITHIN 30 DAYS GRACE PERIOD 30 DAYS ON o.customer = p.customer
  WHERE n % 8 = 0 AND m % 8 = 0;
CREATE TABLE owners WITH (KAFKA_TOPIC='owners', VALUE_FORMAT='JSON', PARTITIONS=3) AS
  SELECT b.id, m, name FROM bills b LEFT JOIN people c ON b.customer = c.customer;
CREATE TABLE counts WITH (KAFKA_TOPIC='counts', VALUE_FORMAT='JSON', PARTITIONS=3) AS
  SELECT o.customer, COUNT(*) AS pairs, SUM(m) AS total FROM orders o JOIN payments p WITHIN 30 DAYS ON o.id = p.id
  GROUP BY o.customer;
"""


class Joins:
    """What both logs share; self.runner() starts `penstock run`, self.finish() runs it to the end."""

    def prepare_job(self) -> None:
        self.file = self.sql_file(SQL)
        self.rng = random.Random(SEED)
        self.orders: list[dict] = []
        self.payments: list[dict] = []
        self.people: dict[str, str] = {}

    def feed(self, number: int) -> None:
        at = FIRST_TIME_MS + 1000 * number
        line = lambda name, i: {"id": f"id{self.rng.randrange(40)}", "customer": f"c{self.rng.randrange(CUSTOMERS)}",
                                name: number * LINES + i, "at": at + i}
        orders, payments = [line("n", i) for i in range(LINES)], [line("m", i) for i in range(LINES)]
        people = [{"customer": f"c{i}", "name": f"{i} in round {number}", "at": at}
                  for i in self.rng.sample(range(CUSTOMERS), 5)]
        self.orders += orders
        self.payments += payments
        self.people |= {person["customer"]: person["name"] for person in people}
        for topic, key, values in (("orders", "id", orders), ("people", "customer", people), ("payments", "id", payments)):
            self.produce(topic, values, "--partitions", 3, "--key", key, "--timestamp-field", "at")

    def kill_and_check(self) -> None:
        print(f"\n  {type(self).__name__}: {ROUNDS} rounds, PENSTOCK_KILL_SEED={SEED}", flush=True)
        for number in range(ROUNDS):
            self.feed(number)
            runner = self.runner()
            time.sleep(self.rng.uniform(*LIFE_S))
            self.assertIsNone(runner.poll(), f"round {number}: the runner ended by itself")
            self.end(runner)
        self.finish()
        self.check_streams()
        self.check_tables()

    def rows(self, topic: str) -> list[dict]:
        return self.consume(topic, "--with-metadata")

    def newest(self, topic: str) -> dict:
        return {record["key"]: record["value"] for record in self.rows(topic)}

    def check_streams(self) -> None:
        pairs = Counter((o["id"], o["n"], p["m"]) for o in self.orders for p in self.payments if o["id"] == p["id"])
        have = Counter((r["key"], r["value"]["N"], r["value"]["M"]) for r in self.rows("pairs"))
        self.assertEqual(have, pairs)
        visits = Counter((o["customer"], o["n"], p["m"]) for o in self.orders for p in self.payments
                         if o["customer"] == p["customer"] and o["n"] % 8 == 0 and p["m"] % 8 == 0)
        have = Counter((r["key"], r["value"]["N"], r["value"]["M"]) for r in self.rows("visits"))
        self.assertEqual(have, visits)

    def check_tables(self) -> None:
        last = {p["id"]: {"M": p["m"], "NAME": self.people.get(p["customer"])} for p in self.payments}
        self.assertEqual(self.newest("owners"), last)
        counts: dict[str, dict] = {}
        for order in self.orders:
            for payment in self.payments:
                if order["id"] == payment["id"]:
                    group = counts.setdefault(order["customer"], {"PAIRS": 0, "TOTAL": 0})
                    group["PAIRS"] += 1
                    group["TOTAL"] += payment["m"]
        self.assertEqual(self.newest("counts"), counts)


class InAFolder(Joins, Case):
    def runner(self):
        return self.start(PENSTOCK, "run", "--data", self.data, "--threads", 2, "--commit-ms", 5, self.file)

    def finish(self) -> None:
        self.penstock("run", "--data", self.data, "--until-end", self.file)

    def test_killed_runners_lose_and_double_nothing(self) -> None:
        self.prepare_job()
        self.kill_and_check()


class Shared(Joins, KafkaCase):
    """Two processes share the tasks of all stages; in each round one is killed, and another comes."""

    def member(self, name: str):
        return self.start_kafka_server("--threads", 2, "--share", "--instance", name, "--session-ms", 6000, "--sql", self.file,
                                       log=self.folder / f"penstockd-{name}.log")

    def is_settled(self) -> bool:
        try:
            self.check_streams()
            self.check_tables()
        except AssertionError:
            return False
        return True

    def test_killed_members_lose_and_double_nothing(self) -> None:
        self.prepare_job()
        print(f"\n  {type(self).__name__}: {SHARED_ROUNDS} rounds, PENSTOCK_KILL_SEED={SEED}", flush=True)
        self.feed(0)
        members = [self.member("a"), self.member("b")]
        for number in range(1, SHARED_ROUNDS + 1):
            time.sleep(self.rng.uniform(*SHARED_LIFE_S))
            self.feed(number)
            time.sleep(self.rng.uniform(0, 0.5))
            self.end(members.pop(self.rng.randrange(2)))
            members.append(self.member(f"c{number}"))
        self.wait_until(self.is_settled, "all pairs, and tables as they are at the end", CATCH_UP_S)
        for member in members:
            self.terminate(member)
        self.check_streams()
        self.check_tables()


class OverKafka(Joins, KafkaCase):
    def runner(self):
        return self.start(PENSTOCK, "run", *self.where(), "--service", self.service, "--threads", 2, self.file)

    def finish(self) -> None:
        self.run_to_end(self.file)

    def test_killed_runners_lose_and_double_nothing(self) -> None:
        self.prepare_job()
        self.kill_and_check()
