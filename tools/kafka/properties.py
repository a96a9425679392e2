"""The brokers' configuration: small, quick to start, strict where it matters to tests."""

from dataclasses import dataclass
from pathlib import Path

from .certificates import Certificates

SECURITIES = ("plaintext", "tls", "mtls", "sasl_plaintext", "sasl_tls")
PROTOCOLS = {"plaintext": "PLAINTEXT", "tls": "SSL", "mtls": "SSL", "sasl_plaintext": "SASL_PLAINTEXT",
             "sasl_tls": "SASL_SSL"}
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
USER, PASSWORD = "penstock", "open-sesame-4711"
LOGIN = "org.apache.kafka.common.security"


@dataclass
class Ports:
    client: int      # for programs under test, with the cluster's security
    internal: int    # between brokers and for tools, always plain
    controller: int
    advertised: int  # what clients are told instead of client: a proxy's, perhaps


def server_properties(node: int, ports: dict[int, Ports], security: str, folder: Path,
                      certificates: Certificates) -> str:
    here, several = ports[node], min(len(ports), 3)
    lines = {
        "process.roles": "broker,controller",
        "node.id": node,
        "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{p.controller}" for n, p in ports.items()),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENT://127.0.0.1:{here.client},INTERNAL://127.0.0.1:{here.internal},"
                     f"CONTROLLER://127.0.0.1:{here.controller}",
        "advertised.listeners": f"CLIENT://127.0.0.1:{here.advertised},INTERNAL://127.0.0.1:{here.internal}",
        "inter.broker.listener.name": "INTERNAL",
        "listener.security.protocol.map":
            f"CLIENT:{PROTOCOLS[security]},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": folder / "data",
        "default.replication.factor": several,
        "min.insync.replicas": max(1, several - 1),
        "offsets.topic.replication.factor": several,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": several,
        "transaction.state.log.min.isr": max(1, several - 1),
        "transaction.state.log.num.partitions": 4,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        "share.coordinator.state.topic.replication.factor": several,
        "share.coordinator.state.topic.min.isr": max(1, several - 1),
        "share.coordinator.state.topic.num.partitions": 1,
        "log.retention.ms": -1,  # tests write records of years ago
        "auto.create.topics.enable": "false",
        "delete.topic.enable": "true",
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "num.network.threads": 1,
        "num.io.threads": 2,
        "num.partitions": 1,
        "log.cleaner.dedupe.buffer.size": 16 << 20,
        "log.initial.task.delay.ms": 1000,
        "file.delete.delay.ms": 1000,
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 200,
        "controlled.shutdown.enable": "true" if several > 1 else "false",
    }
    return "".join(f"{name}={value}\n" for name, value in {**lines, **secured(security, certificates)}.items())


def secured(security: str, certificates: Certificates) -> dict[str, object]:
    at, lines = "listener.name.client.", {}
    if security in ("tls", "mtls", "sasl_tls"):
        lines |= {f"{at}ssl.keystore.type": "PEM", f"{at}ssl.keystore.location": certificates.broker,
                  f"{at}ssl.truststore.type": "PEM", f"{at}ssl.truststore.location": certificates.ca,
                  f"{at}ssl.client.auth": "required" if security == "mtls" else "none"}
    if security.startswith("sasl"):
        lines |= {f"{at}sasl.enabled.mechanisms": ",".join(MECHANISMS),
                  f"{at}plain.sasl.jaas.config":
                      f'{LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
                  f"{at}scram-sha-256.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
                  f"{at}scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;"}
    return lines


def format_arguments(security: str) -> list[str]:
    """Users by SCRAM live in the cluster's metadata: they are there from the first start."""
    if not security.startswith("sasl"):
        return []
    return [word for mechanism in MECHANISMS[1:]
            for word in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")]


def client_properties(security: str, certificates: Certificates, mechanism: str = "SCRAM-SHA-512",
                      user: str = USER, password: str = PASSWORD) -> dict[str, object]:
    """For a Java client; the values are files and texts as kafka-clients takes them."""
    lines: dict[str, object] = {"security.protocol": PROTOCOLS[security]}
    if security in ("tls", "mtls", "sasl_tls"):
        lines |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": certificates.ca}
    if security == "mtls":
        both = certificates.folder / "client.both.pem"
        both.write_text(certificates.client_key.read_text() + certificates.client_certificate.read_text())
        both.chmod(0o600)
        lines |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": both}
    if security.startswith("sasl"):
        module = "plain.PlainLoginModule" if mechanism == "PLAIN" else "scram.ScramLoginModule"
        lines |= {"sasl.mechanism": mechanism,
                  "sasl.jaas.config": f'{LOGIN}.{module} required username="{user}" password="{password}";'}
    return lines
