"""TLS 1.2 as a server does it: full by ECDHE with AES-GCM, abbreviated by ticket or session ID."""

import hmac
import os
import time

from rawtls import TLS12, TLS13, Malformed, names
from rawtls.codec import Reader, u8, u16, vec8, vec16
from rawtls.keys import Keys12, Share
from rawtls.record import PeerAlert, PeerClosed

from . import sites
from .hello import (
    DECRYPT_ERROR,
    HANDSHAKE_FAILURE,
    NO_RENEGOTIATION,
    RENEGOTIATION_SCSV,
    Abort,
    alpn_extension,
    certificate12,
    decode_client_hello,
    message,
    new_session_ticket12,
    server_hello,
)
from .session import State, is_for

BAD_RECORD_MAC = 20

DOWNGRADE = b"DOWNGRD\x01"
SUITES = {
    (False, 128): names.ECDSA_AES128, (False, 256): names.ECDSA_AES256,
    (True, 128): names.RSA_AES128, (True, 256): names.RSA_AES256,
}
PADDED = 32


def _choose_suite(c):
    for bits in c.policy.key_bits12:
        suite = SUITES[c.site.certificate.is_rsa, bits]
        if suite in c.hello.suites:
            return suite
    raise Abort(HANDSHAKE_FAILURE)


def _unknown(c):
    """What a ticket gets that is none of ours."""
    if c.policy.on_unknown == "alert":
        raise Abort(HANDSHAKE_FAILURE)
    if c.policy.on_unknown == "close":
        raise PeerClosed


def _find(c):
    """The session that the hello offers and whether it came out of the cache."""
    ticket = c.hello.extensions.get(names.EXT_TICKET)
    if ticket and c.policy.tickets12:
        state = c.host.unseal(c.policy, ticket)
        if state is None:
            _unknown(c)
        return state, False
    if c.hello.session_id and c.policy.session_ids:
        return c.host.cache(c.policy).get(c.hello.session_id), True
    return None, False


def _extended(c):
    return c.policy.ems and c.hello.has(names.EXT_EMS)


def _ems_allows(c, state):
    """RFC 7627 section 5.3."""
    if not c.policy.ems_bound:
        return True
    if not c.policy.ems:
        return not state.ems
    if state.ems and not _extended(c):
        raise Abort(HANDSHAKE_FAILURE)
    return state.ems


def _allowed(c, state):
    p = c.policy
    if state.version != TLS12 and (p.version_bound or state.version != TLS13):
        return False
    return is_for(state, c) and _ems_allows(c, state)


def _take(c):
    state, cached = _find(c)
    if state is None or not _allowed(c, state):
        return None, False
    suite = state.suite
    if state.version != TLS12:
        suite = _choose_suite(c)
    if suite not in c.hello.suites:
        return None, False
    if c.policy.single_use and not c.host.fleet.used.first(("12", state.serial)):
        return None, False
    return state, cached


def _hello_extensions(c, ems, ticket):
    out = []
    if c.hello.has(names.EXT_RENEGOTIATION) or RENEGOTIATION_SCSV in c.hello.suites:
        out.append((names.EXT_RENEGOTIATION, vec8(c.verified)))
    if ems:
        out.append((names.EXT_EMS, b""))
    if c.hello.has(names.EXT_POINT_FORMATS) and not c.resumed:
        out.append((names.EXT_POINT_FORMATS, vec8(u8(0))))
    if c.alpn:
        out.append(alpn_extension(c.alpn))
    if ticket:
        out.append((names.EXT_TICKET, b""))
    return out


def _random(c):
    if TLS13 in c.policy.versions:
        return os.urandom(24) + DOWNGRADE
    return os.urandom(32)


def _server_finished(c, keys):
    c.records.write(names.CCS, b"\x01")
    c.records.seal = keys.server
    verify = keys.verify_data(b"server finished", c.transcript)
    c.send(message(names.FINISHED, verify))
    return verify


def _client_finished(c, keys):
    kind, _, _ = c.records.message()
    if kind != "ccs":
        raise Malformed(f"{kind} where ChangeCipherSpec was due")
    c.records.open = keys.client
    expected = keys.verify_data(b"client finished", c.transcript)
    _, body = c.receive(names.FINISHED)
    if not hmac.compare_digest(body, expected):
        raise Abort(DECRYPT_ERROR)
    return body


def _echo(c):
    """Of the session ID that came with a ticket (RFC 5077 section 3.4)."""
    if c.policy.echo == "padded" and c.hello.session_id:
        stale = b"\x17what was here before, in memory"
        return (c.hello.session_id + stale)[:PADDED]
    return c.hello.session_id


