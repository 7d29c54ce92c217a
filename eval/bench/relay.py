"""A process between a client and its server that can be stopped or killed in the server's place.

`python -m eval.bench.relay PORT=HOST:PORT …` passes connections on until it is ended. Stopped, it
holds them and answers nothing, as a hung server does; killed, it hangs up and refuses, as a dead
one does. The server itself is left alone.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence

_CHUNK = 1 << 16


class Relay:
    """A running relay; `ports` says to which "host:port" each of its own ports leads."""

    def __init__(self, ports: Mapping[int, str]) -> None:
        self._ports = ports
        self.start()

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        given = [f"{port}={target}" for port, target in self._ports.items()]
        command = [sys.executable, "-m", "eval.bench.relay", *given]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def hang(self) -> None:
        """Answer nothing until `go_on`."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer again."""
        self._process.send_signal(signal.SIGCONT)

    def die(self) -> None:
        """Hang up and refuse until `start`."""
        self._process.kill()
        self._process.communicate()


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens on."""
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return found


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError:  # either side hung up
        pass
    finally:
        writer.close()


async def _serve(ports: Sequence[str]) -> None:
    for each in ports:
        port, _, target = each.partition("=")
        host, _, far = target.rpartition(":")

        async def joined(
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            host: str = host,
            far: str = far,
        ) -> None:
            try:
                there, back = await asyncio.open_connection(host, int(far))
            except OSError:  # nobody is there, and whoever asked is told so
                writer.close()
                return
            await asyncio.gather(_passed(reader, back), _passed(there, writer))

        await asyncio.start_server(joined, "127.0.0.1", int(port))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
