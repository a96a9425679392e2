"""Brokers and operators that do what breaks promises: it is noticed, refused and named."""

import unittest

from kafka_job import JobCase

TIMESTAMPS = "message.timestamp.type"


class Misbehaviour(JobCase):
    def test_a_sealed_topic_with_the_brokers_timestamps_is_refused(self) -> None:
        self.admin.create_topic("input", 2, message_timestamp_type="LogAppendTime")
        done = self.produce("input", self.new_values(3), *self.seal_options(), expect=None)
        self.assertNotEqual(done.returncode, 0)
        for word in ("input", TIMESTAMPS, "CreateTime"):
            self.assertIn(word, done.stderr)
        self.assertEqual(self.committed("input"), 0)
        self.admin.configure_topic("input", message_timestamp_type="CreateTime")
        self.feed(self.made)

    def test_a_sealed_sink_with_the_brokers_timestamps_is_refused(self) -> None:
        self.feed(self.new_values(10))
        self.admin.create_topic("vault", 2, message_timestamp_type="LogAppendTime")
        done = self.run_to_end(self.file, "--keys", self.server_keys, expect=None)
        self.assertNotEqual(done.returncode, 0)
        for word in ("vault", TIMESTAMPS, "CreateTime"):
            self.assertIn(word, done.stderr)

    def test_an_input_that_is_deleted_and_made_again_is_noticed(self) -> None:
        self.feed(self.new_values(100))
        server = self.start_job()
        self.wait_for_server(server)
        self.wait_until_caught_up()
        self.admin.delete_topics("input")
        self.admin.create_topic("input", 2)
        self.wait_until(lambda: "input" in self.problems(), "the server says that 'input' is another topic", 30)
        self.check_lives(server, "after the topic was replaced")

    def test_an_input_that_was_replaced_while_nobody_ran_is_refused(self) -> None:
        self.feed(self.new_values(100))
        self.finish()
        self.admin.delete_topics("input")
        self.admin.create_topic("input", 2)
        self.feed(self.new_values(300))
        done = self.run_to_end(self.file, "--keys", self.server_keys, expect=None)
        self.assertNotEqual(done.returncode, 0)
        for word in ("input", "made again", "RESET POSITIONS"):
            self.assertIn(word, done.stderr)

    def test_positions_that_expired_change_nothing(self) -> None:
        """Brokers drop a group's offsets after offsets.retention.minutes: the checkpoint says where to go on."""
        self.feed(self.new_values(100))
        self.finish()
        mirrors = [group for group in self.admin.groups() if group.startswith(f"{self.service}.")]
        self.assertTrue(mirrors)
        self.admin.delete_groups(*mirrors)
        self.feed(self.new_values(50))
        self.check_outputs()

    def test_a_truncated_changelog_is_noticed(self) -> None:
        self.feed(self.new_values(100))
        self.finish()
        changelogs = [topic for topic in self.admin.topics() if topic.endswith(".changelog")]
        self.assertTrue(changelogs)
        for topic in changelogs:
            self.admin.configure_topic(topic, cleanup_policy="compact,delete")  # else records cannot be deleted
            for partition in range(self.admin.partitions(topic)):
                self.admin.delete_records(topic, partition, -1)
        done = self.run_to_end(self.file, "--keys", self.server_keys, expect=None)
        self.assertNotEqual(done.returncode, 0)
        for word in ("changelog", "position_lost", "RESET POSITIONS"):
            self.assertIn(word, done.stderr)

    def test_a_changed_number_of_partitions_is_named(self) -> None:
        self.admin.create_topic("input", 3)
        done = self.produce("input", [], "--partitions", 2, *self.seal_options(), expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("3 partitions", done.stderr)

    # -- what the server says -------------------------------------------------------------------

    def problems(self) -> str:
        """What `penstock status` and the queries' states say is wrong."""
        status = self.penstock("status", "--server", self.url, expect=None)
        return "\n".join(line for line in status.stdout.splitlines() if "recreated" in line or "ERROR" in line)


if __name__ == "__main__":
    unittest.main()
