"""MQTT sources and sinks while the wall clock jumps: penstockd runs under a library that moves it."""

import json
import os
import shutil
import struct
import subprocess
import time
import unittest
from pathlib import Path
from unittest.mock import patch

from test_mqtt_connectors import ConnectorCase

DAY_S = 86_400
JUMPS_S = (0, DAY_S, -2 * DAY_S, 30 * DAY_S, 0)
PER_JUMP = 40


@unittest.skipUnless(shutil.which("cc"), "there is no C compiler here")
class Clock(ConnectorCase):
    def setUp(self) -> None:
        super().setUp()
        self.shim, self.offset = self.folder / "clock_shim.so", self.folder / "clock"
        source = Path(__file__).with_name("clock_shim.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.shim, source, "-ldl"], check=True)
        self.jump(0)

    def jump(self, seconds: int) -> None:
        with self.offset.open("r+b" if self.offset.exists() else "wb") as file:
            file.write(struct.pack("<q", seconds))

    def test_every_message_comes_and_goes_once_and_no_connection_is_lost(self) -> None:
        kept = ["mosquitto_sub", *map(str, self.where()), "-i", "reader", "-c", "-t", "out/x", "-q", "2"]
        subprocess.run([*kept, "-E"], check=True)
        moved = {"LD_PRELOAD": str(self.shim), "PENSTOCK_CLOCK": str(self.offset),
                 "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        with patch.dict(os.environ, moved):
            self.start_server()
        self.ksql(self.source(more="keep_alive_s=2, qos=2") + self.sink(more="keep_alive_s=2, qos=2", to="out/x"))
        self.wait_for_state()
        made = 0
        for seconds in JUMPS_S:
            self.jump(seconds)
            self.publish([json.dumps({"n": made + i}) for i in range(PER_JUMP)], qos=2)
            made += PER_JUMP
            self.wait_for_records(made)
        records = self.consume("readings", "--with-metadata")
        self.assertEqual([r["value"]["n"] for r in records], list(range(made)))
        days = [round((r["timestamp"] / 1000 - time.time()) / DAY_S) for r in records]
        self.assertEqual(days, [s // DAY_S for s in JUMPS_S for _ in range(PER_JUMP)])  # what the clock said
        done = subprocess.run([*kept, "-C", str(made), "-W", "30"], check=True, capture_output=True, text=True)
        self.assertEqual([json.loads(line)["n"] for line in done.stdout.splitlines()], list(range(made)))
        for name in ("SENSORS", "RESULTS"):
            self.assertEqual((self.counter("connections", name), self.counter("sessions_lost", name)), (1, 0))


if __name__ == "__main__":
    unittest.main()
