"""What the MQTT client makes of networks that break, brokers that crawl or lie, and certificates that do not fit."""

import contextlib
import json
import signal
import socket
import subprocess
import threading
import unittest
from pathlib import Path

from certificates import Certificates
from harness import PENSTOCK
from kafka_proxy import Proxy
from mqtt_case import Broker, MqttCase, free_port

MESSAGES = 2000


class Network(MqttCase):
    def setUp(self) -> None:
        super().setUp()
        self.proxy = Proxy(free_port(), self.broker.port)
        self.addCleanup(self.proxy.close)
        self.through = ["-h", "127.0.0.1", "-p", self.proxy.port]

    def reader(self, qos: int, name: str, *more: object) -> tuple[subprocess.Popen, Path]:
        out = self.folder / name
        with out.open("w") as file:
            process = self.start(PENSTOCK, "mqtt", "sub", *self.through, "-t", "n/#", "-q", qos, "-i", name, "-c", *more,
                                 stdout=file, stderr=subprocess.PIPE)
        return process, out

    def subscribed(self, qos: int, name: str, *more: object) -> tuple[subprocess.Popen, Path]:
        self.sub("-t", "n/#", "-q", qos, "-i", name, "-c", "-E")  # from here on the broker keeps what comes
        return self.reader(qos, name, *more)

    @staticmethod
    def lines(out: Path) -> int:
        return out.read_bytes().count(b"\n")

    def publish(self, qos: int) -> list[str]:
        wanted = [str(i) for i in range(MESSAGES)]
        self.pub("-t", "n/1", "-q", qos, "-l", stdin="".join(f"{word}\n" for word in wanted))
        return wanted

    def test_cut_connections_lose_and_double_nothing(self) -> None:
        for qos in (1, 2):
            self.proxy.bytes_per_s = 200_000.0
            reader, out = self.subscribed(qos, f"cut-{qos}", "-C", MESSAGES)
            wanted = self.publish(qos)
            for part in (1, 2, 3):
                self.wait_until(lambda part=part: self.lines(out) >= part * MESSAGES // 5, "messages")
                self.proxy.cut()
                self.proxy.is_cut = False
            self.proxy.bytes_per_s = 0.0
            self.assertEqual(reader.wait(timeout=60), 0, reader.stderr.read())
            self.assertEqual(out.read_text().split(), wanted)

    def test_a_half_open_connection_is_noticed_by_its_silence(self) -> None:
        reader, out = self.subscribed(1, "silent", "-C", MESSAGES + 1, "-k", 1)
        self.pub("-t", "n/1", "-q", 1, "-m", "first")
        self.wait_until(lambda: self.lines(out) == 1, "the connection")
        self.proxy.cut(silently=True)
        wanted = self.publish(1)
        said = reader.stderr.readline()
        self.assertIn("nothing was heard from the broker", said)
        self.proxy.heal()
        self.assertEqual(reader.wait(timeout=60), 0)
        self.assertEqual(out.read_text().split(), ["first", *wanted])

    def test_a_slow_broker_makes_a_publisher_wait_and_no_more(self) -> None:
        self.proxy.bytes_per_s, self.proxy.delay_s = 100_000.0, 0.005
        reader, out = self.subscribed(2, "slow", "-C", 300)
        text = "".join(f"{i} {'x' * 200}\n" for i in range(300))
        self.penstock("mqtt", "pub", *self.through, "-t", "n/1", "-q", 2, "-l", stdin=text)
        self.assertEqual(reader.wait(timeout=60), 0)
        self.assertEqual(out.read_text(), text)

    def test_a_publisher_goes_on_where_the_connection_was_cut(self) -> None:
        for qos in (1, 2):
            out = self.folder / f"after-{qos}"
            with out.open("w") as file:
                self.start(PENSTOCK, "mqtt", "sub", *self.where(), "-t", f"a{qos}/#", "-q", qos, "-i", f"after-{qos}", stdout=file)
            self.sub("-t", f"a{qos}/#", "-E")
            self.proxy.bytes_per_s = 40_000.0
            writer = self.start(PENSTOCK, "mqtt", "pub", *self.through, "-t", f"a{qos}/1", "-q", qos, "-l", "-i", f"w-{qos}",
                                "-c", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            writer.stdin.write("".join(f"{i}\n" for i in range(MESSAGES)))
            writer.stdin.close()
            for part in (1, 2, 3):
                self.wait_until(lambda part=part: self.lines(out) >= part * MESSAGES // 10, "messages")
                self.proxy.cut()
                self.proxy.is_cut = False
            self.proxy.bytes_per_s = 0.0
            self.assertEqual(writer.wait(timeout=60), 0, writer.stderr.read())
            wanted = [str(i) for i in range(MESSAGES)]
            self.wait_until(lambda: self.lines(out) >= MESSAGES, "all of them")
            seen = out.read_text().split()
            self.assertEqual(sorted(set(seen), key=int), wanted)
            if qos == 2:  # QoS 1: what had no answer goes out again
                self.assertEqual(seen, wanted)

    def test_a_long_queue_comes_whole_although_the_broker_passes_the_receive_maximum(self) -> None:
        lines = "".join(f"{i}\n" for i in range(8000))
        for qos in (1, 2):
            session = ["-t", "q/#", "-q", qos, "-i", f"long-{qos}", "-c"]
            self.sub(*session, "-E")
            self.pub("-t", "q/1", "-q", qos, "-l", stdin=lines)
            done = self.sub(*session, "-C", 8000)
            self.assertEqual(done.stdout, lines)
            self.assertEqual(done.stderr, "")

    def test_a_message_that_is_too_large_holds_nothing_up(self) -> None:
        large = self.folder / "large"
        large.write_bytes(b"x" * (3 << 20))
        session = ["-t", "n/#", "-q", 1, "-i", "large", "-c"]
        self.sub(*session, "-E")
        self.foreign_pub("-t", "n/big", "-q", 1, "-f", large)
        self.foreign_pub("-t", "n/1", "-q", 1, "-m", "next")
        first, second = map(json.loads, self.sub(*session, "-C", 2, "--json").stdout.splitlines())
        self.assertEqual((first["topic"], first["payload"], first["payload_bytes_lost"]), ("n/big", "", 3 << 20))
        self.assertEqual(second["payload"], "next")
        self.sub(*session, "-W", 1, "-C", 1, expect=None)  # acknowledged: it does not come again


CONNACK = b"\x20\x03\x00\x00\x00"


class Liar:
    """A server that answers one CONNECT with bytes that no broker may send."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard = b""  # behind CONNECT
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self.socket.accept()
            with connection:
                connection.settimeout(20)
                connection.recv(4096)
                connection.sendall(self.text)
                while more := connection.recv(4096):  # until the client has had enough
                    self.heard += more

    def close(self) -> None:
        self.socket.close()
        self.thread.join(30)


class Hostile(MqttCase):
    LIES = (  # and what the message says of it
        (b"\x00\x00", "type 0"),
        (b"\x30\x05\x00\x01a\x00x", "PUBLISH before CONNACK"),
        (CONNACK + CONNACK, "a second CONNACK"),
        (CONNACK + b"\x36\x07\x00\x01a\x00\x01\x00x", "QoS is 3"),
        (CONNACK + b"\x30\x05\x00\x02\xff\xfe\x00", "not UTF-8"),
        (CONNACK + b"\x30\x05\x00\x02a#\x00", "wildcard"),
        (CONNACK + b"\x32\x06\x00\x01a\x00\x00\x00", "identifier is 0"),
        (CONNACK + b"\x30\xff\xff\xff\xff\xff", "more than four bytes"),
        (CONNACK + b"\x90\xff\xff\xff\x7f", "at most"),  # a SUBACK of 256 MiB
        (CONNACK + b"\xd0\x01x", "PINGRESP"),
        (CONNACK + b"\xd1\x00", "flags are reserved"),
        (CONNACK + b"\x30\x06\x00\x00\x03\x23\x00\x09", "alias that stands for nothing"),
        (CONNACK + b"\xf0\x00", "AUTH, which was not asked for"),
        (CONNACK + b"\xe0\x02\x8b\x00", "shutting down"),
    )

    def test_packets_that_must_not_be_end_the_connection_and_are_named(self) -> None:
        running = []
        for text, said in self.LIES:
            liar = Liar(text)
            self.addCleanup(liar.close)
            reader = self.start(PENSTOCK, "mqtt", "sub", "-h", "127.0.0.1", "-p", liar.port, "-t", "a", stderr=subprocess.PIPE)
            running.append((reader, said))
        for reader, said in running:
            self.assertIn(said, reader.stderr.readline())
            reader.send_signal(signal.SIGTERM)
            reader.wait()

    def test_what_never_ends_takes_no_memory(self) -> None:
        """A head that promises 256 MiB, and bytes for ever."""
        liar = Liar(CONNACK + b"\x30\xff\xff\xff\x7f\x00\x01a\x00" + b"x" * (40 << 20))
        self.addCleanup(liar.close)
        reader = self.start(PENSTOCK, "mqtt", "sub", "-h", "127.0.0.1", "-p", liar.port, "-t", "a", "--json", "-C", 1,
                            stdout=subprocess.PIPE)
        self.assertEqual(json.loads(reader.stdout.readline())["topic"], "a")
        self.assertEqual(reader.wait(timeout=30), 0)


class WrongCertificates(Certificates, MqttCase):
    def tls_broker(self, name: str, usage: str, names: str) -> Broker:
        self.issue(name, self.ca, usage, names)
        broker = Broker(self.folder / f"tls-{name}", more=(
            f"cafile {self.ca}\ncertfile {self.folder}/{name}.pem\nkeyfile {self.folder}/{name}.key.pem\n")).start()
        self.addCleanup(broker.stop, signal.SIGKILL)
        return broker

    def said_to(self, broker: Broker, *more: object) -> str:
        done = self.penstock("mqtt", "pub", "-h", "127.0.0.1", "-p", broker.port, "-t", "a", "-m", "x", *more, expect=None)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_each_is_named(self) -> None:
        self.ca = self.make_ca("the-ca")
        address = "subjectAltName=IP:127.0.0.1\n"
        right = self.tls_broker("right", "serverAuth", address)
        pinned = ["--cafile", self.ca]
        self.penstock("mqtt", "pub", "-h", "127.0.0.1", "-p", right.port, "-t", "a", "-m", "x", *pinned)
        self.assertIn("the expected CA did not issue", self.said_to(right, "--cafile", self.make_ca("another")))
        elsewhere = self.tls_broker("elsewhere", "serverAuth", "subjectAltName=DNS:broker.example\n")
        self.assertIn("for another name", self.said_to(elsewhere, *pinned))
        client = self.tls_broker("client", "clientAuth", address)
        self.assertIn("not for servers", self.said_to(client, *pinned))
        self.assertIn("127.0.0.1", self.said_to(self.broker, *pinned))  # no TLS on that port
        self.assertRegex(self.said_to(right), "is it an MQTT broker|closed the connection|broke|must not")


if __name__ == "__main__":
    unittest.main()
