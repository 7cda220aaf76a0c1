"""A first flight with early data, which can be sent again, verbatim, wherever one likes."""

from rawtls import Connection, Malformed, names, tls13
from rawtls.codec import u8, u16, vec16
from rawtls.hello import encode_hello
from rawtls.keys import Aead13, Schedule13, suite_hash
from rawtls.record import RECORD_MAX

REQUEST = b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n"


class FirstFlight:
    def __init__(self, session, early=REQUEST, **changes):
        extra = ((names.EXT_EARLY_DATA, b""),)
        self.offer = session.offer(**({"suites": (session.suite,), "extra": extra} | changes))
        self.hello = encode_hello(self.offer)
        schedule = Schedule13(suite_hash(session.suite), session.secret)
        key = Aead13(session.suite, schedule.derive(b"c e traffic", self.hello.message))
        self.early = b""
        for at in range(0, len(early), RECORD_MAX):
            kind, body = key.seal(names.APPLICATION, early[at : at + RECORD_MAX])
            self.early += u8(kind) + u16(names.TLS12) + vec16(body)


class _Replay(Connection):
    """Goes as far as the server's first flight, which tells whether the early data was taken."""

    def __init__(self, address, flight):
        super().__init__(address, flight.offer)
        self.flight = flight

    def _handshake(self):
        self.hello = self.flight.hello
        self.send_handshake(self.hello.message)
        self.records.write_raw(self.flight.early)
        server, whole = self._server_hello()
        if server.retry:
            raise Malformed("a HelloRetryRequest")
        self.transcript += whole
        self.outcome.extensions = dict(server.extensions)
        tls13.finish(self, server)


def ending(address, flight):
    """The alert that the server ends it by: the early data is never said to be over."""
    with _Replay(address, flight) as c:
        assert names.EXT_EARLY_DATA in c.handshake().extensions, "it was not accepted"
        return c.request().alert


def send(address, flight):
    """Whether the server accepted the early data in this flight."""
    with _Replay(address, flight) as c:
        return names.EXT_EARLY_DATA in c.handshake().extensions
