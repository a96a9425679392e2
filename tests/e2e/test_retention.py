"""Records that are let go, by the commands an operator has."""

from harness import PRECONDITION, USAGE, ServerCase

STREAM = "CREATE STREAM s (id BIGINT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');\n"


class Retention(ServerCase):
    def topics(self, verb: str, *more: object, expect: int | None = 0):
        return self.penstock("topics", verb, "--data", self.data, *more, expect=expect)

    def first(self) -> int:
        return int(self.topics("describe", "--topic", "t").stdout.splitlines()[-1].split()[1])

    def test_what_is_kept_is_said_and_changed(self) -> None:
        self.produce("t", [{"id": 1}])
        self.assertRegex(self.topics("describe", "--topic", "t").stdout, r"kept +for ever\ndisk +\d+ B\n")
        self.topics("alter", "--topic", "t", "--retention", "7d", "--retention-bytes", "2GiB")
        self.assertIn("7d, at most 2.0 GiB per partition", self.topics("describe", "--topic", "t").stdout)
        self.topics("alter", "--topic", "t", "--keep")
        self.assertIn("for ever", self.topics("describe", "--topic", "t").stdout)
        for wrong in (("--retention", "7"), ("--retention", "1ms"), ("--retention-bytes", "3"), ("--retention-bytes", "-1"), ()):
            self.topics("alter", "--topic", "t", *wrong, expect=USAGE)
        self.assertRegex(self.topics("list").stdout, r"t +1 +1 +\d+ B")

    def test_a_topic_is_made_as_it_is_wanted(self) -> None:
        self.topics("create", "--topic", "t", "--partitions", 3, "--compacted", "--retention", "7d")
        shown = self.topics("describe", "--topic", "t").stdout
        self.assertRegex(shown, r"partitions 3\ncompacted  yes\nkept       7d\n")
        self.assertIn("exists", self.topics("create", "--topic", "t", expect=None).stderr)

    def test_a_trim_leaves_what_a_query_has_yet_to_read(self) -> None:
        lines = [{"id": i, "text": "x" * 900_000} for i in range(80)]  # more than a segment
        self.produce("t", lines)
        self.run_sql(STREAM + "CREATE STREAM o AS SELECT id FROM s;")
        self.produce("t", lines[:1])
        refused = self.topics("trim", "--topic", "t", "--partition", 0, "--before", 81, expect=PRECONDITION)
        self.assertIn("has read up to 80 only", refused.stderr)
        self.topics("trim", "--topic", "t", "--partition", 0, "--before", 80)
        first = self.first()
        self.assertGreater(first, 0)
        self.assertEqual([row["id"] for row in self.consume("t")], [*range(first, 80), 0])
        self.run_sql(STREAM + "CREATE STREAM o AS SELECT id FROM s;")
        self.assertEqual(self.count("O"), 81)

    def test_a_statement_says_it_for_the_topics_that_it_makes(self) -> None:
        kept = STREAM.replace("'JSON'", "'JSON', RETENTION_MS=3600000, PARTITIONS=1")
        self.run_sql(kept)
        self.assertIn("kept       1h", self.topics("describe", "--topic", "t").stdout)
        self.topics("alter", "--topic", "t", "--retention", "2h")
        done = self.penstock("run", "--data", self.data, "--until-end", self.sql_file(kept))
        self.assertIn("penstock topics alter", done.stderr)

    def test_through_a_server_and_its_figures(self) -> None:
        self.produce("t", [{"id": i} for i in range(10)])
        self.start_server()
        self.topics("alter", "--topic", "t", "--retention", "1h")
        self.topics("trim", "--topic", "t", "--partition", 0, "--before", 10)
        self.assertEqual(self.first(), 0)  # one segment, which stays
        self.assertRegex(self.call("/metrics")[1], r'penstock_topic_disk_bytes\{topic="t"\} [1-9]')
