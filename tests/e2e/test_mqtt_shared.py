"""Connectors of a service whose processes share its tasks: each task has one owner, and moves when that one dies."""

import json
import random
import signal
import subprocess
import time
import unittest
from pathlib import Path

from kafka_case import CATCH_UP_S, LONG, KafkaCase
from mqtt_case import MOSQUITTO, Broker

PER_PHASE = 60
ROUNDS = 60


@unittest.skipUnless(Path(MOSQUITTO).exists(), "mosquitto is not installed")
class Shared(KafkaCase):
    def setUp(self) -> None:
        super().setUp()
        self.broker = Broker(self.folder / "broker").start()
        self.addCleanup(self.broker.stop, signal.SIGKILL)
        self.at_broker = ["-h", "127.0.0.1", "-p", str(self.broker.port)]
        url = f"connector='mqtt', url='mqtt://127.0.0.1:{self.broker.port}', qos=2"
        self.sql = self.sql_file(
            f"CREATE SOURCE CONNECTOR sensors WITH ({url}, topics='plant/#', topic='readings', partitions=1);"
            f"CREATE SINK CONNECTOR results WITH ({url}, topic='readings', to='out/x');")

    def start_member(self, name: str) -> subprocess.Popen:
        server = self.start_kafka_server("--share", "--instance", name, "--session-ms", 6000, "--sql", self.sql,
                                         log=self.folder / f"penstockd-{name}.log")
        self.wait_for_server(server)
        return server

    def state(self, server: subprocess.Popen, connector: str) -> str:
        self.url = server.url
        return self.ksql(f"DESCRIBE CONNECTOR {connector};")[0]["status"]["connector"]["state"]

    def owner(self, members: list[subprocess.Popen], connector: str) -> subprocess.Popen:
        """The one that runs it; none of the others may."""
        wanted = ["RUNNING"] + ["UNASSIGNED"] * (len(members) - 1)
        states: list[str] = []

        def settled() -> bool:
            states[:] = [self.state(member, connector) for member in members]
            return sorted(states) == wanted
        self.wait_until(settled, f"one owner of {connector}", CATCH_UP_S)
        return members[states.index("RUNNING")]

    def publish(self, first: int) -> None:
        lines = "".join(json.dumps({"n": n}) + "\n" for n in range(first, first + PER_PHASE))
        subprocess.run(["mosquitto_pub", *self.at_broker, "-t", "plant/1", "-q", "2", "-l"], input=lines, text=True, check=True)

    def test_tasks_have_one_owner_and_move_when_it_dies_or_leaves(self) -> None:
        kept = ["mosquitto_sub", *self.at_broker, "-i", "reader", "-c", "-t", "out/x", "-q", "2"]
        subprocess.run([*kept, "-E"], check=True)
        members = [self.start_member(name) for name in ("a", "b")]
        made = 0
        for end in (self.end, self.terminate, None):  # kill -9, and an orderly leave of the one that came instead
            owner = self.owner(members, "sensors")
            self.owner(members, "results")
            self.publish(made)
            made += PER_PHASE
            if end is None:
                break
            end(owner)
            members.remove(owner)
            members.append(self.start_member(f"c{made}"))
        self.expect_once(kept, made)

    @unittest.skipUnless(LONG, "runs under --long")
    def test_every_message_goes_out_once_whenever_its_owner_dies(self) -> None:
        kept = ["mosquitto_sub", *self.at_broker, "-i", "reader", "-c", "-t", "out/x", "-q", "2"]
        subprocess.run([*kept, "-E"], check=True)
        members = [self.start_member(name) for name in ("a", "b")]
        for number in range(ROUNDS):
            owner = self.owner(members, random.choice(("sensors", "results")))
            self.publish(number * PER_PHASE)
            time.sleep(random.uniform(0, 0.4))  # a moment that nobody chose
            self.end(owner)
            members.remove(owner)
            members.append(self.start_member(f"c{number}"))
            self.expect_once(kept, PER_PHASE, number * PER_PHASE)

    def expect_once(self, kept: list[str], count: int, first: int = 0) -> None:
        """What a subscriber is kept since it last looked, and the topic in between."""
        numbers = list(range(first, first + count))
        done = subprocess.run([*kept, "-C", str(count), "-W", str(CATCH_UP_S)], check=False, capture_output=True, text=True)
        between = [value["n"] for value in self.consume("readings")]
        self.assertEqual(between, list(range(first + count)), "the topic between source and sink")
        self.assertEqual([json.loads(line)["n"] for line in done.stdout.splitlines()], numbers, "what the sink sent")


if __name__ == "__main__":
    unittest.main()
