"""Several penstockd of one service: without sharing the younger one fences the older; with it they share the tasks."""

import signal
import time
import unittest

from kafka_case import CATCH_UP_S, rounds
from kafka_job import JobCase

STORM_ROUNDS = rounds(3, 10)


class Fencing(JobCase):
    def test_the_older_of_two_is_fenced_and_says_so(self) -> None:
        self.feed(self.new_values(200))
        older = self.start_job()
        self.wait_for_server(older)
        self.wait_until_caught_up()
        younger = self.start_job()
        self.wait_for_server(younger)
        self.feed(self.new_values(400))
        self.wait_until_caught_up()
        self.wait_until(lambda: "fenced" in older.log.read_text(), "the older one says that it is fenced")
        self.check_lives(younger, "after it fenced the older one")
        self.assertNotIn("fenced", younger.log.read_text())
        self.end(older)
        self.terminate(younger)
        self.check_outputs()


class Sharing(JobCase):
    def start_member(self, name: str):
        return self.start_job("--share", "--instance", name, log=self.folder / f"penstockd-{name}.log")

    def test_members_that_join_leave_and_die_under_load(self) -> None:
        producer = self.start_producer()
        first = self.start_member("first")
        self.wait_for_server(first)
        for number in range(STORM_ROUNDS):
            other = self.start_member(f"other-{number % 2}")
            self.wait_for_server(other)
            self.keep_feeding(producer, self.rng.uniform(0.5, 2.0))
            self.check_lives(other, f"round {number}")
            if number % 2:
                self.end(other)  # its tasks come back when its session is over
            else:
                self.assertEqual(self.terminate(other), 0)
            self.keep_feeding(producer, self.rng.uniform(0.0, 1.0))
        producer.finish()
        self.wait_until_caught_up()
        self.check_lives(first, "at the end")
        self.assertEqual(self.terminate(first), 0)
        self.check_outputs()

    def test_a_member_that_stood_still_finds_its_tasks_taken(self) -> None:
        producer = self.start_producer()
        paused = self.start_job("--share", "--session-ms", 6000, log=self.folder / "penstockd-paused.log")
        self.wait_for_server(paused)
        self.keep_feeding(producer, 1.0)
        self.wait_for_commits("merged", 0)
        self.keep_feeding(producer, 0.5)
        paused.send_signal(signal.SIGSTOP)  # within a transaction, more likely than not
        healthy = self.start_job("--share", "--session-ms", 6000, log=self.folder / "penstockd-healthy.log")
        self.wait_for_server(healthy)
        before = self.committed("merged")
        self.keep_feeding(producer, 2.0)
        self.wait_for_commits("merged", before)  # once the group has given it the tasks
        paused.send_signal(signal.SIGCONT)
        self.keep_feeding(producer, 2.0)
        producer.finish()
        self.wait_until_caught_up()
        for member in (paused, healthy):
            self.check_lives(member, "with all done")
            self.assertEqual(self.terminate(member), 0)
        self.check_outputs()

    def test_both_of_two_members_work(self) -> None:
        self.feed([])
        members = [self.start_member(name) for name in ("a", "b")]
        for member in members:
            self.wait_for_server(member)
        time.sleep(2)
        self.feed(self.new_values(400))
        self.wait_until_caught_up()
        for member in members:
            self.check_lives(member, "with all done")
        self.end(members[0])
        self.feed(self.new_values(400))
        self.wait_until_caught_up(CATCH_UP_S)
        self.terminate(members[1])
        self.check_outputs()


if __name__ == "__main__":
    unittest.main()
