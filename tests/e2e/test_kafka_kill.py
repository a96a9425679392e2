"""Processes that die over Kafka: penstockd, the broker, one of three brokers. Every row comes out exactly once.

PENSTOCK_LONG=1: 200 and 20 rounds. PENSTOCK_KILL_SEED as in test_kill.py.
"""

import time
import unittest
import urllib.request

from harness import COMMAND_TIMEOUT_S
from kafka_case import rounds
from kafka_job import JobCase
from test_kill import SEED

RUNNER_ROUNDS = rounds(5, 200)
BROKER_ROUNDS = rounds(2, 20)
LIFE_S = (0.1, 1.5)  # of a runner, from its start
LINES_PER_ROUND = 100


class Runners(JobCase):
    def test_killed_runners_lose_and_double_nothing(self) -> None:
        print(f"\n  Kafka, runners killed: {RUNNER_ROUNDS} rounds, PENSTOCK_KILL_SEED={SEED}", flush=True)
        before = 0
        for number in range(RUNNER_ROUNDS):
            self.feed(self.new_values(LINES_PER_ROUND))
            runner = self.start_runner()
            if number % 2 == 0:  # some die before they have done anything, the others after a commit
                before = self.wait_for_commits("merged", before)
                time.sleep(self.rng.uniform(0, 0.2))
            else:
                time.sleep(self.rng.uniform(*LIFE_S))
            self.check_lives(runner, f"round {number}")
            self.end(runner)
        self.assertGreater(before, 0)
        self.check_outputs()

    def test_a_producer_that_is_killed_leaves_whole_commits(self) -> None:
        producer = self.start_producer()
        self.keep_feeding(producer, 1.0)
        self.end(producer.process)
        self.wait_for_open_transactions("input")
        written = sorted(record["value"]["id"] for record in self.input_of())
        self.assertEqual(written, list(range(len(written))), "a hole, or a line twice")
        self.made = self.made[: len(written)]
        self.feed(self.new_values(LINES_PER_ROUND))
        self.check_outputs()

    def wait_for_open_transactions(self, topic: str) -> None:
        """What a dead producer has begun ends with its time (60 s): until then nobody sees what comes behind it."""
        def closed() -> bool:
            ends = lambda committed: [self.admin.offsets(topic, partition, committed)[1]
                                      for partition in range(self.admin.partitions(topic))]
            return ends(True) == ends(False)
        self.wait_until(closed, f"the end of all transactions in {topic}", 120)


class Broker(JobCase):
    def test_a_broker_killed_in_the_middle_of_transactions(self) -> None:
        print(f"\n  Kafka, broker killed: {BROKER_ROUNDS} rounds, PENSTOCK_KILL_SEED={SEED}", flush=True)
        producer = self.start_producer()
        server = self.start_job()
        self.wait_for_server(server)
        done = 0
        for number in range(BROKER_ROUNDS):
            self.keep_feeding(producer, 1.0)
            done = self.wait_for_commits("merged", done)
            self.keep_feeding(producer, self.rng.uniform(0.0, 0.5))
            self.cluster.kill()
            producer.write(self.new_values(50))
            time.sleep(self.rng.uniform(0.0, 2.0))
            self.check_is_seen(server)
            self.cluster.restart()
            self.check_lives(server, f"round {number}")
            done = self.committed("merged")
        producer.finish()
        self.wait_until_caught_up()
        self.check_lives(server, "at the end")
        self.assertEqual(self.terminate(server), 0)
        self.check_outputs()


    def check_is_seen(self, server) -> None:
        """What a server does can be seen while it has no broker."""
        status = self.penstock("status", "--server", server.url).stdout
        for query in ("INSERTQUERY_2", "INSERTQUERY_3", "CSAS_VAULT_4"):
            self.assertIn(query, status)
        with urllib.request.urlopen(server.url + "/metrics", timeout=COMMAND_TIMEOUT_S) as page:
            self.assertIn(b"penstock_query_lag_records{query=\"CSAS_VAULT_4\",partition=\"1\"}", page.read())


class ThreeBrokers(JobCase):
    brokers = 3

    def test_one_of_three_brokers_is_killed_and_work_goes_on(self) -> None:
        producer = self.start_producer()
        server = self.start_job()
        self.wait_for_server(server)
        for node in rounds([2], [1, 2, 3, 1, 2, 3]):
            self.keep_feeding(producer, 1.0)
            self.wait_for_commits("merged", 0)
            self.cluster.kill(node)
            self.keep_feeding(producer, 1.0)
            self.wait_until_caught_up()  # with two of three
            self.cluster.restart(node)
        producer.finish()
        self.wait_until_caught_up()
        self.check_lives(server, "at the end")
        self.assertEqual(self.terminate(server), 0)
        self.check_outputs()


if __name__ == "__main__":
    unittest.main()
