"""
Clients of every kind at once. GOOD ones must be served in full, however slow or large they are; BAD
ones do what they should not, at any stage, and only must not be waited for for ever.
"""

import collections
import hashlib
import os
import random
import socket
import ssl
import struct
import threading

from backend import both_hash, pattern_hash
from harness import DEADLINE, wait_seconds
from rawtls import Malformed, exchange
from tls import KINDS, Tls, connect, reset

FAILURES = (OSError, ssl.SSLError, EOFError, AssertionError, Malformed, struct.error)
LARGE = 3_000_000
PATIENCE_S = 2.0  # of those who do as they should not
BALANCED = "balanced"
PP2 = b"\r\n\r\n\0\r\nQUIT\n"


# Good ones: (address, source of randomness, a dict that each thread keeps to itself; BALANCED in it
# is the address for load balancers).


def resumed(address, source, kept):
    """Every mechanism, full first and resumed from then on."""
    kind = source.choice(KINDS)
    with Tls(address, kind, kept.get(kind)) as tls:
        tls.handshake()
        assert kind not in kept or tls.resumed, f"{kind} not resumed"
        word = source.randbytes(30).hex().encode()
        tls.write(b"ECHO\n" + word)
        assert tls.read_exactly(len(word)) == word
        tls.end()
        assert tls.read() == b""
        if kind == "psk" or kind not in kept:
            kept[kind] = tls.session
    if source.random() < 0.05:
        kept.pop(kind)


def in_crumbs(address, source, _):
    """A byte at a time, handshake and all."""
    with Tls(address, source.choice(KINDS)) as tls:
        tls.step, tls.pause = source.choice([(1, 0.0), (1, 0.001), (7, 0.002), (100, 0.01)])
        tls.handshake().write(b"ECHO\ncrumbs")
        assert tls.read_exactly(6) == b"crumbs"
        tls.end()
        assert tls.read() == b""


def slow_reader(address, source, _):
    n = 400_000
    with Tls(address, source.choice(KINDS), window=4096) as tls:
        tls.handshake().write(b"SEND %d\n" % n)
        digest = hashlib.sha256()
        while part := tls.read(4096):
            digest.update(part)
            if source.random() < 0.1:
                wait_seconds(0.01)
        assert digest.hexdigest() == pattern_hash(n), "not what was sent"


def large(address, source, _):
    """Both ways at once."""
    n = source.randrange(LARGE)
    with Tls(address, source.choice(KINDS)) as tls:
        tls.handshake().write(b"BOTH %d\n" % n)
        assert tls.transfer(n, ends=True) == both_hash(n, n), "not what was sent"


def ends_first(address, source, _):
    """Its close_notify comes before the answer."""
    n = source.randrange(LARGE)
    with Tls(address, source.choice(KINDS)) as tls:
        tls.handshake().write(b"TAKE\n")
        wanted = hashlib.sha256(f"{n} {pattern_hash(n)}".encode()).hexdigest()
        assert tls.transfer(n, ends=True) == wanted, "not what was sent"


def ends_last(address, source, _):
    """The backend ends first, and still takes what comes."""
    with Tls(address, source.choice(KINDS)) as tls:
        tls.handshake().write(b"HALF\n")
        assert tls.read() == b""
        for _ in range(5):
            tls.write(source.randbytes(5000))
        tls.end()


def proxy_header(source):
    v2 = PP2 + b"\x21\x11" + struct.pack(">H4s4sHH", 12, source.randbytes(4), b"\x0a\0\0\1", 5, 6)
    v6 = PP2 + b"\x21\x21" + struct.pack(">H32s4s", 36 + 9, source.randbytes(32), b"abcd")
    v6 += b"\x04\0\x06noting"
    v1 = b"PROXY TCP4 10.%d.2.3 10.0.0.1 1234 443\r\n" % source.randrange(256)
    return source.choice([v1, v2, v6, PP2 + b"\x20\0\0\0", b"PROXY UNKNOWN what ever\r\n"])


def behind_a_balancer(_, source, kept):
    kind = source.choice(KINDS)
    with Tls(kept[BALANCED], kind, prefix=proxy_header(source)) as tls:
        if source.random() < 0.5:
            tls.step, tls.pause = 1, source.choice([0.0, 0.001])
        tls.handshake().write(b"ECHO\nbalanced")
        assert tls.read_exactly(8) == b"balanced"
        tls.end()
        assert tls.read() == b""


