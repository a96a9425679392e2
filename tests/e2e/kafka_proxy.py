"""A TCP proxy between clients and a broker, for networks that break or crawl: cut, heal, delay, throttle."""

import asyncio
import contextlib
import threading

CHUNK = 64 << 10
WAITING_CHUNKS_MAX = 64


class Proxy:
    """Listens on a port of 127.0.0.1 from construction to close(). Thread-safe."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self.delay_s = 0.0  # of every chunk, in either direction
        self.bytes_per_s = 0.0  # of every connection and direction; 0: no limit
        self.connections = 0  # that were ever made
        self.is_cut = self.is_silent = False
        self.writers: set[asyncio.StreamWriter] = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True, name="kafka-proxy")
        self.thread.start()
        self.server = self.call(asyncio.start_server(self.serve, "127.0.0.1", port))

    def call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    # -- what tests do --------------------------------------------------------------------------

    def cut(self, silently: bool = False) -> None:
        """Ends all connections and takes no new ones; silently: keeps them, and nothing gets through any more."""
        self.is_cut, self.is_silent = not silently, silently
        if not silently:
            self.call(self.drop_all())

    def heal(self) -> None:
        """What was cut silently is lost: those connections end."""
        was_silent, self.is_cut, self.is_silent = self.is_silent, False, False
        self.delay_s = self.bytes_per_s = 0.0
        if was_silent:
            self.call(self.drop_all())

    def close(self) -> None:
        async def end() -> None:
            self.server.close()
            await self.drop_all()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        self.call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    # -- how ------------------------------------------------------------------------------------

    async def drop_all(self) -> None:
        for writer in list(self.writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # the broker is down: the client sees the same
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self.writers |= ends
        try:
            pumps = [asyncio.ensure_future(self.pump(reader, far_writer)),
                     asyncio.ensure_future(self.pump(far_reader, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            self.writers -= ends
            for end in ends:
                end.transport.abort()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue = asyncio.Queue(WAITING_CHUNKS_MAX)
        sender = asyncio.ensure_future(self.send(waiting, writer))
        try:
            while data := await reader.read(CHUNK):
                await waiting.put((self.loop.time() + self.delay_s, data))
            await waiting.put((self.loop.time() + self.delay_s, b""))
            await sender
        except OSError:
            pass
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await sender

    async def send(self, waiting: asyncio.Queue, writer: asyncio.StreamWriter) -> None:
        while True:
            due, data = await waiting.get()
            if (wait := due - self.loop.time()) > 0:
                await asyncio.sleep(wait)
            while self.is_silent:
                await asyncio.sleep(0.05)
            if not data:
                return
            writer.write(data)
            await writer.drain()
            if self.bytes_per_s:
                await asyncio.sleep(len(data) / self.bytes_per_s)
