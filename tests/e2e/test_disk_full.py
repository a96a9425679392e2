"""A full disk: work pauses and says so; with room again everything arrives exactly once."""

import os
import subprocess
import time
import unittest
from pathlib import Path

from harness import OUT_OF_SPACE, PENSTOCK, PENSTOCKD, Case

DISK_BYTES = 160 << 20
RECORDS = 1_500
TEXT = "abcdefgh" * 500  # the output of a run is some 6 MiB

SQL = """
CREATE STREAM source (id BIGINT, text STRING) WITH (KAFKA_TOPIC='source', VALUE_FORMAT='JSON', PARTITIONS=2);
CREATE STREAM target WITH (KAFKA_TOPIC='target', VALUE_FORMAT='JSON', PARTITIONS=2) AS
  SELECT id, UCASE(text) AS text FROM source EMIT CHANGES;
"""


@unittest.skipUnless(os.geteuid() == 0, "mounting a small disk needs root")
class DiskFull(Case):
    def setUp(self) -> None:
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "penstock-e2e", str(self.disk)],
                                 capture_output=True, text=True, timeout=30)
        if mounted.returncode != 0:
            self.skipTest(f"mounting a small disk is not allowed here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=False, timeout=30)
        self.data = self.disk / "data"
        self.filler = self.disk / "filler"
        self.said = self.folder / "runner.log"

    def fill_disk(self, leave_bytes: int = 0) -> None:
        room = os.statvfs(self.disk)
        with self.filler.open("wb") as out:
            os.posix_fallocate(out.fileno(), 0, room.f_bavail * room.f_frsize - leave_bytes)

    def start_runner(self, program: Path) -> subprocess.Popen:
        file = self.sql_file(SQL)
        words = ("--listen", "127.0.0.1:0", "--sql", file) if program == PENSTOCKD else ("run", file)
        with self.said.open("a") as log:
            runner = self.start(program, *words, "--data", self.data, stderr=log)
        self.wait_for_holder(runner)
        return runner

    def check_pause(self, program: Path) -> None:
        runner = self.start_runner(program)
        self.produce("source", [{"id": -1, "text": "first"}])
        self.wait_until(lambda: len(self.consume("target")) == 1, "the first record")
        self.terminate(runner)
        self.produce("source", [{"id": i, "text": TEXT} for i in range(RECORDS)])
        self.fill_disk(leave_bytes=2 << 20)  # less than the output needs
        runner = self.start_runner(program)
        self.wait_until(lambda: "no space" in self.said.read_text() or "are free for" in self.said.read_text(),
                        "saying that the disk is full")
        time.sleep(0.5)
        self.assertIsNone(runner.poll(), self.said.read_text()[-3000:])
        rows = self.consume("target")  # what is committed can be read meanwhile
        self.assertLess(len(rows), RECORDS + 1)
        self.assertNotIn(TEXT[:16], self.said.read_text())
        self.filler.unlink()
        self.wait_until(lambda: len(self.consume("target")) >= RECORDS + 1, "going on")
        self.assertEqual(self.terminate(runner), 0)
        rows = self.consume("target", "--with-metadata")
        self.assertEqual(sorted(row["value"]["ID"] for row in rows), list(range(-1, RECORDS)))
        for partition in range(2):
            ids = [row["value"]["ID"] for row in rows if row["partition"] == partition]
            self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual({row["value"]["TEXT"] for row in rows}, {"FIRST", TEXT.upper()})

    def test_run_pauses_and_goes_on(self) -> None:
        self.check_pause(PENSTOCK)

    @unittest.skipUnless(PENSTOCKD.exists(), f"{PENSTOCKD} is not built")
    def test_the_server_pauses_and_goes_on(self) -> None:
        self.check_pause(PENSTOCKD)

    def test_a_producer_is_told_how_far_it_came(self) -> None:
        self.produce("t", [{"id": 0}])
        self.fill_disk(leave_bytes=4 << 20)
        values = [{"id": i, "text": TEXT} for i in range(1, RECORDS + 1)]
        done = self.produce("t", values, expect=OUT_OF_SPACE)
        self.assertNotIn(TEXT[:16], done.stderr)
        written = int(done.stderr.split(" record")[0].split()[-1])
        self.assertEqual([row["id"] for row in self.consume("t")], list(range(written + 1)))
        self.filler.unlink()
        self.produce("t", values[written:])
        self.assertEqual([row["id"] for row in self.consume("t")], list(range(RECORDS + 1)))

    def test_a_folder_opens_on_a_disk_without_a_free_byte(self) -> None:
        self.produce("t", [{"id": 0}])
        self.fill_disk()
        self.assertEqual(os.statvfs(self.disk).f_bavail, 0)
        self.assertEqual(self.consume("t"), [{"id": 0}])
        done = self.produce("t", [{"id": i, "text": TEXT} for i in range(1, RECORDS)], expect=OUT_OF_SPACE)
        self.assertIn("space", done.stderr)
        written = int(done.stderr.split(" record")[0].split()[-1])
        self.filler.unlink()
        self.assertEqual([row["id"] for row in self.consume("t")], list(range(written + 1)))

    def test_a_run_that_is_killed_on_a_full_disk_loses_nothing(self) -> None:
        self.produce("source", [{"id": i, "text": TEXT} for i in range(RECORDS)], "--partitions", 2)
        self.fill_disk(leave_bytes=2 << 20)
        for _ in range(3):
            runner = self.start(PENSTOCK, "run", "--data", self.data, self.sql_file(SQL))
            time.sleep(0.5)
            self.end(runner)
        self.filler.unlink()
        self.run_sql(SQL)
        self.assertEqual(sorted(row["ID"] for row in self.consume("target")), list(range(RECORDS)))


if __name__ == "__main__":
    unittest.main()
