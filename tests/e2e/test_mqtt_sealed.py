"""Sealed payloads over a real mosquitto: `penstock seal`, the Python device of examples/sensors, `penstock mqtt sub --open`."""

import importlib.util
import json
import signal
import struct
import subprocess
import sys
import unittest
from pathlib import Path

from certificates import Certificates
from harness import FORBIDDEN, NOT_FOUND, PENSTOCK, SOURCE, USAGE, ServerCase
from mqtt_case import Broker, MqttCase, free_port

SENSORS = SOURCE / "examples" / "sensors"
VECTORS = SOURCE / "tests" / "vectors" / "psr1" / "psr1.json"
TOPIC, MQTT_TOPIC = "readings", "plant/press-1"


def has(*packages: str) -> bool:
    return all(importlib.util.find_spec(name) for name in packages)


class SealedCase(MqttCase):
    def setUp(self) -> None:
        super().setUp()
        self.new_policy("plant-v1", TOPIC)
        self.producer, self.reader = self.key("plant-v1", "producer"), self.key("plant-v1", "reader")

    def seal(self, text: str, *more: object, expect: int | None = 0):
        return self.penstock("seal", "--keys", self.producer, "--topic", TOPIC, "--mqtt-topic", MQTT_TOPIC, *more,
                             stdin=text, expect=expect)

    def keep(self, name: str) -> list[object]:
        session = ["-t", "plant/+", "-q", 1, "-i", name, "-c"]
        self.sub(*session, "-E")
        return session

    def opened(self, session: list[object], count: int) -> list[str]:
        return self.sub(*session, "-C", count, "--open", TOPIC, "--keys", self.reader).stdout.splitlines()