def _abbreviated(c, state, cached):
    c.resumed = True
    c.leave_on_resume()
    suite = state.suite if state.version == TLS12 else _choose_suite(c)
    random = _random(c)
    session_id = c.hello.session_id if cached else _echo(c)
    # Where it ignores what RFC 7627 asks for, the answer goes by the hello.
    extensions = _hello_extensions(c, _extended(c), False)
    c.send(server_hello(random, session_id, suite, extensions))
    keys = Keys12(suite, c.secret_of(state), c.hello.random, random)
    try:
        server = _server_finished(c, keys)
        client = _client_finished(c, keys)
    except (Malformed, Abort, PeerAlert, PeerClosed):
        if cached and c.policy.kill_on_failure:
            c.host.cache(c.policy).drop(c.hello.session_id)
        raise
    c.client_verified, c.verified = client, client + server


def _key_exchange(c, random):
    group = next((g for g in c.policy.groups if g in c.hello.groups), None)
    if group is None:
        raise Abort(HANDSHAKE_FAILURE)
    share = Share(group)
    params = u8(3) + u16(group) + vec8(share.public)
    signed = c.site.certificate.sign(c.hello.signatures, c.hello.random + random + params)
    c.send(message(names.SERVER_KEY_EXCHANGE, params + signed))
    return share


def _request_certificate(c):
    schemes = b"".join(u16(s) for s in sites.SCHEMES)
    body = vec8(bytes([64, 1])) + vec16(schemes) + vec16(b"")
    c.send(message(names.CERTIFICATE_REQUEST, body))


def _client_certificate(c):
    _, body = c.receive(names.CERTIFICATE)
    listed = Reader(Reader(body).vec24())
    chain = []
    while listed.left():
        chain.append(listed.vec24())
    return sites.check_client(c.site.client_authority, chain, sites.REQUIRED12)


def _secret(share, body):
    r = Reader(body)
    public = r.vec8()
    r.done()
    return share.secret(public)


def _full(c):
    ems = _extended(c)
    suite = _choose_suite(c)
    issues = ems or not (c.policy.ems_bound and c.policy.ems)
    ticket = issues and c.policy.tickets12 and c.hello.has(names.EXT_TICKET)
    cached = issues and c.policy.session_ids and not ticket
    session_id = os.urandom(32) if cached else b""
    random = _random(c)
    c.send(server_hello(random, session_id, suite, _hello_extensions(c, ems, ticket)))
    c.send(certificate12(c.site.certificate.chain))
    share = _key_exchange(c, random)
    if c.site.client_authority:
        _request_certificate(c)
    c.send(message(names.SERVER_HELLO_DONE, b""))
    public = _client_certificate(c) if c.site.client_authority else None
    _, body = c.receive(names.CLIENT_KEY_EXCHANGE)
    master = Keys12.master_secret(
        suite, _secret(share, body), c.transcript if ems else None, c.hello.random + random
    )
    if public is not None:
        before = c.transcript
        _, body = c.receive(names.CERTIFICATE_VERIFY)
        sites.check_proof(public, body, before)
    keys = Keys12(suite, master, c.hello.random, random)
    client = _client_finished(c, keys)
    now = time.time()
    state = State(
        TLS12, suite, master, ems=ems, sni=c.hello.sni, alpn=c.alpn, context=c.policy.context,
        client=public is not None, issued=now, authenticated=now, host=c.host.index,
        serial=next(c.host.fleet.serial),
    )
    if ticket:
        lifetime = c.host.lifetime(c.policy, state)
        c.send(new_session_ticket12(lifetime, c.host.seal(c.policy, state)))
    if cached:
        c.host.cache(c.policy).put(session_id, state)
    c.client_verified, c.verified = client, client + _server_finished(c, keys)


def handshake(c):
    c.alpn = c.choose_alpn()
    state, cached = _take(c)
    if state is None:
        _full(c)
    else:
        _abbreviated(c, state, cached)


def renegotiate(c, whole):
    """A ClientHello inside the connection: declined, unless the policy has it otherwise."""
    if c.policy.renegotiation == "refused":
        c.alert(NO_RENEGOTIATION, level=1)
        return
    c.hello = decode_client_hello(whole)
    if c.policy.renegotiation == "secure":
        if c.hello.extensions.get(names.EXT_RENEGOTIATION) != vec8(c.client_verified):
            raise Abort(HANDSHAKE_FAILURE)
    c.transcript = whole
    c.resumed = False
    handshake(c)
