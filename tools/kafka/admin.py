"""What tests and players want of a cluster's topics: create, describe, remove, cut off, configure."""

import struct
import time
from dataclasses import dataclass, field

from . import wire
from .wire import Answer, BrokerError, array, text

TIMEOUT_MS = 20_000
TOPIC_RESOURCE = 2
LEADER_MOVES = (5, 6, 74, 75, 76, 78)  # Kafka's errors while an election is under way
POLICY_VIOLATION = 44
SET, DELETE = 0, 1
OF_GROUPS, OF_TRANSACTIONS = 0, 1
ONE_PER_PARTITION = ("d", "a", "b", "c")  # names that Kafka puts into partitions 0 to 3 of the coordinators' topics


@dataclass
class Metadata:
    brokers: dict[int, int] = field(default_factory=dict)  # node → port
    controller: int = -1
    leaders: dict[str, dict[int, int]] = field(default_factory=dict)  # topic → partition → node, -1 for none


class Admin:
    """Talks to whichever of the brokers' ports answers. A topic that was made has leaders when the call returns."""

    def __init__(self, ports) -> None:
        self.ports = ports  # called for the ports to try

    def create_topic(self, name: str, partitions: int = 1, replication: int = -1, **settings: object) -> None:
        """Settings in Kafka's names with _ for '.': cleanup_policy='compact'."""
        given = [text(key.replace("_", ".")) + text(str(value)) for key, value in settings.items()]
        body = array([text(name) + struct.pack(">ih", partitions, replication) + array([]) + array(given)])
        answer = self.ask(wire.CREATE_TOPICS, body + struct.pack(">i?", TIMEOUT_MS, False))
        answer.take("i")
        for _, code, why in answer.array(lambda a: (a.text(), a.take("h"), a.text())):
            if code:
                raise BrokerError(f"creating topic {name}", code, why)
        self.wait(lambda: len(self.leaders_of(name)) == partitions and min(self.leaders_of(name).values()) >= 0,
                  f"leaders of topic {name}")

    def add_partitions(self, name: str, partitions: int) -> None:
        """Until there are so many. They have leaders when the call returns."""
        body = array([text(name) + struct.pack(">ii", partitions, -1)]) + struct.pack(">i?", TIMEOUT_MS, False)
        answer = self.ask(wire.CREATE_PARTITIONS, body)
        answer.take("i")
        for _, code, why in answer.array(lambda a: (a.text(), a.take("h"), a.text())):
            if code:
                raise BrokerError(f"adding partitions to topic {name}", code, why)
        self.wait(lambda: len(self.leaders_of(name)) == partitions and min(self.leaders_of(name).values()) >= 0,
                  f"leaders of topic {name}")

    def delete_topics(self, *names: str) -> None:
        answer = self.ask(wire.DELETE_TOPICS, array([text(name) for name in names]) + struct.pack(">i", TIMEOUT_MS))
        answer.take("i")
        for name, code in answer.array(lambda a: (a.text(), a.take("h"))):
            if code:
                raise BrokerError(f"deleting topic {name}", code)
        self.wait(lambda: not self.metadata().leaders.keys() & set(names), f"{', '.join(names)} to be gone")

    def groups(self) -> list[str]:
        """Of the first broker that answers: all of them, where there is one."""
        answer = self.ask(wire.LIST_GROUPS, b"")
        answer.take("i")
        if code := answer.take("h"):
            raise BrokerError("listing groups", code)
        return [name for name, _ in answer.array(lambda a: (a.text(), a.text()))]

    def delete_groups(self, *names: str) -> None:
        """With all their offsets, as the brokers do when offsets.retention.minutes are over."""
        answer = self.ask(wire.DELETE_GROUPS, array([text(name) for name in names]))
        answer.take("i")
        for name, code in answer.array(lambda a: (a.text(), a.take("h"))):
            if code:
                raise BrokerError(f"deleting group {name}", code)

    def configure_topic(self, name: str, **settings: object) -> None:
        """None takes a setting back to the brokers' default."""
        changes = [text(key.replace("_", ".")) + struct.pack(">b", DELETE if value is None else SET) +
                   text(None if value is None else str(value)) for key, value in settings.items()]
        body = array([struct.pack(">b", TOPIC_RESOURCE) + text(name) + array(changes)]) + struct.pack(">?", False)
        answer = self.ask(wire.ALTER_CONFIGS, body)
        answer.take("i")
        for code, why, _, _ in answer.array(lambda a: (a.take("h"), a.text(), a.take("b"), a.text())):
            if code:
                raise BrokerError(f"configuring topic {name}", code, why)

    def delete_records(self, name: str, partition: int, before: int) -> int:
        """Removes the records below an offset (-1: all); returns the first that is left. Waits while the broker has
        not heard yet that the topic's cleanup.policy takes deletes."""
        body = array([text(name) + array([struct.pack(">iq", partition, before)])]) + struct.pack(">i", TIMEOUT_MS)
        part = lambda a: (a.take("i"), a.take("q"), a.take("h"))

        def deleted() -> tuple[int] | None:
            answer = self.ask(wire.DELETE_RECORDS, body, self.leader_port(name, partition))
            answer.take("i")
            ((_, parts),) = answer.array(lambda a: (a.text(), a.array(part)))
            ((_, low, code),) = parts
            if code and code not in (*LEADER_MOVES, POLICY_VIOLATION):
                raise BrokerError(f"deleting records of {name}, partition {partition}", code)
            return (low,) if code == 0 else None

        return self.wait(deleted, f"records of {name}, partition {partition}, to be deleted")[0]

    def offsets(self, name: str, partition: int = 0, committed: bool = True) -> tuple[int, int]:
        """First offset and the end; committed: the end for readers of committed transactions."""
        return self.offset_at(name, partition, -2, committed), self.offset_at(name, partition, -1, committed)

    def offset_at(self, name: str, partition: int, when: int, committed: bool) -> int:
        """when: -1 the end, -2 the first. Waits while the partition has no leader."""
        body = struct.pack(">ib", -1, int(committed))
        body += array([text(name) + array([struct.pack(">iiq", partition, -1, when)])])
        part = lambda a: (a.take("i"), a.take("h"), a.take("q"), a.take("q"), a.take("i"))

        def found() -> tuple[int] | None:
            answer = self.ask(wire.LIST_OFFSETS, body, self.leader_port(name, partition))
            answer.take("i")
            ((_, parts),) = answer.array(lambda a: (a.text(), a.array(part)))
            ((_, code, _, offset, _),) = parts
            if code and code not in LEADER_MOVES:
                raise BrokerError(f"offsets of {name}, partition {partition}", code)
            return (offset,) if code == 0 else None

        return self.wait(found, f"offsets of {name}, partition {partition}")[0]

    def topics(self) -> list[str]:
        return sorted(name for name in self.metadata().leaders if not name.startswith("__"))

    def partitions(self, name: str) -> int:
        return len(self.leaders_of(name))

    def leaders_of(self, name: str) -> dict[int, int]:
        return self.metadata().leaders.get(name, {})

    def metadata(self, port: int | None = None) -> Metadata:
        return metadata_of(self.ask(wire.METADATA, struct.pack(">i???", -1, False, False, False), port))

    def wait_for_coordinators(self) -> None:
        """Makes the brokers' topics of offsets and transactions, and returns when all their partitions answer."""
        for kind in (OF_GROUPS, OF_TRANSACTIONS):
            for key in ONE_PER_PARTITION:
                self.wait(lambda: self.coordinator_answers(kind, key), "the coordinators of groups and transactions")

    def coordinator_answers(self, kind: int, key: str) -> bool:
        found = self.ask(wire.FIND_COORDINATOR, text(key) + struct.pack(">b", kind))
        found.take("i")
        code, _, _, _, port = found.take("h"), found.text(), found.take("i"), found.text(), found.take("i")
        if code:
            return False
        if kind == OF_GROUPS:
            answer = self.ask(wire.OFFSET_FETCH, text(key) + struct.pack(">i", 0), port)
            answer.take("i")
            return answer.take("i") == 0 and answer.take("h") == 0
        answer = self.ask(wire.INIT_PRODUCER, text(key) + struct.pack(">i", TIMEOUT_MS), port)
        answer.take("i")
        return answer.take("h") == 0

    # -- ways -----------------------------------------------------------------------------------

    def leader_port(self, name: str, partition: int) -> int:
        return self.wait(lambda: self.reachable_leader(name, partition), f"a leader of {name}, partition {partition}")

    def reachable_leader(self, name: str, partition: int) -> int | None:
        about = self.metadata()
        return about.brokers.get(about.leaders.get(name, {}).get(partition, -1))

    def ask(self, request: tuple[int, int], body: bytes, port: int | None = None) -> Answer:
        refused: OSError | None = None
        for candidate in self.ports() if port is None else [port]:
            try:
                return wire.ask(candidate, request, body, TIMEOUT_MS / 1000)
            except OSError as error:
                refused = error
        raise refused or ConnectionError("no broker runs")

    @staticmethod
    def wait(condition, what: str):
        deadline = time.monotonic() + TIMEOUT_MS / 1000
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not within {TIMEOUT_MS // 1000} s")
            time.sleep(0.05)
        return found


def metadata_of(answer: Answer) -> Metadata:
    found = Metadata()
    answer.take("i")
    for node, _, port, _ in answer.array(lambda a: (a.take("i"), a.text(), a.take("i"), a.text())):
        found.brokers[node] = port
    answer.text()
    found.controller = answer.take("i")

    def partition(a: Answer) -> tuple[int, int]:
        a.take("h")
        number, leader = a.take("i"), a.take("i")
        a.take("i")
        for _ in range(3):
            a.array(lambda b: b.take("i"))
        return number, leader

    for _ in range(answer.take("i")):
        answer.take("h")
        name = answer.text()
        answer.take("?")
        found.leaders[name] = dict(answer.array(partition))
        answer.take("i")
    return found
