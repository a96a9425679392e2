"""Statements from pipes and files, and what is said when records are left out."""

import json

from harness import FORBIDDEN, PRECONDITION, USAGE, Case, ServerCase

STREAM = "CREATE STREAM s (id BIGINT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);\n"
BAD = '{"id": "no number"}'


class FromAPipe(Case):
    def setUp(self) -> None:
        super().setUp()
        self.produce("t", [{"id": i} for i in range(4)])

    def sql(self, script: str, expect: int | None = 0):
        return self.penstock("sql", "--data", self.data, stdin=script, expect=expect)

    def test_commands_of_the_console_work_there_too(self) -> None:
        file = self.folder / "more.sql"
        file.write_text("\ufeff" + STREAM + "EXIT\nSHOW NONSENSE;\n", encoding="utf-8")
        done = self.sql(f"help\nOUTPUT JSON\nRUN SCRIPT '{file}';\nSELECT id FROM s\n  WHERE id > 1;\nexit\nNONSENSE;")
        self.assertIn("Statements end with a semicolon", done.stdout)
        self.assertEqual([json.loads(line)["ID"] for line in done.stdout.splitlines() if line.startswith('{"ID"')],
                         [2, 3])

    def test_a_mistake_behind_a_command_has_its_line(self) -> None:
        done = self.sql(f"{STREAM}OUTPUT JSON\n\nSELECT nope FROM s;\n", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("line 4", done.stderr)

    def test_scripts_that_run_themselves_end(self) -> None:
        file = self.folder / "self.sql"
        file.write_text(f"RUN SCRIPT '{file}';\n")
        self.assertIn("deep", self.sql(f"RUN SCRIPT '{file}';", expect=None).stderr)

    def test_left_out_records_are_counted(self) -> None:
        lines = '{"id":9}\n"nonsense"\n{"id":"x"}\n'
        self.penstock("produce", "--data", self.data, "--topic", "t", stdin=lines)
        done = self.sql(STREAM + "SELECT id FROM s;")
        self.assertIn("5 rows; 2 records were left out: 1 not_an_object, 1 wrong_type", done.stderr)
        again = self.penstock("run", "--data", self.data, "--until-end", "--fail-on-dead-letters",
                              self.sql_file("CREATE STREAM o AS SELECT id FROM s;"), expect=PRECONDITION)
        self.assertIn("2 of 7 records could not be read or computed; they are in topic 'CSAS_O_", again.stderr)

    def test_what_stands_before_the_json_is_named(self) -> None:
        done = self.penstock("produce", "--data", self.data, "--topic", "t", stdin='\ufeff{"id":1}\n', expect=USAGE)
        self.assertIn("line 1 begins with a byte-order mark", done.stderr)


class RemovingTopics(ServerCase):
    def remove(self, topic: str, *more: object, expect: int | None = 0) -> str:
        return self.penstock("topics", "remove", "--data", self.data, "--topic", topic, *more, expect=expect).stderr

    def test_what_is_in_use_or_internal_stays(self) -> None:
        self.new_policy("pay", "sealed")
        self.produce("sealed", [{"id": 1}], "--seal", "pay", "--keys", self.key("pay", "producer"))
        self.produce("t", [{"id": 1}, "nonsense"])
        self.start_server()
        query = self.ksql(STREAM + "CREATE STREAM o AS SELECT id FROM s;")[1]["commandStatus"]["queryId"]
        self.wait_until(lambda: self.count("O") == 1, "the row is written")
        self.assertIn("never removed", self.remove("_statements_default_", expect=FORBIDDEN))
        self.assertIn("go when that topic is removed", self.remove("sealed.grants", expect=FORBIDDEN))
        for topic, use in (("t", "reads it"), ("O", "writes into it"),
                           (query + ".dead_letters", "keeps its dead letters there")):
            self.assertIn(f"query {query} (service 'default_') {use}", self.remove(topic, "--yes", expect=PRECONDITION))
        self.assertIn("--yes", self.remove("sealed", expect=USAGE))
        self.remove("sealed", "--yes")
        self.remove("t", "--yes", "--force")
        self.assertEqual(self.ksql("SHOW QUERIES;")[0]["queries"], [])
        self.assertEqual({name for name in self.topic_names() if name[0] != "_"}, {"O", query + ".dead_letters"})

    def test_a_free_folder_too(self) -> None:
        self.produce("t", [{"id": 1}])
        self.run_sql(STREAM + "CREATE STREAM o AS SELECT id FROM s;")
        self.assertIn("is in use", self.remove("t", "--yes", expect=PRECONDITION))
        self.remove("t", "--yes", "--force")
        self.assertNotIn("t", self.topic_names())


class FromAServer(ServerCase):
    def test_left_out_records_are_counted(self) -> None:
        self.produce("t", [{"id": 1}, "nonsense", {"id": 2}])
        self.start_server()
        self.ksql(STREAM)
        done = self.penstock("sql", "--server", self.url, "-e",
                             "SET 'auto.offset.reset'='earliest'; SELECT id FROM s EMIT CHANGES LIMIT 2;")
        self.assertIn("2 rows; records left out so far: 1 not_an_object", done.stderr)
        body = {"ksql": "SELECT id FROM s EMIT CHANGES LIMIT 2;",
                "streamsProperties": {"auto.offset.reset": "earliest"}}
        status, text = self.call("/query", body)
        self.assertEqual(status, 200)
        self.assertIn("Limit Reached; 1 record was left out: 1 not_an_object", text)
