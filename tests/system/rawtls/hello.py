"""What a client offers: sessions, ClientHellos byte by byte, and the ServerHello that answers."""

import os
import time
from dataclasses import dataclass, field, replace

from . import names
from .codec import Reader, u8, u16, u24, u32, vec8, vec16
from .keys import Schedule13, Share, digest, suite_hash

SUITES_12 = (names.ECDSA_AES128, names.RSA_AES128, names.ECDSA_AES256, names.RSA_AES256)
SUITES_13 = (names.AES128_SHA256, names.AES256_SHA384)
SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


@dataclass(frozen=True)
class Session:
    """Something to resume by, and the secret that proves it is ours."""

    version: int
    suite: int
    secret: bytes  # TLS 1.2: the master secret; 1.3: the PSK
    ticket: bytes = b""
    session_id: bytes = b""
    ems: bool = True
    sni: str | None = None
    lifetime: int = 0  # seconds, as advertised
    age_add: int = 0
    nonce: bytes = b""
    received: float = field(default_factory=time.monotonic)

    def age_ms(self):
        return int((time.monotonic() - self.received) * 1000)

    def identity(self):
        return self.ticket, (self.age_ms() + self.age_add) % 2**32

    def offer(self, **changes):
        """An Offer that resumes this session as an honest client would, but for the changes."""
        common = {"sni": self.sni}
        if self.version == names.TLS13:
            common |= {"versions": (names.TLS13,), "sessions": (self,)}
        else:
            common |= {"versions": (names.TLS12,), "session": self, "ems": self.ems}
            if self.ticket:
                common |= {"ticket": self.ticket, "session_id": os.urandom(32)}
            else:
                common |= {"ticket": None, "session_id": self.session_id}
        return Offer(**(common | changes))

    def with_ticket(self, ticket):
        return replace(self, ticket=bytes(ticket))


@dataclass(frozen=True)
class Offer:
    """A ClientHello to be. Every field may be set to what no honest client would send."""

    versions: tuple = (names.TLS13,)
    sni: str | None = "localhost"
    session_id: bytes = b""
    suites: tuple | None = None
    ems: bool = True
    ticket: bytes | None = b""  # content of the session_ticket extension; None: absent
    session: Session | None = None  # whose master secret a TLS 1.2 resumption is tried with
    sessions: tuple = ()  # TLS 1.3: the identities of pre_shared_key, in order
    psk_modes: tuple | None = (names.PSK_DHE_KE,)
    groups: tuple = (names.X25519, names.SECP256R1)
    shares: tuple = (names.X25519,)  # () asks for a HelloRetryRequest
    alpn: tuple = ()
    ticket_request: tuple | None = None  # new sessions, resumption (RFC 9149)
    client: object = None  # its certificate (P-256), with chain and key files; shown when asked
    extra: tuple = ()  # (type, content) of further extensions
    edit_binders: object = None  # list of binders -> list of binders
    stale_binders: bool = False  # after a HelloRetryRequest: those of the first ClientHello
    edit_hello: object = None  # the whole ClientHello message, binders computed -> message
    second: tuple = ()  # (field, value): what the hello after a HelloRetryRequest has otherwise

    def but(self, **changes):
        return replace(self, **changes)


@dataclass
class Hello:
    """One encoded ClientHello, and what has to be remembered of it."""

    offer: Offer
    random: bytes
    shares: dict
    message: bytes = b""
    binders: list = field(default_factory=list)


def extension(kind, content):
    return u16(kind) + vec16(content)


def _psk_content(identities, binders):
    listed = b"".join(vec16(ticket) + u32(age) for ticket, age in identities)
    return vec16(listed) + vec16(b"".join(vec8(b) for b in binders))


def _tls13_extensions(offer, shares, cookie):
    out = [extension(names.EXT_VERSIONS, vec8(b"".join(u16(v) for v in offer.versions)))]
    listed = b"".join(u16(g) + vec16(s.public) for g, s in shares.items())
    out.append(extension(names.EXT_KEY_SHARE, vec16(listed)))
    if offer.psk_modes is not None:
        out.append(extension(names.EXT_PSK_MODES, vec8(bytes(offer.psk_modes))))
    if cookie:
        out.append(extension(names.EXT_COOKIE, vec16(cookie)))
    return out


