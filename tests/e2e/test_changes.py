"""SQL that changes between two starts: what goes on, what begins anew, what is refused, and that advice works."""

import re
import unittest

from harness import PENSTOCKD, Case, ServerCase

SOURCE_SQL = """
CREATE STREAM people (id BIGINT, name STRING, amount INT)
  WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON', PARTITIONS=1);
"""
RICH = "CREATE STREAM rich WITH (KAFKA_TOPIC='rich'{more}) AS SELECT {columns} FROM people WHERE amount > {least};\n"
ROW = "INSERT INTO people VALUES ({0}, 'of the file', {0});\n"


def rich(least: int = 10, columns: str = "id", more: str = "") -> str:
    return RICH.format(more=more, columns=columns, least=least)


def people(*amounts: int) -> list[dict]:
    return [{"id": amount, "name": "n", "amount": amount} for amount in amounts]


class RunFiles(Case):
    def ids(self) -> list[int]:
        return [row["ID"] for row in self.consume("rich")]

    def test_rows_of_a_file_are_inserted_once(self) -> None:
        for _ in range(3):
            self.run_sql(SOURCE_SQL + ROW.format(50) + ROW.format(50) + rich())
            self.assertEqual(self.ids(), [50, 50])
        self.run_sql(SOURCE_SQL + ROW.format(50) + ROW.format(50) + ROW.format(60) + rich())
        self.assertEqual(self.ids(), [50, 50, 60])

    def test_a_changed_literal_goes_on_from_the_positions(self) -> None:
        self.produce("people", people(5, 20))
        first = self.run_sql(SOURCE_SQL + rich(10))["queries"][0]["id"]
        self.produce("people", people(6, 21))
        second = self.run_sql(SOURCE_SQL + rich(5))
        self.assertEqual([q["id"] for q in second["queries"]], [first])
        self.assertEqual(self.ids(), [20, 6, 21])

    def test_what_no_rule_decides_is_refused_and_each_advice_works(self) -> None:
        self.produce("people", people(20))
        self.run_sql(SOURCE_SQL + rich())
        refused = self.run_sql(SOURCE_SQL + rich(columns="name AS id"), expect=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("SELECT id FROM", refused.stderr)
        self.assertIn("SELECT name AS id FROM", refused.stderr)
        self.run_sql(SOURCE_SQL + rich())
        for advice, wanted in (("ON_CHANGE='continue'", [20]), ("ON_CHANGE='restart'", [20, 20.0])):
            self.assertIn(advice, refused.stderr)
            columns = "name AS id" if "continue" in advice else "CAST(amount AS DOUBLE) AS id"
            self.run_sql(SOURCE_SQL + rich(columns=columns, more=", " + advice))
            self.assertEqual(self.ids(), wanted)

    def test_what_is_missing_ends_and_statements_of_others_stay(self) -> None:
        self.produce("people", people(20))
        self.run_sql(SOURCE_SQL + rich())
        self.penstock("sql", "--data", self.data, "-e", "CREATE STREAM mine AS SELECT id FROM people;")
        left = self.run_sql(SOURCE_SQL)
        self.assertEqual([q["sink"] for q in left["queries"]], ["MINE"])
        used = self.run_sql("CREATE STREAM o (a INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON', PARTITIONS=1);",
                            expect=None)
        advice = re.search(r"TERMINATE \w+;", used.stderr)
        self.assertIsNotNone(advice, used.stderr)
        self.penstock("sql", "--data", self.data, "-e", advice.group() + " DROP STREAM mine;")
        self.assertEqual(self.run_sql("CREATE STREAM o (a INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON', "
                                      "PARTITIONS=1);")["queries"], [])

    def test_the_plan_of_changes_is_shown_before_and_at_the_start(self) -> None:
        old = self.sql_file(SOURCE_SQL + rich(10), "old.sql")
        new = self.sql_file(SOURCE_SQL + rich(5) + "CREATE STREAM all_of_them AS SELECT id FROM people;", "new.sql")
        plan = self.penstock("config", "diff", old, new).stdout
        self.assertIn("~ changes, from its positions, query CSAS_RICH_1", plan)
        self.assertIn("+ starts query CSAS_ALL_OF_THEM", plan)
        self.assertIn("amount > 5", plan)
        self.assertIn("nothing changes", self.penstock("config", "diff", old, old).stdout)
        config = self.folder / "penstock.toml"
        config.write_text('sql_files = ["new.sql"]\n')
        self.assertEqual(self.penstock("config", "diff", old, config).stdout, plan)
        self.produce("people", people(20))
        self.run_sql(old.read_text())
        file = self.sql_file(new.read_text())
        done = self.penstock("run", "--data", self.data, "--until-end", file)
        self.assertIn("from its positions, query CSAS_RICH_1", done.stderr)


@unittest.skipUnless(PENSTOCKD.exists(), f"{PENSTOCKD} is not built")
class Services(ServerCase):
    def config(self, service: str) -> object:
        file = self.folder / "penstockd.toml"
        file.write_text(f'service_id = "{service}"\nsql_files = ["queries.sql"]\n')
        return file

    def test_two_services_do_not_write_one_sink(self) -> None:
        self.produce("people", people(20))
        self.run_sql(SOURCE_SQL + rich())
        refused = self.run_program(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0", "--config",
                                   self.config("other"), expect=None)
        self.assertNotEqual(refused.returncode, 0)
        advice = re.search(r'service_id = "(\w+)"', refused.stderr)
        self.assertIsNotNone(advice, refused.stderr)
        self.assertEqual(len(self.consume("rich")), 1)
        server = self.start_server("--config", self.config(advice.group(1)))
        self.assertEqual(self.terminate(server), 0)
        self.assertEqual(len(self.consume("rich")), 1)
        self.penstock("sql", "--data", self.data, "-e", "TERMINATE CSAS_RICH_1;")
        server = self.start_server("--config", self.config("other"))
        self.wait_until(lambda: self.count("rich") == 2, "beginning anew")
        self.assertEqual(self.terminate(server), 0)

    def test_a_measured_service_takes_a_changed_literal(self) -> None:
        self.produce("people", people(5, 20))
        self.new_policy("pay", "pay")
        for least, wanted in ((10, 1), (4, 2)):
            self.sql_file(SOURCE_SQL + ROW.format(30) + rich(least))
            server = self.start_server("--keys", self.key("pay"), "--config", self.config("masking"))
            self.wait_until(lambda: self.count("rich") == wanted + 1, f"{wanted} rows")
            self.assertEqual(self.terminate(server), 0)
            self.produce("people", people(7))


if __name__ == "__main__":
    unittest.main()
