"""MQTT sources and sinks in SQL, against a real mosquitto: kills, lost sessions, takeovers, refusals.

PENSTOCK_LONG=1: many more kills. PENSTOCK_KILL_SEED (default: random; it is printed).
"""

import json
import os
import random
import signal
import subprocess
import time
import unittest
from collections import Counter
from pathlib import Path

from certificates import Certificates
from harness import COMMAND_TIMEOUT_S, PENSTOCK, ServerCase
from mqtt_case import Broker, MqttCase

LONG = os.environ.get("PENSTOCK_LONG") == "1"
SEED = int(os.environ.get("PENSTOCK_KILL_SEED", str(time.time_ns() % 1_000_000)))
ROUNDS = 150 if LONG else 4  # of each kind: QoS 1 and 2
BROKER_ROUNDS = 15 if LONG else 1
LINES_PER_ROUND = 60
LIFE_S = (0.0, 0.15)  # of a server, from the moment it runs


class ConnectorCase(MqttCase, ServerCase):
    def source(self, name: str = "sensors", more: str = "", topics: str = "plant/#", topic: str = "readings") -> str:
        return (f"CREATE SOURCE CONNECTOR {name} WITH (connector='mqtt', url='mqtt://127.0.0.1:{self.broker.port}', "
                f"topics='{topics}', topic='{topic}'{', ' + more if more else ''});")

    def sink(self, name: str = "results", more: str = "", to: str = "out/{key}", topic: str = "readings") -> str:
        return (f"CREATE SINK CONNECTOR {name} WITH (connector='mqtt', url='mqtt://127.0.0.1:{self.broker.port}', "
                f"topic='{topic}', to='{to}'{', ' + more if more else ''});")

    def connector(self, name: str = "SENSORS") -> dict:
        return self.ksql(f"DESCRIBE CONNECTOR {name};")[0]["status"]

    def state(self, name: str = "SENSORS") -> str:
        return self.connector(name)["connector"]["state"]

    def reason(self, name: str = "SENSORS") -> str:
        return self.connector(name)["connector"]["trace"]

    def counter(self, counter: str, name: str = "SENSORS") -> int:
        return sum(task["counters"].get(counter, 0) for task in self.connector(name)["tasks"])

    def wait_for_state(self, state: str = "RUNNING", name: str = "SENSORS") -> None:
        self.wait_until(lambda: self.state(name) == state, f"connector {name} is {state}")

    def wait_for_records(self, count: int, topic: str = "readings") -> None:
        self.wait_until(lambda: self.count(topic) >= count, f"{count} records in {topic}")

    def publish(self, lines: list[str], topic: str = "plant/1/temperature", qos: int = 1) -> None:
        self.foreign_pub("-t", topic, "-q", qos, "-l", stdin="".join(line + "\n" for line in lines))


