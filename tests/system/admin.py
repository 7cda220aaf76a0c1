"""Reads what the admin server shows."""

import http.client
import json
import re
import socket
from contextlib import closing

SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="([^"]*)"')


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Admin:
    """The first admin address of a running reprised, or another one, host:port or unix:/path."""

    def __init__(self, server, address=None):
        self.address = address or server.wait_log("admin listening")["address"]

    def connection(self):
        if self.address.startswith("unix:"):
            return UnixConnection(self.address[len("unix:"):])
        host, _, port = self.address.rpartition(":")
        return http.client.HTTPConnection(host.strip("[]"), int(port), timeout=10)

    def ask(self, path, method="GET"):
        """Status, headers, body."""
        with closing(self.connection()) as connection:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def text(self):
        status, _, body = self.ask("/metrics")
        assert status == 200
        return body

    def figures(self):
        return parse(self.text())

    def figure(self, name, **labels):
        """One figure, or the sum of all that have these labels."""
        return total(self.figures(), name, **labels)

    def status(self):
        return json.loads(self.ask("/status.json")[2])

    def health(self):
        status, _, body = self.ask("/healthz")
        return status, body.strip()


def parse(text):
    """{(name, ((label, value), ...)): number}"""
    out = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        key = (name, tuple(LABEL.findall(labels or "")))
        assert key not in out, f"twice: {line}"
        out[key] = float(value)
    return out


def total(figures, name, **labels):
    wanted = set(labels.items())
    found = [v for (n, have), v in figures.items()
             if n == "reprise_" + name and wanted <= set(have)]
    assert found, f"no figure {name} {labels}"
    return sum(found)


def counters(figures):
    """Those that must never go back, while one parent lives."""
    return {key: v for key, v in figures.items()
            if key[0].endswith(("_total", "_bucket", "_count", "_sum"))}
