"""Brokers that are away while programs are told to end, or lose their tasks: nothing waits for them for long."""

import os
import signal
import time
import unittest

from kafka_case import PENSTOCK, rounds
from kafka_job import JobCase

END_S = 60  # of a program that was told to end: 15 s and what cannot be cut short, with a slow machine in mind


class BrokersAway(JobCase):
    def silence(self) -> None:
        """The broker stands still: connections stay, nothing is answered."""
        os.kill(self.cluster.pids[1], signal.SIGSTOP)
        self.addCleanup(self.speak)

    def speak(self) -> None:
        self.cluster.signal(1, signal.SIGCONT)

    def check_ends(self, process) -> None:
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=END_S), 0, process.log.read_text()[-3000:])

    def start_run(self):
        log = self.folder / "run.log"
        with log.open("a") as stderr:
            runner = self.start(PENSTOCK, "run", *self.where(), "--service", self.service, "--keys", self.server_keys,
                                "--commit-ms", 20, "--commit-records", 25, self.file, stderr=stderr)
        runner.log = log
        return runner

    def test_programs_end_while_the_broker_is_silent(self) -> None:
        producer = self.start_producer()
        for start in (self.start_job, self.start_run)[: rounds(1, 2)]:
            runner = start()
            before = self.committed("merged") if "merged" in self.topic_names() else 0
            self.keep_feeding(producer, 1.0)
            self.wait_for_commits("merged", before)
            self.keep_feeding(producer, 0.5)
            self.silence()
            self.keep_feeding(producer, 1.0)
            self.check_ends(runner)
            self.speak()
        producer.finish()
        self.check_outputs()

    def test_programs_end_while_no_broker_is_there(self) -> None:
        """Killed in the middle of commits: what the broker forgets of them then is in docs/kafka.md, and nothing of ours."""
        self.feed(self.new_values(200))
        server = self.start_job()
        self.wait_for_server(server)
        self.wait_for_commits("merged", 0)
        self.cluster.kill()
        starting = self.start_run()  # never gets anywhere
        time.sleep(1)
        self.check_ends(server)
        starting.send_signal(signal.SIGTERM)
        starting.wait(timeout=END_S)  # with whatever it has to say
        self.cluster.restart()
        self.finish()
        self.feed(self.new_values(100))  # shows what is undecided still
        self.check_outputs()

    def test_tasks_that_are_lost_while_the_broker_is_silent_come_back(self) -> None:
        producer = self.start_producer()
        members = [self.start_job("--share", "--session-ms", 6000, log=self.folder / f"member-{name}.log")
                   for name in "ab"]
        for member in members:
            self.wait_for_server(member)
        self.keep_feeding(producer, 2.0)
        self.wait_for_commits("merged", 0)
        self.silence()
        self.keep_feeding(producer, 9.0)
        self.speak()
        self.keep_feeding(producer, 1.0)
        self.wait_until_caught_up()
        self.silence()
        self.check_ends(members[0])
        self.speak()
        producer.finish()
        self.wait_until_caught_up()
        self.check_ends(members[1])
        self.check_outputs()


if __name__ == "__main__":
    unittest.main()
