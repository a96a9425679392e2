"""A network that breaks, falls silent or crawls between the programs and the broker."""

import unittest

from kafka_case import rounds
from kafka_job import JobCase
from kafka_proxy import Proxy
from kafka_spoiler import SpoilingProxy
from test_kill import SEED
from kafka.ports import free_ports

CUT_S = rounds(3.0, 20.0)
SILENT_S = rounds(4.0, 70.0)  # the long one outlives a transaction's time-out
ROUNDS = rounds(1, 5)
SPOILT_S = rounds(5.0, 60.0)


class Network(JobCase):
    @classmethod
    def prepare(cls) -> None:
        cls.proxy = Proxy(free_ports(1)[0], cls.cluster.ports[1].client)
        cls.addClassCleanup(cls.proxy.close)
        cls.cluster.advertise(1, cls.proxy.port)

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.proxy.heal)

    def disturb(self, disturbance, seconds: float) -> None:
        producer = self.start_producer()
        server = self.start_job()
        self.wait_for_server(server)
        for number in range(ROUNDS):
            self.keep_feeding(producer, 1.0)
            self.wait_for_commits("merged", 0)
            disturbance()
            self.keep_feeding(producer, seconds, per_second=50)
            self.proxy.heal()
            self.check_lives(server, f"round {number}")
            self.wait_until_caught_up()
        producer.finish()
        self.wait_until_caught_up()
        self.check_lives(server, "at the end")
        self.assertEqual(self.terminate(server), 0)
        self.check_outputs()

    def test_connections_that_break(self) -> None:
        self.disturb(self.proxy.cut, CUT_S)

    def test_a_network_that_falls_silent(self) -> None:
        self.disturb(lambda: self.proxy.cut(silently=True), SILENT_S)

    def test_a_slow_network(self) -> None:
        def crawl() -> None:
            self.proxy.delay_s, self.proxy.bytes_per_s = 0.2, 100_000

        self.disturb(crawl, CUT_S)


class UnknownAnswers(JobCase):
    """Brokers that answer the end of a transaction with an error that says nothing: some commits were made."""

    @classmethod
    def prepare(cls) -> None:
        cls.proxy = SpoilingProxy(free_ports(1)[0], cls.cluster.ports[1].client, SEED)
        cls.addClassCleanup(cls.proxy.close)
        cls.cluster.advertise(1, cls.proxy.port)

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.proxy.heal)

    def test_what_was_committed_all_the_same_is_not_done_twice(self) -> None:
        producer = self.start_producer()
        self.proxy.share = 0.3
        server = self.start_job()
        self.wait_for_server(server)  # statements are recorded under the same broker
        self.keep_feeding(producer, SPOILT_S)
        self.check_lives(server, "after a burst")
        self.proxy.heal()
        producer.finish()
        self.wait_until_caught_up()
        self.assertGreater(self.proxy.lost, 2)
        self.assertEqual(self.terminate(server), 0)
        self.check_outputs()


if __name__ == "__main__":
    unittest.main()
