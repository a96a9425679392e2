#!/usr/bin/env python3
"""A plant: 200 devices over a few connections, each sealing for itself. Needs paho-mqtt and cryptography.

    plant.py --keys keys/plant-v1.producer.keys.json --host localhost --readings 5
"""

import argparse
import json
import random
import sys
import time

from device import Connection, Device, declare_broker
from sealing import Producer

KINDS = ("press", "pump", "oven", "mill")
CONNECTIONS = 4


def names(devices: int) -> list[str]:
    return [f"{KINDS[i % len(KINDS)]}-{i // len(KINDS) + 1}" for i in range(devices)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    declare_broker(parser)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--readings", type=int, default=5, help="of each device; 0: without end")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two readings of a device")
    parser.add_argument("--seed", type=int, default=7, help="of what they measure")
    parser.add_argument("--first", type=int, default=1, help="sequence of the first reading of each")
    parser.add_argument("--journal", type=argparse.FileType("w"), help="every reading goes into this file before it is sent")
    words = parser.parse_args()
    producer, dice = Producer(words.keys), random.Random(words.seed)
    connections = [Connection(words.host, words.port, f"gateway-{i}", words.cafile) for i in range(CONNECTIONS)]
    devices = [Device(connections[i % CONNECTIONS], producer, words.topic, name)
               for i, name in enumerate(names(words.devices))]
    for device in devices:
        device.sequence = words.first - 1
    rounds, hot = 0, 0
    while not words.readings or rounds < words.readings:
        due = time.monotonic() + words.every
        for device in devices:
            reading = device.measure(time.time_ns() // 1_000_000, dice)
            hot += reading["celsius"] > 80
            if words.journal:
                print(json.dumps(reading), file=words.journal, flush=True)
            device.publish(reading)
        rounds += 1
        if rounds != words.readings:
            time.sleep(max(0.0, due - time.monotonic()))
    for connection in connections:
        connection.end()
    print(f"{len(devices)} devices, {rounds * len(devices)} readings, {hot} above 80 degrees")
    return 0


if __name__ == "__main__":
    sys.exit(main())
