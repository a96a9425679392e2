"""`penstock run`: a pipeline without a server."""

import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from harness import CORRUPT, PENSTOCK, SOURCE, Case

MASKING = """
CREATE STREAM people (id BIGINT, card STRING, amount DOUBLE)
  WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON', PARTITIONS=2);
CREATE STREAM masked WITH (KAFKA_TOPIC='masked', VALUE_FORMAT='JSON', PARTITIONS=2) AS
  SELECT id, MASK_KEEP_RIGHT(card, 4) AS card FROM people WHERE amount >= 10 EMIT CHANGES;
"""


def people(first: int, count: int) -> list[dict]:
    return [{"id": i, "card": f"41111111{i:08}", "amount": i % 20} for i in range(first, first + count)]


class UntilEnd(Case):
    def test_a_second_run_goes_on_where_the_first_stopped(self) -> None:
        self.produce("people", people(0, 1000), "--partitions", 2)
        first = self.run_sql(MASKING)
        self.assertEqual([q["records_in"] for q in first["queries"]], [1000])
        self.assertEqual([q["records_out"] for q in first["queries"]], [500])
        self.assertGreater(first["process"]["memory_peak_bytes"], 0)
        self.produce("people", people(1000, 200))
        second = self.run_sql(MASKING)
        self.assertEqual([q["records_in"] for q in second["queries"]], [200])
        rows = self.consume("masked")
        self.assertEqual(sorted(row["ID"] for row in rows), [i for i in range(1200) if i % 20 >= 10])
        self.assertTrue(all(row["CARD"] == "nnnnnnnnnnnn" + f"{row['ID']:08}"[-4:] for row in rows))

    def test_a_changed_statement_is_refused(self) -> None:
        self.produce("people", people(0, 10), "--partitions", 2)
        self.run_sql(MASKING)
        done = self.run_sql(MASKING.replace("SELECT id, ", "SELECT amount, id, "), expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("SELECT id, ", done.stderr)
        self.assertIn("SELECT amount, id, ", done.stderr)

    def test_a_mistake_shows_line_caret_and_the_nearest_name(self) -> None:
        done = self.run_sql(MASKING.replace("SELECT id,", "SELECT idd,"), expect=2)
        self.assertIn("^", done.stderr)
        self.assertIn("ID", done.stderr)
        self.assertIn("line ", done.stderr)

    def test_times_in_seconds_are_said_once(self) -> None:
        self.produce("t", [{"id": i, "at": 1_700_000_000 + i} for i in range(5)])
        sql = self.sql_file("CREATE STREAM s (id BIGINT, `at` BIGINT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', "
                            "TIMESTAMP='`at`');\nCREATE STREAM o AS SELECT id FROM s;")
        done = self.penstock("run", "--data", self.data, "--until-end", sql)
        self.assertEqual(done.stderr.count("look like seconds"), 1, done.stderr)

    def test_records_that_cannot_be_read_become_dead_letters(self) -> None:
        self.produce("people", [{"id": 1, "card": "4111111111111111", "amount": 10}, {"id": "no number"}, 17,
                                {"id": 2, "card": "4111111111112222", "amount": 11}])
        done = self.run_sql(MASKING.replace(", PARTITIONS=2);", ");"))
        query = done["queries"][0]
        self.assertEqual((query["records_out"], query["dead_letters"]), (2, 2))
        letters = self.consume(query["id"] + ".dead_letters", "--with-metadata")
        self.assertEqual([letter["value"] for letter in letters], [{"id": "no number"}, 17])
        self.assertEqual({header["value"] for letter in letters for header in letter["headers"]
                          if header["name"] == "penstock.origin_topic"}, {"people"})

    def test_sealed_in_sealed_out(self) -> None:
        self.new_policy("in", "people")
        self.new_policy("out", "masked")
        self.produce("people", people(0, 300), "--partitions", 2, "--seal", "in", "--keys", self.key("in", "producer"))
        self.penstock("policy", "combine", self.key("in", "reader"), self.key("out", "producer"), "--out",
                      self.key("server"))
        refused = self.run_sql("SHOW STREAMS;", "--keys", self.key("server"), expect=None)
        self.assertIn(f"penstock policy state-key {self.key('server')}", refused.stderr)
        self.assertNotEqual(refused.returncode, 0)
        self.penstock("policy", "state-key", self.key("server"))
        self.assertEqual(self.key("server").stat().st_mode & 0o777, 0o600)
        self.penstock("policy", "state-key", self.key("server"), expect=None)
        sealed = MASKING.replace("PARTITIONS=2);", "PARTITIONS=2, SEAL='psr1', KEY_POLICY='in');", 1)
        sealed = sealed.replace("PARTITIONS=2) AS", "PARTITIONS=2, SEAL='psr1', KEY_POLICY='out') AS")
        self.run_sql(sealed, "--keys", self.key("server"))
        rows = self.consume("masked", "--open", "--keys", self.key("out", "reader"))
        self.assertEqual(sorted(row["ID"] for row in rows), [i for i in range(300) if i % 20 >= 10])
        self.assertTrue(all("sealed_bytes" in row for row in self.consume("masked")))
        without = self.run_sql(sealed, expect=None)
        self.assertEqual(without.returncode, CORRUPT)  # another state key is another service
        self.assertIn("state key", without.stderr)

    def test_sealed_dead_letters_open_in_the_context_of_their_origin(self) -> None:
        self.new_policy("in", "people")
        self.produce("people", [{"id": "no number", "card": "4111", "amount": 10}], "--seal", "in", "--keys",
                     self.key("in", "producer"))
        sealed = MASKING.replace("PARTITIONS=2);", "SEAL='psr1', KEY_POLICY='in');", 1)
        done = self.run_sql(sealed, "--keys", self.key("in"))
        topic = done["queries"][0]["id"] + ".dead_letters"
        self.assertIn("sealed_bytes", self.consume(topic)[0])
        self.assertEqual(self.consume(topic, "--open", "--keys", self.key("in", "reader"))[0]["id"], "no number")

    def test_two_threads_do_the_same_as_one(self) -> None:
        self.produce("people", people(0, 20000), "--partitions", 8)
        eight = MASKING.replace("PARTITIONS=2", "PARTITIONS=8")
        self.run_sql(eight, "--threads", 4)
        self.assertEqual(sorted(row["ID"] for row in self.consume("masked")),
                         [i for i in range(20000) if i % 20 >= 10])


class AcceptedLoss(Case):
    def test_an_owner_goes_on_behind_records_that_are_gone(self) -> None:
        self.new_policy("pay", "elsewhere")  # for its state key
        keys = ("--keys", self.key("pay"))
        self.produce("people", people(0, 40), "--partitions", 2)
        self.run_sql(MASKING, *keys)
        segment = next((self.data / "topics" / "masked" / "0").iterdir())
        os.truncate(segment, 100)  # a power loss, say
        self.run_sql(MASKING, *keys, expect=CORRUPT)
        self.penstock("repair", "--data", self.data, "--apply")
        refused = self.run_sql(MASKING, *keys, expect=CORRUPT)
        self.assertIn("penstock run --accept-loss", refused.stderr)
        self.run_sql(MASKING, *keys, "--accept-loss")
        self.produce("people", people(40, 20))
        done = self.run_sql(MASKING, *keys)
        self.assertEqual(done["queries"][0]["records_in"], 20)


class UntilASignal(Case):
    def test_it_runs_until_sigterm_and_ends_with_success(self) -> None:
        self.produce("people", [], "--partitions", 2)
        file = self.folder / "queries.sql"
        file.write_text(MASKING)
        runner = self.start(PENSTOCK, "run", "--data", self.data, "--json", file,
                            stdout=subprocess.PIPE)
        self.wait_until((self.data / "log.sock").exists, "taking the folder")
        self.produce("people", people(0, 1000))
        self.wait_until(lambda: self.count("masked") == 500, "masking")
        out = []
        self.assertEqual(self.terminate(runner), 0)
        out = runner.stdout.read()
        self.assertEqual(json.loads(out)["queries"][0]["records_out"], 500)


@unittest.skipUnless(os.geteuid() == 0, "mounting a small disk needs root")
class SmallDisk(Case):
    def setUp(self) -> None:
        super().setUp()
        self.mount = self.folder / "disk"
        self.mount.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "penstock-e2e", str(self.mount)],
                              capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"mounting a small disk is not allowed here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.mount)], check=False)
        self.data = self.mount / "data"

    def test_a_full_disk_is_said_and_nothing_that_was_written_is_lost(self) -> None:
        self.produce("t", [{"n": 0}])
        filler = self.mount / "filler"
        with filler.open("wb") as out:
            try:
                while True:
                    out.write(b"x" * (1 << 20))
                    out.flush()
            except OSError:
                pass
        values = [{"n": n, "text": "y" * 1000} for n in range(1, 150_001)]
        done = self.produce("t", values, expect=None)
        self.assertEqual(done.returncode, 12, done.stderr)
        written = int(done.stderr.split(" records written")[0].split()[-1])
        filler.unlink()
        self.assertEqual([row["n"] for row in self.consume("t")], list(range(written + 1)))
        self.produce("t", values[written:written + 1000])
        self.assertEqual(len(self.consume("t")), written + 1001)