GOOD = (resumed, resumed, resumed, behind_a_balancer, in_crumbs, slow_reader, large, ends_first, ends_last)

# Bad ones.


def leave(plain, source):
    """By a reset, an end of its own way only, or just so."""
    how = source.randrange(3)
    if how == 0:
        reset(plain)
    elif how == 1:
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(4096):
            pass
    plain.close()


def leaves_in_the_hello(address, source, _):
    with Tls(address, source.choice(KINDS), deadline=PATIENCE_S) as tls:
        hello = tls.first_flight()
        tls.plain.sendall(hello[: source.randrange(len(hello) + 1)])
        leave(tls.plain, source)


def leaves_in_the_handshake(address, source, _):
    with Tls(address, source.choice(KINDS), deadline=PATIENCE_S) as tls:
        tls.plain.sendall(tls.first_flight())
        for _ in range(source.randrange(3)):
            tls.plain.recv(source.choice([1, 50, 5000]))
        leave(tls.plain, source)


def leaves_after_it(address, source, _):
    with Tls(address, source.choice(KINDS), deadline=PATIENCE_S) as tls:
        tls.handshake()
        if source.random() < 0.5:
            tls.write(source.choice([b"ECHO", b"SEND 1000000\n", b"TAKE\n", b"IDLE\n"]))
        if source.random() < 0.5:
            tls.plain.recv(100)
        leave(tls.plain, source)


def leaves_in_a_transfer(address, source, _):
    with Tls(address, source.choice(KINDS), deadline=PATIENCE_S) as tls:
        tls.handshake()
        if source.random() < 0.5:
            tls.write(b"SEND %d\n" % LARGE)
            for _ in range(source.randrange(40)):
                tls.read()
        else:
            tls.write(b"TAKE\n")
            for _ in range(source.randrange(40)):
                tls.write(source.randbytes(16000))
        leave(tls.plain, source)


def garbage(source):
    """What may stand where a record should."""
    kinds = (
        lambda: source.randbytes(source.randrange(1, 3000)),
        lambda: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        lambda: b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n",
        lambda: b"PROXY " + b"x" * source.randrange(300),
        lambda: PP2 + b"\x21\x11\xff\xff" + source.randbytes(500),
        lambda: b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + source.randbytes(40),
        lambda: b"\x16\x03\x01\xff\xff" + source.randbytes(2000),
        lambda: b"\x16\x03\x01\x00\x00" * source.randrange(1, 100),
        lambda: b"\x16\x03\x01\x00\x04\x01\xff\xff\xff" + source.randbytes(1000),
        lambda: b"\x15\x03\x03\x00\x02\x01" + source.randbytes(1),
        lambda: b"\x14\x03\x03\x00\x01\x01" * source.randrange(1, 100),
        lambda: b"\x17\x03\x03\x40\x00" + source.randbytes(16384),
        lambda: b"\x18\x03\x03\x00\x03\x01\x40\x00",
    )
    return source.choice(kinds)()


def hear(plain):
    """To the end, or for a moment."""
    plain.settimeout(1)
    try:
        while plain.recv(4096):
            pass
    except OSError:
        pass
    plain.close()


def garbage_first(address, source, _):
    plain = connect(address, deadline=PATIENCE_S)
    plain.sendall(garbage(source))
    hear(plain)


def a_bad_balancer(_, source, kept):
    """A header that is wrong, cut, missing, or one more than there should be."""
    header = bytearray(proxy_header(source))
    how = source.randrange(4)
    if how == 0:
        header[source.randrange(len(header))] ^= 1 + source.randrange(255)
    elif how == 1:
        header = header[: source.randrange(len(header))]
    elif how == 2:
        header = header + header
    else:
        header = garbage(source)
    with Tls(kept[BALANCED], "psk", prefix=bytes(header), deadline=PATIENCE_S) as tls:
        tls.plain.sendall(tls.first_flight())
        leave(tls.plain, source)


def garbage_in_the_handshake(address, source, _):
    with Tls(address, source.choice(KINDS), deadline=PATIENCE_S) as tls:
        hello = tls.first_flight()
        if source.random() < 0.5:
            at = source.randrange(len(hello))
            hello = hello[:at] + source.randbytes(1 + source.randrange(8)) + hello[at + 1:]
        tls.plain.sendall(hello)
        if source.random() < 0.5:
            tls.plain.recv(5000)
        tls.plain.sendall(garbage(source))
        hear(tls.plain)


