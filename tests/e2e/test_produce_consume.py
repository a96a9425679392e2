"""Lines in, lines out: plain and sealed topics, wrong keys, bad input."""

import json
import os
import stat
import subprocess
import unittest
from collections import Counter

from harness import PENSTOCK, Case

VALUES = [{"id": i, "user": f"u{i % 7}", "text": "naïve ☕ \"quoted\" \\ line\nbreak"} for i in range(500)]


class Headers(Case):
    def copy(self, topic: str, sink: str, more: str = "") -> str:
        return f"""
CREATE STREAM numbers_{sink} (n BIGINT) WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON');
CREATE STREAM {sink} WITH (KAFKA_TOPIC='{sink}', VALUE_FORMAT='JSON'{more}) AS
  SELECT n FROM numbers_{sink} EMIT CHANGES;
"""

    def setUp(self) -> None:
        super().setUp()
        self.produce("in", [{"n": 1}, {"n": "x"}])
        self.letters = self.run_sql(self.copy("in", "copy"))["queries"][0]["id"] + ".dead_letters"

    def test_they_are_a_list_of_names_and_values(self) -> None:
        row = self.consume(self.letters, "--with-metadata")[0]
        self.assertEqual([header["name"] for header in row["headers"]],
                         ["penstock." + name for name in ("origin_topic", "origin_partition", "reason", "query",
                                                          "origin_offset", "origin_timestamp_ms")])
        self.assertTrue(all(isinstance(header["value"], str) for header in row["headers"]))
        self.assertNotIn("headers", self.consume("in", "--with-metadata")[0])

    def test_a_dead_letter_of_a_dead_letter_tells_both_stories_apart(self) -> None:
        query = self.run_sql(self.copy(self.letters, "again"))["queries"][0]
        first = self.consume(self.letters, "--with-metadata")[0]["headers"]
        second = self.consume(query["id"] + ".dead_letters", "--with-metadata")[0]["headers"]
        self.assertEqual(second[0], {"name": "penstock.origin_topic", "value": self.letters})
        self.assertEqual(second[6:], [{**header, "name": "foreign." + header["name"]} for header in first])

    def test_the_sink_says_whether_it_takes_them(self) -> None:
        lax = "CREATE STREAM letters (n STRING) WITH (KAFKA_TOPIC='{}', VALUE_FORMAT='JSON');\n".format(self.letters)
        sink = "CREATE STREAM {0} WITH (KAFKA_TOPIC='{0}', VALUE_FORMAT='JSON'{1}) AS SELECT n FROM letters EMIT CHANGES;"
        self.run_sql(lax + sink.format("kept", "") + sink.format("bare", ", HEADERS='drop'"))
        names = [header["name"] for header in self.consume("kept", "--with-metadata")[0]["headers"]]
        self.assertIn("foreign.penstock.reason", names)
        self.assertEqual([name for name in names if name.startswith("penstock.")], [])
        self.assertNotIn("headers", self.consume("bare", "--with-metadata")[0])
        done = self.run_sql(lax + sink.format("other", ", HEADERS='keep'"), expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("'pass'", done.stderr)
        self.assertIn("'drop'", done.stderr)


class PlainTopics(Case):
    def test_what_goes_in_comes_out_in_order(self) -> None:
        done = self.produce("clicks", VALUES)
        self.assertIn("500 records", done.stdout)
        self.assertEqual(self.consume("clicks"), VALUES)

    def test_a_key_keeps_its_partition(self) -> None:
        self.produce("clicks", VALUES, "--partitions", 4, "--key", "user")
        rows = self.consume("clicks", "--with-metadata")
        places: dict[str, set] = {}
        for row in rows:
            self.assertEqual(row["key"], row["value"]["user"])
            places.setdefault(row["key"], set()).add(row["partition"])
        self.assertTrue(all(len(partitions) == 1 for partitions in places.values()))
        self.assertGreater(len({row["partition"] for row in rows}), 1)
        for user in places:
            ids = [row["value"]["id"] for row in rows if row["key"] == user]
            self.assertEqual(ids, sorted(ids))

    def test_keyless_lines_are_spread_evenly(self) -> None:
        self.produce("clicks", VALUES, "--partitions", 4)
        rows = self.consume("clicks", "--with-metadata")
        self.assertEqual(set(Counter(row["partition"] for row in rows).values()), {125})

    def test_any_json_value_is_a_record(self) -> None:
        values = [1, -2.5, "text", True, None, [1, [2]], {"a": {"b": []}}]
        self.produce("mixed", values)
        self.assertEqual(self.consume("mixed"), values)

    def test_numbers_come_out_as_they_went_in(self) -> None:
        line = '{"big":123456789012345678901234567890,"exact":0.10000000000000000001,"e":1E400}\n'
        self.penstock("produce", "--data", self.data, "--topic", "numbers",
                      stdin='{"big":123456789012345678901234567890}\n')
        done = self.penstock("consume", "--data", self.data, "--topic", "numbers", "--from-beginning")
        self.assertEqual(done.stdout, '{"big":123456789012345678901234567890}\n')
        self.assertEqual(self.penstock("produce", "--data", self.data, "--topic", "numbers", stdin=line,
                                       expect=None).returncode, 2)

    def test_a_bad_line_is_named_not_shown_and_the_lines_before_it_are_kept(self) -> None:
        done = self.penstock("produce", "--data", self.data, "--topic", "t",
                             stdin='{"a":1}\n{"a":2}\n{"secret-4711"\n{"a":4}\n', expect=2)
        self.assertIn("line 3", done.stderr)
        self.assertIn("2 records written", done.stderr)
        self.assertNotIn("4711", done.stderr)
        self.assertEqual(self.consume("t"), [{"a": 1}, {"a": 2}])

    def test_a_line_without_its_key_is_refused(self) -> None:
        done = self.produce("t", [{"k": 1}, {"x": 1}], "--key", "k", expect=2)
        self.assertIn("line 2 has no member 'k'", done.stderr)

    def test_timestamps_come_from_a_member(self) -> None:
        self.produce("t", [{"at": 1700000000000}, {"at": "2026-05-17T09:08:07.006"}], "--timestamp-field", "at")
        self.assertEqual([row["timestamp"] for row in self.consume("t", "--with-metadata")],
                         [1700000000000, 1779008887006])

    def test_limits_partitions_and_ends(self) -> None:
        self.produce("t", VALUES, "--partitions", 2)
        self.assertEqual(len(self.consume("t", "--limit", 7)), 7)
        self.assertEqual(len(self.consume("t", "--partition", 1)), 250)
        done = self.penstock("consume", "--data", self.data, "--topic", "t")
        self.assertEqual(done.stdout, "")
        self.assertIn("--from-beginning", done.stderr)
        self.penstock("consume", "--data", self.data, "--topic", "t", "--partition", 2, expect=2)
        self.assertIn("has 2 partitions, not 3", self.produce("t", [], "--partitions", 3, expect=5).stderr)

    def test_missing_things_are_named(self) -> None:
        self.assertIn("no data folder", self.penstock("consume", "--data", self.data, "--topic", "t", expect=3).stderr)
        self.produce("t", [1])
        self.assertIn("no topic 'x'", self.penstock("consume", "--data", self.data, "--topic", "x", expect=3).stderr)
        self.assertIn("--topic", self.penstock("consume", "--data", self.data, expect=2).stderr)

    def test_a_reader_that_goes_away_is_no_error(self) -> None:
        self.produce("t", [{"text": "x" * 100}] * 20000)
        consumer = self.start(PENSTOCK, "consume", "--data", self.data, "--topic", "t", "--from-beginning",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        consumer.stdout.readline()
        consumer.stdout.close()
        self.assertEqual(consumer.wait(timeout=30), 0)

    def test_following_shows_new_records_and_ends_on_a_signal(self) -> None:
        self.produce("t", [{"n": 0}])
        follower = self.start(PENSTOCK, "consume", "--data", self.data, "--topic", "t", "--from-beginning",
                              "--follow", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(follower.stdout.readline(), '{"n": 0}\n')
        self.produce("t", [{"n": 1}])  # through the follower's socket: it holds the folder
        self.assertEqual(follower.stdout.readline(), '{"n": 1}\n')
        self.assertEqual(self.terminate(follower), 0)


class SealedTopics(Case):
    def setUp(self) -> None:
        super().setUp()
        self.new_policy("pay", "payments")
        self.new_policy("other", "elsewhere")

    def seal(self, values: list) -> None:
        self.produce("payments", values, "--partitions", 2, "--key", "user", "--seal", "pay", "--keys",
                     self.key("pay", "producer"))

    def test_sealed_records_open_with_the_key_only(self) -> None:
        self.seal(VALUES)
        opened = self.consume("payments", "--open", "--keys", self.key("pay", "reader"))
        self.assertEqual(sorted(v["id"] for v in opened), list(range(500)))
        self.assertIn(VALUES[3], opened)
        closed = self.consume("payments", "--limit", 3)
        self.assertTrue(all(set(row) == {"sealed_bytes", "epoch"} for row in closed))

    def test_nothing_readable_is_on_the_disk(self) -> None:
        self.seal([{"user": "a", "card": f"41111100000{i:05}"} for i in range(100)])
        found = subprocess.run(["grep", "-r", "-a", "-c", "-h", "-F", "4111110", str(self.data)], capture_output=True,
                               text=True)
        self.assertEqual(set(found.stdout.split()) - {"0"}, set())

    def test_other_keys_do_not_open(self) -> None:
        self.seal(VALUES[:5])
        for file, code in ((self.key("other", "reader"), 3), (self.key("pay", "producer"), 6)):
            done = self.penstock("consume", "--data", self.data, "--topic", "payments", "--from-beginning", "--open",
                                 "--keys", file, expect=code)
            self.assertEqual(done.stdout, "")

    def test_another_policy_of_the_same_name_does_not_open(self) -> None:
        self.seal(VALUES[:5])
        self.penstock("policy", "new", "--id", "pay", "--topic", "payments", "--out", self.folder / "thief")
        done = self.penstock("consume", "--data", self.data, "--topic", "payments", "--from-beginning", "--open",
                             "--keys", self.folder / "thief" / "pay.keys.json", expect=8)
        self.assertIn("could not be opened", done.stderr)
        self.assertTrue(all("refused" in json.loads(line) for line in done.stdout.splitlines()))

    def test_a_producer_key_is_needed_to_seal(self) -> None:
        self.produce("payments", VALUES[:1], "--seal", "pay", "--keys", self.key("pay", "reader"), expect=6)
        self.produce("elsewhere", VALUES[:1], "--seal", "pay", "--keys", self.key("pay"), expect=6)

    def test_nothing_of_ours_writes_in_clear_where_records_are_sealed(self) -> None:
        self.seal(VALUES[:5])
        refused = self.produce("payments", VALUES[:1], expect=6)
        self.assertIn("topic 'payments' holds sealed records", refused.stderr)
        stream = "CREATE STREAM s (id INT, user STRING) WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON'%s);"
        source = "CREATE STREAM i (id INT, user STRING) WITH (KAFKA_TOPIC='in', VALUE_FORMAT='JSON', PARTITIONS=1);"
        sink = "CREATE STREAM o WITH (KAFKA_TOPIC='payments'%s) AS SELECT * FROM i;"
        insert = "INSERT INTO s (id, user) VALUES (7, 'x');"
        self.produce("in", VALUES[:1])
        for text in (stream % "" + insert, source + sink % ""):
            done = self.run_sql(text, expect=6)
            self.assertIn("SEAL='none' if plain records are meant", done.stderr)
        self.assertEqual(self.count("payments"), 5)
        self.produce("payments", VALUES[:1], "--plain")
        none = ", SEAL='none'"
        self.run_sql(stream % none + insert)
        self.run_sql(source + sink % none)
        self.assertEqual(self.count("payments"), 8)

    def test_key_files_are_private_and_must_be(self) -> None:
        for kind in ("", "reader", "producer"):
            self.assertEqual(stat.S_IMODE(os.stat(self.key("pay", kind)).st_mode), 0o600)
        os.chmod(self.key("pay"), 0o644)
        self.produce("payments", VALUES[:1], "--seal", "pay", "--keys", self.key("pay"), expect=6)
        done = self.penstock("policy", "new", "--id", "pay", "--topic", "payments", "--out", self.keys, expect=4)
        self.assertIn("never overwritten", done.stderr)

    def test_a_changed_policy_is_refused(self) -> None:
        file = self.keys / "pay.policy.json"
        document = json.loads(file.read_text())
        self.assertIn("signature    good", self.penstock("policy", "show", file).stdout)
        document["policy"]["topics"].append("more")
        file.write_text(json.dumps(document))
        self.penstock("policy", "show", file, expect=8)


class ThroughAHolder(Case):
    def test_a_producer_survives_the_death_of_the_holder(self) -> None:
        self.produce("t", [], "--partitions", 2)
        for sealed in (False, True):
            if sealed:
                self.new_policy("pay", "s")
            topic = "s" if sealed else "t"
            more = ["--seal", "pay", "--keys", self.key("pay", "producer")] if sealed else []
            if sealed:
                self.produce(topic, [], "--partitions", 2, *more)
            holder = self.hold()
            producer = self.start(PENSTOCK, "produce", "--data", self.data, "--topic", topic, "--commit-lines", 10,
                                  *more, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for n in range(4000):
                try:
                    producer.stdin.write(f'{{"n":{n}}}\n')
                except BrokenPipeError:
                    self.fail(f"produce ended with {producer.wait()}: {producer.stderr.read()}")
                if n == 20:  # it must have found the holder before that dies, or it takes the folder
                    producer.stdin.flush()
                    self.wait_until(lambda: self.count(topic) > 0, "writing")
                if n % 500 == 250:
                    producer.stdin.flush()
                    holder.kill()
                    holder.wait()
                    holder = self.hold()
            _, err = producer.communicate(timeout=60)
            self.assertEqual(producer.returncode, 0, err)
            opening = ["--open", "--keys", self.key("pay", "reader")] if sealed else []
            self.assertEqual(sorted(row["n"] for row in self.consume(topic, *opening)), list(range(4000)))
            self.assertEqual(self.terminate(holder), 0)

    def hold(self) -> subprocess.Popen:
        """A process that owns the folder and serves it."""
        holder = self.start(PENSTOCK, "consume", "--data", self.data, "--topic", "t", "--follow",
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lock = self.data / "LOCK"
        self.wait_until(lambda: f'"pid":{holder.pid}' in lock.read_text().replace(" ", "") and
                        (self.data / "log.sock").exists(), "taking the folder")
        return holder

    def test_a_held_folder_refuses_a_second_owner_and_names_the_first(self) -> None:
        self.produce("t", [1])
        holder = self.hold()
        done = self.run_sql("CREATE STREAM s (n INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');", expect=10)
        self.assertIn(str(holder.pid), done.stderr)
        self.assertEqual(self.consume("t"), [1])


class Help(Case):
    def test_every_verb_has_help_with_an_example(self) -> None:
        overview = self.penstock("--help").stdout
        self.assertIn("penstock 0.", self.penstock("--version").stdout)
        for verb in ("run", "produce", "consume", "sql", "policy", "topics", "repair"):
            self.assertIn(f"  {verb} ", overview)
            self.assertIn(f"penstock {verb}", self.penstock(verb, "--help").stdout.split("Example:")[1])

    def test_a_wrong_option_says_where_the_help_is(self) -> None:
        done = self.penstock("produce", "--topik", "x", expect=2)
        self.assertIn("penstock produce --help", done.stderr)


if __name__ == "__main__":
    unittest.main()
