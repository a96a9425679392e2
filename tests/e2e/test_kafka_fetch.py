"""Kafka's jars: only those of the list are run."""

import hashlib
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from harness import SOURCE

sys.path.insert(0, str(SOURCE / "tools"))
from kafka import fetch  # noqa: E402


class Jars(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.libs = Path(folder.name)
        for name in ("a.jar", "b.jar"):
            (self.libs / name).write_text(name)
        self.wanted = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a.jar", "b.jar")}

    def refused(self) -> str:
        with self.assertRaises(fetch.WrongJars) as refusal:
            fetch.check(self.libs, self.wanted)
        return str(refusal.exception)

    def test_those_of_the_list_are_taken(self) -> None:
        fetch.check(self.libs, self.wanted)

    def test_another_content_is_refused(self) -> None:
        (self.libs / "b.jar").write_text("changed")
        self.assertIn("b.jar has SHA-256", self.refused())

    def test_one_too_many_is_refused(self) -> None:
        (self.libs / "c.jar").write_text("more")
        self.assertIn("c.jar is not in the list", self.refused())

    def test_one_too_few_is_refused(self) -> None:
        (self.libs / "a.jar").unlink()
        self.assertIn("a.jar is missing", self.refused())

    def test_without_maven_the_message_names_the_package(self) -> None:
        with mock.patch.dict(os.environ, {"XDG_CACHE_HOME": str(self.libs), "PATH": "/nowhere"}):
            with self.assertRaises(fetch.KafkaUnavailable) as reason:
                fetch.jars("4.4.0")
        self.assertIn("package maven", str(reason.exception))

    def test_every_version_has_its_list(self) -> None:
        for version in fetch.VERSIONS:
            wanted = fetch.checksums(version)
            self.assertIn(f"kafka_2.13-{version}.jar", wanted)
            self.assertTrue(all(len(digest) == 64 for digest in wanted.values()))


if __name__ == "__main__":
    unittest.main()