class Source(Certificates, ConnectorCase):
    def test_messages_become_records_with_key_time_and_headers(self) -> None:
        self.start_server()
        made = self.ksql(self.source(more="qos=2, headers='true', partitions=2"))[0]
        self.assertEqual((made["@type"], made["info"]["type"]), ("connector_info", "source"))
        self.wait_for_state()
        self.foreign_pub("-t", "plant/7/temperature", "-q", 2, "-V", "5", "-m", '{"c":21.5}', "-D", "publish",
                         "user-property", "trace", "a1", "-D", "publish", "user-property", "mqtt.topic", "forged")
        self.wait_for_records(1)
        record = self.consume("readings", "--with-metadata")[0]
        self.assertEqual((record["key"], record["value"]), ("plant/7/temperature", {"c": 21.5}))
        self.assertLess(abs(record["timestamp"] / 1000 - time.time()), 60)
        headers = [(h["name"], h["value"]) for h in record["headers"]]
        self.assertEqual(headers, [("mqtt.topic", "plant/7/temperature"), ("mqtt.qos", "2"), ("mqtt.retained", "false"),
                                   ("trace", "a1"), ("foreign.mqtt.topic", "forged")])
        shown = self.ksql("SHOW CONNECTORS;")[0]["connectors"]
        self.assertEqual(shown, [{"name": "SENSORS", "type": "source", "className": "mqtt", "state": "RUNNING"}])

    def test_queries_see_messages_and_a_statement_can_be_given_again(self) -> None:
        self.start_server()
        self.ksql(self.source(more="partitions=1") +
                  "CREATE STREAM readings (topic STRING KEY, c DOUBLE) WITH (KAFKA_TOPIC='readings', VALUE_FORMAT='JSON');"
                  "CREATE STREAM hot WITH (KAFKA_TOPIC='hot', VALUE_FORMAT='JSON') AS "
                  "SELECT topic, c FROM readings WHERE c > 30 EMIT CHANGES;")
        self.wait_for_state()
        self.publish(['{"c":20}', '{"c":35}', '{"c":40}'])
        self.wait_for_records(2, "hot")
        self.assertEqual([r["C"] for r in self.consume("hot")], [35, 40])
        again = self.call("/ksql", {"ksql": self.source().replace("CONNECTOR ", "CONNECTOR IF NOT EXISTS ", 1)})
        self.assertEqual(again[0], 200)
        self.assertIn("Cannot add connector", again[1])
        self.assertEqual(self.call("/ksql", {"ksql": self.source()})[0], 400)

    def test_mistakes_are_named(self) -> None:
        self.start_server()
        for text, expected in ((self.source(more="qoss=1"), "Did you mean 'qos'"),
                               (self.source(more="qos=3"), "from 0 to 2"),
                               (self.source(topics="a/#/b"), "no topic filter"),
                               (self.source(more="ca='x'"), "mqtts://"),
                               (self.source().replace("'mqtt'", "'mqt'"), "Did you mean 'mqtt'"),
                               (self.source(more="tasks=3"), "each task needs one"),
                               ("DESCRIBE CONNECTOR nobody;", "does not exist"),
                               ("PAUSE CONNECTOR nobody;", "does not exist")):
            status, body = self.call("/ksql", {"ksql": text})
            self.assertGreaterEqual(status, 400, text)
            self.assertIn(expected, json.loads(body)["message"], text)

    def test_pause_resume_drop_and_restart(self) -> None:
        server = self.start_server()
        self.ksql(self.source())
        self.wait_for_state()
        self.publish(["1"])
        self.wait_for_records(1)
        self.ksql("PAUSE CONNECTOR sensors;")
        self.assertEqual(self.state(), "PAUSED")
        self.publish(["2"])
        self.terminate(server)
        server = self.start_server()
        self.assertEqual(self.state(), "PAUSED")
        self.assertEqual(self.count("readings"), 1)
        self.ksql("RESUME CONNECTOR sensors;")
        self.wait_for_records(2)
        self.assertEqual(self.consume("readings"), [1, 2])
        dropped = self.ksql("DROP CONNECTOR sensors;")[0]
        self.assertEqual(dropped["connectorName"], "SENSORS")
        self.publish(["3"])
        self.ksql(self.source())  # its session is gone too, so what came in between does not come
        self.wait_for_state()
        self.publish(["4"])
        self.wait_for_records(3)
        self.assertEqual(self.consume("readings"), [1, 2, 4])
        self.terminate(server)
        self.start_server()
        self.assertEqual(self.ksql("SHOW CONNECTORS;")[0]["connectors"][0]["name"], "SENSORS")

    def test_a_file_that_loses_its_connector_ends_it(self) -> None:
        server = self.start_server("--sql", self.sql_file(self.source()))
        self.wait_for_state()
        self.terminate(server)
        server = self.start_server("--sql", self.sql_file(self.source(more="qos=2"), "changed.sql"))
        self.wait_for_state()
        self.terminate(server)
        self.start_server("--sql", self.sql_file("CREATE STREAM s (x INT) WITH (KAFKA_TOPIC='readings', "
                                                 "VALUE_FORMAT='JSON');", "without.sql"))
        self.assertEqual(self.ksql("SHOW CONNECTORS;")[0]["connectors"], [])

    def test_filters_of_a_changed_file_are_those_of_the_session(self) -> None:
        for version in ("5", "3.1.1"):
            topic = f"changed{version}"
            more = f"version='{version}', client_id='reader{version}'"
            for topics in ("a/#, b/#", "b/#, c/#"):
                server = self.start_server("--sql", self.sql_file(self.source(topics=topics, more=more, topic=topic)))
                self.wait_for_state()
                for published in ("a/1", "b/1", "c/1"):
                    self.publish([json.dumps(published)], published)
                self.wait_for_records(2 if topics.startswith("a") else 4, topic)
                self.terminate(server)
            self.assertEqual(self.consume(topic), ["a/1", "b/1", "b/1", "c/1"])
            self.terminate(self.start_server("--sql", self.sql_file("CREATE STREAM s (x INT) WITH (KAFKA_TOPIC='s', "
                                                                    "VALUE_FORMAT='JSON', PARTITIONS=1);")))

    def test_a_lost_session_is_said_and_counted(self) -> None:
        self.start_server()
        self.ksql(self.source())
        self.wait_for_state()
        self.publish(["1"])
        self.wait_for_records(1)
        self.broker.stop(signal.SIGKILL)
        for file in (self.folder / "broker").glob("mosquitto.db*"):
            file.unlink()
        self.broker.start()
        self.wait_until(lambda: self.state() == "RUNNING" and self.counter("sessions_lost") == 1, "the lost session")
        self.assertIn("lost the session", self.connector()["tasks"][0]["trace"])
        self.publish(["2"])
        self.wait_for_records(2)

    def test_a_takeover_stops_it_and_it_says_who(self) -> None:
        self.start_server()
        self.ksql(self.source(more="client_id='shared'"))
        self.wait_for_state()
        other = self.start(PENSTOCK, "mqtt", "sub", *self.where(), "-t", "x", "-i", "shared")
        self.wait_until(lambda: self.connector()["tasks"][0]["restarts"] + self.counter("connections") > 1, "the takeover")
        self.assertLess(self.connector()["tasks"][0]["restarts"] + self.counter("connections"), 8)  # no hot loop
        self.end(other)
        self.wait_for_state()

    def test_wrong_credentials_are_said_and_other_connectors_go_on(self) -> None:
        passwords = self.folder / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "device", "right"], check=True, capture_output=True)
        guarded = Broker(self.folder / "guarded", more=f"allow_anonymous false\npassword_file {passwords}\n").start()
        self.addCleanup(guarded.stop, signal.SIGKILL)
        self.start_server()
        self.ksql(self.source("good"))
        bad = self.source("bad", more="username='device', password='wrong-one'", topic="other")
        made = self.call("/ksql", {"ksql": bad.replace(str(self.broker.port), str(guarded.port))})
        self.assertNotIn("wrong-one", made[1])
        self.wait_for_state("FAILED", "BAD")
        self.assertRegex(self.reason("BAD"), "not authorized|bad user name or password")
        for text in ("DESCRIBE CONNECTOR bad;", "SHOW CONNECTORS;"):
            self.assertNotIn("wrong-one", json.dumps(self.ksql(text)))
        self.wait_for_state("RUNNING", "GOOD")

    def test_what_is_too_large_is_a_dead_letter_and_acknowledged(self) -> None:
        self.start_server()
        self.ksql(self.source(more="qos=2"))
        self.wait_for_state()
        for size in (1 << 20, 3 << 20):  # larger than a record, larger than what is kept of a packet
            file = self.folder / "large"
            file.write_bytes(b"x" * size)
            self.foreign_pub("-t", "plant/large", "-q", 2, "-f", file)
        self.publish(["1"], qos=2)
        self.wait_for_records(1)
        self.wait_for_records(2, "CONNECTOR_SENSORS.dead_letters")
        letters = self.penstock("consume", "--data", self.data, "--topic", "CONNECTOR_SENSORS.dead_letters",
                                "--from-beginning", "--with-metadata").stdout
        self.assertIn("output_too_large", letters)
        self.assertIn("mqtt_payload_too_large", letters)

    def test_ten_thousand_retained_messages_come_once(self) -> None:
        lines = "".join(f"{i}\n" for i in range(10_000))
        publisher = subprocess.run(["python3", "-c", RETAINED, str(self.broker.port)], input=lines, text=True)
        self.assertEqual(publisher.returncode, 0)
        server = self.start_server()
        self.ksql(self.source(topics="kept/#"))
        self.wait_for_records(10_000)
        self.terminate(server)
        self.start_server()
        self.wait_for_state()
        self.foreign_pub("-t", "kept/x", "-q", 1, "-m", "last")
        self.wait_for_records(10_001)
        self.assertEqual(self.count("readings"), 10_001)

    def test_keys_and_times_of_the_payload_and_repeats_by_name(self) -> None:
        server = self.start_server()
        self.ksql(self.source(more="key='device', timestamp='at', dedup_key='device,n'"))
        self.wait_for_state()
        first = 1_700_000_000_000
        self.publish([json.dumps({"device": "d1", "n": n, "at": first + n}) for n in (1, 2, 2, 3, 1)] + ["no json"])
        self.wait_for_records(4)
        self.terminate(server)
        self.start_server()
        self.wait_for_state()
        self.publish([json.dumps({"device": "d1", "n": n, "at": first + n}) for n in (2, 4)])
        self.wait_for_records(5)
        records = self.consume("readings", "--with-metadata")
        good = [(r.get("key"), r["value"]["n"], r["timestamp"]) for r in records if "n" in r["value"]]
        self.assertEqual(good, [("d1", n, first + n) for n in (1, 2, 3, 4)])
        self.assertEqual(self.counter("duplicates_dropped"), 1)

    def test_tasks_share_the_filters(self) -> None:
        self.start_server()
        self.ksql(self.source(topics="a/#, b/#, c/#", more="tasks=2"))
        self.wait_for_state()
        for topic in ("a/1", "b/1", "c/1"):
            self.publish(["1"], topic)
        self.wait_for_records(3)
        self.wait_until(lambda: [t["records_in"] for t in self.connector()["tasks"]] == [2, 1], "each its share")

    def test_secrets_come_from_the_key_file_and_connections_by_tls(self) -> None:
        self.new_policy("p", "readings")
        keys = self.combine_keys(self.key("p"))
        document = json.loads(keys.read_text())
        document["secrets"] = {"broker": "right"}
        keys.write_text(json.dumps(document))
        passwords = self.folder / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "device", "right"], check=True, capture_output=True)
        authority = self.make_ca("broker-ca")
        self.issue("broker", authority, "serverAuth", "subjectAltName=IP:127.0.0.1\n")
        certificate, private = self.folder / "broker.pem", self.folder / "broker.key.pem"
        guarded = Broker(self.folder / "guarded", more="allow_anonymous false\n"
                         f"password_file {passwords}\ncertfile {certificate}\nkeyfile {private}\n").start()
        self.addCleanup(guarded.stop, signal.SIGKILL)
        self.start_server("--keys", keys)
        self.ksql("CREATE STREAM readings (topic STRING KEY, c INT) WITH (KAFKA_TOPIC='readings', VALUE_FORMAT='JSON', "
                  "PARTITIONS=1, SEAL='psr1', KEY_POLICY='p');")
        refused = self.call("/ksql", {"ksql": self.source(more="username='device', password='right'")})
        self.assertIn("${secret:NAME}", refused[1])
        refused = self.call("/ksql", {"ksql": self.source(more="username='device', password='${secret:broker}'")})
        self.assertIn("TLS with a pinned CA", refused[1])
        secure = self.source(more=f"username='device', password='${{secret:broker}}', ca='{authority.read_text()}'")
        secure = secure.replace(f"mqtt://127.0.0.1:{self.broker.port}", f"mqtts://127.0.0.1:{guarded.port}")
        refused = self.call("/ksql", {"ksql": secure.replace("secret:broker", "secret:nothing")})
        self.assertIn("nothing", refused[1])
        self.ksql(secure)
        self.wait_for_state()
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(guarded.port), "--cafile", authority, "-u", "device",
                        "-P", "right", "-t", "plant/1", "-q", "1", "-m", '{"c":4711}'], check=True)
        self.wait_for_records(1)
        opened = self.consume("readings", "--open", "--keys", self.key("p"))
        self.assertEqual(opened, [{"c": 4711}])
        stored = b"".join(p.read_bytes() for p in Path(self.data).rglob("*") if p.is_file())
        self.assertNotIn(b"4711", stored)
        self.assertNotIn(b'"right"', stored)


