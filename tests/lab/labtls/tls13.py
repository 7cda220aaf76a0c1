"""TLS 1.3 as a server does it: full, by PSK, with early data, after a HelloRetryRequest."""

import hmac
import os
import time

from rawtls import TLS12, TLS13, names
from rawtls.codec import Reader, u8, u16, u24, vec8, vec16
from rawtls.keys import Aead13, Schedule13, Share, digest, suite_hash
from rawtls.record import PeerClosed

from . import sites
from .early import EarlyKeys, accepts_early
from .hello import (
    DECRYPT_ERROR,
    HANDSHAKE_FAILURE,
    ILLEGAL_PARAMETER,
    MISSING_EXTENSION,
    UNEXPECTED_MESSAGE,
    Abort,
    alpn_extension,
    certificate13,
    decode_client_hello,
    extensions_block,
    message,
    new_session_ticket13,
    server_hello,
)
from .records import EARLY_MOST
from .session import State, is_for

END_OF_EARLY_DATA = 5
FIXED_AGE_ADD = 0x12345678


class Sealer(Aead13):
    """Protection of one direction, which can step back over a record that was not for it."""

    def sequence(self):
        return self._seq

    def rewind(self, sequence):
        self._seq = sequence


def _check(hello):
    """What RFC 8446 section 9.2 and 4.2.11 demand of a ClientHello."""
    if hello.identities or hello.has(names.EXT_PSK):
        if not hello.identities:
            raise Abort(ILLEGAL_PARAMETER)
        if not hello.has(names.EXT_PSK_MODES):
            raise Abort(MISSING_EXTENSION)
    if hello.has(names.EXT_EARLY_DATA) and not hello.identities:
        raise Abort(ILLEGAL_PARAMETER)


def _choose_suite(c):
    for suite in c.policy.suites13:
        if suite in c.hello.suites:
            return suite
    raise Abort(HANDSHAKE_FAILURE)


def _retry(c, suite):
    """Asks for another share (RFC 8446 section 4.4.1 for the transcript)."""
    group = next((g for g in c.policy.groups if g in c.hello.groups), None)
    if group is None:
        raise Abort(HANDSHAKE_FAILURE)
    hashed = digest(suite_hash(suite), c.transcript)
    c.transcript = u8(names.MESSAGE_HASH) + u24(len(hashed)) + hashed
    listed = [(names.EXT_VERSIONS, u16(TLS13)), (names.EXT_KEY_SHARE, u16(group))]
    c.send(server_hello(names.RETRY_RANDOM, c.hello.session_id, suite, listed))
    if c.hello.has(names.EXT_EARLY_DATA):
        c.records.skipping = EARLY_MOST
    _second_hello(c)
    c.records.skipping = 0
    if group not in c.hello.shares:
        raise Abort(ILLEGAL_PARAMETER)


def _second_hello(c):
    kind, _, whole = c.records.message()
    if kind != names.CLIENT_HELLO:
        raise Abort(UNEXPECTED_MESSAGE)
    sni = c.hello.sni
    c.hello = decode_client_hello(whole)
    if c.hello.sni != sni:
        raise Abort(ILLEGAL_PARAMETER)
    _check(c.hello)
    c.transcript += whole


def _unknown(c):
    if c.policy.on_unknown == "alert":
        raise Abort(ILLEGAL_PARAMETER)
    if c.policy.on_unknown == "close":
        raise PeerClosed


def _allowed(c, state, suite):
    p = c.policy
    if state.version != TLS13 and (p.version_bound or state.version != TLS12):
        return False
    if p.hash_bound and suite_hash(state.suite) != suite_hash(suite):
        return False
    return is_for(state, c)


def _binder_matches(c, state, suite, index):
    mode = c.policy.binder
    if mode == "unchecked":
        return True
    if mode == "any":
        return any(_is_binder(c, state, suite, given) for given in c.hello.binders)
    given = c.hello.binders[index] if index < len(c.hello.binders) else b""
    if mode == "stale" and c.first_binders is not c.hello.binders:
        if index < len(c.first_binders) and given == c.first_binders[index]:
            return True
    return _is_binder(c, state, suite, given)


