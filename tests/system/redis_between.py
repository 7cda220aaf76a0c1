"""A redis-server, and somebody between it and those who ask it: keeps every byte, or lies."""

import shutil
import socket
import threading

import pytest
from harness import Process, wait_until


def read_value(stream):
    """One RESP value as (bytes, parsed); EOFError at the end."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise EOFError
    kind, rest = line[:1], line[1:-2]
    if kind == b"$" and int(rest) >= 0:
        body = stream.read(int(rest) + 2)
        if len(body) < int(rest) + 2:
            raise EOFError
        return line + body, body[:-2]
    if kind == b"*" and int(rest) >= 0:
        raw, parts = line, []
        for _ in range(int(rest)):
            inner, part = read_value(stream)
            raw += inner
            parts.append(part)
        return raw, parts
    return line, int(rest) if kind == b":" else None if kind in b"$*" else rest


def bulk(data):
    return b"$%d\r\n%s\r\n" % (len(data), data)


class Server:
    """A real one, on a port of 127.0.0.1."""

    def __init__(self, folder):
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        self.path = folder / "real.sock"
        self.process = Process([program, "--port", "0", "--unixsocket", self.path, "--save", "",
                                "--appendonly", "no", "--dir", folder])
        wait_until(self.path.exists, "its socket")

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(self.path))
        return s

    def stop(self):
        self.process.stop()


class Between:
    """
    Listens like a Redis. on_reply(question, reply) may change what is answered: bytes, or None to
    say nothing at all; pushes go through it too, with the question None. on_reply may be changed
    at any time; close_all drops who is connected.
    """

    def __init__(self, server):
        self.server = server
        self.on_reply = lambda question, reply: reply
        self.said, self.answered = [], []  # every command, parsed; every answer, raw
        self._open = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._listener.close()
        self.close_all()

    def close_all(self):
        with self._lock:
            for s in self._open:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                real = self.server.connect()
            except OSError:
                return
            with self._lock:
                self._open |= {client, real}
            questions = []
            for run in (self._ask, self._answer):
                threading.Thread(target=run, args=(client, real, questions), daemon=True).start()

    def _end(self, *sockets):
        with self._lock:
            self._open -= set(sockets)
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _ask(self, client, real, questions):
        try:
            with client.makefile("rb") as stream:
                while True:
                    raw, words = read_value(stream)
                    self.said.append(words)
                    questions.append(words)
                    real.sendall(raw)
        except (OSError, EOFError, ValueError):
            self._end(client, real)

    def _answer(self, client, real, questions):
        try:
            with real.makefile("rb") as stream:
                while True:
                    raw, parsed = read_value(stream)
                    is_push = isinstance(parsed, list) and parsed and parsed[0] == b"message"
                    self.answered.append(raw)
                    reply = self.on_reply(None if is_push else questions.pop(0), raw)
                    if reply is not None:
                        client.sendall(reply)
        except (OSError, EOFError, ValueError, IndexError):
            self._end(client, real)
