"""How Kafka's programs are run: class path, a small JVM, and a class-data archive that makes them start in seconds."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from . import fetch

JVM = ("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto",
       "-Xlog:disable", "-Xlog:all=error:stderr")
LOGGING = ("-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
           "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
           "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaConfig=warn",
           "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.utils.AppInfoParser=warn")
COMPILE_TIMEOUT_S = 60
FOREIGN_CLIENT = fetch.HERE / "ForeignClient.java"


class Java:
    """The programs of one version of Kafka."""

    def __init__(self, version: str) -> None:
        if shutil.which("java") is None:
            raise fetch.KafkaUnavailable("there is no 'java': install the Debian package openjdk-17-jdk-headless")
        self.version = version
        self.jars = fetch.jars(version)
        self.folder = fetch.cache_folder(version)
        self.archive = self.folder / f"classes-{runtime_name()}.jsa"

    def command(self, main: str, *arguments: object, options: tuple = (), more_jars: tuple = ()) -> list[str]:
        path = os.pathsep.join(map(str, [*self.jars, *more_jars]))
        share = [f"-XX:SharedArchiveFile={self.archive}"] if self.archive.exists() else []
        return ["java", *JVM, *share, *LOGGING, *options, "-cp", path, main, *map(str, arguments)]

    def foreign_client(self) -> Path:
        """ForeignClient.java as a jar in the cache, compiled again when the source is newer."""
        jar = self.folder / "foreign-client.jar"
        with fetch.locked(self.folder):
            if jar.exists() and jar.stat().st_mtime >= FOREIGN_CLIENT.stat().st_mtime:
                return jar
            if shutil.which("javac") is None:
                raise fetch.KafkaUnavailable("there is no 'javac': install the Debian package openjdk-17-jdk-headless")
            classes = self.folder / "foreign-client"
            shutil.rmtree(classes, ignore_errors=True)
            path = os.pathsep.join(map(str, self.jars))
            run(["javac", "-proc:none", "-cp", path, "-d", str(classes), str(FOREIGN_CLIENT)])
            run(["jar", "--create", "--file", str(jar), "-C", str(classes), "."])
        return jar


def runtime_name() -> str:
    """Changes with the Java that is installed: an archive fits only the one that made it."""
    modules = Path(shutil.which("java")).resolve().parent.parent / "lib" / "modules"
    about = modules.stat() if modules.exists() else Path(shutil.which("java")).resolve().stat()
    return hashlib.sha256(f"{modules} {about.st_size} {about.st_mtime_ns}".encode()).hexdigest()[:12]


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=COMPILE_TIMEOUT_S)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-3000:]}")
