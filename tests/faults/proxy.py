"""A TCP proxy that misbehaves on demand, and a broker whose clients must go through it.

The proxy runs an asyncio loop in a thread of its own; every method may be called from the test's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

from tests.parts.kafka import KafkaBroker, free_ports

CHUNK_BYTES = 64 * 1024
STEP_SECONDS = 0.02


class FaultProxy:
    """Forwards connections to ``target`` (host:port) and lets them suffer. As a context manager it ends what it started.

    Attributes:
        address: host:port where it listens.
        connections: how many were opened so far.
    """

    def __init__(self, target: str = "") -> None:
        (self.port,) = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self.target = target
        self.connections = 0
        self._delay_seconds = 0.0
        self._hanging = False
        self._left: int | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    def delay(self, seconds: float) -> None:
        """Hold back every piece of data, in both directions, for so long."""
        self._delay_seconds = seconds

    def hang(self) -> None:
        """Take connections and keep them open, but let nothing through."""
        self._hanging = True

    def cut(self) -> None:
        """Reset all connections; new ones are taken."""
        self._do(self._reset())

    def refuse(self) -> None:
        """Reset all connections and listen no more."""
        self._do(self._stop_listening())
        self.cut()

    def truncate(self, after_bytes: int) -> None:
        """Let so many bytes of answers through, then reset the connection in the middle of one; once."""
        self._left = after_bytes

    def heal(self) -> None:
        """Forward as if nothing had been; what hung goes on."""
        self._delay_seconds, self._hanging = 0.0, False
        self._do(self._heal())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _heal(self) -> None:
        self._left = None  # on the loop, which counts it down
        await self._listen()

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _reset(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _end(self) -> None:
        await self._stop_listening()
        await self._reset()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        host, _, port = self.target.rpartition(":")
        try:
            to_target = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, to_target[1]}
        self._writers |= pair
        ways = [self._pump(reader, to_target[1]), self._pump(to_target[0], writer, answers=True)]
        await asyncio.wait([asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)
        for one in pair:
            one.transport.abort()
        self._writers -= pair

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await asyncio.sleep(self._delay_seconds)
                while self._hanging:
                    await asyncio.sleep(STEP_SECONDS)
                let_through, ends_here = self._truncated(data) if answers else (data, False)
                writer.write(let_through)
                await writer.drain()
                if ends_here:
                    return

    def _truncated(self, data: bytes) -> tuple[bytes, bool]:
        """What of an answer is let through, and whether its connection ends there. All connections share what is left, so
        nothing may wait in here: an answer that is cut must end its connection, or there would be a hole in it."""
        if self._left is None:
            return data, False
        left, ends_here = self._left, self._left <= len(data)
        self._left = None if ends_here else left - len(data)
        return data[:left], ends_here


class ProxiedBroker(KafkaBroker):
    """A broker with one more listener, ``proxied``, which is advertised as the proxy's address.

    Args:
        proxy: gets its target; listens before the broker does.
    """

    def __init__(self, proxy: FaultProxy) -> None:
        super().__init__()
        (port,) = free_ports(1)
        proxy.target = f"127.0.0.1:{port}"
        self.proxied = proxy.address
        more = {
            "listeners": f"PROXIED://127.0.0.1:{port}",
            "advertised.listeners": f"PROXIED://{proxy.address}",
            "listener.security.protocol.map": "PROXIED:PLAINTEXT",
        }
        for key, value in more.items():
            self.set(key, f"{self.get(key)},{value}")
