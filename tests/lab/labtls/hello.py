"""ClientHellos decoded, and the messages of a server encoded."""

from dataclasses import dataclass, field

from rawtls import Malformed, names
from rawtls.codec import Reader, u8, u16, u24, u32, vec8, vec16, vec24


class Abort(Exception):
    """Ends the handshake by a fatal alert."""

    def __init__(self, alert):
        super().__init__(names.alert_name(alert))
        self.alert = alert


UNEXPECTED_MESSAGE = 10
HANDSHAKE_FAILURE = 40
BAD_CERTIFICATE = 42
ILLEGAL_PARAMETER = 47
DECODE_ERROR = 50
DECRYPT_ERROR = 51
PROTOCOL_VERSION = 70
INTERNAL_ERROR = 80
MISSING_EXTENSION = 109
CERTIFICATE_REQUIRED = 116
NO_APPLICATION_PROTOCOL = 120

NO_RENEGOTIATION = 100
RENEGOTIATION_SCSV = 0x00FF


@dataclass
class ClientHello:
    message: bytes
    random: bytes
    session_id: bytes
    suites: list
    extensions: dict
    versions: list
    sni: str | None = None
    alpn: list = field(default_factory=list)
    signatures: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    shares: dict = field(default_factory=dict)
    psk_modes: list = field(default_factory=list)
    identities: list = field(default_factory=list)  # of (ticket, obfuscated age)
    binders: list = field(default_factory=list)
    binders_len: int = 0  # of the vector that ends the message

    def has(self, kind):
        return kind in self.extensions


def _numbers(data, size=2):
    return [int.from_bytes(data[i : i + size], "big") for i in range(0, len(data), size)]


def _whole(data, vector):
    r = Reader(data)
    out = getattr(r, vector)()
    r.done()
    return out


def _read_all(data, read):
    out, r = [], Reader(data)
    while r.left():
        out.append(read(r))
    return out


def _psk(hello, content):
    r = Reader(content)
    identities, binders = r.vec16(), r.vec16()
    r.done()
    hello.identities = _read_all(identities, lambda i: (i.vec16(), i.u32()))
    hello.binders = _read_all(binders, lambda b: b.vec8())
    hello.binders_len = 2 + len(binders)


def _sni(content):
    for kind, name in _read_all(_whole(content, "vec16"), lambda n: (n.u8(), n.vec16())):
        if kind == 0:
            return name.decode("ascii").lower()
    return None


def _decode_extensions(hello):
    e = hello.extensions
    if names.EXT_SNI in e:
        hello.sni = _sni(e[names.EXT_SNI])
    if names.EXT_ALPN in e:
        listed = _whole(e[names.EXT_ALPN], "vec16")
        hello.alpn = [p.decode("latin-1") for p in _read_all(listed, lambda r: r.vec8())]
    if names.EXT_SIGNATURES in e:
        hello.signatures = _numbers(_whole(e[names.EXT_SIGNATURES], "vec16"))
    if names.EXT_GROUPS in e:
        hello.groups = _numbers(_whole(e[names.EXT_GROUPS], "vec16"))
    if names.EXT_VERSIONS in e:
        hello.versions = _numbers(_whole(e[names.EXT_VERSIONS], "vec8"))
    if names.EXT_KEY_SHARE in e:
        listed = _whole(e[names.EXT_KEY_SHARE], "vec16")
        hello.shares = dict(_read_all(listed, lambda r: (r.u16(), r.vec16())))
    if names.EXT_PSK_MODES in e:
        hello.psk_modes = list(_whole(e[names.EXT_PSK_MODES], "vec8"))
    if names.EXT_PSK in e:
        if list(e)[-1] != names.EXT_PSK:
            raise Abort(ILLEGAL_PARAMETER)
        _psk(hello, e[names.EXT_PSK])


def decode_client_hello(message):
    """Abort where the peer is to be told what is wrong with it."""
    try:
        r = Reader(message[4:])
        version, random, session_id = r.u16(), r.take(32), r.vec8()
        suites, compression = _numbers(r.vec16()), r.vec8()
        extensions = {}
        if r.left():
            inner = Reader(r.vec16())
            while inner.left():
                kind, content = inner.u16(), inner.vec16()
                if kind in extensions:
                    raise Abort(ILLEGAL_PARAMETER)
                extensions[kind] = content
        r.done()
        if len(session_id) > 32 or 0 not in compression:
            raise Abort(ILLEGAL_PARAMETER)
        versions = [version] if version <= names.TLS12 else [names.TLS12]
        hello = ClientHello(message, random, session_id, suites, extensions, versions)
        _decode_extensions(hello)
        return hello
    except (Malformed, UnicodeDecodeError) as e:
        raise Abort(DECODE_ERROR) from e


def message(kind, body):
    return u8(kind) + u24(len(body)) + body


def extensions_block(listed):
    return vec16(b"".join(u16(kind) + vec16(content) for kind, content in listed))


def server_hello(random, session_id, suite, extensions):
    """TLS 1.2 and 1.3; without any extensions there is no block of them."""
    body = u16(names.TLS12) + random + vec8(session_id) + u16(suite) + u8(0)
    if extensions:
        body += extensions_block(extensions)
    return message(names.SERVER_HELLO, body)


def alpn_extension(protocol):
    return names.EXT_ALPN, vec16(vec8(protocol.encode()))


def new_session_ticket12(lifetime, ticket):
    return message(names.NEW_SESSION_TICKET, u32(lifetime) + vec16(ticket))


def new_session_ticket13(lifetime, age_add, nonce, ticket, early):
    listed = [(names.EXT_EARLY_DATA, u32(early))] if early else []
    body = u32(lifetime) + u32(age_add) + vec8(nonce) + vec16(ticket) + extensions_block(listed)
    return message(names.NEW_SESSION_TICKET, body)


def certificate12(chain):
    return message(names.CERTIFICATE, vec24(b"".join(vec24(x) for x in chain)))


def certificate13(chain):
    listed = b"".join(vec24(x) + vec16(b"") for x in chain)
    return message(names.CERTIFICATE, vec8(b"") + vec24(listed))
