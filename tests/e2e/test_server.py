"""penstockd over REST and through `penstock sql`."""

import json
import subprocess
import threading
import unittest

from penstock_case import BIN, PenstockCase

CREATE = "CREATE STREAM s (id BIGINT, name STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=2);"
DERIVE = "CREATE STREAM t WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON') AS SELECT id, UCASE(name) AS name FROM s EMIT CHANGES;"


class Rest(PenstockCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.start_server()

    def test_statements_queries_and_metrics(self) -> None:
        status, body = self.request("/info")
        self.assertEqual(status, 200)
        self.assertIn("version", json.loads(body)["KsqlServerInfo"])
        status, body = self.request("/ksql", {"ksql": CREATE + DERIVE, "streamsProperties": {}})
        self.assertEqual(status, 200, body)
        self.assertEqual([e["@type"] for e in json.loads(body)], ["currentStatus", "currentStatus"])
        self.produce("s", [{"ID": i, "NAME": f"n{i}"} for i in range(10)])
        status, body = self.request("/query-stream", {
            "sql": "SELECT * FROM t EMIT CHANGES LIMIT 10;", "properties": {"auto.offset.reset": "earliest"}},
            accept="application/vnd.ksqlapi.delimited.v1")
        self.assertEqual(status, 200, body)
        head, *rows = [json.loads(line) for line in body.splitlines() if line]
        self.assertEqual(head["columnNames"], ["ID", "NAME"])
        self.assertEqual(sorted(map(tuple, rows)), [(i, f"N{i}") for i in range(10)])
        status, body = self.request("/metrics", accept="text/plain")
        self.assertEqual(status, 200)
        self.assertIn("CSAS_T", body)

    def test_mistakes_have_stable_codes(self) -> None:
        for path, body, code in (("/ksql", {"ksql": "SELEC 1;"}, 40001), ("/ksql", {}, None),
                                 ("/nowhere", None, 40400), ("/close-query", {"queryId": "none"}, 40000)):
            status, text = self.request(path, body)
            self.assertGreaterEqual(status, 400, path)
            error = json.loads(text)
            self.assertIn("message", error)
            if code:
                self.assertEqual(error["error_code"], code, text)

    def test_sigterm_ends_with_success(self) -> None:
        self.assertEqual(self.terminate(self.server), 0)

    def test_a_second_server_is_refused_and_names_the_first(self) -> None:
        second = self.start("penstockd", "--data", self.data, "--listen", "127.0.0.1:0")
        _, err = second.communicate(timeout=30)
        self.assertEqual(second.returncode, 10, err)
        self.assertIn(str(self.server.pid), err)

    def test_a_kill_loses_nothing(self) -> None:
        self.request("/ksql", {"ksql": CREATE + DERIVE, "streamsProperties": {}})
        self.produce("s", [{"ID": i, "NAME": "x"} for i in range(5000)])
        self.server.kill()
        self.server.wait()
        self.server = self.start_server()
        self.wait_until(lambda: self.count("t") >= 5000, "processing")
        self.assertEqual(sorted(row["ID"] for row in self.consume("t")), list(range(5000)))


class SqlConsole(PenstockCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.start_server()

    def sql(self, statements: str, *more: object, expect: int = 0) -> str:
        done = self.penstock("sql", "--server", self.url, *more, "-e", statements, expect=expect)
        return done.stdout if expect == 0 else done.stderr

    def test_statements_and_tables(self) -> None:
        self.assertIn("created", self.sql(CREATE + DERIVE).lower())
        self.assertIn("|S ", self.sql("SHOW STREAMS;"))
        self.assertIn("CSAS_T", self.sql("SHOW QUERIES;"))
        self.assertIn("BIGINT", self.sql("DESCRIBE s;"))
        self.produce("s", [{"ID": 1, "NAME": "one"}])
        table = self.sql("SET 'auto.offset.reset' = 'earliest'; SELECT id, name FROM t EMIT CHANGES LIMIT 1;")
        self.assertIn("|ONE", table)
        rows = self.sql("SET 'auto.offset.reset' = 'earliest'; SELECT id, name FROM t EMIT CHANGES LIMIT 1;",
                        "--output", "JSON")
        self.assertEqual(json.loads(rows.splitlines()[-1]), {"ID": 1, "NAME": "ONE"})

    def test_a_data_folder_leads_to_the_server_that_holds_it(self) -> None:
        self.sql(CREATE)
        done = self.penstock("sql", "--data", self.data, "-e", "SHOW STREAMS;")
        self.assertIn("|S ", done.stdout)
        self.terminate(self.server)
        done = self.penstock("sql", "--data", self.data, "-e", "SHOW STREAMS;")  # in this process now
        self.assertIn("|S ", done.stdout)

    def test_mistakes_end_with_their_code(self) -> None:
        self.assertIn("^", self.sql(CREATE + "SELECT nam FROM s EMIT CHANGES;",
                                    expect=2))
        self.assertIn("not a property", self.sql("SET 'no.such' = 'x';", expect=2))

    def test_scripts_come_from_files_and_standard_input(self) -> None:
        file = self.folder / "script.sql"
        file.write_text(CREATE)
        self.penstock("sql", "--server", self.url, "-f", file)
        self.assertIn("|S ", self.penstock("sql", "--server", self.url, stdin="SHOW STREAMS;").stdout)

    def test_a_live_query_shows_rows_as_they_come_and_ends_on_ctrl_c(self) -> None:
        self.sql(CREATE)
        query = self.start("penstock", "sql", "--server", self.url, "--output", "JSON", "-e",
                           "SELECT id FROM s EMIT CHANGES;")
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(iter(query.stdout.readline, "")))
        reader.start()
        self.addCleanup(reader.join)
        number = iter(range(1000))

        def row_came() -> bool:
            self.produce("s", [{"ID": next(number)}])
            return bool(lines)

        self.wait_until(row_came, "a row")
        self.assertIsNone(query.poll())
        query.send_signal(subprocess.signal.SIGINT)
        self.assertEqual(query.wait(timeout=10), 0)

    def test_no_server_says_what_to_do(self) -> None:
        done = self.penstock("sql", "--server", "http://127.0.0.1:1", "-e", "SHOW STREAMS;", expect=14)
        self.assertIn("penstockd", done.stderr)


if __name__ == "__main__":
    unittest.main()
