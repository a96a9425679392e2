"""What the end-to-end tests share: programs, folders, keys. Standard library only."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("PENSTOCK_BIN", SOURCE / "build" / "release" / "bin")).resolve()
TIMEOUT_S = 120


class PenstockCase(unittest.TestCase):
    """A folder per test; programs that are still running at its end are killed."""

    def setUp(self) -> None:
        if not (BIN / "penstock").exists():
            self.skipTest(f"{BIN}/penstock is not built; set PENSTOCK_BIN")
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = self.folder / "data"
        self.keys = self.folder / "keys"

    # -- the command line ---------------------------------------------------------------------

    def start(self, program: str, *arguments: object, **more) -> subprocess.Popen:
        process = subprocess.Popen([str(BIN / program), *map(str, arguments)], text=True,
                                   **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                      "stderr": subprocess.PIPE, **more})
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process: subprocess.Popen) -> None:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # what it did not read any more
                    stream.close()

    def penstock(self, *arguments: object, stdin: str = "", expect: int | None = 0, env=None):
        done = subprocess.run([str(BIN / "penstock"), *map(str, arguments)], input=stdin, capture_output=True,
                              text=True, timeout=TIMEOUT_S, env={**os.environ, **(env or {})})
        if expect is not None:
            self.assertEqual(done.returncode, expect,
                             f"penstock {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}")
        return done

    def produce(self, topic: str, values: list, *more: object, expect: int | None = 0):
        lines = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
        return self.penstock("produce", "--data", self.data, "--topic", topic, *more, stdin=lines, expect=expect)

    def consume(self, topic: str, *more: object) -> list:
        done = self.penstock("consume", "--data", self.data, "--topic", topic, "--from-beginning", *more)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def run_sql(self, sql: str, *more: object, expect: int | None = 0):
        file = self.folder / "queries.sql"
        file.write_text(sql)
        return self.penstock("run", "--data", self.data, "--until-end", "--json", *more, file, expect=expect)

    def new_policy(self, policy: str, *topics: str) -> None:
        named = [word for topic in topics for word in ("--topic", topic)]
        self.penstock("policy", "new", "--id", policy, *named, "--out", self.keys)

    def key(self, policy: str, kind: str = "") -> Path:
        return self.keys / f"{policy}.{kind + '.' if kind else ''}keys.json"

    # -- the server ---------------------------------------------------------------------------

    def start_server(self, *more: object) -> subprocess.Popen:
        if not (BIN / "penstockd").exists():
            self.skipTest(f"{BIN}/penstockd is not built")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = "http://" + address
        with (self.folder / "penstockd.log").open("a") as log:
            server = self.start("penstockd", "--data", self.data, "--listen", address, *more, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and server.poll() is None:
            try:
                with urllib.request.urlopen(self.url + "/healthcheck", timeout=2):
                    return server
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.02)
        self.fail("penstockd did not start: " + (self.folder / "penstockd.log").read_text()[-2000:])

    def request(self, path: str, body: object | None = None, accept: str = "application/json"):
        """Status and body of one call."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def wait_until(self, condition, what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"{what} did not happen within {seconds} s")
            time.sleep(0.02)

    def count(self, topic: str, data: Path | None = None) -> int:
        """Records of a topic, 0 when it is not there."""
        done = self.penstock("topics", "list", "--data", data or self.data)
        for line in done.stdout.splitlines():
            words = line.split()
            if words and words[0] == topic:
                return int(words[2])
        return 0

    @staticmethod
    def terminate(process: subprocess.Popen) -> int:
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30)