def _extensions(offer, shares, cookie):
    out = []
    if offer.sni is not None:
        name = offer.sni.encode()
        out.append(extension(names.EXT_SNI, vec16(u8(0) + vec16(name))))
    if offer.ems:
        out.append(extension(names.EXT_EMS, b""))
    if offer.ticket is not None:
        out.append(extension(names.EXT_TICKET, offer.ticket))
    out.append(extension(names.EXT_GROUPS, vec16(b"".join(u16(g) for g in offer.groups))))
    out.append(extension(names.EXT_POINT_FORMATS, vec8(u8(0))))
    out.append(extension(names.EXT_SIGNATURES, vec16(b"".join(u16(s) for s in SIGNATURES))))
    if offer.alpn:
        listed = b"".join(vec8(p.encode()) for p in offer.alpn)
        out.append(extension(names.EXT_ALPN, vec16(listed)))
    if names.TLS12 in offer.versions:
        out.append(extension(names.EXT_RENEGOTIATION, vec8(b"")))
    if offer.ticket_request:
        out.append(extension(names.EXT_TICKET_REQUEST, bytes(offer.ticket_request)))
    if names.TLS13 in offer.versions:
        out += _tls13_extensions(offer, shares, cookie)
    return out + [extension(kind, content) for kind, content in offer.extra]


def _message(offer, random, extensions):
    suites = offer.suites
    if suites is None:
        suites = (SUITES_13 if names.TLS13 in offer.versions else ()) + (
            SUITES_12 if names.TLS12 in offer.versions else ()
        )
    body = u16(names.TLS12) + random + vec8(offer.session_id)
    body += vec16(b"".join(u16(s) for s in suites)) + vec8(u8(0))
    body += vec16(b"".join(extensions))
    return u8(names.CLIENT_HELLO) + u24(len(body)) + body


def _binders(offer, transcript, message, sizes):
    """The right binders for a message that ends in binders of these sizes."""
    cut = message[: len(message) - 2 - sum(1 + n for n in sizes)]
    out = []
    for session in offer.sessions:
        hash_name = suite_hash(session.suite)
        out.append(Schedule13(hash_name, session.secret).binder(transcript + cut))
    return out


def encode_hello(offer, transcript=b"", cookie=b"", first=None, retry_group=None):
    """
    Encodes a ClientHello. The second one after a HelloRetryRequest takes the transcript so far, the
    cookie, the first one and the group that the server asked for.
    """
    if first is None:
        random, shares = os.urandom(32), {g: Share(g) for g in offer.shares}
    else:
        random, shares = first.random, dict(first.shares)
        if retry_group is not None:
            shares = {retry_group: Share(retry_group)}
    extensions = _extensions(offer, shares, cookie)
    hello = Hello(offer, random, shares)
    if offer.sessions:
        identities = [s.identity() for s in offer.sessions]
        sizes = [len(digest(suite_hash(s.suite), b"")) for s in offer.sessions]
        psk = extension(names.EXT_PSK, _psk_content(identities, [bytes(n) for n in sizes]))
        message = _message(offer, random, extensions + [psk])
        hello.binders = _binders(offer, transcript, message, sizes)
        sent = first.binders if first and offer.stale_binders else hello.binders
        if offer.edit_binders:
            sent = offer.edit_binders(list(sent))
        psk = extension(names.EXT_PSK, _psk_content(identities, sent))
        extensions.append(psk)
    hello.message = _message(offer, random, extensions)
    if offer.edit_hello:
        hello.message = offer.edit_hello(hello.message)
    return hello


@dataclass
class ServerHello:
    version: int
    random: bytes
    session_id: bytes
    suite: int
    extensions: dict

    @property
    def retry(self):
        return self.random == names.RETRY_RANDOM


def decode_extensions(reader):
    out = {}
    if reader.left():
        inner = Reader(reader.vec16())
        while inner.left():
            kind = inner.u16()
            out[kind] = inner.vec16()
    return out


def decode_server_hello(body):
    r = Reader(body)
    version, random, session_id, suite = r.u16(), r.take(32), r.vec8(), r.u16()
    r.u8()
    extensions = decode_extensions(r)
    r.done()
    if names.EXT_VERSIONS in extensions:
        version = int.from_bytes(extensions[names.EXT_VERSIONS], "big")
    return ServerHello(version, random, session_id, suite, extensions)
