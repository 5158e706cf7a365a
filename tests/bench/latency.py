"""A stated delay before a local server: whatever a client sends arrives so much later. A request costs one such
time, a new TLS connection one more for its handshake. So the duration of an invocation follows from a figure that is
written down, and from how many of its calls the function makes at once."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Iterator


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Passes everything on, each part that much later than it came; parts do not wait for each other."""
    clock = asyncio.get_running_loop()
    parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await parts.get()
            await asyncio.sleep(max(0.0, due - clock.time()))
            if not data:
                break
            writer.write(data)
        writer.close()

    delivery = asyncio.ensure_future(deliver())
    while True:
        try:
            data = await reader.read(65536)
        except OSError:
            # A client that was killed has nothing more to say.
            data = b""
        parts.put_nowait((clock.time() + delay_s, data))
        if not data:
            break
    with contextlib.suppress(OSError):
        await delivery


@contextlib.contextmanager
def delayed_port(host: str, port: int, round_trip_s: float) -> Iterator[int]:
    """Gives the port at the near end."""

    async def connected(near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(_carry(near_reader, far_writer, round_trip_s), _carry(far_reader, near_writer, 0.0))

    near: queue.Queue = queue.Queue()

    async def serve() -> None:
        ended = asyncio.Event()
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        near.put((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), ended))
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    there, loop, ended = near.get()
    try:
        yield there
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
