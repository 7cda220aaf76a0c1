"""
Sees each fault with its own eyes: rawtls, and nothing of the prober's. A proof says whether a
laboratory has the fault; it must say no of the sound counterpart.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import early_client
from harness import wait_seconds
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from rawtls import TLS12, TLS13, Connection, Malformed, Offer, PeerAlert, exchange, names, tls12

SNI = "a.lab.test"
KINDS = {
    "id": {"versions": (TLS12,), "ticket": None},
    "ticket": {"versions": (TLS12,)},
    "psk": {"versions": (TLS13,)},
}
TICKETS = ("ticket", "psk")
PAGE = "/"
IV_AT, BODY_AT = 16, 32
EXTRA_TRIES = 12  # for what happens one time in ten


def full(lab, kind, at=0, **changes):
    """The outcome of a full handshake, whatever comes of it."""
    return exchange(lab[at], Offer(**(KINDS[kind] | {"sni": SNI} | changes)), PAGE)


def fresh(lab, kind, at=0, **changes):
    outcome = full(lab, kind, at, **changes)
    assert outcome.done and not outcome.resumed, outcome.trace
    return outcome.session


def offer(lab, session, at=0, **changes):
    return exchange(lab[at], session.offer(**changes), PAGE)


def resumes(lab, session, at=0, **changes):
    outcome = offer(lab, session, at, **changes)
    return outcome.done and outcome.resumed


def fresh_resumes(lab, kind, at=0, **changes):
    return resumes(lab, fresh(lab, kind, at), at, **changes)


def flip(ticket, at, bit=1):
    out = bytearray(ticket)
    out[at] ^= bit
    return bytes(out)


def accepts_changed(lab, change, at=0, tries=1):
    for kind in TICKETS:
        for _ in range(tries):
            session = fresh(lab, kind, at)
            if resumes(lab, session.with_ticket(change(session.ticket)), at):
                return True
    return False


def last_bit(ticket):
    return flip(ticket, -1)


def answers(lab, *changes):
    """What an observer sees of a ticket changed in each of these ways."""
    out = []
    for change in changes:
        session = fresh(lab, "ticket")
        outcome = offer(lab, session.with_ticket(change(session.ticket)))
        out.append((outcome.done, outcome.resumed, outcome.alert, outcome.closed))
    return out


# Names.


def sni_blind(lab, kinds=("id", "ticket", "psk")):
    def under(kind, sni):
        return fresh_resumes(lab, kind, sni=sni)

    return all(under(k, n) for k in kinds for n in ("b.lab.test", None, "unknown.lab.test"))


def sni_blind_12(lab):
    return sni_blind(lab, ("id", "ticket"))


def client_certificate_bypass(lab):
    demanded = full(lab, "psk", sni="secure.lab.test")
    assert demanded.alert or demanded.closed, "the site asks for no certificate"
    return all(fresh_resumes(lab, k, sni="secure.lab.test") for k in KINDS)


# Tickets.


def mac_unchecked(lab):
    return accepts_changed(lab, last_bit)


def mac_unchecked_on_one(lab):
    return [accepts_changed(lab, last_bit, at) for at in range(3)] == [False, False, True]


def mac_unchecked_at_times(lab):
    return not accepts_changed(lab, last_bit) and accepts_changed(lab, last_bit, tries=EXTRA_TRIES)


def mac_without_name(lab):
    return accepts_changed(lab, lambda t: flip(t, 10))


def mac_without_iv(lab):
    return accepts_changed(lab, lambda t: flip(t, IV_AT + 6))


def mac_short(lab):
    return accepts_changed(lab, last_bit) and not accepts_changed(lab, lambda t: flip(t, -32))


def ticket_extended(lab):
    return accepts_changed(lab, lambda t: t + b"\0") and not accepts_changed(lab, last_bit)


def padding_oracle(lab):
    # The last byte of the last block but one changes the padding; the MAC is 32 bytes.
    padding, mac = answers(lab, lambda t: flip(t, -32 - 16 - 1), last_bit)
    return padding != mac


def ticket_timing(lab):
    """Wrong padding and a wrong MAC in turn: one answer, and one of them later."""
    pairs = []
    for _ in range(9):
        session = fresh(lab, "ticket")
        padding, mac = (
            offer(lab, session.with_ticket(flip(session.ticket, at))) for at in (-32 - 16 - 1, -1)
        )
        assert not padding.resumed and padding.trace == mac.trace
        pairs.append(mac.seconds - padding.seconds)
    return statistics.median(pairs) > 0.01


def ticket_alert(lab):
    return all(a[2] for a in answers(lab, last_bit, lambda t: flip(t, 0)))


def ticket_close(lab):
    return all(not a[0] and a[3] for a in answers(lab, last_bit, lambda t: flip(t, 0)))


def ticketbleed(lab):
    session = fresh(lab, "ticket")
    return offer(lab, session, session_id=b"\x11").server_session_id != b"\x11"


def plain_ticket(lab):
    return all(s.secret in s.ticket for s in (fresh(lab, k) for k in TICKETS))


def keystream_reused(lab):
    one, other = fresh(lab, "ticket"), fresh(lab, "ticket")
    a, b = one.ticket[BODY_AT:-32], other.ticket[BODY_AT:-32]
    mixed = bytes(x ^ y for x, y in zip(a, b))
    return bytes(x ^ y for x, y in zip(one.secret, other.secret)) in mixed


def _opens_with_zeroes(ticket):
    cipher = Cipher(algorithms.AES(bytes(32)), modes.CBC(ticket[IV_AT:BODY_AT])).decryptor()
    return cipher.update(ticket[BODY_AT:-32]).startswith(b"\x30\x82")


def zero_key(lab):
    return all(_opens_with_zeroes(fresh(lab, k).ticket) for k in TICKETS)


def zero_key_on_one(lab):
    weak = [_opens_with_zeroes(fresh(lab, "psk", at).ticket) for at in range(3)]
    return weak == [False, False, True]


# PSKs.


def psk_ke(lab):
    return fresh_resumes(lab, "psk", psk_modes=(names.PSK_KE,))


def _binder(edit, at=0):
    return lambda lab: fresh_resumes(lab, "psk", at, edit_binders=edit)


def _flipped(binders):
    return [flip(b, -1) for b in binders]


binder_unchecked = _binder(_flipped)
binder_byte = _binder(_flipped)
binder_prefix = _binder(lambda binders: [b"" for _ in binders])


def binder_stale(lab):
    return fresh_resumes(lab, "psk", shares=(), stale_binders=True)


def binder_any(lab):
    """Two identities that open, with their binders swapped."""
    one, other = fresh(lab, "psk"), fresh(lab, "psk")
    return resumes(lab, one, sessions=(one, other), edit_binders=lambda b: [b[1], b[0]])


def binder_unchecked_at_times(lab):
    tries = [_binder(_flipped)(lab) for _ in range(EXTRA_TRIES)]
    return any(tries) and not all(tries)


def binder_unchecked_on_one(lab):
    return [_binder(_flipped, at)(lab) for at in range(3)] == [False, False, True]


def hash_mismatch(lab):
    session = fresh(lab, "psk", suites=(names.AES128_SHA256,))
    outcome = offer(lab, session, suites=(names.AES256_SHA384,))
    return names.EXT_PSK in outcome.extensions


def version_confusion(lab):
    session = replace(fresh(lab, "ticket"), version=TLS13, suite=names.AES256_SHA384)
    as_psk = names.EXT_PSK in offer(lab, session).extensions
    session = replace(fresh(lab, "psk"), version=TLS12, suite=names.ECDSA_AES256)
    return as_psk and resumes(lab, session)


def identity_flood(lab):
    live = fresh(lab, "psk")
    junk = [live.with_ticket(live.ticket[:16] + bytes([i]) * 100) for i in range(200)]
    crowd = offer(lab, live, sessions=tuple(junk + [live]))
    huge = offer(lab, live, sessions=(live.with_ticket(live.ticket[:16] + bytes(40000)),))
    return not crowd.done and not huge.done


def identity_stall(lab):
    live = fresh(lab, "psk")
    junk = [live.with_ticket(live.ticket[:16] + bytes([i]) * 100) for i in range(200)]
    return offer(lab, live, sessions=(*junk, live)).seconds > 3


# TLS 1.2.


def ems_ignored(lab):
    dropped = fresh_resumes(lab, "ticket", ems=False)
    outcome = full(lab, "ticket", ems=False)
    added = bool(outcome.sessions) and resumes(lab, outcome.session, ems=True)
    return dropped and added


def session_killed(lab):
    session = fresh(lab, "id")
    assert resumes(lab, session)
    try:
        offer(lab, replace(session, secret=bytes(48)))
    except Malformed:
        pass  # the server's Finished is not for us
    # The server learns of it on another thread.
    until = time.monotonic() + 2
    while resumes(lab, session):
        if time.monotonic() > until:
            return False
        wait_seconds(0.2)
    return True


def _renegotiates(lab, edit=lambda hello: hello):
    with Connection(lab[0], Offer(versions=(TLS12,), sni=SNI)) as c:
        assert c.handshake().done
        c.records.write(names.HANDSHAKE, edit(tls12.renegotiation_hello(c)))
        try:
            kind, _, _ = c.message()
        except PeerAlert:
            return False
        return kind == names.SERVER_HELLO


def renegotiation(lab):
    return _renegotiates(lab) and not _renegotiates(lab, last_bit)


def insecure_renegotiation(lab):
    return _renegotiates(lab, last_bit)


# Early data.


def early_replay(lab):
    flight = early_client.FirstFlight(fresh(lab, "psk"))
    assert early_client.send(lab[0], flight), "not even the first time"
    return early_client.send(lab[0], flight)


def early_replay_race(lab):
    flight = early_client.FirstFlight(fresh(lab, "psk"))
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: early_client.send(lab[0], flight), range(4)))
    return sum(taken) > 1 and not early_client.send(lab[0], flight)


def early_replay_elsewhere(lab):
    flight = early_client.FirstFlight(fresh(lab, "psk"))
    assert early_client.send(lab[0], flight), "not even the first time"
    return any(early_client.send(lab[at], flight) for at in (1, 2))


def early_other_alpn(lab):
    session = fresh(lab, "psk", alpn=("http/1.1",))
    return early_client.send(lab[0], early_client.FirstFlight(session, alpn=("h2",)))


def early_refused(lab):
    session = fresh(lab, "psk")
    return not early_client.send(lab[0], early_client.FirstFlight(session))


def early_other_name(lab):
    flight = early_client.FirstFlight(fresh(lab, "psk"), sni="b.lab.test")
    return early_client.send(lab[0], flight)


def early_oversize(lab):
    def alert(n):
        flight = early_client.FirstFlight(fresh(lab, "psk"), early=bytes(n))
        return early_client.ending(lab[0], flight)

    return alert(16384) == alert(16385)


# Lifetimes and linkability.


def endless_chain(lab):
    session = fresh(lab, "psk")
    until = time.monotonic() + 3 * session.lifetime
    while time.monotonic() < until:
        wait_seconds(0.7)
        outcome = offer(lab, session)
        if not outcome.resumed:
            return False
        session = outcome.session
    return True


def lifetime_too_long(lab):
    return all(fresh(lab, k).lifetime > 604800 for k in TICKETS)


def accepted_past_lifetime(lab):
    session = fresh(lab, "psk")
    wait_seconds(session.lifetime + 1)
    return resumes(lab, session)


def refused_before_lifetime(lab):
    session = fresh(lab, "psk")
    wait_seconds(session.lifetime - 4)
    return not resumes(lab, session)


def same_ticket(lab):
    session = fresh(lab, "psk")
    return offer(lab, session).session.ticket == session.ticket


def _age_adds(lab):
    return {s.age_add for _ in range(3) for s in full(lab, "psk").sessions}


def age_add_zero(lab):
    return _age_adds(lab) == {0}


def age_add_fixed(lab):
    return len(_age_adds(lab)) == 1


def nonce_reused(lab):
    nonces = [s.nonce for s in full(lab, "psk").sessions]
    return len(nonces) > len(set(nonces))


def other_certificate(lab):
    shown = [full(lab, "psk", at).certificate for at in range(3)]
    return shown[0] == shown[1] != shown[2] and resumes(lab, fresh(lab, "psk", 0), 2)


# The matrix: rows where a session was issued, columns where it was offered.


def matrix(lab, kind):
    """A row for each address; None where nothing was issued."""
    out = []
    for i in range(len(lab)):
        row = []
        for j in range(len(lab)):
            issued = full(lab, kind, i)
            row.append(resumes(lab, issued.session, j) if issued.sessions else None)
        out.append(row)
    return out


def _is(kinds, *rows):
    wanted = [[{"+": True, "-": False, " ": None}[c] for c in row] for row in rows]
    return lambda lab: all(matrix(lab, kind) == wanted for kind in kinds)


nothing_issued = _is(KINDS, "   ", "   ", "   ")
no_tickets_on_one = _is(("psk",), "++-", "++-", "   ")
ids_not_kept = _is(("id",), "---", "---", "---")
keys_apart = _is(TICKETS, "+--", "-+-", "--+")
key_apart_on_one = _is(TICKETS, "++-", "++-", "--+")
key_lagging = _is(TICKETS, "++-", "++-", "+++")
same_name_other_key = _is(TICKETS, "++-", "++-", "--+")
other_context = _is(KINDS, "++-", "++-", "--+")
other_context_and_certificate = other_context
caches_apart = _is(("id",), "+--", "-+-", "--+")
caches_apart_alone = caches_apart
ems_differs = _is(("id", "ticket"), "++-", "++-", "--+")


def _mixed(kind, at=0):
    def see(lab):
        tries = [fresh_resumes(lab, kind, at) for _ in range(24)]
        return any(tries) and not all(tries)

    return see


key_per_process = _mixed("ticket")
key_per_process_on_one = _mixed("psk", 2)
cache_per_process = _mixed("id")


def other_key_at_times(lab):
    tries = [fresh_resumes(lab, "psk") for _ in range(2 * EXTRA_TRIES)]
    return 1 <= tries.count(False) <= 4


def invalid_answer_on_one(lab):
    def answer(at):
        try:
            return resumes(lab, fresh(lab, "psk", 0), at)
        except Malformed:
            return "garbled"

    return [answer(at) for at in range(3)] == [True, True, "garbled"]


def unstable(lab):
    ends = [full(lab, "psk").closed for _ in range(2 * EXTRA_TRIES)]
    return any(ends) and not all(ends)


def named_refused(lab):
    named = [resumes(lab, fresh(lab, kind)) for kind in KINDS]
    bare = [resumes(lab, fresh(lab, kind, sni=None)) for kind in KINDS]
    return not any(named) and all(bare)


def expires_early(lab):
    session = fresh(lab, "psk")
    soon = resumes(lab, session)
    wait_seconds(1.5)
    return soon and not resumes(lab, session)


def mixed_backends(lab):
    shown = {full(lab, "psk").certificate for _ in range(12)}
    return len(shown) == 2 and _mixed("psk")(lab)


def cipher_differs(lab):
    def row(i):
        both = (names.AES256_SHA384, names.AES128_SHA256)
        return [resumes(lab, fresh(lab, "psk", i), j, suites=both) for j in range(3)]

    first, last = [True, True, False], [False, False, True]
    return [row(i) for i in range(3)] == [first, first, last]


def single_use(lab):
    def twice(kind):
        session = fresh(lab, kind)
        return [resumes(lab, session), resumes(lab, session)]

    return all(twice(kind) == [True, False] for kind in KINDS)


def alert_on_one(lab):
    outcome = offer(lab, fresh(lab, "psk", 0), 2)
    return bool(outcome.alert) and full(lab, "psk", 2).done


def cut_on_one(lab):
    outcome = offer(lab, fresh(lab, "ticket", 0), 2)
    return outcome.closed and full(lab, "ticket", 2).done


def cut_at_times(lab):
    ends = [offer(lab, fresh(lab, "psk")).closed for _ in range(2 * EXTRA_TRIES)]
    return 1 <= sum(ends) <= 4


def no_tls13_on_one(lab):
    return [full(lab, "psk", at).alert for at in range(3)] == ["", "", "protocol_version"]


def of(name):
    return globals()[name.replace("-", "_")]
