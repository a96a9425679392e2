"""penstockd over HTTP, as ksqlDB's clients speak to it, and through `penstock sql`."""

import http.client
import json
import signal
import socket
import threading
import time
import unittest

from harness import BUSY, PENSTOCKD, START_TIMEOUT_S, ServerCase

DELIMITED = "application/vnd.ksqlapi.delimited.v1"
CREATE = "CREATE STREAM s (id BIGINT, name STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=2);"
DERIVE = ("CREATE STREAM t WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON') AS "
          "SELECT id, UCASE(name) AS name FROM s EMIT CHANGES;")


def rows(first: int, count: int) -> list[dict]:
    return [{"ID": i, "NAME": f"n{i}"} for i in range(first, first + count)]


class Push:
    """A push query whose answer is read line by line while it comes."""

    def __init__(self, address: str, sql: str, properties: dict | None = None) -> None:
        self.connection = http.client.HTTPConnection(address, timeout=START_TIMEOUT_S)
        body = json.dumps({"sql": sql, "properties": properties or {}})
        self.connection.request("POST", "/query-stream", body, {"Accept": DELIMITED})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def line(self) -> object | None:
        """The next line; None at the end."""
        while True:
            text = self.answer.readline()
            if not text:
                return None
            if text.strip():
                return json.loads(text)

    def close(self) -> None:
        self.connection.close()


