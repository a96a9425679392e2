"""Free ports of the loopback interface, out of the range that outgoing connections take theirs from: a killed broker
finds its port free when it comes back, and a client that keeps trying cannot connect to itself."""

import random
import socket
from pathlib import Path

LOWEST = 15_000


def free_ports(count: int) -> list[int]:
    lowest_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if lowest_outgoing < LOWEST + 1000:
        raise RuntimeError(f"outgoing connections take ports from {lowest_outgoing} on; none are left for brokers")
    found: list[int] = []
    for port in random.sample(range(LOWEST, lowest_outgoing), 1000):
        if len(found) == count:
            break
        if is_free(port):
            found.append(port)
    if len(found) < count:
        raise RuntimeError("no free ports on 127.0.0.1")
    return found


def is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