class Sealed(SealedCase):
    def test_lines_that_were_sealed_reach_who_has_the_key_and_nobody_else(self) -> None:
        friend, stranger = self.keep("friend"), self.keep("stranger")
        lines = self.seal("21.5\n\n22.5\n").stdout
        self.assertEqual(len(lines.splitlines()), 3)  # the grant, and two
        self.pub("-t", MQTT_TOPIC, "-q", 1, "-l", stdin=lines)
        self.foreign_pub("-t", "plant/press-2", "-q", 1, "-l", stdin=lines)  # copied to another device
        self.foreign_pub("-t", MQTT_TOPIC, "-q", 1, "-m", lines.splitlines()[1])  # played again
        self.pub("-t", MQTT_TOPIC, "-q", 1, "-l", stdin=self.seal("23.5\n").stdout)
        self.assertEqual(self.opened(friend, 3), ["21.5", "22.5", "23.5"])
        self.assertNotIn("2.5", self.sub(*stranger, "-C", 6).stdout)

    def test_refused_payloads_are_named_and_hold_nothing_up(self) -> None:
        session = self.keep("careful")
        lines = self.seal("1\n").stdout
        self.foreign_pub("-t", MQTT_TOPIC, "-q", 1, "-m", lines.splitlines()[1])  # before its grant
        self.foreign_pub("-t", MQTT_TOPIC, "-q", 1, "-m", "21.5")
        self.foreign_pub("-t", MQTT_TOPIC, "-q", 1, "-l", stdin=lines)
        done = self.sub(*session, "-C", 1, "--open", TOPIC, "--keys", self.reader)
        self.assertEqual(done.stdout, "1\n")
        self.assertIn("no grant", done.stderr)
        self.assertIn("neither a sealed record nor a grant", done.stderr)

    def test_frames_padding_and_files(self) -> None:
        file = self.folder / "lines"
        file.write_text("a\nbbbbbbbbb\n")
        done = subprocess.run([str(word) for word in self.seal_words("--frames", "--pad", 32, file)], capture_output=True,
                              check=True)
        frames, rest = [], done.stdout
        while rest:
            size = struct.unpack(">I", rest[:4])[0]
            frames.append(rest[4:4 + size])
            rest = rest[4 + size:]
        self.assertEqual([frame[0] for frame in frames], [0x82, 0xD0, 0xD0])
        self.assertEqual(len(frames[1]), len(frames[2]))
        session = self.keep("framed")
        for frame in frames:  # as bytes
            file.write_bytes(frame)
            self.pub("-t", MQTT_TOPIC, "-q", 1, "-f", file)
        self.assertEqual(self.opened(session, 2), ["a", "bbbbbbbbb"])

    def seal_words(self, *more: object) -> list[object]:
        return [PENSTOCK, "seal", "--keys", self.producer, "--topic", TOPIC, "--mqtt-topic", MQTT_TOPIC, *more]

    def test_what_is_wrong_is_said(self) -> None:
        done = self.penstock("seal", "--keys", self.producer, "--topic", TOPIC, "--mqtt-topic", "plant/+", expect=USAGE)
        self.assertIn("without '+'", done.stderr)
        done = self.penstock("seal", "--keys", self.producer, "--topic", "other", "--mqtt-topic", "a", expect=NOT_FOUND)
        self.assertIn("no known policy covers topic 'other'", done.stderr)
        done = self.penstock("seal", "--keys", self.reader, "--topic", TOPIC, "--mqtt-topic", "a", expect=FORBIDDEN)
        self.assertIn("no producer key", done.stderr)
        self.assertIn("opening", self.seal("", self.folder / "nothing", expect=None).stderr)
        self.assertIn("--keys", self.penstock("seal", "--topic", TOPIC, "--mqtt-topic", "a", expect=USAGE).stderr)
        done = self.sub("-t", "a", "--open", TOPIC, "--keys", self.producer, expect=FORBIDDEN)
        self.assertIn("key", done.stderr)

    def test_a_python_device_seals_for_us(self) -> None:
        if not has("paho", "cryptography"):
            self.skipTest("the packages of tests/requirements.txt are not here")
        session = self.keep("device")
        done = subprocess.run([sys.executable, SENSORS / "device.py", "--keys", self.producer, "--host", "127.0.0.1",
                               "--port", str(self.broker.port), "--name", "press-1", "--every", "0", "--count", "30"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        readings = [json.loads(line) for line in self.opened(session, 30)]
        self.assertEqual([reading["sequence"] for reading in readings], list(range(1, 31)))
        self.assertEqual({reading["device"] for reading in readings}, {"press-1"})


class SealedSource(Certificates, SealedCase, ServerCase):
    """CREATE SOURCE CONNECTOR … payload='sealed'."""

    def setUp(self) -> None:
        super().setUp()
        self.ca = self.make_ca("broker-ca")
        self.issue("broker", self.ca, "serverAuth", "subjectAltName=IP:127.0.0.1\n")
        self.broker.stop()
        self.tls_port = free_port()
        self.broker = Broker(self.folder / "both", more=(
            f"listener {self.tls_port} 127.0.0.1\ncafile {self.ca}\ncertfile {self.folder}/broker.pem\n"
            f"keyfile {self.folder}/broker.key.pem\n")).start()
        self.addCleanup(self.broker.stop, signal.SIGKILL)

    def start_sealed(self) -> subprocess.Popen:
        return self.start_server("--keys", self.key("plant-v1"))

    def statements(self) -> str:
        return ("CREATE STREAM readings (n BIGINT) WITH (KAFKA_TOPIC='readings', VALUE_FORMAT='JSON', PARTITIONS=2, "
                "SEAL='psr1', KEY_POLICY='plant-v1');"
                f"CREATE SOURCE CONNECTOR plant WITH (connector='mqtt', url='mqtts://127.0.0.1:{self.tls_port}', "
                f"ca='{self.ca.read_text()}', topics='plant/+', topic='readings', payload='sealed');")

    def wait_until_subscribed(self) -> None:
        states = lambda: [one["state"] for one in self.ksql("SHOW CONNECTORS;")[0]["connectors"]]
        self.wait_until(lambda: set(states()) == {"RUNNING"}, "the connectors run")

    def numbers(self) -> list[int]:
        opened = self.consume("readings", "--open", "--keys", self.reader)
        return sorted(record["n"] for record in opened)

    def test_readings_are_opened_inside_and_sealed_again_once_each_whoever_is_killed(self) -> None:
        server = self.start_sealed()
        self.ksql(self.statements())
        self.wait_until_subscribed()
        lines = self.seal("".join(f'{{"n":{n}}}\n' for n in range(300))).stdout.splitlines()
        self.pub("-t", MQTT_TOPIC, "-q", 1, "-l", stdin="\n".join(lines[:151]) + "\n")
        self.wait_until(lambda: self.count("readings") > 0, "the first ones")
        server.kill()
        server.wait()
        # After a kill its grant is the log's; and what comes again counts once.
        self.pub("-t", MQTT_TOPIC, "-q", 1, "-l", stdin="\n".join(lines[100:]) + "\n")
        self.foreign_pub("-t", "plant/press-2", "-q", 1, "-m", lines[1])  # copied
        server = self.start_sealed()
        self.wait_until(lambda: self.count("readings") >= 300, "all of them")
        self.wait_until(lambda: self.count("CONNECTOR_PLANT.dead_letters") >= 1, "the one that was copied")
        self.assertEqual(self.numbers(), list(range(300)))
        letter = self.consume("CONNECTOR_PLANT.dead_letters", "--with-metadata")[0]
        self.assertIn("sealed_not_authentic", json.dumps(letter))
        self.terminate(server)

    def test_a_sink_opens_what_is_sealed_inside_and_sends_it_once_each(self) -> None:
        kept = ["mosquitto_sub", *map(str, self.where()), "-i", "reader", "-c", "-t", "results/x", "-q", "2"]
        subprocess.run([*kept, "-E"], check=True)
        server = self.start_sealed()
        self.ksql(self.statements() + f"CREATE SINK CONNECTOR out WITH (connector='mqtt', "
                  f"url='mqtts://127.0.0.1:{self.tls_port}', ca='{self.ca.read_text()}', topic='readings', "
                  "to='results/x', qos=2, window=10);")
        refused = self.call("/ksql", {"ksql": "CREATE SINK CONNECTOR clear WITH (connector='mqtt', topic='readings', "
                                              f"url='mqtt://127.0.0.1:{self.broker.port}', to='results/y');"})
        self.assertIn("TLS with a pinned CA", refused[1])
        self.wait_until_subscribed()
        lines = self.seal("".join(f'{{"n":{n},"note":"only-for-readers"}}\n' for n in range(200))).stdout
        self.pub("-t", MQTT_TOPIC, "-q", 1, "-l", stdin=lines)
        self.wait_until(lambda: self.count("readings") > 20, "the first ones")
        server.kill()
        server.wait()
        self.start_sealed()
        done = subprocess.run([*kept, "-C", "200", "-W", "60"], check=True, capture_output=True, text=True)
        self.assertEqual(sorted(json.loads(line)["n"] for line in done.stdout.splitlines()), list(range(200)))
        stored = b"".join(p.read_bytes() for p in Path(self.data).rglob("*") if p.is_file())
        self.assertNotIn(b"only-for-readers", stored)


@unittest.skipUnless(has("cryptography"), "the packages of tests/requirements.txt are not here")
class KnownAnswers(unittest.TestCase):
    """The device's sealing against the vectors of PSR-1."""

    @classmethod
    def setUpClass(cls) -> None:
        sys.path.insert(0, str(SENSORS))
        import sealing
        cls.sealing = sealing
        cls.vectors = json.loads(VECTORS.read_text())

    def test_thumbprints(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec
        for private, wanted in (("producer_private", "producer_thumbprint"), ("policy_private", "policy_key_thumbprint")):
            key = ec.derive_private_key(int(self.vectors[private], 16), ec.SECP256R1())
            self.assertEqual(self.sealing.thumbprint(key.public_key()).hex(), self.vectors[wanted])

    def test_epochs_and_records(self) -> None:
        sealed = 0
        for vector in self.vectors["epochs"]:
            context = self.decoded_context(vector)
            epoch = self.sealing.Epoch(bytes.fromhex(vector["epoch"]), bytes.fromhex(vector["secret"]), context)
            self.assertEqual(self.sealing.cbor(context).hex(), vector["context"])
            self.assertEqual((epoch.base_iv.hex(), epoch.commit.hex()), (vector["base_iv"], vector["commit"]))
            for record in vector["records"]:
                key = record["record_key"]
                bound = [None if key is None else bytes.fromhex(key), record["timestamp_ms"], record["path"],
                         record["partition"]]
                epoch.records = record["seq"]
                plaintext = bytes([record["kind"]]) + bytes.fromhex(record["body"])
                self.assertEqual(epoch.seal(plaintext, bound, record["partition"]).hex(), record["sealed"])
                sealed += 1
        self.assertGreater(sealed, 5)

    def decoded_context(self, vector: dict) -> list:
        """[topic, schema reference, producer, policy id, digest]: an array of five short items."""
        data, out = bytes.fromhex(vector["context"]), []
        self.assertEqual(data[0], 0x85)
        at = 1
        while at < len(data):
            first = data[at]
            if first == 0xF6:
                out.append(None)
                at += 1
                continue
            size, begin = (data[at + 1], at + 2) if first & 31 == 24 else (first & 31, at + 1)
            item = data[begin:begin + size]
            out.append(item.decode() if first >> 5 == 3 else item)
            at = begin + size
        return out


if __name__ == "__main__":
    unittest.main()
