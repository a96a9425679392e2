"""Where the demo's topics are: in a folder of this machine, or on a real Kafka broker that the demo starts."""

import os
import shutil
import subprocess
from pathlib import Path

from kafka.cluster import Cluster
from kafka.fetch import KafkaUnavailable
from kafka.properties import PASSWORD, USER

SERVICE = "payments"


class FolderPlace:
    name, thief = "the disk", "a thief of the disk"

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"

    def start(self, keep: bool) -> None:
        pass

    def stop(self) -> None:
        pass

    def options(self) -> list[str]:
        """For the verbs of penstock."""
        return ["--data", str(self.data)]

    def server_options(self) -> list[str]:
        return ["--data", str(self.data)]

    def section(self) -> str:
        """Of penstock.toml."""
        return "\n[limits]\ncommit_age_ms = 20\n"

    def stored(self) -> list[Path]:
        """What a thief would carry away."""
        return [self.data]

    def count(self, penstock: Path, topic: str) -> int:
        """Records of a topic that all can see; 0 where there is none."""
        listed = subprocess.run([str(penstock), "topics", "list", *self.options()], capture_output=True, text=True,
                                timeout=60)
        for line in listed.stdout.splitlines():
            words = line.split()
            if words and words[0] == topic:
                return int(words[2])
        return 0


class KafkaPlace:
    """One broker with TLS and a login by SCRAM."""

    name, thief = "the broker's disk", "the broker"

    def __init__(self, folder: Path) -> None:
        self.kafka = folder / "kafka"
        self.ca, self.password = folder / "brokers-ca.pem", folder / "broker.password"
        self.config = folder / "kafka.toml"
        self.cluster: Cluster | None = None

    def start(self, keep: bool) -> None:
        """RuntimeError: why there is no broker here."""
        try:
            self.cluster = Cluster(security="sasl_tls", folder=self.kafka, owned=not keep)
            self.cluster.start()
        except KafkaUnavailable as reason:
            raise RuntimeError(str(reason)) from None
        if keep:
            self.cluster.save()
        shutil.copy(self.cluster.certificates.ca, self.ca)
        self.password.touch(mode=0o600)
        self.password.write_text(PASSWORD + "\n")
        self.config.write_text(self.connection())

    def stop(self) -> None:
        if self.cluster is not None:
            self.cluster.stop()

    def connection(self) -> str:
        return (f'security = "sasl_tls"\nca = "{self.ca.name}"\nuser = "{USER}"\n'
                f'password_file = "{self.password.name}"\n')

    def options(self) -> list[str]:
        return ["--kafka", self.cluster.bootstrap, "--kafka-config", str(self.config), "--service", SERVICE]

    def server_options(self) -> list[str]:
        return []  # brokers and CA are measured

    def section(self) -> str:
        return f'\n[kafka]\nbootstrap = "{self.cluster.bootstrap}"\n' + self.connection()

    def stored(self) -> list[Path]:
        return self.cluster.log_dirs()

    def count(self, penstock: Path, topic: str) -> int:
        # Offsets do not tell: the marks of transactions take some.
        done = subprocess.run([str(penstock), "consume", *self.options(), "--topic", topic, "--from-beginning"],
                              capture_output=True, text=True, timeout=60)
        return len(done.stdout.splitlines())

    def pid(self) -> int:
        return self.cluster.pids[1]

    def kill_and_restart(self) -> None:
        """kill -9 of the broker."""
        self.cluster.kill()
        self.cluster.restart()


def shown(options: list[str]) -> list[str]:
    """Options with short file names."""
    return [os.path.relpath(word) if word.startswith("/") else word for word in options]
