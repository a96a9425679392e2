"""A real mosquitto per test class, and what tests say to it."""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from harness import POLL_S, START_TIMEOUT_S, Case

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """mosquitto with its folder; what is queued for sessions survives a stop, and a kill as far as it was written."""

    def __init__(self, folder: Path, port: int | None = None, more: str = "") -> None:
        self.folder, self.port, self.more = folder, port or free_port(), more
        self.process: subprocess.Popen | None = None
        folder.mkdir(exist_ok=True)

    def start(self) -> "Broker":
        config = self.folder / "mosquitto.conf"
        anonymous = "" if "allow_anonymous" in self.more else "allow_anonymous true\n"
        config.write_text(f"listener {self.port} 127.0.0.1\n{anonymous}persistence true\n"
                          f"persistence_location {self.folder}/\nmax_queued_messages 100000\nautosave_interval 1\n"
                          f"user root\nlog_type error\nlog_dest file {self.folder}/mosquitto.log\n{self.more}")
        self.process = subprocess.Popen([MOSQUITTO, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            if self.process.poll() is not None:
                break
            time.sleep(POLL_S)
        log = self.folder / "mosquitto.log"
        raise AssertionError(f"mosquitto does not start: {log.read_text() if log.exists() else ''}")

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()


class MqttCase(Case):
    broker: Broker

    def setUp(self) -> None:
        if not Path(MOSQUITTO).exists():
            self.skipTest("mosquitto is not installed")
        super().setUp()
        self.broker = Broker(self.folder / "broker").start()
        self.addCleanup(self.broker.stop, signal.SIGKILL)

    def where(self) -> list[object]:
        return ["-h", "127.0.0.1", "-p", self.broker.port]

    def sub(self, *more: object, expect: int | None = 0):
        return self.penstock("mqtt", "sub", *self.where(), *more, expect=expect)

    def pub(self, *more: object, stdin: str = "", expect: int | None = 0):
        return self.penstock("mqtt", "pub", *self.where(), *more, stdin=stdin, expect=expect)

    def foreign_pub(self, *more: object, stdin: str = "") -> None:
        subprocess.run(["mosquitto_pub", *map(str, [*self.where(), *more])], input=stdin, text=True, check=True)
