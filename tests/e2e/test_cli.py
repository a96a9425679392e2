"""The command line: what every verb promises, with good input and with bad."""

import os
import signal
import unittest

from harness import (BUSY, CORRUPT, FORBIDDEN, NOT_AUTHENTIC, PENSTOCK, PENSTOCKD, USAGE, Case)

VALUES = [{"id": i, "user": f"u{i % 7}", "text": "naïve ☕ \"quoted\" \\ line\nbreak"} for i in range(300)]
VERBS = ("run", "produce", "consume", "sql", "policy", "topics", "repair")

MASKING = """
CREATE STREAM people (id BIGINT, card STRING, amount INT)
  WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON', PARTITIONS=2);
CREATE STREAM masked WITH (KAFKA_TOPIC='masked', VALUE_FORMAT='JSON', PARTITIONS=2, ON_ERROR='dead_letter') AS
  SELECT id, MASK_KEEP_RIGHT(card, 4) AS card, amount / (amount - 7) AS ratio FROM people
  WHERE amount >= 5 EMIT CHANGES;
"""


def people(first: int, count: int) -> list[dict]:
    return [{"id": i, "card": f"41111111{i:08}", "amount": i % 5 + 8 - 6 * (i % 2)}
            for i in range(first, first + count)]


def wanted_ids(first: int, count: int) -> list[int]:
    return sorted(p["id"] for p in people(first, count) if p["amount"] >= 5 and p["amount"] != 7)


class Help(Case):
    def test_every_verb_has_help_with_an_example(self) -> None:
        overview = self.penstock("--help").stdout
        for verb in VERBS:
            with self.subTest(verb):
                self.assertRegex(overview, rf"(?m)^  {verb}\s")
                text = self.penstock(verb, "--help").stdout
                self.assertIn(f"penstock {verb} ", text.split("Example:")[1])
        for words in (("policy", "new"), ("policy", "combine"), ("policy", "show")):
            self.assertIn(" ".join(("penstock", *words)), self.penstock(*words, "--help").stdout.split("Example:")[1])

    @unittest.skipUnless(PENSTOCKD.exists(), f"{PENSTOCKD} is not built")
    def test_the_server_has_help_with_an_example_too(self) -> None:
        text = self.run_program(PENSTOCKD, "--help").stdout
        self.assertIn("penstockd --data", text.split("Example:")[1])
        self.run_program(PENSTOCKD, "--no-such-option", expect=USAGE)

    def test_unknown_options_and_verbs_end_with_2_and_lead_to_the_help(self) -> None:
        for verb in VERBS:
            with self.subTest(verb):
                done = self.penstock(verb, "--no-such-option", expect=USAGE)
                self.assertIn("--help", done.stderr)
        self.penstock("no-such-verb", expect=USAGE)
        self.penstock(expect=USAGE)


class PlainTopics(Case):
    def test_what_goes_in_comes_out_in_order(self) -> None:
        self.assertIn("300 records", self.produce("t", VALUES).stdout)
        self.assertEqual(self.consume("t"), VALUES)
        self.assertEqual(self.consume("t", "--limit", 7), VALUES[:7])

    def test_a_key_keeps_its_partition_and_its_order(self) -> None:
        self.produce("t", VALUES, "--partitions", 3, "--key", "user")
        rows = self.consume("t", "--with-metadata")
        self.assertEqual(sorted(row["value"]["id"] for row in rows), list(range(300)))
        for user in {row["key"] for row in rows}:
            mine = [row for row in rows if row["key"] == user]
            self.assertEqual(len({row["partition"] for row in mine}), 1)
            self.assertEqual([row["value"]["id"] for row in mine], sorted(row["value"]["id"] for row in mine))
        for partition in range(3):
            offsets = [row["offset"] for row in rows if row["partition"] == partition]
            self.assertEqual(offsets, list(range(len(offsets))))

    def test_an_invalid_line_is_named_by_its_number_never_by_its_text(self) -> None:
        for bad in ('{"card":"4711-secret"', '{"a":4711-secret}', "4711-secret", '{"a":"4711-secret\x01"}',
                    '{"a":1} 4711-secret', "[" * 5000 + "4711-secret"):
            with self.subTest(bad[:30]):
                topic = f"t{abs(hash(bad))}"
                done = self.penstock("produce", "--data", self.data, "--topic", topic,
                                     stdin='{"a":1}\n{"a":2}\n' + bad + '\n{"a":4}\n', expect=None)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("line 3", done.stderr)
                self.assertNotIn("4711", done.stderr + done.stdout)
                self.assertEqual(self.consume(topic), [{"a": 1}, {"a": 2}])


