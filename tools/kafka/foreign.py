"""Runs ForeignClient.java against a cluster."""

import base64
import contextlib
import json
import subprocess

from .cluster import Cluster

TIMEOUT_S = 120


class ForeignClientFailed(Exception):
    """It ended with an error; the message ends with what it printed."""


def command_of(cluster: Cluster, verb: str, name: str, bootstrap: str | None, settings: dict[str, object]) -> list:
    properties = {"bootstrap.servers": bootstrap or cluster.bootstrap, **cluster.client_properties(),
                  **{key.replace("_", "."): value for key, value in settings.items()}}
    return cluster.java.command("ForeignClient", verb, name, *(f"{k}={v}" for k, v in properties.items()),
                                more_jars=(cluster.java.foreign_client(),))


def foreign(cluster: Cluster, verb: str, name: str, stdin: str = "", bootstrap: str | None = None,
            **settings: object) -> list[dict]:
    """The records that it printed. settings: properties of the Java client with _ for '.'."""
    done = subprocess.run(command_of(cluster, verb, name, bootstrap, settings), input=stdin, capture_output=True,
                          text=True, timeout=TIMEOUT_S)
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


@contextlib.contextmanager
def foreign_transaction(cluster: Cluster, topic: str, values: list[str], **settings: object):
    """These values are written in a transaction, which is open within the `with` and aborted at its end."""
    command = command_of(cluster, "hold", topic, None, {"transactional_id": "foreign", "transaction_timeout_ms": 600_000,
                                                         **settings})
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as holder:
        holder.stdin.write("".join(f"{value}\n" for value in values) + "\n")
        holder.stdin.flush()
        if holder.stdout.readline() != "open\n":
            raise ForeignClientFailed(f"hold {topic} ended with {holder.wait(TIMEOUT_S)}")
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait(TIMEOUT_S)