# Publishes retained messages over one connection, as fast as acknowledgements come.
RETAINED = """
import socket, struct, sys
port, lines = int(sys.argv[1]), sys.stdin.read().split()
s = socket.create_connection(("127.0.0.1", port))
s.sendall(b"\\x10\\x0f\\x00\\x04MQTT\\x04\\x02\\x00\\x3c\\x00\\x03ret")
s.recv(4)
def publish(i):
    topic = f"kept/{i}".encode()
    body = struct.pack(">H", len(topic)) + topic + str(i).encode()
    return b"\\x31" + bytes([len(body)]) + body
s.sendall(b"".join(publish(i) for i in lines))
s.sendall(b"\\xc0\\x00")
assert s.recv(2) == b"\\xd0\\x00"
s.sendall(b"\\xe0\\x00")
s.close()
"""


class Sink(ConnectorCase):
    def subscribe(self, topic: str, qos: int) -> None:
        """A session that keeps what comes."""
        subprocess.run(["mosquitto_sub", *map(str, self.where()), "-i", "reader", "-c", "-t", topic, "-q", str(qos), "-E"],
                       check=True)

    def received(self, topic: str, qos: int, count: int) -> list[str]:
        done = subprocess.run(["mosquitto_sub", *map(str, self.where()), "-i", "reader", "-c", "-t", topic, "-q", str(qos),
                               "-C", str(count), "-v", "-W", "30"], check=True, capture_output=True, text=True)
        return done.stdout.splitlines()

    def test_records_go_out_at_every_quality_to_topics_of_their_own(self) -> None:
        self.subscribe("out/#", 2)
        self.penstock("produce", "--data", self.data, "--topic", "readings", "--key", "k",
                      stdin='{"k":"a","n":1}\n{"k":"b","n":2}\n')
        self.start_server()
        for qos in (0, 1, 2):
            self.ksql(self.sink(f"sink{qos}", more=f"qos={qos}", to=f"out/{qos}/{{key}}"))
            self.wait_for_state("RUNNING", f"SINK{qos}")
        lines = self.received("out/#", 2, 4)  # brokers keep nothing of QoS 0 for a session that is away
        self.assertEqual(Counter(line.split()[0] for line in lines),
                         Counter({f"out/{qos}/{key}": 1 for qos in (1, 2) for key in "ab"}))
        for qos in (0, 1, 2):
            self.wait_until(lambda qos=qos: self.connector(f"SINK{qos}")["tasks"][0]["lag"] == 0, "no lag")
            self.assertEqual(self.connector(f"SINK{qos}")["tasks"][0]["records_out"], 2)

    def test_a_broker_that_takes_few_at_a_time_gets_all(self) -> None:
        self.broker.stop()
        self.broker = Broker(self.folder / "narrow", more="max_inflight_messages 3\n").start()
        self.addCleanup(self.broker.stop, signal.SIGKILL)
        self.subscribe("out/#", 2)
        self.produce("readings", [{"n": n} for n in range(20)])
        self.start_server()
        self.ksql(self.sink(more="qos=2", to="out/x"))
        numbers = [json.loads(line.split(" ", 1)[1])["n"] for line in self.received("out/#", 2, 20)]
        self.assertEqual(numbers, list(range(20)))

    def test_kills_lose_nothing_and_double_nothing_at_qos_2(self) -> None:
        rng = random.Random(SEED)
        print(f"\n  mqtt sink kill test: {ROUNDS} rounds, PENSTOCK_KILL_SEED={SEED}", flush=True)
        self.subscribe("out/#", 2)
        made = 0
        for number in range(ROUNDS):
            values = [{"n": made + i} for i in range(LINES_PER_ROUND)]
            made += len(values)
            self.produce("readings", values)
            server = self.start_server()
            if number == 0:
                self.ksql(self.sink(more="qos=2", to="out/x"))
            time.sleep(rng.uniform(*LIFE_S))
            self.end(server)
        self.start_server()
        self.wait_until(lambda: self.state("RESULTS") == "RUNNING" and self.connector("RESULTS")["tasks"][0]["lag"] == 0,
                        "all sent", COMMAND_TIMEOUT_S)
        numbers = [json.loads(line.split(" ", 1)[1])["n"] for line in self.received("out/#", 2, made)]
        self.assertEqual(numbers, list(range(made)))
        self.foreign_pub("-t", "out/x", "-q", 2, "-m", "end")
        self.assertEqual(self.received("out/#", 2, 1), ["out/x end"])