class SealedTopics(Case):
    def setUp(self) -> None:
        super().setUp()
        self.new_policy("pay", "payments")
        self.new_policy("other", "elsewhere")

    def seal(self, values: list) -> None:
        self.produce("payments", values, "--partitions", 2, "--key", "user", "--seal", "pay", "--keys",
                     self.key("pay", "producer"))

    def open_with(self, file, expect: int | None):
        return self.penstock("consume", "--data", self.data, "--topic", "payments", "--from-beginning", "--open",
                             "--keys", file, expect=expect)

    def test_the_right_key_opens_everything(self) -> None:
        self.seal(VALUES)
        for file in (self.key("pay"), self.key("pay", "reader")):
            rows = self.consume("payments", "--open", "--keys", file)
            self.assertEqual(sorted(rows, key=lambda row: row["id"]), VALUES)
        self.assertTrue(all("text" not in row for row in self.consume("payments")))

    def test_nothing_readable_is_on_the_disk(self) -> None:
        secret = "5555-4444-3333"
        self.seal([{"user": "u", "id": i, "card": secret} for i in range(50)])
        for file in self.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(secret.encode(), file.read_bytes(), file)

    def test_wrong_keys_do_not_open(self) -> None:
        self.seal(VALUES[:20])
        thief = self.folder / "thief"
        self.penstock("policy", "new", "--id", "pay", "--topic", "payments", "--out", thief)
        self.assertEqual(self.open_with(thief / "pay.keys.json", NOT_AUTHENTIC).stdout.count("naïve"), 0)
        for file in (self.key("other"), self.key("other", "reader"), self.key("pay", "producer")):
            done = self.open_with(file, None)
            self.assertNotEqual(done.returncode, 0)
            self.assertNotIn("naïve", done.stdout)

    def test_a_key_file_that_others_may_read_is_refused(self) -> None:
        self.seal(VALUES[:1])
        for mode in (0o644, 0o640, 0o604):
            os.chmod(self.key("pay", "reader"), mode)
            self.assertIn(self.key("pay", "reader").name, self.open_with(self.key("pay", "reader"), FORBIDDEN).stderr)
        os.chmod(self.key("pay", "reader"), 0o600)
        self.open_with(self.key("pay", "reader"), 0)


