"""Extended master secret, lifetimes, session IDs, renegotiation, ALPN."""

import os

import pytest
from checks import KINDS, assert_full, assert_resumed, fresh, offer_for
from configs import one_site
from harness import wait_seconds
from rawtls import (
    TLS12, Connection, Malformed, Offer, PeerAlert, PeerClosed, exchange, names,
)


@pytest.mark.parametrize("kind", ["session-id", "ticket"])
def test_extended_master_secret_dropped(server, kind):
    """RFC 7627 section 5.3: a session with it is never resumed without it."""
    session = fresh(server, kind)
    outcome = exchange(server, session.offer(ems=False))
    assert not outcome.resumed, outcome.trace
    assert outcome.alert or outcome.done
    assert_resumed(exchange(server, session.offer()), kind)


@pytest.mark.parametrize("kind", ["session-id", "ticket"])
def test_no_session_without_extended_master_secret(server, kind):
    """RFC 7627 section 5.4; triple handshake, 2014: neither ticket nor usable session ID."""
    outcome = exchange(server, offer_for(kind, ems=False))
    assert_full(outcome)
    assert not any(s.ticket for s in outcome.sessions), "a ticket without it"
    for session in outcome.sessions:
        for ems in (False, True):  # as it was, and added
            assert_full(exchange(server, session.offer(ems=ems)))


@pytest.mark.parametrize("n", [1, 16, 31, 32])
def test_ticketbleed(server, n):
    """CVE-2016-9244: the session ID beside a ticket is echoed exactly, whatever its length."""
    session = fresh(server, "ticket")
    outcome = exchange(server, session.offer(session_id=os.urandom(n)))
    assert_resumed(outcome, "ticket")
    assert outcome.server_session_id == outcome.offer.session_id


@pytest.mark.parametrize("n", [1, 16, 31, 32])
@pytest.mark.parametrize("versions", [(TLS12,), (names.TLS13,)])
def test_an_unknown_session_id(server, n, versions):
    """RFC 5246 section 7.4.1.2, RFC 8446 section 4.1.3: not known, or there for middleboxes."""
    outcome = exchange(server, Offer(versions=versions, session_id=os.urandom(n), ticket=None))
    assert_full(outcome)
    same = outcome.server_session_id == outcome.offer.session_id
    assert same == (versions != (TLS12,))


def attack(server, session, how):
    """Whoever saw a session ID on the wire offers it, without its secret."""
    with Connection(server, session.offer()) as c:
        try:
            c.handshake()
        except Malformed:
            pass  # what the server sends cannot be read
        assert c.outcome.resumed, f"the session is lost: {c.outcome.trace}"
        if how == "bad Finished":
            c.records.write(names.CCS, b"\x01")
            c.records.seal = c.keys.client
            c.records.write(names.HANDSHAKE, bytes([names.FINISHED, 0, 0, 12]) + bytes(12))
            c.records.open = None
            with pytest.raises(Exception):
                while True:
                    c.records.message()


