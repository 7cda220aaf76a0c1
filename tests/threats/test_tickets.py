"""What a ticket shows, and what becomes of one that was tampered with."""

import os
import statistics

import pytest
from checks import assert_full, assert_resumed, fresh, offer_for
from configs import one_site
from rawtls import exchange

TICKETS = ("ticket", "psk")


def tampered(ticket):
    """Every byte flipped, every cut, some extensions."""
    for i in range(len(ticket)):
        flip = bytearray(ticket)
        flip[i] ^= 1 << (i % 8)
        yield bytes(flip)
    for n in range(1, len(ticket)):
        yield ticket[:n]
    for n in (1, 15, 16, 17, 32, 1000):
        yield ticket + bytes(n)
        yield ticket + os.urandom(n)
    yield ticket + ticket


@pytest.mark.deadline(120)
@pytest.mark.parametrize("kind", TICKETS)
def test_a_malleable_ticket(server, kind):
    """RFC 5077 section 4 and 5.1; Vaudenay 2002: whatever was changed, one and the same answer."""
    session = fresh(server, kind)
    assert_resumed(exchange(server, session.offer()), kind)
    seen = set()
    for ticket in tampered(session.ticket):
        outcome = exchange(server, session.with_ticket(ticket).offer())
        assert_full(outcome)
        assert outcome.page["verdict"] in ("unknown-key", "forged", "malformed")
        seen.add(outcome.fingerprint())
    assert len(seen) == 1, f"the answers can be told apart: {seen}"
    assert_resumed(exchange(server, session.offer()), kind)


@pytest.mark.full
@pytest.mark.deadline(300)
def test_the_time_of_a_refusal(reprised, certificate):
    """
    Vaudenay 2002; Lucky Thirteen, 2013: where in the ticket the first wrong bit stands cannot be
    told from the time of the answer.
    """
    server = reprised(one_site(certificate, workers=1)).address
    session = fresh(server, "ticket")
    n = len(session.ticket)
    places = {"IV": 20, "first block": 36, "last block": n - 40, "MAC": n - 32, "its end": n - 1}
    times = {place: [] for place in places}
    for _ in range(600):
        for place, at in places.items():
            flip = bytearray(session.ticket)
            flip[at] ^= 0x40
            outcome = exchange(server, session.with_ticket(flip).offer(), path=None)
            assert outcome.done and not outcome.resumed
            times[place].append(outcome.seconds)
    medians = {place: statistics.median(t) for place, t in times.items()}
    assert max(medians.values()) < 1.1 * min(medians.values()), medians


@pytest.mark.parametrize("kind", TICKETS)
def test_a_ticket_of_one_block_moved(server, kind):
    """Vaudenay 2002: blocks of one ticket put into another must fail at the MAC."""
    one, two = fresh(server, kind), fresh(server, kind)
    mixed = one.ticket[:48] + two.ticket[48:]
    assert_full(exchange(server, one.with_ticket(mixed).offer()), "forged")
    mixed = one.ticket[:-32] + two.ticket[-32:]
    assert_full(exchange(server, one.with_ticket(mixed).offer()), "forged")


@pytest.mark.parametrize("kind", TICKETS)
def test_a_ticket_shows_no_secret(server, kind):
    """Hebrok et al., USENIX Security 2023: tickets that are not encrypted at all."""
    for _ in range(10):
        session = fresh(server, kind)
        for at in range(len(session.secret) - 7):
            assert session.secret[at : at + 8] not in session.ticket
        assert b"localhost" not in session.ticket


@pytest.mark.parametrize("kind", TICKETS)
def test_tickets_do_not_share_a_keystream(server, kind):
    """Hebrok et al., USENIX Security 2023: the XOR of two secrets inside the XOR of two tickets."""
    sessions = [fresh(server, kind) for _ in range(48)]
    assert len({s.ticket[16:32] for s in sessions}) == len(sessions), "an IV came twice"
    for i, one in enumerate(sessions):
        for two in sessions[:i]:
            tickets = bytes(a ^ b for a, b in zip(one.ticket, two.ticket))
            secrets = bytes(a ^ b for a, b in zip(one.secret, two.secret))
            for at in range(0, len(secrets) - 15, 8):
                assert secrets[at : at + 16] not in tickets


def test_a_ticket_cannot_be_linked(server):
    """RFC 8446 appendix C.4 and 4.6.1: a fresh ticket each time, a random ticket_age_add."""
    sessions = []
    for _ in range(40):
        outcome = exchange(server, offer_for("psk"))
        assert_full(outcome)
        sessions += outcome.sessions
    first = sessions[0]
    for _ in range(40):
        outcome = exchange(server, first.offer())
        assert_resumed(outcome, "psk")
        assert len(outcome.sessions) == 1, "a resumption gives one fresh ticket"
        sessions += outcome.sessions
    assert len({s.ticket for s in sessions}) == len(sessions)
    assert len({s.age_add for s in sessions}) >= len(sessions) - 1
    for n in (0, 1):  # nor by any one part of it but the key name
        assert len({s.ticket[16 + 16 * n : 32 + 16 * n] for s in sessions}) == len(sessions)


def test_the_nonces_of_one_connection_differ(server):
    """RFC 8446 section 4.6.1: a nonce unique over all tickets of a connection."""
    outcome = exchange(server, offer_for("psk", ticket_request=(5, 1)))
    nonces = {s.nonce for s in outcome.sessions}
    assert len(nonces) == len(outcome.sessions) > 1
    assert len({s.secret for s in outcome.sessions}) == len(nonces)


def test_tickets_of_one_connection_all_resume(server):
    """RFC 8446 appendix C.4: several tickets, so that parallel connections need not share one."""
    outcome = exchange(server, offer_for("psk"))
    assert len(outcome.sessions) == 2
    for session in outcome.sessions:
        assert_resumed(exchange(server, session.offer()), "psk")


@pytest.mark.parametrize("asked,given", [((0, 0), 0), ((1, 0), 1), ((5, 0), 5), ((255, 255), 8)])
def test_a_flood_of_tickets_is_not_for_the_asking(server, asked, given):
    """RFC 9149 section 5: a client's ticket_request is honoured, and capped."""
    outcome = exchange(server, offer_for("psk", ticket_request=asked))
    assert_full(outcome)
    assert len(outcome.sessions) == given
