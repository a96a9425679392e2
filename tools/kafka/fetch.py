"""Kafka's jars: fetched once by artifact name with Maven, kept in a cache, checked against jars-VERSION.sha256."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSIONS = ("4.4.0", "3.9.2")
ARTIFACTS = (("org.apache.kafka", "kafka_2.13", None), ("org.slf4j", "slf4j-simple", "1.7.36"))  # None: Kafka's version
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
FETCH_TIMEOUT_S = 300


class KafkaUnavailable(Exception):
    """This machine cannot run Kafka now: no Java, no Maven, no package index. The message says which."""


class WrongJars(Exception):
    """What was fetched or cached is not what the checksum list names."""


def cache_folder(version: str) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "penstock" / f"kafka-{version}"


def jars(version: str) -> list[Path]:
    """The checked jars in a fixed order; fetches them if the cache has none."""
    wanted = checksums(version)
    folder = cache_folder(version)
    with locked(folder):
        libs = folder / "libs"
        if not libs.exists():
            fetch(version, libs)
        check(libs, wanted)
    return [libs / name for name in sorted(wanted)]


def checksums(version: str) -> dict[str, str]:
    if version not in VERSIONS:
        raise ValueError(f"Kafka {version} has no checksum list here; there are {', '.join(VERSIONS)}")
    lines = (HERE / f"jars-{version}.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def check(libs: Path, wanted: dict[str, str]) -> None:
    found = {path.name: path for path in libs.iterdir()}
    wrong = [f"{name} is missing" for name in sorted(wanted.keys() - found.keys())]
    wrong += [f"{name} is not in the list" for name in sorted(found.keys() - wanted.keys())]
    for name in sorted(wanted.keys() & found.keys()):
        with found[name].open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != wanted[name]:
            wrong.append(f"{name} has SHA-256 {digest}, expected {wanted[name]}")
    if wrong:
        raise WrongJars(f"{libs}: {'; '.join(wrong)}. Not used. Remove the folder to fetch it again.")


@contextlib.contextmanager
def locked(folder: Path, name: str = "lock"):
    """One process at a time changes the cache."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetch(version: str, libs: Path) -> None:
    """Into libs, whole or not at all; wrong jars do not get there."""
    for program, package in (("mvn", "maven"), ("java", "openjdk-17-jdk-headless")):
        if shutil.which(program) is None:
            raise KafkaUnavailable(f"Kafka {version} is not cached and there is no '{program}' to fetch and run it: "
                                   f"install the Debian package {package}")
    with tempfile.TemporaryDirectory(dir=libs.parent, prefix="fetch-") as work:
        folder = Path(work)
        (folder / "pom.xml").write_text(pom(version))
        command = ["mvn", "-B", "-q", "-ntp", "-Dstyle.color=never", "-f", folder / "pom.xml"]
        if (settings := settings_with_mirror()) is not None:
            (folder / "settings.xml").write_text(settings)
            command += ["-gs", folder / "settings.xml"]
        command += [COPY, "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'libs'}"]
        try:
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=FETCH_TIMEOUT_S,
                                  stdin=subprocess.DEVNULL)
            failed = done.stdout.strip() if done.returncode else ""
        except subprocess.TimeoutExpired:
            failed = f"not done within {FETCH_TIMEOUT_S} s"
        if failed or not (folder / "libs").is_dir():
            first = next((line for line in failed.splitlines() if "ERROR" in line), failed[-500:])
            raise KafkaUnavailable(f"Kafka {version} could not be fetched with Maven; is a package index reachable? "
                                   f"Maven says: {first}")
        check(folder / "libs", checksums(version))
        (folder / "libs").rename(libs)


def pom(version: str) -> str:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{own or version}</version>"
        "</dependency>" for group, name, own in ARTIFACTS)
    return ('<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
            "<groupId>penstock.tools</groupId><artifactId>kafka</artifactId><version>1</version>"
            f"<packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>\n")


def settings_with_mirror() -> str | None:
    """Maven's machine-wide settings plus one mirror: every repository is the central one, so that a pom that names
    further repositories is asked for nowhere else. The user's own settings and mirrors keep their precedence."""
    shown = subprocess.run(["mvn", "-v"], capture_output=True, text=True, timeout=60).stdout
    home = re.search(r"^(?:\x1b\[\w*m)*Maven home: (.+?)(?:\x1b\[\w*m)*$", shown, re.M)
    if home is None:
        return None
    central = central_address(Path(home.group(1)))
    settings = Path(home.group(1)) / "conf" / "settings.xml"
    if central is None or not settings.exists():
        return None
    mirror = f"<mirror><id>penstock-all</id><mirrorOf>*</mirrorOf><url>{central}</url></mirror>"
    without_comments = re.sub(r"<!--.*?-->", "", settings.read_text(), flags=re.S)
    if "</mirrors>" in without_comments:
        return without_comments.replace("</mirrors>", mirror + "</mirrors>")
    return without_comments.replace("</settings>", f"<mirrors>{mirror}</mirrors></settings>")


def central_address(maven: Path) -> str | None:
    """The address of 'central' in the model that Maven itself ships."""
    for jar in maven.glob("lib/maven-model-builder*.jar"):
        with zipfile.ZipFile(jar) as archive, archive.open("org/apache/maven/model/pom-4.0.0.xml") as model:
            found = re.search(r"<id>central</id>.*?<url>(\S+?)</url>", model.read().decode(), re.S)
            return found.group(1) if found else None
    return None
