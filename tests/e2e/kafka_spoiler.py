"""A proxy that understands enough of Kafka's protocol to take away the answers to EndTxn: what they say is then unknown."""

import asyncio
import random
import struct

from kafka_proxy import Proxy

END_TXN = 26  # KIP-98; fields of versions 0 to 2
UNKNOWN_SERVER_ERROR = -1
HEADER = struct.Struct(">hhih")  # key, version, correlation, length of the client's id
FRAME = struct.Struct(">i")


class SpoilingProxy(Proxy):
    """While share > 0, so many of the commits are answered with "unknown": every other one was made, the others never arrived."""

    def __init__(self, port: int, target: int, seed: int) -> None:
        self.share, self.made, self.lost = 0.0, 0, 0
        self.rng = random.Random(seed)
        super().__init__(port, target)

    def heal(self) -> None:
        self.share = 0.0
        super().heal()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, far_writer}
        spoiled: set[int] = set()  # correlations of this connection
        pumps = [asyncio.ensure_future(self.requests(reader, far_writer, writer, spoiled)),
                 asyncio.ensure_future(self.answers(far_reader, writer, spoiled))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        self.writers -= {writer, far_writer}
        for end in (writer, far_writer):
            end.transport.abort()

    async def requests(self, reader, far_writer, writer, spoiled: set[int]) -> None:
        while frame := await frame_of(reader):
            correlation = commit_of(frame)
            if correlation is not None and self.rng.random() < self.share:
                if self.lost < self.made:
                    self.lost += 1
                    send(writer, unknown_answer(correlation))
                    continue
                self.made += 1
                spoiled.add(correlation)
            send(far_writer, frame)
            await far_writer.drain()

    async def answers(self, far_reader, writer, spoiled: set[int]) -> None:
        while frame := await frame_of(far_reader):
            correlation = FRAME.unpack_from(frame)[0]
            if correlation in spoiled:
                spoiled.remove(correlation)
                frame = unknown_answer(correlation)
            send(writer, frame)
            await writer.drain()


async def frame_of(reader: asyncio.StreamReader) -> bytes:
    """Without its length; empty at the end."""
    try:
        size = FRAME.unpack(await reader.readexactly(FRAME.size))[0]
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, OSError):
        return b""


def send(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(FRAME.pack(len(frame)) + frame)


def commit_of(request: bytes) -> int | None:
    """The correlation of an EndTxn that commits."""
    key, version, correlation, client_bytes = HEADER.unpack_from(request)
    if key != END_TXN:
        return None
    if version > 2:
        raise ValueError(f"EndTxn {version}: another form")
    place = HEADER.size + max(client_bytes, 0)
    place += 2 + struct.unpack_from(">h", request, place)[0] + 8 + 2  # transactional id, producer id, epoch
    return correlation if request[place] else None


def unknown_answer(correlation: int) -> bytes:
    return struct.pack(">iih", correlation, 0, UNKNOWN_SERVER_ERROR)