class Demo(Case):
    def test_the_example_runs_without_a_server(self) -> None:
        example = SOURCE / "examples" / "payments"
        self.new_policy("payments-v1", "payments")
        self.new_policy("review-v1", "payments_review")
        made = subprocess.run([str(example / "generate.py"), "--count", "2000"], capture_output=True, text=True,
                              check=True).stdout
        self.penstock("produce", "--data", self.data, "--topic", "payments", "--partitions", 2, "--seal",
                      "payments-v1", "--keys", self.key("payments-v1", "producer"), stdin=made)
        self.penstock("policy", "combine", self.key("payments-v1", "reader"), self.key("review-v1", "producer"),
                      "--out", self.key("server"))
        self.penstock("policy", "state-key", self.key("server"))
        self.penstock("run", "--data", self.data, "--until-end", "--keys", self.key("server"), example / "payments.sql")
        payments = [json.loads(line) for line in made.splitlines()]
        review = self.consume("payments_review", "--open", "--keys", self.key("review-v1", "reader"))
        large = sorted(p["card"] for p in payments if p["amount"] >= 1000)
        self.assertEqual(sorted(row["CARD"] for row in review), large)
        self.assertEqual(len(self.consume("payments_masked")), 2000)


if __name__ == "__main__":
    unittest.main()