class Kill(ConnectorCase):
    def rounds(self, qos: int, version: str, broker_too: bool, rounds: int) -> None:
        rng = random.Random(SEED)
        print(f"\n  mqtt kill test, QoS {qos}, {version}, broker too: {broker_too}: {rounds} rounds, "
              f"PENSTOCK_KILL_SEED={SEED}", flush=True)
        more = f"qos={qos}, version='{version}'" + (", dedup_key='n'" if broker_too else "")
        server = self.start_server()
        self.ksql(self.source(more=more))
        self.wait_for_state()
        made = 0
        for number in range(rounds):
            lines = [json.dumps({"n": made + i}) for i in range(LINES_PER_ROUND)]
            made += len(lines)
            publisher = subprocess.Popen(["mosquitto_pub", *map(str, self.where()), "-t", "plant/1", "-q", str(qos), "-l"],
                                         stdin=subprocess.PIPE, text=True)
            publisher.stdin.write("\n".join(lines) + "\n")
            publisher.stdin.close()
            time.sleep(rng.uniform(*LIFE_S))
            self.end(server)
            self.assertEqual(publisher.wait(timeout=COMMAND_TIMEOUT_S), 0)
            if broker_too:
                self.save_broker()
                self.broker.stop(signal.SIGKILL)
                self.broker.start()
            server = self.start_server()
        self.wait_for_records(made)
        self.publish([json.dumps({"n": made})], "plant/1", qos)  # comes behind everything
        self.wait_until(lambda: {"n": made} in self.consume("readings"), "the last message")
        found = Counter(value["n"] for value in self.consume("readings"))
        self.assertEqual(found, Counter(range(made + 1)))

    def save_broker(self) -> None:
        """What the broker has acknowledged is on its disk (it saves each second)."""
        store = self.folder / "broker" / "mosquitto.db"
        before = store.stat().st_mtime_ns if store.exists() else 0
        self.foreign_pub("-t", "other", "-q", 1, "-r", "-m", str(time.time_ns()))
        self.wait_until(lambda: store.exists() and store.stat().st_mtime_ns > before, "the broker's store")

    def test_kill_9_at_qos_1(self) -> None:
        self.rounds(1, "5", False, ROUNDS)

    def test_kill_9_at_qos_2(self) -> None:
        self.rounds(2, "5", False, ROUNDS)

    def test_kill_9_at_version_3(self) -> None:
        self.rounds(1, "3.1.1", False, max(2, ROUNDS // 2))

    def test_kill_9_of_both_with_names_of_messages(self) -> None:
        self.rounds(1, "5", True, BROKER_ROUNDS)

    def test_kill_9_of_both_at_qos_2(self) -> None:
        self.rounds(2, "5", True, BROKER_ROUNDS)


if __name__ == "__main__":
    unittest.main()
