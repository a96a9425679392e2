"""MQTT sources and sinks while the wall clock jumps: penstockd runs with a library that moves it.

It refuses LD_PRELOAD, so the loader is told by its own option.
"""

import json
import shutil
import struct
import subprocess
import time
import unittest
from pathlib import Path
from unittest.mock import patch

from harness import PENSTOCKD
from test_mqtt_connectors import ConnectorCase

LOADER = Path("/lib64/ld-linux-x86-64.so.2")

DAY_S = 86_400
JUMPS_S = (0, DAY_S, -2 * DAY_S, 30 * DAY_S, 0)
PER_JUMP = 40


@unittest.skipUnless(shutil.which("cc") and LOADER.exists(), "there is no C compiler here, or another loader")
class Clock(ConnectorCase):
    def setUp(self) -> None:
        super().setUp()
        shim, self.offset, self.program = (self.folder / name for name in ("clock_shim.so", "clock", "penstockd"))
        source = Path(__file__).with_name("clock_shim.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True)
        self.program.write_text(f"#!/bin/sh\nexport PENSTOCK_CLOCK='{self.offset}'\n"
                                "export ASAN_OPTIONS=\"$ASAN_OPTIONS:verify_asan_link_order=0\"\n"
                                f"exec {LOADER} --preload '{shim}' '{PENSTOCKD}' \"$@\"\n")
        self.program.chmod(0o755)
        self.jump(0)

    def jump(self, seconds: int) -> None:
        with self.offset.open("r+b" if self.offset.exists() else "wb") as file:
            file.write(struct.pack("<q", seconds))

    def test_every_message_comes_and_goes_once_and_no_connection_is_lost(self) -> None:
        kept = ["mosquitto_sub", *map(str, self.where()), "-i", "reader", "-c", "-t", "out/x", "-q", "2"]
        subprocess.run([*kept, "-E"], check=True)
        with patch("harness.PENSTOCKD", self.program):
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
