"""What the end-to-end tests share: programs, folders, keys, time-outs. Standard library only.

PENSTOCK_BIN is the folder with penstock and penstockd (default build/release/bin).
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("PENSTOCK_BIN", SOURCE / "build" / "release" / "bin")).resolve()
PENSTOCK = BIN / "penstock"
PENSTOCKD = BIN / "penstockd"
COMMAND_TIMEOUT_S = 60  # of a command that ends by itself
START_TIMEOUT_S = 30
POLL_S = 0.01

# Exit statuses that the programs promise (src/base/error.cc).
USAGE, NOT_FOUND, PRECONDITION, FORBIDDEN = 2, 3, 5, 6
NOT_AUTHENTIC, CORRUPT, BUSY, OUT_OF_SPACE = 8, 9, 10, 12


def to_lines(values: list) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


class Case(unittest.TestCase):
    """A folder per test. Every program that a test starts is gone at its end."""

    def setUp(self) -> None:
        if not PENSTOCK.exists():
            self.skipTest(f"{PENSTOCK} is not built; set PENSTOCK_BIN")
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = self.folder / "data"
        self.keys = self.folder / "keys"

    # -- programs -----------------------------------------------------------------------------

    def start(self, program: Path, *arguments: object, **more) -> subprocess.Popen:
        """A program in the background; without **more nobody reads what it prints."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([str(program), *map(str, arguments)], text=True, **{**streams, **more})
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process: subprocess.Popen) -> None:
        """kill -9, if it still runs."""
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # what it did not read any more
                    stream.close()

    @staticmethod
    def terminate(process: subprocess.Popen, sign: int = signal.SIGTERM) -> int:
        process.send_signal(sign)
        return process.wait(timeout=START_TIMEOUT_S)

    def run_program(self, program: Path, *arguments: object, stdin: str = "", expect: int | None = 0):
        """Runs to the end. expect: the exit status, None for any that is not a crash."""
        done = subprocess.run([str(program), *map(str, arguments)], input=stdin, capture_output=True, text=True,
                              timeout=COMMAND_TIMEOUT_S)
        shown = f"{program.name} {' '.join(map(str, arguments))}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        self.assertGreaterEqual(done.returncode, 0, f"ended by a signal: {shown}")
        if expect is not None:
            self.assertEqual(done.returncode, expect, shown)
        return done

    def penstock(self, *arguments: object, stdin: str = "", expect: int | None = 0):
        return self.run_program(PENSTOCK, *arguments, stdin=stdin, expect=expect)

    # -- topics and keys ----------------------------------------------------------------------

    def produce(self, topic: str, values: list, *more: object, data: Path | None = None, expect: int | None = 0):
        return self.penstock("produce", "--data", data or self.data, "--topic", topic, *more, stdin=to_lines(values),
                             expect=expect)

    def consume(self, topic: str, *more: object, data: Path | None = None) -> list:
        done = self.penstock("consume", "--data", data or self.data, "--topic", topic, "--from-beginning", *more)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def topic_names(self) -> list[str]:
        done = self.penstock("topics", "list", "--data", self.data)
        return [line.split()[0] for line in done.stdout.splitlines()[1:] if line.split()]

    def count(self, topic: str) -> int:
        """Records of a topic, 0 when it is not there."""
        for line in self.penstock("topics", "list", "--data", self.data).stdout.splitlines():
            words = line.split()
            if words and words[0] == topic:
                return int(words[2])
        return 0

    def new_policy(self, policy: str, *topics: str) -> None:
        named = [word for topic in topics for word in ("--topic", topic)]
        self.penstock("policy", "new", "--id", policy, *named, "--out", self.keys)

    def key(self, policy: str, kind: str = "") -> Path:
        """kind: '' (opens and seals), 'reader' (opens), 'producer' (seals)."""
        return self.keys / f"{policy}.{kind + '.' if kind else ''}keys.json"

    def combine_keys(self, *files: Path) -> Path:
        out = self.keys / "combined.keys.json"
        said = self.penstock("policy", "combine", *files, "--out", out).stdout
        if "no state key" in said:
            self.penstock("policy", "state-key", out)
        return out

    def sql_file(self, text: str, name: str = "queries.sql") -> Path:
        file = self.folder / name
        file.write_text(text)
        return file

    def run_sql(self, text: str, *more: object, expect: int | None = 0):
        """`penstock run --until-end`; what it printed as JSON when it should succeed, else the finished process."""
        done = self.penstock("run", "--data", self.data, "--until-end", "--json", *more, self.sql_file(text),
                             expect=expect)
        return json.loads(done.stdout) if expect == 0 else done

    # -- waiting ------------------------------------------------------------------------------

    def wait_until(self, condition, what: str, seconds: float = START_TIMEOUT_S) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"{what}: not within {seconds} s")
            time.sleep(POLL_S)

    def holds_folder(self, process: subprocess.Popen, data: Path | None = None) -> bool:
        """Whether the process owns the data folder and serves it."""
        folder = data or self.data
        try:
            owner = (folder / "LOCK").read_text().replace(" ", "")
        except FileNotFoundError:
            return False
        return f'"pid":{process.pid},' in owner.replace("}", ",") and (folder / "log.sock").exists()

    def wait_for_holder(self, process: subprocess.Popen) -> None:
        self.wait_until(lambda: process.poll() is not None or self.holds_folder(process), "taking the folder")
        self.assertIsNone(process.poll(), "the process that should hold the folder has ended")


class ServerCase(Case):
    """With a penstockd on a free port of the loopback interface."""

    def setUp(self) -> None:
        super().setUp()
        if not PENSTOCKD.exists():
            self.skipTest(f"{PENSTOCKD} is not built; set PENSTOCK_BIN")

    def start_server(self, *more: object) -> subprocess.Popen:
        log = self.folder / "penstockd.log"
        with log.open("w") as stderr:
            server = self.start(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0", *more,
                                stdout=subprocess.PIPE, stderr=stderr)
        line = server.stdout.readline()  # ends when the server does; a hang is the runner's time-out
        found = re.search(r"(https?://\S+)", line)
        if found is None:
            server.wait(timeout=START_TIMEOUT_S)
            self.fail(f"penstockd did not start (status {server.returncode}): {log.read_text()[-3000:]}")
        self.url = found.group(1)
        self.address = self.url.split("://")[1]
        return server

    def call(self, path: str, body: object | None = None, accept: str = "application/json") -> tuple[int, str]:
        """Status and body of one request."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data,
                                         headers={"Accept": accept, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=START_TIMEOUT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def ksql(self, text: str, expect: int = 200) -> object:
        status, body = self.call("/ksql", {"ksql": text, "streamsProperties": {}})
        self.assertEqual(status, expect, f"{text}\n{body}")
        return json.loads(body)
