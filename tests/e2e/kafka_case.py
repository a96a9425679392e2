"""Tests against a real Kafka, started once per class; each test finds it without topics.

PENSTOCK_LONG=1 runs the long forms. Without Kafka (no Java, no package index) the tests skip and say why.
"""

import contextlib
import functools
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from harness import COMMAND_TIMEOUT_S, PENSTOCK, PENSTOCKD, SOURCE, START_TIMEOUT_S, ServerCase, to_lines

sys.path.insert(0, str(SOURCE / "tools"))
from kafka.cluster import Cluster  # noqa: E402
from kafka.fetch import KafkaUnavailable  # noqa: E402
from kafka.properties import PASSWORD, USER  # noqa: E402

LONG = os.environ.get("PENSTOCK_LONG", "") not in ("", "0")
CATCH_UP_S = 120
LOG_SHOWN = 4000
SERVICES = itertools.count(1)


@functools.cache
def speaks_kafka() -> bool:
    if not PENSTOCK.exists():
        return False
    return "--kafka" in subprocess.run([PENSTOCK, "produce", "--help"], capture_output=True, text=True).stdout


def rounds(short: int, long: int) -> int:
    return long if LONG else short


class KafkaCase(ServerCase):
    """self.cluster, and commands that work on it instead of a folder; with data=FOLDER they work on that folder."""

    version, brokers, security = "4.4.0", 1, "plaintext"
    cluster: Cluster

    @classmethod
    def setUpClass(cls) -> None:
        if not speaks_kafka():
            raise unittest.SkipTest(f"{PENSTOCK} has no --kafka")
        try:
            cls.cluster = Cluster(cls.version, cls.brokers, cls.security)
        except KafkaUnavailable as reason:
            raise unittest.SkipTest(f"no Kafka here: {reason}") from None
        cls.addClassCleanup(cls.cluster.stop)
        cls.prepare()
        cls.start_cluster()

    @classmethod
    def prepare(cls) -> None:
        """Before the cluster's start."""

    @classmethod
    def start_cluster(cls) -> None:
        cls.cluster.start()

    def setUp(self) -> None:
        super().setUp()
        self.admin = self.cluster.admin
        self.service = f"service-{next(SERVICES)}"  # groups outlive topics
        self.addCleanup(self.empty_cluster)
        self.addCleanup(self.show_logs_of_a_failure)

    def show_logs_of_a_failure(self) -> None:
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            for log in sorted(self.folder.glob("*.log")):
                print(f"\n--- {log.name}\n{log.read_text(errors='replace')[-LOG_SHOWN:]}", flush=True)

    def empty_cluster(self) -> None:
        if topics := self.admin.topics():
            self.admin.delete_topics(*topics)

    # -- commands -------------------------------------------------------------------------------

    def where(self, data: Path | None = None) -> list:
        if data is not None:
            return ["--data", data]
        return ["--kafka", self.cluster.bootstrap, *self.kafka_config()]

    def kafka_config(self, **instead: object) -> list:
        """The option for this cluster's security; `instead` replaces or (None) drops keys."""
        if self.security == "plaintext":
            return []
        known, keys = self.cluster.certificates, {"security": self.security.replace("mtls", "tls")}
        if "tls" in self.security:
            keys["ca"] = known.ca
        if self.security == "mtls":
            keys |= {"certificate": known.client_certificate, "private_key": known.client_key}
        if self.security.startswith("sasl"):
            keys |= {"sasl": "scram-sha-512", "user": USER, "password_file": self.password_file(PASSWORD)}
        keys = {key: value for key, value in (keys | instead).items() if value is not None}
        file = self.folder / f"kafka-{len(list(self.folder.glob('kafka-*.toml')))}.toml"
        file.write_text("".join(f'{key} = "{value}"\n' for key, value in keys.items()))
        return ["--kafka-config", file]

    def password_file(self, password: str) -> Path:
        file = self.folder / f"password-{len(list(self.folder.glob('password-*')))}"
        file.touch(mode=0o600)
        file.write_text(password + "\n")
        return file

    def produce(self, topic: str, values: list, *more: object, data: Path | None = None, expect: int | None = 0):
        return self.penstock("produce", *self.where(data), "--topic", topic, *more, stdin=to_lines(values),
                             expect=expect)

    def consume(self, topic: str, *more: object, data: Path | None = None) -> list:
        done = self.penstock("consume", *self.where(data), "--topic", topic, "--from-beginning", *more)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def topic_names(self) -> list[str]:
        return self.admin.topics()

    def run_to_end(self, file: Path, *more: object, data: Path | None = None, expect: int | None = 0):
        of = [] if data is not None else ["--service", self.service]
        done = self.penstock("run", *self.where(data), *of, "--until-end", "--json", *more, file, expect=expect)
        return json.loads(done.stdout) if expect == 0 else done

    def start_kafka_server(self, *more: object, service: str | None = None, log: Path | None = None,
                           where: list | None = None) -> subprocess.Popen:
        """penstockd over Kafka; its process has .log (a file) and .url."""
        file = log or self.folder / f"penstockd-{len(list(self.folder.glob('penstockd-*.log')))}.log"
        with file.open("a") as stderr:
            server = self.start(PENSTOCKD, *(where or self.where()), "--service", service or self.service,
                                "--listen", "127.0.0.1:0", *more, stdout=subprocess.PIPE, stderr=stderr)
        server.log = file
        return server

    def wait_for_server(self, server: subprocess.Popen) -> None:
        line = server.stdout.readline()
        if "http://" not in line:
            server.wait(timeout=START_TIMEOUT_S)
            self.fail(f"penstockd did not start (status {server.returncode}): {server.log.read_text()[-3000:]}")
        server.url = self.url = "http://" + line.split("http://")[1].split()[0]

    def committed(self, topic: str) -> int:
        """How far readers of committed transactions can get, over all partitions; markers count, too. 0: no topic."""
        return sum(self.admin.offsets(topic, partition)[1] for partition in self.admin.leaders_of(topic))

    def wait_until_decided(self, *topics: str, seconds: float = CATCH_UP_S) -> None:
        """No transaction is open: brokers answer the end of one before its marks are there."""
        def waiting() -> list[tuple]:
            return [(topic, partition) for topic in topics for partition in self.admin.leaders_of(topic)
                    if self.admin.offsets(topic, partition)[1] < self.admin.offsets(topic, partition, committed=False)[1]]
        self.wait_until(lambda: not waiting(), f"the ends of transactions in {topics}", seconds)

    def wait_for_commits(self, topic: str, beyond: int, seconds: float = CATCH_UP_S) -> int:
        self.wait_until(lambda: self.committed(topic) > beyond, f"a commit to {topic} beyond {beyond}", seconds)
        return self.committed(topic)


class FollowingProducer:
    """`penstock produce` that lives through what happens to brokers; write() gives it more lines and never waits."""

    def __init__(self, case: KafkaCase, topic: str, *more: object, where: list | None = None) -> None:
        self.case, self.log = case, case.folder / "producer.log"
        with self.log.open("a") as log:
            self.process = case.start(PENSTOCK, "produce", *(where or case.where()), "--topic", topic, *more,
                                      stdin=subprocess.PIPE, stderr=log)
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.feeder = threading.Thread(target=self.feed, daemon=True)
        self.feeder.start()

    def feed(self) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):  # it has ended: finish() says so; or was closed
            while (text := self.lines.get()) is not None:
                self.process.stdin.write(text)
                self.process.stdin.flush()
            self.process.stdin.close()

    def write(self, values: list) -> None:
        self.lines.put(to_lines(values))

    def finish(self) -> None:
        self.lines.put(None)
        status = self.process.wait(timeout=CATCH_UP_S)
        self.feeder.join(COMMAND_TIMEOUT_S)
        self.case.assertEqual(status, 0, self.log.read_text()[-3000:])
