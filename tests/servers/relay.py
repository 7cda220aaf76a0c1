"""
Stands in front of a server that cannot be told which address to listen on: takes connections on
listening sockets that it inherits and passes them on to one port of 127.0.0.1, where it starts the
server. With --apart that port is in a network of the server's own, so that a server which insists
on listening everywhere is seen by nobody else.

relay.py [--apart] PORT FD,FD,... COMMAND...
"""

import asyncio
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
SIOCSIFFLAGS, IFF_UP, IFF_LOOPBACK = 0x8914, 1, 8
START_SECONDS = 20.0
PART = 1 << 16


def move_apart():
    """Into a network with nothing but its own loopback. The sockets that are open stay where
    they are."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET
    if libc.unshare(flags) != 0:
        sys.exit(f"no network of its own: {os.strerror(ctypes.get_errno())}")
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_LOOPBACK))


async def pump(reader, writer):
    try:
        while part := await reader.read(PART):
            writer.write(part)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def serve(port, reader, writer):
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.transport.abort()
        return
    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
    far_writer.close()
    writer.close()


async def server_answers(port, child):
    until = asyncio.get_running_loop().time() + START_SECONDS
    while asyncio.get_running_loop().time() < until and child.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            pass
        try:
            await asyncio.wait_for(child.wait(), 0.02)
        except TimeoutError:
            pass
    sys.exit("the server does not answer")


def dies_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def main(port, descriptors, command):
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, preexec_fn=dies_with_parent)
    try:
        await server_answers(port, child)
        for fd in descriptors:
            await asyncio.start_server(
                lambda r, w: serve(port, r, w), sock=socket.socket(fileno=fd))
        print("relaying", flush=True)
        await child.wait()
    finally:
        if child.returncode is None:
            child.kill()


if __name__ == "__main__":
    dies_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    arguments = sys.argv[1:]
    if arguments[0] == "--apart":
        move_apart()
        arguments = arguments[1:]
    asyncio.run(main(
        int(arguments[0]), [int(fd) for fd in arguments[1].split(",")], arguments[2:]))
