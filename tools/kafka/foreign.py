"""Runs ForeignClient.java against a cluster."""

import base64
import json
import subprocess

from .cluster import Cluster

TIMEOUT_S = 120


class ForeignClientFailed(Exception):
    """It ended with an error; the message ends with what it printed."""


def foreign(cluster: Cluster, verb: str, name: str, stdin: str = "", bootstrap: str | None = None,
            **settings: object) -> list[dict]:
    """The records that it printed. settings: properties of the Java client with _ for '.'."""
    properties = {"bootstrap.servers": bootstrap or cluster.bootstrap, **cluster.client_properties(),
                  **{key.replace("_", "."): value for key, value in settings.items()}}
    command = cluster.java.command("ForeignClient", verb, name, *(f"{k}={v}" for k, v in properties.items()),
                                   more_jars=(cluster.java.foreign_client(),))
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        raise ForeignClientFailed(f"{verb} {name} ended with {done.returncode}: {done.stderr[-3000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def foreign_produce(cluster: Cluster, topic: str, records: list[tuple], **settings) -> list[dict]:
    """records: (key or None, value) or (key or None, value, [(header's name, its bytes or None), ...])."""
    def line(key: str | None, value: str, headers: list[tuple[str, bytes | None]] = ()) -> str:
        packed = ",".join(name if of is None else f"{name}={base64.b64encode(of).decode()}" for name, of in headers)
        return f"{'-' if key is None else key}\t{value}" + (f"\t{packed}" if headers else "") + "\n"

    return foreign(cluster, "produce", topic, stdin="".join(line(*record) for record in records), **settings)


def foreign_consume(cluster: Cluster, *topics: str, **settings) -> list[dict]:
    return foreign(cluster, "consume", ",".join(topics), **settings)
