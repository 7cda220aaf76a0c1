"""A real redis-server on a port of 127.0.0.1, and what is said to it."""

import shutil
import socket

import pytest
from harness import Process, accepts, free_port, wait_until


class RedisServer(Process):
    """Keeps nothing on disk unless it is told to save."""

    def __init__(self, folder, port=None, args=()):
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        self.port = port or free_port()
        self.folder = folder
        super().__init__([program, "--port", self.port, "--bind", "127.0.0.1", "--save", "",
                          "--appendonly", "no", "--dir", folder, *args], cwd=folder)
        try:
            wait_until(lambda: accepts(self.port) or self.popen.poll() is not None, "it listens")
            assert self.popen.poll() is None, "\n".join(self.output.lines)
        except BaseException:
            self.stop()
            raise

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def say(self, *words, password=None):
        """One command; the answer, as it comes, or the error as text."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as s:
            stream = s.makefile("rb")
            if password:
                s.sendall(command("AUTH", password))
                assert stream.readline().startswith(b"+OK")
            s.sendall(command(*words))
            return answer(stream)


def command(*words):
    out = b"*%d\r\n" % len(words)
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        out += b"$%d\r\n%s\r\n" % (len(data), data)
    return out


def answer(stream):
    line = stream.readline()
    kind, rest = line[:1], line[1:].strip()
    if kind == b"$":
        n = int(rest)
        return None if n < 0 else stream.read(n + 2)[:-2]
    if kind == b"*":
        return [answer(stream) for _ in range(int(rest))]
    return int(rest) if kind == b":" else rest.decode()
