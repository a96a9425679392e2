"""Enough of Kafka's protocol to ask and steer a broker without any client library: one request, one answer."""

import contextlib
import socket
import struct

ANSWER_BYTES_MAX = 16 << 20
CLIENT = "penstock-tools"

# The request's number and the version that is spoken here: the newest before compact encodings, which 3.9 and 4.4 know.
LIST_OFFSETS, METADATA, CREATE_TOPICS, DELETE_TOPICS = (2, 5), (3, 8), (19, 4), (20, 3)
DELETE_RECORDS, ALTER_CONFIGS, DELETE_GROUPS, LIST_GROUPS = (21, 1), (44, 0), (42, 1), (16, 2)
FIND_COORDINATOR, OFFSET_FETCH, INIT_PRODUCER, CREATE_PARTITIONS = (10, 2), (9, 5), (22, 1), (37, 1)

ERRORS = {0: "none", 3: "unknown topic or partition", 6: "not the leader", 7: "timed out", 17: "invalid topic name",
          36: "the topic exists", 37: "invalid number of partitions", 38: "invalid replication factor",
          40: "invalid configuration", 41: "not the controller", 89: "throttled"}


class BrokerError(Exception):
    """The broker refused. code: Kafka's number."""

    def __init__(self, what: str, code: int, text: str | None = None) -> None:
        super().__init__(f"{what}: {text or ERRORS.get(code, 'error')} (Kafka's error {code})")
        self.code = code


def text(value: str | None) -> bytes:
    if value is None:
        return struct.pack(">h", -1)
    raw = value.encode()
    return struct.pack(">h", len(raw)) + raw


def array(items: list[bytes]) -> bytes:
    return struct.pack(">i", len(items)) + b"".join(items)


class Answer:
    """Reads an answer from its start to its end."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, layout: str):
        (value,) = struct.unpack_from(">" + layout, self.raw, self.at)
        self.at += struct.calcsize(">" + layout)
        return value

    def text(self) -> str | None:
        size = self.take("h")
        if size < 0:
            return None
        self.at += size
        return self.raw[self.at - size : self.at].decode()

    def array(self, item) -> list:
        return [item(self) for _ in range(max(0, self.take("i")))]


def ask(port: int, request: tuple[int, int], body: bytes, timeout_s: float = 10) -> Answer:
    """OSError when nobody answers on that port of the loopback interface."""
    head = struct.pack(">hhi", *request, 1) + text(CLIENT)
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout_s)) as connection:
        connection.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        (size,) = struct.unpack(">i", receive(connection, 4))
        if not 4 <= size <= ANSWER_BYTES_MAX:
            raise ConnectionError(f"port {port} does not speak Kafka's protocol: an answer of {size} bytes")
        return Answer(receive(connection, size)[4:])


def receive(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionError("the broker closed the connection")
        parts += part
    return bytes(parts)
