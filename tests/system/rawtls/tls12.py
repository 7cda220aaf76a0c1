"""The client's side of a TLS 1.2 handshake: full (ECDHE) and abbreviated."""

import hmac

from . import client, names
from .codec import Malformed, Reader, u8, u16, u24, vec8
from .hello import Session, encode_hello, extension
from .keys import Keys12, Share


def finish(c, server):
    """From the ServerHello on. c is the Connection."""
    o = c.outcome
    o.ems = names.EXT_EMS in server.extensions
    kind, body, whole = c.message()
    o.resumed = kind != names.CERTIFICATE
    if o.resumed:
        _abbreviated(c, server, kind, body, whole)
    else:
        _full(c, server, body, whole)


def _issue(c, lifetime=0, ticket=b""):
    o = c.outcome
    o.sessions.append(
        Session(
            names.TLS12, o.suite, c.keys.master, ticket=ticket, session_id=o.server_session_id,
            ems=o.ems, sni=c.offer.sni, lifetime=lifetime,
        )
    )


def _take_ticket(c, body):
    r = Reader(body)
    lifetime, ticket = r.u32(), r.vec16()
    r.done()
    if ticket:
        _issue(c, lifetime, ticket)


def _server_flight(c, kind, body, whole):
    """[NewSessionTicket] CCS Finished."""
    if kind == names.NEW_SESSION_TICKET:
        _take_ticket(c, body)
        c.transcript += whole
        kind, body, whole = c.message()
    if kind != "ccs":
        raise Malformed(f"message {kind} where ChangeCipherSpec was due")
    c.records.open = c.keys.server
    expected = c.keys.verify_data(b"server finished", c.transcript)
    kind, body, whole = c.message()
    if kind != names.FINISHED or not hmac.compare_digest(body, expected):
        raise Malformed("the server's Finished is wrong")
    c.server_verify = body
    c.transcript += whole


def _client_flight(c):
    c.records.write(names.CCS, b"\x01")
    c.records.seal = c.keys.client
    c.client_verify = c.keys.verify_data(b"client finished", c.transcript)
    c.send_handshake(u8(names.FINISHED) + u24(12) + c.client_verify)


def _abbreviated(c, server, kind, body, whole):
    session = c.offer.session
    if session is None:
        raise Malformed("the server resumes what was not offered")
    c.keys = Keys12(server.suite, session.secret, c.hello.random, server.random)
    _server_flight(c, kind, body, whole)
    _client_flight(c)


def _certificate(body):
    return Reader(Reader(body).vec24()).vec24()


def _full(c, server, body, whole):
    o = c.outcome
    o.certificate = _certificate(body)
    share = premaster = None
    while True:
        c.transcript += whole
        kind, body, whole = c.message()
        if kind == names.SERVER_KEY_EXCHANGE:
            r = Reader(body)
            if r.u8() != 3:
                raise Malformed("no named curve")
            share = Share(r.u16())
            premaster = share.secret(r.vec8())
        elif kind == names.CERTIFICATE_REQUEST:
            o.asked = True
        elif kind == names.SERVER_HELLO_DONE:
            c.transcript += whole
            break
    if o.asked:
        c.send_handshake(client.certificate12(c.offer.client))
    exchange = vec8(share.public)
    c.send_handshake(u8(names.CLIENT_KEY_EXCHANGE) + u24(len(exchange)) + exchange)
    master = Keys12.master_secret(
        server.suite, premaster, c.transcript if o.ems else None, c.hello.random + server.random
    )
    c.keys = Keys12(server.suite, master, c.hello.random, server.random)
    if o.asked and c.offer.client:
        c.send_handshake(client.verify12(c.offer.client, c.transcript))
    _client_flight(c)
    kind, body, whole = c.message()
    _server_flight(c, kind, body, whole)
    if not o.sessions and o.server_session_id:
        _issue(c)


def renegotiation_hello(c):
    """A ClientHello as RFC 5746 section 3.5 wants it inside an existing connection."""
    info = extension(names.EXT_RENEGOTIATION, vec8(c.client_verify))
    plain = encode_hello(c.offer.but(session_id=b"", ticket=None, session=None))
    body = bytes(plain.message[4:])
    empty = extension(names.EXT_RENEGOTIATION, vec8(b""))
    at = body.rindex(empty)
    head = 2 + 32 + 1 + 2 + int.from_bytes(body[35:37], "big") + 2
    extensions = body[head + 2 : at] + info + body[at + len(empty) :]
    body = body[:head] + u16(len(extensions)) + extensions
    return u8(names.CLIENT_HELLO) + u24(len(body)) + body


