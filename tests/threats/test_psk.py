"""TLS 1.3 PSKs offered as no honest client would."""

import os
import time
from dataclasses import replace

import pytest
from checks import assert_aborted, assert_full, assert_resumed, fresh
from rawtls import TLS12, TLS13, Offer, exchange, names


def flipped(binders):
    return [bytes([b[0] ^ 1]) + b[1:] for b in binders]


def last_bit(binders):
    return [b[:-1] + bytes([b[-1] ^ 0x80]) for b in binders]


BINDERS = {
    "flipped": flipped,
    "last bit": last_bit,
    "zero": lambda binders: [bytes(len(b)) for b in binders],
    "short": lambda binders: [b[:31] for b in binders],
    "long": lambda binders: [b + b"\0" for b in binders],
    "none": lambda binders: [],
    "too many": lambda binders: binders + binders,
    "too many, the first wrong": lambda binders: flipped(binders) + binders,
}


@pytest.mark.parametrize("how", BINDERS)
def test_a_wrong_binder(server, how):
    """RFC 8446 section 4.2.11: a binder that is not valid aborts the handshake."""
    session = fresh(server, "psk")
    assert_aborted(exchange(server, session.offer(edit_binders=BINDERS[how])))
    assert_resumed(exchange(server, session.offer()), "psk")


@pytest.mark.parametrize(
    "edit",
    [lambda b: [b[1], b[0]], lambda b: b[:1], lambda b: b + [bytes(32)]],
    ids=["swapped", "too few", "too many"],
)
def test_the_binders_of_two_identities(server, edit):
    """RFC 8446 section 4.2.11: one binder for each identity, in the same order."""
    offer = fresh(server, "psk").offer(sessions=(fresh(server, "psk"), fresh(server, "psk")))
    assert_resumed(exchange(server, offer), "psk")
    assert_aborted(exchange(server, offer.but(edit_binders=edit)))


def test_a_stale_binder_after_a_hello_retry_request(server):
    """RFC 8446 section 4.2.11.2: the second binder covers the first ClientHello and the retry."""
    session = fresh(server, "psk")
    again = exchange(server, session.offer(shares=()))
    assert_resumed(again, "psk")
    assert again.retried
    stale = exchange(server, session.offer(shares=(), stale_binders=True))
    assert stale.retried
    assert_aborted(stale)


def test_an_altered_transcript(server):
    """RFC 8446 section 4.2.11.2: the binder covers every byte of the ClientHello before it."""
    session = fresh(server, "psk")

    def other_random(message):
        return message[:10] + bytes([message[10] ^ 1]) + message[11:]

    assert_aborted(exchange(server, session.offer(edit_hello=other_random)))

    def other_name(message):
        return message.replace(b"localhost", b"localhosT")

    assert_aborted(exchange(server, session.offer(edit_hello=other_name)))


def test_psk_without_a_key_exchange(server):
    """RFC 8446 section 2.2 and 4.2.9: psk_ke alone gives up forward secrecy; not resumed."""
    session = fresh(server, "psk")
    assert_full(exchange(server, session.offer(psk_modes=(names.PSK_KE,))))
    both = exchange(server, session.offer(psk_modes=(names.PSK_KE, names.PSK_DHE_KE)))
    assert_resumed(both, "psk")
    assert names.EXT_KEY_SHARE in both.extensions, "resumed without a key exchange"


def test_psk_ke_without_a_key_share(server):
    """RFC 8446 section 4.2.9: with no key share at all there is nothing left to agree on."""
    session = fresh(server, "psk")
    outcome = exchange(server, session.offer(psk_modes=(names.PSK_KE,), shares=(), groups=()))
    assert not outcome.resumed, outcome.trace


def test_a_psk_without_modes(server):
    """RFC 8446 section 4.2.9: pre_shared_key without psk_key_exchange_modes is an abort."""
    session = fresh(server, "psk")
    assert_aborted(exchange(server, session.offer(psk_modes=None)))


@pytest.mark.parametrize(
    "made,offered",
    [(names.AES128_SHA256, names.AES256_SHA384), (names.AES256_SHA384, names.AES128_SHA256)],
)
def test_a_psk_of_another_hash(server, made, offered):
    """RFC 8446 section 4.6.1: a ticket is good with suites of its own KDF hash only."""
    session = fresh(server, "psk", suites=(made,))
    assert_full(exchange(server, session.offer(suites=(offered,))))
    assert_resumed(exchange(server, session.offer(suites=(made,))), "psk")


def test_a_tls12_ticket_as_a_psk(server):
    """RFC 8446 section 4.6.1, 4.2.11: not its kind of ticket; a full handshake, no alert."""
    session = fresh(server, "ticket")
    as_psk = replace(session, version=TLS13, suite=names.AES128_SHA256)
    assert_full(exchange(server, as_psk.offer()))
    assert_resumed(exchange(server, session.offer()), "ticket")


def test_a_psk_as_a_tls12_ticket(server):
    """RFC 5077 section 3.4: the reverse."""
    session = fresh(server, "psk")
    as_ticket = replace(session, version=TLS12, suite=names.ECDSA_AES128)
    assert_full(exchange(server, as_ticket.offer()))
    assert_resumed(exchange(server, session.offer()), "psk")


def test_a_ticket_offered_in_both_ways(server):
    """RFC 8446 appendix D: a client of both versions offers a 1.2 ticket; 1.3 is negotiated."""
    session = fresh(server, "ticket")
    outcome = exchange(server, session.offer(versions=(TLS13, TLS12)))
    assert_full(outcome)
    assert outcome.version == TLS13
    psk = fresh(server, "psk")
    assert_resumed(exchange(server, psk.offer(versions=(TLS13, TLS12))), "psk")


def test_the_second_identity_is_good(server):
    """RFC 8446 section 4.2.11: an identity that is not known is passed over."""
    good = fresh(server, "psk")
    unknown = good.with_ticket(os.urandom(200))
    outcome = exchange(server, good.offer(sessions=(unknown, good)))
    assert_resumed(outcome, "psk")
    assert outcome.identity == 1


def junk(session, n):
    """Identities that bear the live key name and nothing else."""
    made = []
    for _ in range(n):
        body = os.urandom(min(len(session.ticket), 250) - 16)
        made.append(session.with_ticket(session.ticket[:16] + body))
    return tuple(made)


@pytest.mark.parametrize("n", [20, 200])
def test_a_flood_of_identities(server, n):
    """Each identity with a live key name costs the server a MAC: count capped before any."""
    session = fresh(server, "psk")
    plain = exchange(server, Offer())
    started = time.monotonic()
    outcome = exchange(server, session.offer(sessions=junk(session, n)))
    assert_full(outcome, "too-many")
    assert time.monotonic() - started < 2 + 20 * plain.seconds
    assert_resumed(exchange(server, session.offer()), "psk")


def test_a_huge_identity(server):
    """An identity of 40,000 bytes under a live key name: size capped before any MAC."""
    session = fresh(server, "psk")
    huge = session.with_ticket(session.ticket[:16] + os.urandom(40000 - 16))
    assert_full(exchange(server, session.offer(sessions=(huge,))), "too-many")
    assert_resumed(exchange(server, session.offer()), "psk")


def test_a_huge_ticket(server):
    """The same in TLS 1.2."""
    session = fresh(server, "ticket")
    huge = session.with_ticket(session.ticket[:16] + os.urandom(40000 - 16))
    assert_full(exchange(server, huge.offer()), "too-many")
    assert_resumed(exchange(server, session.offer()), "ticket")