def garbage_after_it(address, source, _):
    with Tls(address, source.choice(KINDS), deadline=PATIENCE_S) as tls:
        tls.handshake().write(source.choice([b"ECHO\n", b"SEND 1000000\n", b"IDLE\n"]))
        tls.plain.sendall(garbage(source))
        hear(tls.plain)


def urgent(address, source, _):
    """A byte out of band, which is no part of the stream; who sends it may well fail."""
    with Tls(address, source.choice(KINDS), deadline=PATIENCE_S) as tls:
        tls.handshake().write(b"ECHO\n")
        tls.plain.send(b"!", socket.MSG_OOB)
        tls.write(b"after it")
        tls.plain.settimeout(1)
        tls.read()


def hello_with(sni=None, ticket=0):
    """A ClientHello too large, or as large as may be."""
    body = b"\x03\x03" + os.urandom(32) + b"\0" + b"\0\x02\xc0\x2b" + b"\x01\0"
    extensions = b""
    if sni:
        extensions += struct.pack(">HHHBH", 0, len(sni) + 5, len(sni) + 3, 0, len(sni)) + sni
    extensions += struct.pack(">HH", 35, ticket) + bytes(ticket)
    body += struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    parts = [message[at: at + 16384] for at in range(0, len(message), 16384)]
    return b"".join(b"\x16\x03\x01" + len(p).to_bytes(2, "big") + p for p in parts)


def oversized_hello(address, source, _):
    plain = connect(address, deadline=PATIENCE_S)
    sni = b"a" * source.choice([5, 255, 300, 5000])
    plain.sendall(hello_with(sni, source.choice([0, 10000, 40000, 60000])))
    hear(plain)


def bad_sessions(address, source, kept):
    """Tickets, identities and session IDs that were altered, cut, made up, or belong elsewhere."""
    from checks import offer_for

    kind = source.choice(KINDS)
    if ("raw", kind) not in kept:
        first = exchange(address, offer_for(kind), path="/")
        kept["raw", kind] = first.session
    session = kept["raw", kind]
    if kind == "session-id":
        made = session.offer().but(session_id=source.randbytes(32))
    else:
        ticket = bytearray(session.ticket)
        ticket[source.randrange(len(ticket))] ^= 1 + source.randrange(255)
        cut = source.choice([0, 16, 17, len(ticket) - 1, len(ticket)])
        made = session.with_ticket(bytes(ticket[:cut]) or source.randbytes(200)).offer()
    outcome = exchange(address, made, path=None)
    assert not outcome.resumed, "a bad session was resumed"


def bad_backend(address, source, _):
    """The backend breaks off: what comes of it must not look like a clean end."""
    with Tls(address, source.choice(KINDS), deadline=PATIENCE_S) as tls:
        tls.handshake().write(b"BREAK\n")
        try:
            tls.read_all()
        except (OSError, ssl.SSLError):
            return
        raise RuntimeError("a reset of the backend was passed on as a clean end")


BAD = (
    leaves_in_the_hello, leaves_in_the_handshake, leaves_after_it, leaves_in_a_transfer,
    garbage_first, a_bad_balancer, garbage_in_the_handshake, garbage_after_it, urgent, oversized_hello,
    bad_sessions, bad_backend,
)


class Chaos:
    """Threads of both until stopped. failed: what went wrong that should not."""

    def __init__(self, address, balanced, good=8, bad=6):
        self.address, self.balanced = address, balanced
        self.counts = collections.Counter()
        self.failed = []
        self._stop, self._lock = threading.Event(), threading.Lock()
        works = [GOOD] * good + [BAD] * bad
        self._threads = [
            threading.Thread(target=self._work, args=(acts, random.Random(i)), daemon=True)
            for i, acts in enumerate(works)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, acts, source):
        kept = {BALANCED: self.balanced}
        while not self._stop.is_set():
            act, failure = source.choice(acts), None
            try:
                act(self.address, source, kept)
            except FAILURES as e:
                failure = e if acts is GOOD or act is bad_sessions else None
            except Exception as e:  # pylint: disable=broad-except
                failure = e
            with self._lock:
                self.counts[act.__name__] += 1
                if failure is not None:
                    self.failed.append(f"{act.__name__}: {failure!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()

    def stop(self, deadline=DEADLINE):
        self._stop.set()
        for thread in self._threads:
            thread.join(deadline)
            assert not thread.is_alive(), "a client does not end"
        return self.failed
