"""A cluster of one or three brokers in a folder: start, stop, kill, restart, and what lies in their logs."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from dataclasses import asdict
from pathlib import Path

from .admin import Admin
from .certificates import Certificates
from .fetch import locked
from .java import Java, run
from .ports import free_ports
from .properties import SECURITIES, Ports, client_properties, format_arguments, server_properties

READY_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30
POLL_S = 0.05
SEGMENT_SUFFIXES = (".log", ".txnindex", ".snapshot")  # offset and time indexes hold numbers only


class Cluster:
    """Brokers are numbered from 1. owned: they end with this process, even if it is killed; otherwise they stay."""

    def __init__(self, version: str = "4.4.0", brokers: int = 1, security: str = "plaintext",
                 folder: Path | None = None, owned: bool = True) -> None:
        if security not in SECURITIES:
            raise ValueError(f"no security '{security}'; there are {', '.join(SECURITIES)}")
        if brokers not in (1, 3):
            raise ValueError(f"{brokers} brokers: a cluster here has 1 or 3")
        self.java = Java(version)
        self.version, self.security, self.owned = version, security, owned
        self.temporary = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-kafka-")) if folder is None else folder.resolve()
        self.certificates = Certificates(self.folder / "certificates")
        free = free_ports(3 * brokers)
        self.ports = {node: Ports(*free[3 * node - 3 : 3 * node], advertised=free[3 * node - 3])
                      for node in range(1, brokers + 1)}
        self.pids: dict[int, int] = {}
        self.children: dict[int, subprocess.Popen] = {}
        self.admin = Admin(self.running_ports)

    # -- a cluster that another process started ---------------------------------------------------

    @classmethod
    def open(cls, folder: Path) -> "Cluster":
        """FileNotFoundError: no cluster was started in that folder."""
        saved = json.loads((folder / "cluster.json").read_text())
        found = cls(saved["version"], len(saved["ports"]), saved["security"], folder, owned=False)
        found.ports = {int(node): Ports(**ports) for node, ports in saved["ports"].items()}
        found.pids = {int(node): pid for node, pid in saved["pids"].items()}
        return found

    def save(self) -> None:
        saved = {"version": self.version, "security": self.security, "pids": self.pids,
                 "ports": {node: asdict(ports) for node, ports in self.ports.items()}}
        (self.folder / "cluster.json").write_text(json.dumps(saved, indent=1) + "\n")

    # -- what clients need ------------------------------------------------------------------------

    @property
    def bootstrap(self) -> str:
        """For programs under test: the advertised ports of all brokers."""
        return ",".join(f"127.0.0.1:{ports.advertised}" for ports in self.ports.values())

    @property
    def plain_bootstrap(self) -> str:
        """For tools, whatever the security: the brokers' own listener."""
        return ",".join(f"127.0.0.1:{ports.internal}" for ports in self.ports.values())

    def advertise(self, node: int, port: int) -> None:
        """Before the start: clients are sent to this port (of a proxy to ports[node].client)."""
        self.ports[node].advertised = port

    def client_properties(self, **more: str) -> dict[str, object]:
        return client_properties(self.security, self.certificates, **more)

    def log_dirs(self) -> list[Path]:
        return [self.broker_folder(node) / "data" for node in self.ports]

    def log_files(self) -> list[Path]:
        """What the brokers have written of topics' records."""
        return [path for folder in self.log_dirs() for path in folder.rglob("*")
                if path.is_file() and path.suffix in SEGMENT_SUFFIXES]

    # -- life -------------------------------------------------------------------------------------

    def start(self, coordinators: bool = True) -> "Cluster":
        """coordinators=False: those of groups and transactions are made by the first client that asks for them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.security != "plaintext":
            self.certificates.make()
        self.make_class_archive()
        for node in self.ports:
            self.configure(node)
        self.format()
        for node in self.ports:
            self.launch(node)
        self.wait_until_ready()
        if coordinators:
            self.admin.wait_for_coordinators()
        return self

    def stop(self, node: int | None = None) -> None:
        """SIGTERM, and SIGKILL to those that do not end by it. Nothing of a temporary folder is left."""
        chosen = list(self.pids) if node is None else [node]
        for one in chosen:
            self.signal(one, signal.SIGTERM)
        for one in chosen:
            if not self.wait_for_end(one, STOP_TIMEOUT_S):
                self.kill(one)
        if node is None and self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self, node: int = 1) -> None:
        self.signal(node, signal.SIGKILL)
        self.wait_for_end(node, STOP_TIMEOUT_S)

    def restart(self, node: int = 1) -> None:
        """The same broker on the same ports with the same data."""
        if self.is_running(node):
            self.stop(node)
        self.configure(node)
        self.launch(node)
        self.wait_until_ready()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Cluster":
        return self if self.pids else self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    # -- processes --------------------------------------------------------------------------------

    def is_running(self, node: int) -> bool:
        if (child := self.children.get(node)) is not None:
            return child.poll() is None
        pid = self.pids.get(node)
        if pid is None:
            return False
        try:  # a pid can have gone to another program since
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return str(self.broker_folder(node) / "server.properties").encode() in words

    def running_ports(self) -> list[int]:
        return [ports.internal for node, ports in self.ports.items() if self.is_running(node)]

    def signal(self, node: int, number: int) -> None:
        if self.is_running(node):
            os.kill(self.pids[node], number)

    def wait_for_end(self, node: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_running(node):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def launch(self, node: int, *options: str) -> None:
        folder = self.broker_folder(node)
        command = self.java.command("kafka.Kafka", folder / "server.properties", options=options)
        if self.owned and shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with (folder / "kafka.log").open("a") as log:
            self.children[node] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   start_new_session=not self.owned)
        self.pids[node] = self.children[node].pid
        self.save()

    def wait_until_ready(self) -> None:
        """Every broker that runs answers, and knows all that run and their controller."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        wanted = {node for node in self.ports if self.is_running(node)}
        for node in sorted(wanted):
            while not self.is_ready(node, wanted):
                if not self.is_running(node):
                    raise RuntimeError(f"broker {node} has ended: {self.last_words(node)}")
                if time.monotonic() > deadline:
                    raise RuntimeError(f"broker {node} is not ready after {READY_TIMEOUT_S} s: "
                                       f"{self.last_words(node)}")
                time.sleep(POLL_S)

    def is_ready(self, node: int, wanted: set[int]) -> bool:
        try:
            about = self.admin.metadata(self.ports[node].internal)
            socket.create_connection(("127.0.0.1", self.ports[node].client), 1).close()
        except OSError:
            return False
        return wanted <= about.brokers.keys() and about.controller >= 0

    def last_words(self, node: int) -> str:
        return "\n" + self.log_text(node)[-3000:]

    def log_text(self, node: int = 1) -> str:
        return (self.broker_folder(node) / "kafka.log").read_text(errors="replace")

    # -- folders ----------------------------------------------------------------------------------

    def broker_folder(self, node: int) -> Path:
        return self.folder / f"broker-{node}"

    def configure(self, node: int) -> None:
        folder = self.broker_folder(node)
        folder.mkdir(exist_ok=True)
        text = server_properties(node, self.ports, self.security, folder, self.certificates)
        (folder / "server.properties").write_text(text)

    def format(self) -> None:
        """With Kafka's tool for the first broker; the others get a copy under their own names."""
        first, *others = [self.broker_folder(node) for node in self.ports]
        if (first / "data" / "meta.properties").exists():
            return
        run(self.java.command("kafka.tools.StorageTool", "format", "-t", new_id(), "-c", first / "server.properties",
                              *format_arguments(self.security)))
        for node, folder in zip(list(self.ports)[1:], others, strict=True):
            shutil.copytree(first / "data", folder / "data")
            about = folder / "data" / "meta.properties"
            text = re.sub(r"^node\.id=.*$", f"node.id={node}", about.read_text(), flags=re.M)
            about.write_text(re.sub(r"^directory\.id=.*$", f"directory.id={new_id()}", text, flags=re.M))

    def make_class_archive(self) -> None:
        """Once per version: a broker that starts, and writes the classes that it has loaded when it ends."""
        if self.java.archive.exists():
            return
        with locked(self.java.folder, "archive.lock"), tempfile.TemporaryDirectory(prefix="penstock-kafka-") as folder:
            if self.java.archive.exists():
                return
            made = self.java.archive.with_suffix(".new")
            trial = Cluster(self.version, folder=Path(folder) / "trial")
            trial.folder.mkdir()
            trial.configure(1)
            trial.format()
            trial.launch(1, f"-XX:ArchiveClassesAtExit={made}")
            trial.wait_until_ready()
            trial.admin.create_topic("trial")
            trial.stop()
            if made.exists():  # without one everything works, slower
                made.rename(self.java.archive)


def new_id() -> str:
    """22 letters, none of them first that a command line takes for an option."""
    while (found := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return found
