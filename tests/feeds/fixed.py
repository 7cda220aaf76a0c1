"""One host: some servers, and one reprised that feeds them all."""

from admin import Admin
from checks import offer_for
from fed import KINDS, Fed, Folders
from fleet import Backend, port_free_on
from harness import DEADLINE, wait_until
from rawtls import exchange
from two import feed_of

HOST = "127.0.0.1"


class Fixed:
    """Servers of these kinds; nothing runs at first."""

    def __init__(self, start, certificate, folder, *kinds):
        self._start, self._backend, self._folders = start, Backend(), Folders()
        self.servers = {
            kind: Fed(folder / kind, KINDS[kind], HOST, port_free_on([HOST]), certificate,
                      self._folders.new(), self._backend.port) for kind in kinds}
        self.reprised = None

    def feed(self, rotate="2s", accept="60s"):
        self.reprised = self._start({
            "fleet": {"rotate": rotate, "accept": accept}, "admin": {"listen": "127.0.0.1:0"},
            "feeds": [feed_of(s) for s in self.servers.values()], "log": {"format": "json"}})
        for server in self.servers.values():
            wait_until(server.has_keys, "the feed's first files")

    def shown(self, kind):
        """What is shown of a feed."""
        feeds = Admin(self.reprised).status()["feeds"]
        return next(f for f in feeds if f["feed"] == kind)

    def stop(self):
        for server in self.servers.values():
            server.stop()
        self._backend.stop()
        self._folders.stop()


def key_of(server):
    """The name of the key by which it seals."""
    return exchange(server.address, offer_for("psk")).session.ticket[:16].hex()


def keeps_changing(server, n=2, deadline=DEADLINE):
    for _ in range(n):
        before = key_of(server)
        wait_until(lambda: key_of(server) != before, "another key", deadline, 0.1)  # noqa: B023
