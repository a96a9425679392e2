#!/usr/bin/env python3
"""One device: measures, seals, publishes. Needs the packages paho-mqtt and cryptography.

    device.py --keys keys/plant-v1.producer.keys.json --host localhost --name press-1
"""

import argparse
import collections
import json
import math
import random
import sys
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt

from sealing import Producer, Sealer

GRANT_EVERY_S = 60  # so that a reader that missed the first one can open what follows
RESENT_S = 5.0  # a broker that crashes forgets what it has answered for: mosquitto writes its file now and then
PATIENCE_S = 60


class Connection:
    """To the broker, for one or more devices; it comes back by itself, with what the broker has not answered."""

    def __init__(self, host: str, port: int, name: str, ca: str | None) -> None:
        self.devices: list[Device] = []
        self.sent = self.answered = 0
        self.lock = threading.RLock()  # the client calls from a thread of its own
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self.client.reconnect_delay_set(1, 5)
        self.client.max_queued_messages_set(0)  # no limit
        self.client.on_connect = lambda *_: [device.resend() for device in self.devices]
        self.client.on_publish = self.note_answer
        if ca:
            self.client.tls_set(ca_certs=ca)
        self.client.connect(host, port)
        self.client.loop_start()

    def note_answer(self, *_) -> None:
        self.answered += 1  # by the client's thread alone, which holds a lock of its own here

    def publish(self, topic: str, payload: bytes) -> None:
        with self.lock:
            self.sent += 1
        self.client.publish(topic, payload, qos=1)

    def end(self) -> None:
        """Once the broker has answered for everything."""
        due = time.monotonic() + PATIENCE_S
        while self.answered < self.sent:
            if time.monotonic() > due:
                raise TimeoutError(f"the broker has not answered for {PATIENCE_S} s")
            time.sleep(0.02)
        self.client.disconnect()
        self.client.loop_stop()


class Device:
    def __init__(self, connection: Connection, producer: Producer, topic: str, name: str) -> None:
        self.connection, self.name, self.mqtt_topic = connection, name, f"plant/{name}"
        self.sealer = Sealer(producer, topic, self.mqtt_topic)
        self.granted_at: float | None = None
        self.sequence = 0
        self.recent: collections.deque[tuple[float, bytes]] = collections.deque()
        connection.devices.append(self)

    def publish(self, reading: dict) -> None:
        """The grant goes the same way at the same QoS, so it is there before its records."""
        now = time.monotonic()
        payload = self.sealer.seal(json.dumps(reading).encode())
        with self.connection.lock:
            if self.granted_at is None or now - self.granted_at >= GRANT_EVERY_S:
                self.send(self.sealer.grant)
                self.granted_at = now
            self.recent.append((now, payload))
            while self.recent[0][0] < now - RESENT_S:
                self.recent.popleft()
            self.send(payload)

    def resend(self) -> None:
        """After a connection was lost: the same sealed bytes count once, however often they come."""
        with self.connection.lock:
            if self.granted_at is None:
                return  # it has just begun
            self.granted_at = time.monotonic()
            for payload in (self.sealer.grant, *(payload for _, payload in self.recent)):
                self.send(payload)

    def send(self, payload: bytes) -> None:
        self.connection.publish(self.mqtt_topic, payload)

    def measure(self, now_ms: int, dice: random.Random) -> dict:
        self.sequence += 1
        swing = math.sin(now_ms / 60_000 + len(self.name))
        hot = 40 if dice.random() < 0.02 else 0
        return {"device": self.name, "sequence": self.sequence, "at": now_ms,
                "celsius": round(60 + 5 * swing + hot + dice.gauss(0, 0.5), 2),
                "bar": round(6 + 0.3 * swing + dice.gauss(0, 0.05), 3)}


def declare_broker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keys", type=Path, required=True, help="key file of a producer")
    parser.add_argument("--topic", default="readings", help="topic of Penstock that the readings are for")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--cafile", help="certificate (PEM) of the CA of the broker: TLS")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    declare_broker(parser)
    parser.add_argument("--name", required=True, help="of the device, which publishes to plant/NAME")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between readings")
    parser.add_argument("--count", type=int, default=0, help="end after so many readings")
    words = parser.parse_args()
    connection = Connection(words.host, words.port, words.name, words.cafile)
    device, dice = Device(connection, Producer(words.keys), words.topic, words.name), random.Random()
    while True:
        device.publish(device.measure(time.time_ns() // 1_000_000, dice))
        if device.sequence == words.count:
            break
        time.sleep(words.every)
    connection.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
