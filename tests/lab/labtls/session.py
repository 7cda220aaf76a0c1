"""A session as the server keeps it, encoded as OpenSSL does (ASN.1 SSL_SESSION)."""

import json
from dataclasses import dataclass

from rawtls import Malformed, names
from rawtls.codec import Reader, u16
from rawtls.keys import suite_hash


@dataclass(frozen=True)
class State:
    version: int
    suite: int
    secret: bytes
    ems: bool = True
    sni: str | None = None
    alpn: str | None = None
    context: str = ""
    client: bool = False  # has shown a certificate
    issued: float = 0.0
    authenticated: float = 0.0  # when the full handshake was
    age_add: int = 0
    early: int = 0
    host: int = 0  # that issued it
    serial: int = 0


def _tlv(tag, content):
    n = len(content)
    if n < 128:
        size = bytes([n])
    elif n < 256:
        size = bytes([0x81, n])
    else:
        size = bytes([0x82]) + u16(n)
    return bytes([tag]) + size + content


def _integer(n):
    return _tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def _octets(b):
    return _tlv(4, b)


def _tagged(number, inner):
    return _tlv(0xA0 + number, inner)


def encode(state, lifetime):
    """What the laboratory alone needs goes where applications put theirs, field 18."""
    rest = {
        "alpn": state.alpn, "context": state.context, "client": state.client,
        "issued": state.issued, "authenticated": state.authenticated, "host": state.host,
        "serial": state.serial, "sni": state.sni,
    }
    body = _integer(1) + _integer(state.version) + _octets(u16(state.suite)) + _octets(b"")
    body += _octets(state.secret)
    body += _tagged(1, _integer(int(state.issued))) + _tagged(2, _integer(lifetime))
    body += _tagged(4, _octets(state.context.encode()))
    if state.sni:
        body += _tagged(6, _octets(state.sni.encode()))
    body += _tagged(13, _integer(1 if state.ems else 0))
    body += _tagged(14, _integer(state.age_add))
    if state.early:
        body += _tagged(15, _integer(state.early))
    body += _tagged(18, _octets(json.dumps(rest).encode()))
    return _tlv(0x30, body)


def _next(reader):
    tag, n = reader.u8(), reader.u8()
    if n == 0x81:
        n = reader.u8()
    elif n == 0x82:
        n = reader.u16()
    elif n >= 128:
        raise Malformed("a length of ASN.1 that is not made here")
    return tag, reader.take(n)


def _number(content):
    return int.from_bytes(content, "big")


def decode(data):
    """Malformed if it is not one of ours; what follows it is left alone."""
    tag, body = _next(Reader(data))
    if tag != 0x30:
        raise Malformed("no session")
    reader = Reader(body)
    plain = [_next(reader)[1] for _ in range(5)]
    tagged = {}
    while reader.left():
        tag, content = _next(reader)
        tagged[tag - 0xA0] = _next(Reader(content))[1]
    try:
        rest = json.loads(tagged[18])
        suite_hash(_number(plain[2]))
        return State(
            _number(plain[1]), _number(plain[2]), plain[4], ems=_number(tagged[13]) == 1,
            age_add=_number(tagged[14]), early=_number(tagged.get(15, b"")), **rest,
        )
    except (KeyError, TypeError, ValueError) as e:
        raise Malformed("no session of ours") from e


def is_for(state, c):
    """Whether a session may be resumed on this connection, by what both versions ask of it."""
    p = c.policy
    if state.context != p.context or not c.host.fresh(p, state):
        return False
    if state.sni and not p.resumes_named:
        return False
    unnamed = not p.early_named and c.hello.has(names.EXT_EARLY_DATA)
    if p.sni_bound and state.sni != c.hello.sni and not unnamed:
        return False
    return not p.client_bound or not c.site.client_authority or bool(state.client)