class Rest(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.start_server()

    def push(self, sql: str, properties: dict | None = None) -> Push:
        push = Push(self.address, sql, properties)
        self.addCleanup(push.close)
        return push

    def healthy(self) -> bool:
        status, body = self.call("/healthcheck")
        return status == 200 and json.loads(body)["isHealthy"]

    # -- statements -----------------------------------------------------------------------------

    def test_it_says_who_and_how_it_is(self) -> None:
        status, body = self.call("/info")
        info = json.loads(body)["KsqlServerInfo"]
        self.assertEqual((status, info["serverStatus"]), (200, "RUNNING"))
        self.assertRegex(info["version"], r"^\d+\.\d+")
        self.assertTrue(self.healthy())
        self.assertEqual(json.loads((self.data / "LOCK").read_text())["http"], self.url)

    def test_the_life_of_a_query(self) -> None:
        created = self.ksql(CREATE + DERIVE)
        self.assertEqual([e["@type"] for e in created], ["currentStatus"] * 2)
        self.assertEqual({e["commandStatus"]["status"] for e in created}, {"SUCCESS"})
        query = created[1]["commandStatus"]["queryId"]
        streams = self.ksql("SHOW STREAMS;")[0]
        self.assertEqual({s["name"]: s["topic"] for s in streams["streams"]}, {"S": "s", "T": "t"})
        queries = self.ksql("SHOW QUERIES;")[0]["queries"]
        self.assertEqual([(q["id"], q["sinkKafkaTopics"], q["queryType"]) for q in queries],
                         [(query, ["t"], "PERSISTENT")])
        described = self.ksql("DESCRIBE t;")[0]["sourceDescription"]
        self.assertEqual([f["name"] for f in described["fields"]], ["ID", "NAME"])
        self.assertEqual([q["id"] for q in described["writeQueries"]], [query])
        explained = self.ksql(f"EXPLAIN {query};")[0]["queryDescription"]
        self.assertEqual((explained["sources"], explained["state"]), (["S"], "RUNNING"))
        self.assertTrue(explained["executionPlan"])
        self.produce("s", rows(0, 20))
        self.wait_until(lambda: len(self.consume("t")) >= 20, "processing")
        self.assertEqual(sorted((r["ID"], r["NAME"]) for r in self.consume("t")), [(i, f"N{i}") for i in range(20)])
        self.ksql(f"TERMINATE {query};")
        self.assertEqual(self.ksql("SHOW QUERIES;")[0]["queries"], [])
        self.produce("s", rows(20, 5))
        self.ksql("DROP STREAM t;")
        self.assertEqual([s["name"] for s in self.ksql("SHOW STREAMS;")[0]["streams"]], ["S"])
        self.assertEqual(len(self.consume("t")), 20)

    def test_mistakes_have_stable_codes_and_name_the_statement(self) -> None:
        error = self.ksql(CREATE + "CREATE STREAM x AS SELECT nam FROM s EMIT CHANGES;", expect=400)
        self.assertEqual((error["@type"], error["error_code"]), ("statement_error", 40001))
        self.assertIn("nam", error["statementText"])
        self.assertIn("NAME", error["message"])
        self.assertEqual(self.ksql("SELEC 1;", expect=400)["error_code"], 40001)
        self.assertEqual(self.ksql("SELECT * FROM s EMIT CHANGES;", expect=400)["error_code"], 40002)
        for path, body, status, code in (("/nowhere", None, 404, 40400), ("/ksql", {}, 400, 40000),
                                         ("/ksql", [1], 400, 40000), ("/ksql", {"ksql": 17}, 400, 40000),
                                         ("/close-query", {"queryId": "none"}, 400, 40000),
                                         ("/query-stream", {"sql": "SHOW STREAMS;"}, 400, 40001),
                                         ("/query-stream", {"sql": "SELECT * FROM no EMIT CHANGES;"}, 400, 40001),
                                         ("/query-stream", {"sql": "SELECT COUNT(*) FROM s GROUP BY name;"}, 400, 40001)):
            with self.subTest(path=path, body=body):
                seen, text = self.call(path, body)
                self.assertEqual((seen, json.loads(text)["error_code"]), (status, code), text)
                self.assertTrue(json.loads(text)["message"])
        self.assertTrue(self.healthy())

    # -- queries for clients --------------------------------------------------------------------

    def test_rows_arrive_while_they_are_produced(self) -> None:
        self.ksql(CREATE)
        push = self.push("SELECT id, UCASE(name) AS name FROM s EMIT CHANGES;",
                         {"auto.offset.reset": "earliest"})
        self.assertEqual(push.status, 200)
        self.assertEqual(push.answer.getheader("Content-Type"), DELIMITED)
        head = push.line()
        self.assertEqual((head["columnNames"], head["columnTypes"]), (["ID", "NAME"], ["BIGINT", "STRING"]))
        for step in range(3):
            self.produce("s", rows(step * 2, 2))
            got = sorted(push.line() for _ in range(2))
            self.assertEqual(got, [[i, f"N{i}"] for i in range(step * 2, step * 2 + 2)])
        status, _ = self.call("/close-query", {"queryId": head["queryId"]})
        self.assertEqual(status, 200)
        self.assertIsNone(push.line())
        self.assertEqual(self.call("/close-query", {"queryId": head["queryId"]})[0], 400)

    def test_a_push_query_is_shown_and_terminated_by_its_id(self) -> None:
        self.ksql(CREATE)
        push = self.push("SELECT id FROM s EMIT CHANGES;")
        query = push.line()["queryId"]
        shown = self.ksql("SHOW QUERIES;")[0]["queries"]
        self.assertEqual([(q["id"], q["queryType"], q["queryString"]) for q in shown],
                         [(query, "PUSH", "SELECT id FROM s EMIT CHANGES;")])
        self.assertNotEqual(query, query.upper())
        self.ksql(f"TERMINATE {query};")
        self.assertIsNone(push.line())
        self.assertEqual(self.ksql("SHOW QUERIES;")[0]["queries"], [])
        self.ksql(f"TERMINATE {query};", expect=400)

    def test_a_limit_ends_a_push_query(self) -> None:
        self.ksql(CREATE)
        self.produce("s", rows(0, 10))
        push = self.push("SELECT id FROM s EMIT CHANGES LIMIT 4;", {"auto.offset.reset": "earliest"})
        push.line()
        self.assertEqual(len([push.line() for _ in range(4)]), 4)
        self.assertIsNone(push.line())

    def test_a_clients_own_query_joins_and_tells_of_tombstones(self) -> None:
        self.ksql("CREATE STREAM orders (id STRING KEY, item STRING, n INT) "
                  "WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=3);"
                  "CREATE TABLE items (id STRING PRIMARY KEY, maker STRING) "
                  "WITH (KAFKA_TOPIC='items', VALUE_FORMAT='JSON', PARTITIONS=3);"
                  "INSERT INTO items (id, maker, ROWTIME) VALUES ('cup', 'Delft', 1000);"
                  "INSERT INTO orders (id, item, n, ROWTIME) VALUES ('a', 'cup', 1, 2000);"
                  "INSERT INTO orders (id, item, n, ROWTIME) VALUES ('b', 'jug', 2, 3000);")
        joined = "SELECT n, maker FROM orders o LEFT JOIN items i ON o.item = i.id"
        status, body = self.call("/query", {"ksql": joined + " EMIT CHANGES LIMIT 2;",
                                            "streamsProperties": {"auto.offset.reset": "earliest"}},
                                 "application/vnd.ksql.v1+json")
        self.assertEqual(status, 200, body)
        rows = [line["row"]["columns"] for line in json.loads(body) if "row" in line]
        self.assertEqual(rows, [[1, "Delft"], [2, None]])
        status, body = self.call("/query", {"ksql": joined + ";", "streamsProperties": {}})
        self.assertEqual(status, 400)
        self.assertIn("Pull queries don't support JOIN clauses", body)

        self.ksql("SET 'auto.offset.reset'='earliest'; CREATE TABLE near AS SELECT * FROM items WHERE maker = 'Delft';"
                  "INSERT INTO items (id, maker, ROWTIME) VALUES ('cup', 'Gouda', 4000);")
        status, body = self.call("/query", {"ksql": "SELECT maker, id FROM near EMIT CHANGES LIMIT 2;",
                                            "streamsProperties": {"auto.offset.reset": "earliest"}},
                                 "application/vnd.ksql.v1+json")
        self.assertEqual(status, 200, body)
        rows = [line["row"] for line in json.loads(body) if "row" in line]
        self.assertEqual(rows, [{"columns": ["Delft", "cup"]}, {"columns": [None, "cup"], "tombstone": True}])

    def test_a_client_that_goes_away_frees_its_query(self) -> None:
        self.ksql(CREATE)
        push = self.push("SELECT * FROM s EMIT CHANGES;")
        push.line()
        self.assertEqual(self.metric("penstock_push_queries"), 1)
        push.answer.close()
        push.close()
        self.wait_until(lambda: self.metric("penstock_push_queries") == 0, "ending the query")

    # -- metrics --------------------------------------------------------------------------------

    def metric(self, name: str) -> float:
        status, body = self.call("/metrics", accept="text/plain")
        self.assertEqual(status, 200)
        found = [line for line in body.splitlines() if line.split("{")[0].split(" ")[0] == name]
        self.assertTrue(found, f"{name} is not in\n{body}")
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    def test_metrics_count_records_and_hold_no_values(self) -> None:
        self.ksql(CREATE + DERIVE)
        self.produce("s", [{"ID": 1, "NAME": "value-4711"}] * 30 + [{"ID": "not a number-4711"}])
        self.wait_until(lambda: self.metric("penstock_query_records_in_total") == 31, "processing")
        self.assertEqual(self.metric("penstock_query_records_out_total"), 30)
        self.assertEqual(self.metric("penstock_query_dead_letters_total"), 1)
        self.assertGreater(self.metric("penstock_process_resident_bytes"), 0)
        body = self.call("/metrics", accept="text/plain")[1]
        self.assertNotIn("4711", body + (self.folder / "penstockd.log").read_text())
        for line in body.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) penstock_|penstock_[a-z_]+(\{[^}]*\})? \S+$)")

    # -- faults ---------------------------------------------------------------------------------

    def raw(self, request: bytes, wait_s: float = 5) -> bytes:
        """What comes back for these bytes until the server closes or is silent."""
        out, (host, port) = b"", self.address.split(":")
        with socket.create_connection((host, int(port)), timeout=wait_s) as wire:
            try:
                wire.sendall(request)
                while piece := wire.recv(65536):
                    out += piece
            except (TimeoutError, ConnectionError):
                pass
        return out

    def test_an_oversized_body_is_refused(self) -> None:
        body = json.dumps({"ksql": "SHOW STREAMS; -- " + "x" * (3 << 20)}).encode()
        head = (b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body))
        self.assertRegex(self.raw(head + body), rb"^HTTP/1.1 413 |^$")
        huge = b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n"
        self.assertRegex(self.raw(huge), rb"^HTTP/1.1 413 |^$")
        fields = b"GET /info HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: " + b"y" * 100_000 + b"\r\n\r\n"
        self.assertRegex(self.raw(fields), rb"^HTTP/1.1 4|^$")
        self.assertTrue(self.healthy())

    def test_garbage_and_truncated_requests_harm_nobody(self) -> None:
        for request in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"\r\n" * 1000,
                        b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                        b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                        b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{\"ksql\""):
            with self.subTest(request[:40]):
                answer = self.raw(request, wait_s=0.5)
                self.assertNotRegex(answer, rb"^HTTP/1.1 2")
        self.assertTrue(self.healthy())

    def test_a_page_of_another_site_cannot_make_a_browser_call_it(self) -> None:
        request = "GET /info HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"
        for host, status in (("localhost", 200), (self.address, 200), ("attacker.example", 403)):
            with self.subTest(host):
                self.assertTrue(self.raw(request.format(host).encode()).startswith(b"HTTP/1.1 %d " % status))

    def test_a_slow_client_is_answered_and_others_do_not_wait(self) -> None:
        body = b'{"ksql":"SHOW STREAMS;","streamsProperties":{}}'
        head = b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        host, port = self.address.split(":")
        idle = [socket.create_connection((host, int(port)), timeout=5) for _ in range(40)]
        try:
            with socket.create_connection((host, int(port)), timeout=10) as wire:
                for at in range(0, len(head + body), 8):
                    wire.sendall((head + body)[at:at + 8])
                    time.sleep(0.05)
                    if at % 40 == 0:
                        began = time.monotonic()
                        self.assertTrue(self.healthy())
                        self.assertLess(time.monotonic() - began, 5)
                self.assertTrue(wire.recv(65536).startswith(b"HTTP/1.1 200 "))
        finally:
            for connection in idle:
                connection.close()

    def test_a_client_that_does_not_read_does_not_stop_the_queries(self) -> None:
        self.ksql(CREATE + DERIVE)
        push = self.push("SELECT * FROM s EMIT CHANGES;")  # its rows are never read
        self.produce("s", [{"ID": i, "NAME": "x" * 2000} for i in range(5000)])
        self.wait_until(lambda: self.metric("penstock_query_records_out_total") == 5000, "the persistent query")
        self.assertEqual(push.status, 200)
        self.assertEqual(self.terminate(self.server), 0)

    # -- the process ----------------------------------------------------------------------------

    def test_sigterm_ends_with_success_with_queries_open(self) -> None:
        self.ksql(CREATE + DERIVE)
        push = self.push("SELECT * FROM s EMIT CHANGES;")
        push.line()
        self.produce("s", rows(0, 500))
        self.assertEqual(self.terminate(self.server), 0)
        self.server = self.start_server()
        self.assertEqual([q["sinks"] for q in self.ksql("SHOW QUERIES;")[0]["queries"]], [["T"]])
        self.wait_until(lambda: len(self.consume("t")) >= 500, "processing")
        self.assertEqual(sorted(r["ID"] for r in self.consume("t")), list(range(500)))
        self.assertEqual(self.terminate(self.server, signal.SIGINT), 0)

    def test_a_second_server_on_the_folder_is_refused_and_names_the_first(self) -> None:
        done = self.run_program(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0", expect=BUSY)
        self.assertRegex(done.stderr, rf"\b{self.server.pid}\b")

    def test_penstock_sql_speaks_to_it(self) -> None:
        def sql(text: str, *more: object, expect: int = 0) -> str:
            done = self.penstock("sql", "--server", self.url, *more, "-e", text, expect=expect)
            return done.stdout if expect == 0 else done.stderr
        sql(CREATE + DERIVE)
        self.assertRegex(sql("SHOW STREAMS;"), r"\|\s*T\s*\|")
        self.produce("s", rows(1, 1))
        live = "SET 'auto.offset.reset' = 'earliest'; SELECT id, name FROM t EMIT CHANGES LIMIT 1;"
        self.assertRegex(sql(live), r"\|\s*1\s*\|\s*N1\s*\|")
        self.assertEqual(json.loads(sql(live, "--output", "JSON").splitlines()[-1]), {"ID": 1, "NAME": "N1"})
        self.assertIn("^", sql("CREATE STREAM y AS SELECT nam FROM s EMIT CHANGES;", expect=2))
        by_folder = self.penstock("sql", "--data", self.data, "-e", "SHOW QUERIES;")
        self.assertIn("PERSISTENT", by_folder.stdout)

    def test_statements_at_the_same_time_keep_their_answers(self) -> None:
        failures: list[str] = []

        def create(number: int) -> None:
            text = CREATE.replace("STREAM s ", f"STREAM s{number} ").replace("'s'", f"'s{number}'")
            status, body = self.call("/ksql", {"ksql": text})
            if status != 200 or f"S{number}`" not in body:
                failures.append(body)

        threads = [threading.Thread(target=create, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual({s["name"] for s in self.ksql("SHOW STREAMS;")[0]["streams"]}, {f"S{n}" for n in range(12)})


class WithKeys(ServerCase):
    SQL = """
CREATE STREAM sealed (id BIGINT, name STRING)
  WITH (KAFKA_TOPIC='sealed', VALUE_FORMAT='JSON', PARTITIONS=2, SEAL='psr1', KEY_POLICY='in');
CREATE STREAM plain WITH (KAFKA_TOPIC='plain', VALUE_FORMAT='JSON') AS
  SELECT id, MASK(name) AS name FROM sealed EMIT CHANGES;
"""
    FIRST = {"auto.offset.reset": "earliest"}

    def setUp(self) -> None:
        super().setUp()
        self.new_policy("in", "sealed")
        self.produce("sealed", rows(0, 10), "--partitions", 2, "--seal", "in", "--keys", self.key("in", "producer"))

    def check_push_queries(self) -> None:
        for columns in ("*", "MASK(name)"):
            sql = f"SELECT {columns} FROM sealed EMIT CHANGES LIMIT 1;"
            for path, member in (("/query-stream", "sql"), ("/query", "ksql")):
                status, body = self.call(path, {member: sql, "properties": self.FIRST}, accept=DELIMITED)
                self.assertGreaterEqual(status, 400, body)
                self.assertRegex(json.loads(body)["message"].lower(), "seal")
        push = Push(self.address, "SELECT * FROM plain EMIT CHANGES LIMIT 10;", self.FIRST)
        self.addCleanup(push.close)
        push.line()
        got = sorted(push.line() for _ in range(10))
        self.assertEqual([row[0] for row in got], list(range(10)))
        self.assertTrue(all(row[1] == "xn" for row in got), got)

    def test_push_queries_over_sealed_topics_are_refused(self) -> None:
        self.start_server("--keys", self.key("in"), "--sql", self.sql_file(self.SQL))
        self.check_push_queries()

    def test_with_a_configuration_only_its_sql_runs(self) -> None:
        self.sql_file(self.SQL)
        config = self.folder / "penstockd.toml"
        config.write_text('service_id = "masking"\nsql_files = ["queries.sql"]\n')
        server = self.start_server("--keys", self.key("in"), "--config", config)
        self.check_push_queries()
        for sql in ("CREATE STREAM copy AS SELECT * FROM sealed EMIT CHANGES;", "TERMINATE ALL;", "DROP STREAM plain;",
                    "INSERT INTO plain VALUES (1, 'x');"):
            error = self.ksql(sql, expect=403)
            self.assertEqual(error["error_code"], 40300, error)
        self.assertEqual({s["name"] for s in self.ksql("SHOW STREAMS;")[0]["streams"]}, {"SEALED", "PLAIN"})
        self.assertEqual(json.loads(self.call("/info")[1])["KsqlServerInfo"]["ksqlServiceId"], "masking")
        self.assertEqual(self.terminate(server), 0)

    def test_a_wrong_configuration_names_line_and_key(self) -> None:
        config = self.folder / "penstockd.toml"
        config.write_text('service_id = "x"\nsqll_files = []\n')
        done = self.run_program(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0", "--config", config, expect=2)
        self.assertRegex(done.stderr, r"line 2.*sqll_files.*sql_files")


if __name__ == "__main__":
    unittest.main()
