"""
Two servers of a kind, on 127.0.0.1 and 127.0.0.2, and two hosts of a fleet, each of which feeds one
of them.
"""

from pathlib import Path

import hosts
from admin import Admin
from fed import KINDS, Fed, Folders
from fleet import Backend, port_free_on
from fleet import hosts as names_of
from harness import wait_until
from large import LargePage

N = 2


def has_swap():
    return len(Path("/proc/swaps").read_text().splitlines()) > 1


class Feeders(hosts.Hosts):
    """Hosts that listen to nobody, and feed."""

    feeds = {}  # of each number: what it feeds, as in the configuration

    def config(self, number, **fleet):
        own = self.fleet | {"host": f"host-{number}"} | fleet
        return {"fleet": own, "admin": {"listen": f"127.0.0.{number}:0"},
                "feeds": self.feeds[number], "log": {"format": "json"}}


def feed_of(server):
    """What reprised is told of a server."""
    kind = server.kind
    out = {"file": str(server.fed)} if kind.file else {"files": str(server.keys)}
    if server.reload:
        out["reload"] = server.reload
    if kind.feed == "haproxy":
        out["socket"] = str(server.socket)
    if server.group:
        out["group"] = server.group
    if has_swap():
        out["keys_may_reach_disk"] = True
    return {kind.feed: out}


class Two:
    """Two(start, certificate, folder, "nginx", rotate="3s", accept="12s"): all run; stop() ends it."""

    def __init__(self, start, certificate, folder, kind, verify=False, **fleet):
        self.kind = KINDS[kind]
        self.folders = Folders()
        self.backend = Backend(LargePage) if self.kind.backend else None
        self.servers, self.feeders = [], Feeders(start, certificate, folder, **fleet)
        port = port_free_on(names_of(N))
        try:
            for i, name in enumerate(names_of(N)):
                self.servers.append(
                    Fed(folder / f"{kind}-{i + 1}", self.kind, name, port, certificate,
                        self.folders.new(), self.backend and self.backend.port))
            self.feeders.feeds = {i + 1: [self._told(s, verify)]
                                  for i, s in enumerate(self.servers)}
            self._start()
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def _told(server, verify):
        told = feed_of(server)
        if verify:
            next(iter(told.values())).update(
                verify=f"{server.host}:{server.port}", verify_name="localhost")
        return told

    def _start(self):
        for server in self.servers:
            self.feeders.start()
            wait_until(server.has_keys, "the feed's first files")
            server.start()
        for feeder in self.feeders:
            feeder.wait_log("fed")

    @property
    def addresses(self):
        return {s.host: s.address for s in self.servers}

    def rotations(self):
        """How often the key by which the first host's server seals has changed."""
        return len(self.feeders[0].logs("fed")) - 1

    def rotated(self):
        return Admin(self.feeders[0]).status()["keyring"]["epoch"]

    def stop(self):
        for server in self.servers:
            server.stop()
        if self.backend:
            self.backend.stop()
        self.folders.stop()