def _is_binder(c, state, suite, given):
    mode = c.policy.binder
    prefix = c.transcript[: len(c.transcript) - len(c.hello.message)]
    cut = c.hello.message[: len(c.hello.message) - c.hello.binders_len]
    # A server that ignores the hash of the PSK knows but that of its suite.
    bound = c.policy.hash_bound and state.version == TLS13
    hashes = [state.suite] if bound else [state.suite, suite]
    for known in hashes:
        right = Schedule13(suite_hash(known), state.secret).binder(prefix + cut)
        if mode == "prefix":
            right = right[: len(given)]
        if mode == "byte":
            right, given = right[:1], given[:1]
        if hmac.compare_digest(right, given):
            return True
    return False


def _take(c, suite):
    """The session to resume and its index; none of them is a full handshake."""
    hello, p = c.hello, c.policy
    if not hello.identities or not p.tickets13:
        return None, 0
    modes = (names.PSK_DHE_KE, names.PSK_KE) if p.psk_ke else (names.PSK_DHE_KE,)
    if len(hello.binders) != len(hello.identities) and p.binder != "unchecked":
        raise Abort(ILLEGAL_PARAMETER)
    if not any(mode in hello.psk_modes for mode in modes):
        return None, 0
    for index, (ticket, _) in enumerate(hello.identities[: p.most_identities]):
        state = c.host.unseal(p, ticket)
        if state is None:
            if index == 0:
                _unknown(c)
            continue
        if not _allowed(c, state, suite):
            continue
        if not _binder_matches(c, state, suite, index):
            raise Abort(DECRYPT_ERROR)
        if p.single_use and not c.host.fleet.used.first(("13", state.serial)):
            continue
        return state, index
    return None, 0


def _share(c):
    for group in c.policy.groups:
        if group in c.hello.shares:
            share = Share(group)
            return share, share.secret(c.hello.shares[group])
    return None, b""


def _hello_listed(share, state, index):
    out = [(names.EXT_VERSIONS, u16(TLS13))]
    if share:
        out.append((names.EXT_KEY_SHARE, u16(share.group) + vec16(share.public)))
    if state:
        out.append((names.EXT_PSK, u16(index)))
    return out


def _encrypted_extensions(c, early):
    listed = []
    if c.alpn:
        listed.append(alpn_extension(c.alpn))
    if early:
        listed.append((names.EXT_EARLY_DATA, b""))
    c.send(message(names.ENCRYPTED_EXTENSIONS, extensions_block(listed)))


def _authenticate(c, hash_name):
    if c.site.client_authority:
        schemes = b"".join(u16(s) for s in sites.SCHEMES)
        listed = [(names.EXT_SIGNATURES, vec16(schemes))]
        c.send(message(names.CERTIFICATE_REQUEST, vec8(b"") + extensions_block(listed)))
    c.send(certificate13(c.site.certificate.chain))
    label = b"TLS 1.3, server CertificateVerify"
    data = b" " * 64 + label + b"\0" + digest(hash_name, c.transcript)
    c.send(message(names.CERTIFICATE_VERIFY, c.site.certificate.sign(c.hello.signatures, data)))


def _client_certificate(c, hash_name):
    _, body = c.receive(names.CERTIFICATE)
    r = Reader(body)
    r.vec8()
    listed, chain = Reader(r.vec24()), []
    while listed.left():
        chain.append(listed.vec24())
        listed.vec16()
    public = sites.check_client(c.site.client_authority, chain, sites.REQUIRED13)
    label = b"TLS 1.3, client CertificateVerify"
    data = b" " * 64 + label + b"\0" + digest(hash_name, c.transcript)
    _, body = c.receive(names.CERTIFICATE_VERIFY)
    sites.check_proof(public, body, data)


def _read_early(c, keys):
    """Up to EndOfEarlyData."""
    c.records.open = keys.client
    while True:
        kind, _, whole = c.records.message()
        if kind == END_OF_EARLY_DATA:
            c.transcript += whole
            c.early, c.records.application = c.records.application, b""
            return
        too_much = c.policy.early_counted and len(c.records.application) > c.policy.early
        if kind is not None or too_much:
            raise Abort(UNEXPECTED_MESSAGE)


def _age_add(c):
    if c.policy.age_add == "zero":
        return 0
    if c.policy.age_add == "fixed":
        return FIXED_AGE_ADD
    return int.from_bytes(os.urandom(4), "big")


