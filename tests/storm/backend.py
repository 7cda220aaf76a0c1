"""
A backend that does as its client says, in processes of its own, so that it takes no time from the
test's. The first line, behind a header of the PROXY protocol if there is one, is the order:

    GET ...            any HTTP request: a small answer and the end
    ECHO               what comes goes back, until the client ends
    SEND n             n bytes of the pattern, then the end
    TAKE               all that comes; at its end how many bytes it was and their hash
    BOTH n             n bytes of the pattern, meanwhile as TAKE
    HALF               the end at once; then whatever comes, until the client ends
    BREAK              some of the pattern, then a reset
    IDLE               nothing, until the client ends
"""

import asyncio
import functools
import hashlib
import os
import random
import resource
import shutil
import signal
import socket
import struct
import sys
import tempfile
from pathlib import Path

from harness import Process

PATTERN = random.Random(1).randbytes(999_983)  # a prime: a gap or a repetition shows
PART = 1 << 16
LONGEST = 1 << 20  # of an order with its HTTP fields


def pattern(n):
    """The first n bytes of the endless pattern, in parts."""
    at = 0
    while n > 0:
        part = PATTERN[at: at + min(n, PART)]
        yield part
        n -= len(part)
        at = (at + len(part)) % len(PATTERN)


@functools.lru_cache
def pattern_hash(n):
    digest = hashlib.sha256()
    for part in pattern(n):
        digest.update(part)
    return digest.hexdigest()


@functools.lru_cache
def both_hash(n_down, n_up):
    """Of all that BOTH answers."""
    digest = hashlib.sha256()
    for part in pattern(n_down):
        digest.update(part)
    digest.update(f"{n_up} {pattern_hash(n_up)}".encode())
    return digest.hexdigest()


async def send(writer, n):
    for part in pattern(n):
        writer.write(part)
        await writer.drain()


async def take(reader):
    digest, n = hashlib.sha256(), 0
    while part := await reader.read(PART):
        digest.update(part)
        n += len(part)
    return f"{n} {digest.hexdigest()}".encode()


async def answer_http(reader, writer):
    while (await reader.readline()).strip():
        pass
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


async def echo(reader, writer):
    while part := await reader.read(PART):
        writer.write(part)
        await writer.drain()


async def both(reader, writer, n):
    _, taken = await asyncio.gather(send(writer, n), take(reader))
    writer.write(taken)


async def skip_proxy_header(reader):
    """The first line behind a header of the PROXY protocol, if there is one."""
    line = await reader.readline()
    if line == b"\r\n":  # version 2 begins so
        rest = await reader.readexactly(14)
        await reader.readexactly(int.from_bytes(rest[12:], "big"))
        line = await reader.readline()
    elif line.startswith(b"PROXY "):
        line = await reader.readline()
    return line


async def obey(reader, writer):
    order = (await skip_proxy_header(reader)).split()
    word = order[0] if order else b""
    if word == b"GET":
        await answer_http(reader, writer)
    elif word == b"ECHO":
        await echo(reader, writer)
    elif word == b"SEND":
        await send(writer, int(order[1]))
    elif word == b"TAKE":
        writer.write(await take(reader))
    elif word == b"BOTH":
        await both(reader, writer, int(order[1]))
    elif word == b"HALF":
        writer.write_eof()
        await take(reader)
    elif word == b"BREAK":
        writer.write(PATTERN[:PART])
        plain = writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    elif word == b"IDLE":
        await take(reader)


async def serve(reader, writer):
    try:
        await obey(reader, writer)
        writer.close()
        await writer.wait_closed()
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
        writer.transport.abort()


async def run(listening):
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    server = await asyncio.start_server(serve, sock=listening, limit=LONGEST, backlog=4096)
    await server.serve_forever()


def listen(path):
    if path == "tcp":
        listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
        print(f"127.0.0.1:{listening.getsockname()[1]}", flush=True)
        return listening
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    os.chmod(path, 0o777)
    listening.listen(4096)
    print(f"unix:{path}", flush=True)
    return listening


def main(path, processes):
    """Serves in this process and in as many more as it takes; all end with this one."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listening = listen(path)
    children = []
    for _ in range(processes - 1):
        child = os.fork()
        if child == 0:
            break
        children.append(child)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listening.setblocking(False)
    try:
        asyncio.run(run(listening))
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)


class Backend(Process):
    """running(Backend) or running(Backend, unix=True); name is its address as configured."""

    def __init__(self, _, unix=False, processes=1):
        # Not in pytest's folder, which every other run of it closes to others: the workers are such.
        self._folder = tempfile.mkdtemp() if unix else None
        if unix:
            os.chmod(self._folder, 0o755)
        path = os.path.join(self._folder, "socket") if unix else "tcp"
        here = Path(__file__).resolve()
        env = dict(os.environ, PYTHONPATH=str(here.parents[1] / "system"))
        super().__init__(["/usr/bin/python3", here, path, processes], env=env)
        try:
            self.name = self.output.find(lambda line: ":" in line and line.strip())[0]
        except BaseException:
            self.stop()
            raise

    def stop(self, deadline=10.0):
        code = super().stop(deadline)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        return code


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
