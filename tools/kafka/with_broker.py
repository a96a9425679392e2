#!/usr/bin/env python3
"""Runs a command beside a fresh broker and ends with its status.

The broker's address is in PENSTOCK_KAFKA_BOOTSTRAP, the first one's process in PENSTOCK_KAFKA_PID (to stop and go on).

tools/kafka/with_broker.py [--version V] [--brokers N] COMMAND...
Status 77: this machine cannot run Kafka now, and why is on standard error.
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from kafka.cluster import Cluster  # noqa: E402
from kafka.fetch import VERSIONS, KafkaUnavailable  # noqa: E402

UNAVAILABLE = 77


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", choices=VERSIONS, default=VERSIONS[0], help="of Kafka")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    options = parser.parse_args()
    if not options.command:
        parser.error("a command to run is missing")
    try:
        with Cluster(options.version, options.brokers) as cluster:
            return subprocess.run(options.command,
                                  env=dict(os.environ, PENSTOCK_KAFKA_BOOTSTRAP=cluster.bootstrap,
                                           PENSTOCK_KAFKA_PID=str(cluster.pids[1]))).returncode
    except KafkaUnavailable as reason:
        print(f"with_broker: {reason}", file=sys.stderr)
        return UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main())