@pytest.mark.parametrize("how", ["dropped", "bad Finished"])
@pytest.mark.parametrize("kind", ["session-id", "ticket"])
def test_a_session_survives_a_third_party(server, kind, how):
    """RFC 5246 section 7.2.2 read with care: a failed resumption must not delete the session."""
    session = fresh(server, kind)
    thief = fresh(server, kind)
    stolen = thief.__class__(**(vars(session) | {"secret": os.urandom(48)}))
    for _ in range(5):
        attack(server, stolen, how)
    assert_resumed(exchange(server, session.offer()), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_acceptance_equals_the_advertised_lifetime(reprised, certificate, kind):
    """RFC 8446 section 4.6.1, RFC 5077 section 3.3: good until then, and not after."""
    server = reprised(one_site(certificate, session_timeout="3s")).address
    session = fresh(server, kind)
    if kind != "session-id":
        assert session.lifetime == 3
    wait_seconds(2.2 - session.age_ms() / 1000)
    assert_resumed(exchange(server, session.offer()), kind)
    wait_seconds(max(0, 4.1 - session.age_ms() / 1000))
    assert_full(exchange(server, session.offer()), "expired")


@pytest.mark.parametrize("kind", ["ticket", "psk"])
def test_a_lifetime_of_seven_days_at_most(reprised, certificate, kind):
    """RFC 8446 section 4.6.1: at most 604,800 s, whatever is configured."""
    fleet = {"rotate": "1d", "accept": "30d"}
    server = reprised(one_site(certificate, fleet=fleet, session_timeout="7d", max_age="20d"))
    assert fresh(server.address, kind).lifetime == 604800


@pytest.mark.parametrize("kind", ["ticket", "psk"])
def test_a_lifetime_that_the_keys_can_keep(reprised, certificate, kind):
    """No promise that the key does not keep: the lifetime is clipped to what the ring will open."""
    fleet = {"rotate": "60s", "accept": "120s"}
    server = reprised(one_site(certificate, fleet=fleet, session_timeout="1d")).address
    assert 118 <= fresh(server, kind).lifetime <= 180


@pytest.mark.deadline(90)
def test_an_endless_chain_of_resumptions(reprised, certificate):
    """Sy et al., 2018: the total age is bounded; past it a full handshake, never an alert."""
    server = reprised(one_site(certificate, max_age="4s", session_timeout="1d")).address
    session = first = fresh(server, "psk")
    assert session.lifetime <= 4
    while True:
        outcome = exchange(server, session.offer())
        assert outcome.done and not outcome.alert, outcome.trace
        if not outcome.resumed:
            break
        assert first.age_ms() < 5200, "the chain goes on past max_age"
        if outcome.sessions:
            session = outcome.session
            assert session.lifetime <= 4 - (first.age_ms() - 1300) / 1000, "clipped to what remains"
        wait_seconds(0.25)
    assert first.age_ms() > 2800, "declined too early"
    assert_full(outcome, "expired", "none")
    assert outcome.sessions, "the new authentication begins a new chain"
    assert_resumed(exchange(server, outcome.session.offer()), "psk")


@pytest.mark.parametrize("kind", ["session-id", "ticket"])
def test_a_tls12_session_is_sealed_once(server, kind):
    """A renewed ticket would carry the same master secret under a newer key (RFC 5077 3.3)."""
    session = fresh(server, kind)
    for _ in range(3):
        outcome = exchange(server, session.offer())
        assert_resumed(outcome, kind)
        assert not any(s.ticket for s in outcome.sessions), "renewed"


@pytest.mark.parametrize("kind", ["session-id", "ticket"])
def test_renegotiation(server, kind):
    """CVE-2009-3555; RFC 5746: asked for inside a connection, it is refused."""
    for offer in (offer_for(kind), fresh(server, kind).offer()):
        with Connection(server, offer) as c:
            assert c.handshake().done
            before = len(c.outcome.trace)
            outcome = c.renegotiate()
            assert outcome.warnings == ["no_renegotiation"] or outcome.alert or outcome.closed
            assert not any("hello" in step for step in outcome.trace[before:])
            assert names.EXT_RENEGOTIATION in outcome.extensions, "RFC 5746 on resumption too"
    assert_full(exchange(server, offer_for(kind)))


def test_a_hello_inside_tls13(server):
    """RFC 8446 section 4.1.2: another ClientHello ends the connection."""
    for offer in (offer_for("psk"), fresh(server, "psk").offer()):
        with Connection(server, offer) as c:
            assert c.handshake().done
            c.records.write(names.HANDSHAKE, c.hello.message)
            with pytest.raises((PeerAlert, PeerClosed)) as raised:
                while True:
                    c.message()
            assert "unexpected_message" in str(raised.value)


def alpn_of(outcome):
    return outcome.extensions.get(names.EXT_ALPN)


@pytest.mark.parametrize("kind", KINDS)
def test_alpn_is_negotiated_anew(server, kind):
    """ALPACA, 2021; RFC 7301 section 3.1: on resumption as in a full handshake with that offer."""
    offers = [(), ("http/1.1",), ("h2", "http/1.1"), ("ftp",)]
    for made in offers:
        made_with = exchange(server, offer_for(kind, alpn=made))
        if not made_with.done:
            continue
        for offered in offers:
            full = exchange(server, offer_for(kind, alpn=offered))
            again = exchange(server, made_with.session.offer(alpn=offered))
            assert (again.done, again.alert) == (full.done, full.alert)
            assert alpn_of(again) == alpn_of(full)
