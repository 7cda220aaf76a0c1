"""The client's side of a TLS 1.3 handshake: full, resumed by PSK, after a HelloRetryRequest."""

import hmac

from . import client, names
from .codec import Malformed, Reader, u8, u24
from .hello import Session, decode_extensions, encode_hello
from .keys import Aead13, Schedule13, digest, suite_hash


def retry(c, server, whole):
    """Answers a HelloRetryRequest (RFC 8446 section 4.4.1 for the transcript)."""
    c.records.tls13 = True
    hashed = digest(suite_hash(server.suite), c.transcript)
    c.transcript = u8(names.MESSAGE_HASH) + u24(len(hashed)) + hashed + whole
    group = server.extensions.get(names.EXT_KEY_SHARE)
    cookie = server.extensions.get(names.EXT_COOKIE, b"")
    c.offer = c.offer.but(**dict(c.offer.second))
    c.hello = encode_hello(
        c.offer,
        transcript=c.transcript,
        cookie=Reader(cookie).vec16() if cookie else b"",
        first=c.hello,
        retry_group=int.from_bytes(group, "big") if group else None,
    )
    c.send_handshake(c.hello.message)


def _key_share_secret(c, server):
    content = server.extensions.get(names.EXT_KEY_SHARE)
    if content is None:
        return b""  # psk_ke
    r = Reader(content)
    group, public = r.u16(), r.vec16()
    r.done()
    return c.hello.shares[group].secret(public)


def finish(c, server):
    """From the ServerHello on. c is the Connection."""
    c.records.tls13 = True
    psk = b""
    selected = server.extensions.get(names.EXT_PSK)
    if selected is not None:
        c.outcome.identity = int.from_bytes(selected, "big")
        c.outcome.resumed = True
        psk = c.offer.sessions[c.outcome.identity].secret
    schedule = Schedule13(suite_hash(server.suite), psk)
    schedule.mix(_key_share_secret(c, server))
    client_secret = schedule.derive(b"c hs traffic", c.transcript)
    server_secret = schedule.derive(b"s hs traffic", c.transcript)
    c.records.open = Aead13(server.suite, server_secret)
    _server_flight(c, schedule, server_secret)
    schedule.mix(b"")
    client_application = schedule.derive(b"c ap traffic", c.transcript)
    server_application = schedule.derive(b"s ap traffic", c.transcript)
    c.records.write_raw(bytes([names.CCS, 3, 3, 0, 1, 1]))
    c.records.seal = Aead13(server.suite, client_secret)
    if c.outcome.asked:
        c.send_handshake(client.certificate13(c.offer.client))
        if c.offer.client:
            c.send_handshake(client.verify13(c.offer.client, schedule.hash, c.transcript))
    mac = schedule.finished(client_secret, c.transcript)
    c.send_handshake(u8(names.FINISHED) + u24(len(mac)) + mac)
    c.records.seal = Aead13(server.suite, client_application)
    c.records.open = Aead13(server.suite, server_application)
    c.schedule = schedule
    c.resumption = schedule.derive(b"res master", c.transcript)


def _server_flight(c, schedule, server_secret):
    """EncryptedExtensions up to Finished."""
    while True:
        kind, body, whole = c.message()
        if kind == names.ENCRYPTED_EXTENSIONS:
            extensions = decode_extensions(Reader(body))
            c.outcome.extensions |= extensions
            kinds = ",".join(str(k) for k in sorted(extensions))
            c.outcome.trace[-1] += f" ext={kinds}"
        elif kind == names.CERTIFICATE_REQUEST:
            c.outcome.asked = True
        elif kind == names.CERTIFICATE:
            r = Reader(body)
            r.vec8()
            c.outcome.certificate = Reader(r.vec24()).vec24()
        elif kind == names.FINISHED:
            if not hmac.compare_digest(body, schedule.finished(server_secret, c.transcript)):
                raise Malformed("the server's Finished is wrong")
            c.transcript += whole
            return
        c.transcript += whole


def take_ticket(c, body):
    """A NewSessionTicket of RFC 8446 section 4.6.1."""
    r = Reader(body)
    lifetime, age_add, nonce, ticket = r.u32(), r.u32(), r.vec8(), r.vec16()
    decode_extensions(r)
    r.done()
    c.outcome.sessions.append(
        Session(
            names.TLS13, c.outcome.suite, c.schedule.psk(c.resumption, nonce), ticket=ticket,
            sni=c.offer.sni, lifetime=lifetime, age_add=age_add, nonce=nonce,
        )
    )
