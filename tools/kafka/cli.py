"""The command line: tools/kafka/kafka VERB. One cluster per folder."""

import argparse
import sys
from pathlib import Path

from . import fetch
from .cluster import Cluster
from .properties import PASSWORD, SECURITIES, USER

DEFAULT_FOLDER = fetch.HERE.parent.parent / "build" / "kafka"


def main() -> int:
    options = parser().parse_args()
    try:
        options.act(options)
    except FileNotFoundError as missing:
        if missing.filename is None or Path(missing.filename).name != "cluster.json":
            raise
        print(f"kafka: no cluster was started in {options.dir}; 'kafka start' starts one", file=sys.stderr)
        return 3
    except (fetch.KafkaUnavailable, fetch.WrongJars, RuntimeError, ValueError) as error:
        print(f"kafka: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="kafka", description="Real Apache Kafka on this machine, to test and play with. "
                                  "Listens on 127.0.0.1 only. tools/kafka/README.md tells more.")
    verbs = top.add_subparsers(required=True, metavar="VERB")

    def verb(name, act, text, folder=True, version=False):
        one = verbs.add_parser(name, help=text, description=text)
        one.set_defaults(act=act)
        if folder:
            one.add_argument("--dir", type=Path, default=DEFAULT_FOLDER, metavar="DIR",
                             help="the cluster's folder: data, logs, certificates (default: build/kafka)")
        if version:
            one.add_argument("--version", choices=fetch.VERSIONS, default=fetch.VERSIONS[0], help="of Kafka")
        return one

    verb("fetch", do_fetch, "fetches Kafka's jars into the cache, once, and checks them", folder=False, version=True)
    start = verb("start", do_start, "starts a cluster, or again one that was stopped", version=True)
    start.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    start.add_argument("--security", choices=SECURITIES, default="plaintext", help="of the clients' listener")
    verb("stop", do_stop, "stops the cluster; its data stays").add_argument(
        "--remove", action="store_true", help="removes its folder too")
    verb("kill", do_kill, "kills a broker as kill -9 does").add_argument("--broker", type=int, default=1, metavar="N")
    verb("restart", do_restart, "starts a broker again, on its ports, with its data").add_argument(
        "--broker", type=int, default=1, metavar="N")
    topic = verb("topic", do_topic, "creates a topic")
    topic.add_argument("name")
    topic.add_argument("--partitions", type=int, default=1)
    topic.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a topic's setting in Kafka's "
                       "name, such as cleanup.policy=compact")
    verb("status", do_status, "says what runs, where, and which topics there are")
    return top


def do_fetch(options) -> None:
    count = len(fetch.jars(options.version))
    print(f"Kafka {options.version}: {count} jars in {fetch.cache_folder(options.version)}, all as listed")


def do_start(options) -> None:
    try:
        cluster = Cluster.open(options.dir)
    except FileNotFoundError:
        cluster = Cluster(options.version, options.brokers, options.security, options.dir, owned=False)
    else:
        asked = (options.version, options.brokers, options.security)
        if asked != (cluster.version, len(cluster.ports), cluster.security):
            raise ValueError(f"{options.dir} holds another cluster ({cluster.version}, {len(cluster.ports)} brokers, "
                             f"{cluster.security}): take another --dir, or 'kafka stop --remove' first")
        if cluster.running_ports():
            raise ValueError(f"the cluster in {options.dir} runs already; 'kafka status' shows it")
    cluster.start()
    show(cluster)


def do_stop(options) -> None:
    cluster = Cluster.open(options.dir)
    cluster.remove() if options.remove else cluster.stop()


def do_kill(options) -> None:
    chosen(options).kill(options.broker)


def do_restart(options) -> None:
    chosen(options).restart(options.broker)


def chosen(options) -> Cluster:
    cluster = Cluster.open(options.dir)
    if options.broker not in cluster.ports:
        raise ValueError(f"no broker {options.broker}; there are {', '.join(map(str, cluster.ports))}")
    return cluster


def do_topic(options) -> None:
    settings = dict(pair.split("=", 1) for pair in options.set)
    Cluster.open(options.dir).admin.create_topic(options.name, options.partitions, **settings)


def do_status(options) -> None:
    show(Cluster.open(options.dir))


def show(cluster: Cluster) -> None:
    print(f"Kafka {cluster.version}, {cluster.security}, in {cluster.folder}")
    for node, ports in cluster.ports.items():
        state = f"pid {cluster.pids[node]}" if cluster.is_running(node) else "does not run"
        print(f"  broker {node}  127.0.0.1:{ports.client}  {state}")
    print(f"  bootstrap {cluster.bootstrap}")
    if cluster.security in ("tls", "mtls", "sasl_tls"):
        print(f"  CA        {cluster.certificates.ca}")
    if cluster.security == "mtls":
        print(f"  client    {cluster.certificates.client_certificate}, {cluster.certificates.client_key}")
    if cluster.security.startswith("sasl"):
        print(f"  user      {USER}, password {PASSWORD}, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
    if cluster.running_ports():
        print(f"  topics    {', '.join(cluster.admin.topics()) or 'none'}")