class Pipelines(Case):
    def test_a_second_run_adds_nothing_and_a_third_adds_what_is_new(self) -> None:
        self.produce("people", people(0, 400), "--partitions", 2)
        first = self.run_sql(MASKING)["queries"]
        self.assertEqual([q["records_in"] for q in first], [400])
        rows = self.consume("masked", "--with-metadata")
        self.assertEqual(sorted(row["value"]["ID"] for row in rows), wanted_ids(0, 400))
        for row in rows:
            self.assertEqual(row["value"]["CARD"], "nnnnnnnnnnnn" + f"{row['value']['ID']:08}"[-4:])
        second = self.run_sql(MASKING)["queries"]
        self.assertEqual([(q["records_in"], q["records_out"]) for q in second], [(0, 0)])
        self.assertEqual(self.consume("masked", "--with-metadata"), rows)
        self.produce("people", people(400, 100))
        self.run_sql(MASKING)
        self.assertEqual(sorted(row["ID"] for row in self.consume("masked")), wanted_ids(0, 500))

    def test_a_changed_statement_under_an_old_id_is_refused_with_both_texts(self) -> None:
        self.produce("people", people(0, 50), "--partitions", 2)
        self.run_sql(MASKING)
        before = self.consume("masked", "--with-metadata")
        done = self.run_sql(MASKING.replace("amount - 7", "id + 7"), expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("amount - 7", done.stderr)
        self.assertIn("id + 7", done.stderr)
        self.assertEqual(self.consume("masked", "--with-metadata"), before)
        self.run_sql(MASKING)

    def test_dead_letters_carry_reason_and_origin(self) -> None:
        good = {"id": 1, "card": "4111111111111111", "amount": 9}
        values = [good, {"id": "no number", "card": "4111", "amount": 9}, 17, {**good, "id": 2, "amount": 7},
                  {**good, "id": 3}]
        self.produce("people", values)
        query = self.run_sql(MASKING.replace(", PARTITIONS=2", ""))["queries"][0]
        self.assertEqual([row["ID"] for row in self.consume("masked")], [1, 3])
        letters = self.consume(query["id"] + ".dead_letters", "--with-metadata")
        self.assertEqual(query["dead_letters"], 3)
        self.assertEqual([letter["value"] for letter in letters], values[1:4])
        origin = {row["offset"]: row for row in self.consume("people", "--with-metadata")}
        for letter, offset in zip(letters, (1, 2, 3)):
            headers = {header["name"]: header["value"] for header in letter["headers"]}
            origin_of = [headers[f"penstock.origin_{part}"] for part in ("topic", "partition", "offset")]
            self.assertEqual(origin_of, ["people", "0", str(offset)])
            self.assertEqual(headers["penstock.origin_timestamp_ms"], str(origin[offset]["timestamp"]))
            self.assertRegex(headers["penstock.reason"], r"^[a-z][a-z0-9_]*$")
            self.assertEqual(headers["penstock.query"], query["id"])
        reasons = [header["value"] for letter in letters for header in letter["headers"]
                   if header["name"] == "penstock.reason"]
        self.assertNotEqual(reasons[1], reasons[2])

    def test_plain_records_in_a_sealed_topic_become_dead_letters(self) -> None:
        self.new_policy("in", "people")
        self.produce("people", people(0, 10), "--seal", "in", "--keys", self.key("in", "producer"))
        self.produce("people", [{"id": 99, "card": "4111", "amount": 9}], "--plain")
        sealed = MASKING.replace(", PARTITIONS=2", ", SEAL='psr1', KEY_POLICY='in'", 1).replace(", PARTITIONS=2", "")
        query = self.run_sql(sealed, "--keys", self.key("in"))["queries"][0]
        self.assertEqual(sorted(row["ID"] for row in self.consume("masked")), wanted_ids(0, 10))
        letters = self.consume(query["id"] + ".dead_letters", "--with-metadata")
        self.assertIn(99, [letter["value"].get("id") for letter in letters])


class HeldFolder(Case):
    def setUp(self) -> None:
        super().setUp()
        self.produce("people", [], "--partitions", 2)
        self.holder = self.start(PENSTOCK, "run", "--data", self.data, self.sql_file(MASKING))
        self.wait_for_holder(self.holder)

    def test_run_and_repair_refuse_and_name_the_holder(self) -> None:
        other = self.sql_file("SHOW STREAMS;", "other.sql")
        for words in (("run", "--data", self.data, "--until-end", other), ("repair", "--data", self.data)):
            done = self.penstock(*words, expect=BUSY)
            self.assertRegex(done.stderr, rf"\b{self.holder.pid}\b")

    def test_produce_and_consume_work_through_the_socket(self) -> None:
        self.produce("people", people(0, 400))
        self.assertEqual(len(self.consume("people")), 400)
        wanted = wanted_ids(0, 400)
        self.wait_until(lambda: "masked" in self.topic_names() and len(self.consume("masked")) >= len(wanted), "work")
        self.assertEqual(sorted(row["ID"] for row in self.consume("masked")), wanted)
        self.assertTrue(self.holds_folder(self.holder))
        self.assertEqual(os.stat(self.data / "log.sock").st_mode & 0o777, 0o600)

    def test_sigterm_and_ctrl_c_finish_the_batch_and_end_with_0(self) -> None:
        self.produce("people", people(0, 400))
        self.assertEqual(self.terminate(self.holder), 0)
        self.run_sql(MASKING)
        self.assertEqual(sorted(row["ID"] for row in self.consume("masked")), wanted_ids(0, 400))
        second = self.start(PENSTOCK, "run", "--data", self.data, self.folder / "queries.sql")
        self.wait_for_holder(second)
        self.assertEqual(self.terminate(second, signal.SIGINT), 0)


class Repair(Case):
    def setUp(self) -> None:
        super().setUp()
        self.produce("people", people(0, 60), "--commit-lines", 10)
        self.sql = MASKING.replace(", PARTITIONS=2", "")
        self.run_sql(self.sql)

    def segment_files(self) -> dict:
        return {str(file.relative_to(self.data)): file.read_bytes() for file in (self.data / "topics").rglob("*.seg")}

    def flip_a_bit(self) -> None:
        segment = next((self.data / "topics" / "people" / "0").glob("*.seg"))
        content = bytearray(segment.read_bytes())
        at = content.index(b'"id": 35')
        content[at + 7] ^= 4
        segment.write_bytes(bytes(content))

    def test_damage_is_refused_planned_and_cut_only_when_told_to(self) -> None:
        self.flip_a_bit()
        damaged = self.segment_files()
        refused = self.run_sql(self.sql, expect=CORRUPT)
        self.assertIn("penstock repair", refused.stderr)
        self.assertRegex(refused.stderr, r"people.*offset 30")
        self.assertNotIn("4111", refused.stderr)

        plan = self.penstock("repair", "--data", self.data, expect=CORRUPT).stdout
        self.assertRegex(plan, r"people")
        self.assertIn("30 records would be lost", plan)
        self.assertEqual(self.segment_files(), damaged)
        self.assertFalse((self.data / "lost").exists())
        self.run_sql(self.sql, expect=CORRUPT)

        self.penstock("repair", "--data", self.data, "--apply")
        self.assertTrue(any(file.is_file() for file in (self.data / "lost").rglob("*")))
        self.run_sql(self.sql)
        self.assertEqual([row["id"] for row in self.consume("people")], list(range(30)))
        self.assertEqual(sorted(row["ID"] for row in self.consume("masked")), wanted_ids(0, 60))
        self.produce("people", people(60, 40))
        self.run_sql(self.sql)
        self.assertEqual(sorted(row["ID"] for row in self.consume("masked")),
                         sorted(wanted_ids(0, 60) + wanted_ids(60, 40)))

    def test_a_whole_folder_needs_no_repair(self) -> None:
        before = self.segment_files()
        self.assertIn("nothing to repair", self.penstock("repair", "--data", self.data).stdout)
        self.penstock("repair", "--data", self.data, "--apply")
        self.assertEqual(self.segment_files(), before)


if __name__ == "__main__":
    unittest.main()
