#!/usr/bin/env python3
"""A plant over MQTT in five steps: devices seal, a broker that nobody trusts moves, an attested enclave opens, flags and
answers, exactly once whoever is killed. Fresh data every time, in build/demo/plant; the broker is a real mosquitto.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from demo_parts import SOURCE, Failure, Stage, free_port, tell
from test import python_with_requirements

sys.path.insert(0, str(SOURCE / "tests" / "e2e"))
from certificates import Certificates  # noqa: E402
from mqtt_case import MOSQUITTO, Broker  # noqa: E402

EXAMPLE = SOURCE / "examples" / "sensors"
DEVICES, EVERY_S = 200, 0.25
LIVE_READINGS = 50  # of each device, while everybody is killed in turn
PATIENCE_S = 60
SAVED_S = 1.2  # mosquitto writes its file every second
CRASH_S = 4    # readings of a device around the broker's crash whose alarms it may lose


class Plant(Stage, Certificates):
    def __init__(self, bin_dir: Path, folder: Path) -> None:
        super().__init__(bin_dir, folder, "plant")
        if not Path(MOSQUITTO).exists():
            raise Failure("there is no mosquitto here (apt-get install mosquitto mosquitto-clients)")
        os.chdir(SOURCE)
        self.python = python_with_requirements()
        if subprocess.run([self.python, "-c", "import paho.mqtt, cryptography"], capture_output=True).returncode:
            raise Failure("the packages of tests/requirements.txt cannot be had: the devices are Python")
        self.data = folder / "data"
        self.broker: Broker | None = None
        self.runs: list[Path] = []  # journals of the devices
        self.at_crash = 0  # what the killed run had sent when the broker died
        self.overheard, self.panel_file = folder / "overheard", folder / "panel"

    def server_options(self) -> list[str]:
        return ["--data", str(self.data)]

    def stop_place(self) -> None:
        if self.broker is not None:
            self.broker.stop(signal.SIGKILL)

    # -- parts ---------------------------------------------------------------------------------

    def start_broker(self) -> None:
        self.ca = self.make_ca("plant-ca")
        self.issue("broker", self.ca, "serverAuth", "subjectAltName=IP:127.0.0.1\n")
        self.broker = Broker(self.folder / "broker", free_port(), more=(
            f"cafile {self.ca}\ncertfile {self.folder}/broker.pem\nkeyfile {self.folder}/broker.key.pem\n")).start()

    def at_broker(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.broker.port), "--cafile", str(self.ca)]

    def consume(self, topic: str, policy: str | None = None) -> list[dict]:
        words = ["consume", *self.server_options(), "--topic", topic, "--from-beginning"]
        if policy:
            words += ["--open", "--keys", str(self.keys / f"{policy}.reader.keys.json")]
        return [json.loads(line) for line in self.run(*words).stdout.splitlines()]

    def records(self, topic: str) -> int:
        for line in self.run("topics", "list", *self.server_options()).stdout.splitlines():
            words = line.split()
            if words and words[0] == topic:
                return int(words[2])
        return 0

    def devices(self, readings: int, first: int) -> subprocess.Popen:
        journal = self.folder / f"journal-{len(self.runs)}"
        self.runs.append(journal)
        process = subprocess.Popen(
            [self.python, str(EXAMPLE / "plant.py"), "--keys", str(self.keys / "plant-v1.producer.keys.json"), "--host",
             "127.0.0.1", "--port", str(self.broker.port), "--cafile", str(self.ca), "--devices", str(DEVICES),
             "--readings", str(readings), "--every", str(EVERY_S), "--first", str(first), "--seed", str(first), "--journal",
             str(journal)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.children.append(process)
        return process

    def finish(self, devices: subprocess.Popen) -> str:
        out, err = devices.communicate(timeout=120)
        if devices.returncode != 0:
            raise Failure(f"the devices ended with {devices.returncode}: {err.strip()[-1500:]}")
        return out

    def journal(self, number: int) -> list[dict]:
        """What was sent; the last line may be half a one."""
        out = []
        for line in self.runs[number].read_text().splitlines():
            try:
                out.append(json.loads(line))
            except ValueError:
                pass
        return out

    def wait_until(self, condition, what: str, seconds: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within {seconds:.0f} s; see {self.short(self.folder)}/penstockd.log")
            time.sleep(0.05)

    def listeners(self) -> None:
        """The panel, and somebody who hears everything."""
        panel = [self.penstock, "mqtt", "sub", *self.at_broker(), "-t", "alarms", "-q", "2", "-i", "panel", "-c"]
        thief = ["mosquitto_sub", *self.at_broker(), "-t", "#", "-q", "1", "-i", "thief", "-c", "-F", "%t %p"]
        for words, file in ((panel, self.panel_file), (thief, self.overheard)):
            with file.open("a") as out:
                process = subprocess.Popen(list(map(str, words)), stdout=out, stderr=subprocess.DEVNULL)
            self.children.append(process)

    # -- steps ---------------------------------------------------------------------------------

    def approve(self) -> None:
        self.voice.step(1, "The owner approves code and configuration",
                        "Two policies: devices seal readings that the enclave opens; it seals anomalies that only",
                        "maintenance opens. The broker's CA is pinned in the approved SQL.")
        self.start_manager()
        self.admin("app", "create", "plant", shown=False)
        self.admin("platform", "new", "--out", self.platform_key, shown=False)
        digests = {}
        for policy, topic in (("plant-v1", "readings"), ("maintenance-v1", "anomalies")):
            made = self.run("policy", "new", "--id", policy, "--topic", topic, "--out", self.short(self.keys)).stdout
            digests[policy] = next(line.split()[1] for line in made.splitlines() if line.startswith("Digest"))
        self.admin("stream-policy", "add", "--app", "plant", "--keys", self.keys / "plant-v1.keys.json", "--reader",
                   "--producer")
        self.admin("stream-policy", "add", "--app", "plant", "--keys", self.keys / "maintenance-v1.keys.json", "--producer")
        self.admin("secret", "put", "--app", "plant", "state-key/plant", shown=False, stdin=secrets.token_hex(16))
        sql = (EXAMPLE / "sensors.sql").read_text()
        plain = "url='mqtt://localhost:1883'"
        if sql.count(plain) != 2 or sql.count("insecure='true'") != 2:
            raise Failure("the connectors are not in the example as they were")
        pinned = f"url='mqtts://127.0.0.1:{self.broker.port}'"
        sql = sql.replace(plain, pinned).replace("insecure='true'", f"ca='{self.ca.read_text()}'")
        (self.folder / "sensors.sql").write_text(sql)
        shutil.copy(self.owner / "ca.pem", self.folder / "manager-ca.pem")
        (self.folder / "penstock.toml").write_text(
            'service_id = "plant"\nsql_files = ["sensors.sql"]\nthreads = 2\n\n'
            f'[manager]\nurl = "{self.manager_url}"\nca = "manager-ca.pem"\napp = "plant"\n\n'
            f'[policies.plant-v1]\ndigest = "{digests["plant-v1"]}"\nopen = true\nseal = true\n\n'
            f'[policies.maintenance-v1]\ndigest = "{digests["maintenance-v1"]}"\nseal = true\n')
        packed = self.run("config", "pack", self.folder / "penstock.toml", "--out", self.config).stdout
        self.voice.show(packed.replace(str(self.folder) + "/", ""))
        self.voice.show(self.admin("build", "approve", "--app", "plant", "--binary", self.penstockd))
        self.voice.show(self.admin("config", "approve", "--app", "plant", self.config))

    def run_server(self) -> None:
        self.voice.step(2, "penstockd proves what it is, gets its keys, and subscribes",
                        "Its session at the broker is kept: a message is acknowledged once what was made of it is committed.")
        self.start_server()
        self.verdict()
        self.listeners()
        self.wait_until(lambda: "RUNNING" in self.connectors(), "the connector")
        self.voice.command("penstock", "sql", "--server", self.url, "-e", "SHOW CONNECTORS;")
        self.voice.show(self.connectors())

    def connectors(self) -> str:
        return self.run("sql", "--server", self.url, "-e", "SHOW CONNECTORS;", expect=None).stdout

    def first_readings(self) -> None:
        self.voice.step(3, f"{DEVICES} devices publish, each sealing for itself",
                        "The broker forwards what it cannot read.")
        self.voice.command("plant.py", "--keys", "plant-v1.producer.keys.json", "--devices", DEVICES, "--readings", 5)
        self.voice.show(self.finish(self.devices(5, 1)))
        sent = self.journal(0)
        self.voice.show("a reading as its device sees it:\n" + json.dumps(sent[0]))
        self.wait_until(lambda: self.records("readings") >= len(sent), "the readings")
        self.voice.check(self.records("readings") == len(sent), f"{len(sent)} readings in our topic, sealed")
        alarms = [reading for reading in sent if flag_of(reading)]
        self.wait_until(lambda: len(self.panel()) >= len(alarms), "the panel")
        self.voice.show("what the panel got, over MQTT:\n" + self.panel_file.read_text()[:300].rsplit("\n", 1)[0])
        self.voice.check(panel_facts(self.panel()) == facts(alarms), f"the panel shows {len(alarms)} alarms, each once")

    def panel(self) -> list[dict]:
        return [json.loads(line) for line in self.panel_file.read_text().splitlines() if line.endswith("}")]

    def kills(self) -> None:
        self.voice.step(4, "kill -9 of everybody, in turn, while the devices measure",
                        "Penstock, the broker and the devices' own process. The broker keeps what waits in a file that it",
                        "writes every second; devices send their last seconds again when it comes back, and what has been",
                        "counted is known by its seal.")
        devices = self.devices(LIVE_READINGS, 101)
        self.wait_until(lambda: self.runs[1].exists() and len(self.journal(1)) > 2 * DEVICES, "the first live readings")
        self.kill("penstockd", self.server.pid)
        self.server.wait()
        written = self.broker.folder / "mosquitto.db"
        self.wait_until(lambda: written.exists() and b"plant/press-1" in written.read_bytes(), "the broker's file")
        shutil.copy(written, self.folder / "stolen.db")
        self.start_server()
        self.wait_until(lambda: self.records("readings") > len(self.journal(0)) + 3 * DEVICES, "readings after it")
        time.sleep(SAVED_S)
        self.at_crash = len(self.journal(1))
        self.kill("mosquitto", self.broker.process.pid)
        self.broker.stop(signal.SIGKILL)
        self.broker.start()
        before = self.records("readings")
        self.wait_until(lambda: self.records("readings") > before + DEVICES, "readings after the broker's crash")
        time.sleep(SAVED_S)
        self.kill("plant.py", devices.pid)
        devices.kill()
        devices.wait()
        self.voice.show(self.finish(self.devices(LIVE_READINGS // 5, 1001)))
        self.compare()

    def kill(self, what: str, pid: int) -> None:
        self.voice.command("kill", "-9", pid, f"# {what}")
        if what == "penstockd":
            self.server.send_signal(signal.SIGKILL)

    def compare(self) -> None:
        check = self.voice.check
        whole = self.journal(0) + self.journal(2)  # runs that ended: the broker had answered for all
        cut = self.journal(1)  # what its last second was, nobody can say
        known, doubtful = key_facts(whole), key_facts(cut)
        self.wait_until(lambda: known <= key_facts(self.consume("readings", "plant-v1")), "the last readings")
        self.wait_until(lambda: self.quiet(), "the end")
        seen = self.consume("readings", "plant-v1")
        counts = Counter((reading["device"], reading["sequence"]) for reading in seen)
        check(max(counts.values()) == 1, f"{len(seen)} readings in our topic, none of them twice")
        check(known <= set(counts), f"all {len(whole)} of the runs that ended")
        lost = doubtful - set(counts)
        tail = {(reading["device"], reading["sequence"]) for reading in cut[-3 * DEVICES:]}
        check(lost <= tail, f"of the run that was killed {len(doubtful) - len(lost)} of {len(doubtful)}: what was still in its"
                            " own hands when it died is missing, nothing before")
        check(set(counts) <= known | doubtful, "and nothing that no device has measured")
        anomalies = self.consume("anomalies", "maintenance-v1")
        expected = Counter((r["device"], r["sequence"], flag_of(r)) for r in seen if flag_of(r))
        found = Counter((r["DEVICE"], r["SEQUENCE"], r["FLAG"]) for r in anomalies)
        check(found == expected, f"{len(anomalies)} anomalies, exactly those")
        self.compare_panel({(device, sequence) for device, sequence, _ in expected})

    def compare_panel(self, alarms: set) -> None:
        """A broker that is killed loses what it has answered for and not written: at most what was under way then."""
        around = self.journal(1)[max(0, self.at_crash - CRASH_S * DEVICES):self.at_crash + CRASH_S * DEVICES]
        risky = key_facts(around)
        self.wait_until(lambda: alarms <= set(panel_facts(self.panel())) | risky, "the last alarms")
        self.wait_until(self.quiet, "the end")
        shown = panel_facts(self.panel())
        lost = alarms - set(shown)
        self.voice.check(set(shown) <= alarms and lost <= risky,
                         f"the panel has {len(shown)} of {len(alarms)} alarms; {len(lost)} were in the broker's memory when it"
                         f" was killed (our topic has them), {sum(shown.values()) - len(shown)} came again")

    def quiet(self) -> bool:
        before = self.records("readings"), self.records("anomalies"), len(self.panel())
        time.sleep(1)
        return before == (self.records("readings"), self.records("anomalies"), len(self.panel()))

    def look(self) -> None:
        self.voice.step(5, "What a thief has who takes the broker's file, hears every message, and copies our disk",
                        "All readings are searched in all of it.")
        needles = self.folder / "needles.txt"
        every = [reading for number in range(3) for reading in self.journal(number)]
        needles.write_text("\n".join(f'"at": {r["at"]}, "celsius": {r["celsius"]}' for r in every) + "\n")
        quoted = self.folder / "needles-2.txt"  # as our SQL writes them
        quoted.write_text("\n".join(f'"CELSIUS":{r["celsius"]}' for r in every) + "\n")
        stolen = [self.folder / "stolen.db", self.broker.folder, self.overheard, self.data]
        search = ["grep", "-r", "-a", "-l", "-F"]
        quiet = {"capture_output": True, "text": True, "timeout": 180, "env": {**os.environ, "LC_ALL": "C"}}
        places = list(map(str, stolen))
        self.voice.command(*search, "-f", "all-readings.txt", *(self.short(path) for path in stolen))
        found = [subprocess.run([*search, "-f", str(file), *places], **quiet) for file in (needles, quoted)]
        for file in (needles, quoted):
            file.unlink()
        waiting = subprocess.run([*search, "plant/press-1", places[0], places[2]], **quiet)
        self.voice.check(len(waiting.stdout.splitlines()) == 2, "grep finds topics in the broker's file and on the wire")
        self.voice.check(all(done.returncode == 1 for done in found), f"grep finds none of {len(every)} readings anywhere")
        overheard = len(self.overheard.read_bytes().split(b"plant/")) - 1
        self.voice.show(f"{overheard} sealed payloads were overheard; topics and times are what they tell")

    def end(self) -> None:
        self.server.terminate()
        self.voice.check(self.server.wait(timeout=30) == 0, "penstockd ends cleanly on SIGTERM")
        self.manager.terminate()
        self.voice.check(self.manager.wait(timeout=30) == 0, "and so does the manager")

    def tell(self) -> bool:
        began = time.monotonic()
        print(self.voice.paint("1", "Penstock: a plant over MQTT, sealed by its devices, exactly once.") +
              f" Takes under a minute; everything is in {self.short(self.folder)}")
        try:
            self.start_broker()
            self.approve()
            self.run_server()
            self.first_readings()
            self.kills()
            self.look()
            self.end()
        finally:
            self.stop_children()
        return self.conclude(began, 0)


def flag_of(reading: dict) -> str | None:
    """What the SQL must make of it."""
    if reading["celsius"] > 80:
        return "hot"
    if reading["bar"] < 5.5:
        return "leak"
    return "pressure" if reading["bar"] > 6.5 else None


def key_facts(readings: list[dict]) -> set:
    return {(reading["device"], reading["sequence"]) for reading in readings}


def facts(alarms: list[dict]) -> Counter:
    return Counter((r["device"], r["sequence"]) for r in alarms)


def panel_facts(shown: list[dict]) -> Counter:
    return Counter((r["DEVICE"], r["SEQUENCE"]) for r in shown)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, default=SOURCE / "build" / "release" / "bin", help="folder of the programs")
    parser.add_argument("--folder", type=Path, default=SOURCE / "build" / "demo" / "plant",
                        help="where its files go; emptied first")
    options = parser.parse_args()
    return tell(lambda: Plant(options.bin.resolve(), options.folder.resolve()).tell())


if __name__ == "__main__":
    sys.exit(main())