def _issue(c, suite, resumption, schedule, former):
    """NewSessionTickets, as many as the policy says."""
    p, now = c.policy, time.time()
    for i in range(p.renewed13 if former else p.tickets13):
        nonce = b"\0" if p.nonce == "same" else os.urandom(4) + u8(i)
        state = State(
            TLS13, suite, schedule.psk(resumption, nonce), sni=c.hello.sni, alpn=c.alpn,
            context=p.context, client=former.client if former else bool(c.site.client_authority),
            issued=now, authenticated=former.authenticated if former else now,
            age_add=_age_add(c), early=p.early, host=c.host.index,
            serial=next(c.host.fleet.serial),
        )
        sealed = c.host.seal(p, state)
        if former and p.reissue == "same":
            sealed = c.hello.identities[0][0]
        lifetime = c.host.lifetime(p, state)
        whole = new_session_ticket13(lifetime, state.age_add, nonce, sealed, p.early)
        c.records.write(names.HANDSHAKE, whole)


def _finish(c, schedule, client_secret, early):
    """From the server's Finished to the client's; the application keys stand afterwards."""
    server_application = schedule.derive(b"s ap traffic", c.transcript)
    client_application = schedule.derive(b"c ap traffic", c.transcript)
    c.records.seal = Sealer(c.suite, server_application)
    if early:
        _read_early(c, early)
    c.records.open = Sealer(c.suite, client_secret)
    if c.site.client_authority and not c.resumed:
        _client_certificate(c, schedule.hash)
    expected = schedule.finished(client_secret, c.transcript)
    _, body = c.receive(names.FINISHED)
    if not hmac.compare_digest(body, expected):
        raise Abort(DECRYPT_ERROR)
    c.records.skipping = 0
    c.records.open = Sealer(c.suite, client_application)


def _negotiate(c):
    """Suite, share and session; True if it took a HelloRetryRequest."""
    _check(c.hello)
    c.records.tls13 = True
    c.suite = _choose_suite(c)
    c.first_binders = c.hello.binders
    shareless = c.policy.psk_ke and names.PSK_KE in c.hello.psk_modes
    if shareless or any(g in c.hello.shares for g in c.policy.groups):
        return False
    _retry(c, c.suite)
    return True


def _resume(c):
    """The session, if one is taken, and the ServerHello's part of the key exchange."""
    state, index = _take(c, c.suite)
    share, secret = _share(c)
    if state and c.policy.psk_ke and names.PSK_DHE_KE not in c.hello.psk_modes:
        share, secret = None, b""
    if not state and not share:
        raise Abort(HANDSHAKE_FAILURE)
    c.resumed = state is not None
    if state:
        c.leave_on_resume()
    return state, index, share, secret


def _early_keys(c, state, index, retried):
    if not c.hello.has(names.EXT_EARLY_DATA):
        return None
    if accepts_early(c, state, index, c.suite, retried):
        return EarlyKeys(Sealer, c.suite, state.secret, c.transcript)
    c.records.skipping = EARLY_MOST
    return None


def handshake(c):
    retried = _negotiate(c)
    c.alpn = c.choose_alpn()
    state, index, share, secret = _resume(c)
    early = _early_keys(c, state, index, retried)
    listed = _hello_listed(share, state, index)
    c.send(server_hello(os.urandom(32), c.hello.session_id, c.suite, listed))
    if c.hello.session_id and not retried:
        c.records.write(names.CCS, b"\x01")
    schedule = Schedule13(suite_hash(c.suite), c.secret_of(state) if state else b"")
    schedule.mix(secret)
    client_secret = schedule.derive(b"c hs traffic", c.transcript)
    server_secret = schedule.derive(b"s hs traffic", c.transcript)
    c.records.seal = Sealer(c.suite, server_secret)
    if not early:
        c.records.open = Sealer(c.suite, client_secret)
    _encrypted_extensions(c, early is not None)
    if not state:
        _authenticate(c, schedule.hash)
    c.send(message(names.FINISHED, schedule.finished(server_secret, c.transcript)))
    schedule.mix(b"")
    _finish(c, schedule, client_secret, early)
    if names.PSK_DHE_KE in c.hello.psk_modes or c.policy.psk_ke:
        resumption = schedule.derive(b"res master", c.transcript)
        _issue(c, c.suite, resumption, schedule, state)
