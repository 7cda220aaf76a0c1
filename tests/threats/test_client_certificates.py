"""
Hebrok et al., 2025: what a full handshake asks of a client's certificate, a resumption asks again,
by session ID, ticket and PSK alike.
"""

import datetime

import pytest
from checks import KINDS, assert_full, offer_for
from client_authority import ClientAuthority
from harness import wait_seconds
from mutual import (
    EXPIRED, NO_CERTIFICATE, REVOKED, UNKNOWN, assert_refused, assert_resumed_as, fresh_as,
    people, served,
)
from rawtls import exchange
from static_keys import key_file, nginx_key


@pytest.fixture(scope="module")
def who(tmp_path_factory):
    return people(tmp_path_factory.mktemp("people"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_stays_who_it_was(reprised, certificate, who, kind):
    """Its name is on the page and in the log, after a full handshake and after a resumption."""
    server = reprised(served(certificate, who.ca))
    session = fresh_as(server.address, kind, who.alice)
    for _ in range(3):
        since = server.mark()
        assert_resumed_as(exchange(server.address, session.offer()), kind, who.alice)
        server.wait_log("connection", since=since, session="Reused", client="CN=alice")


@pytest.mark.parametrize("kind", KINDS)
def test_another_certificate_on_resumption(reprised, certificate, who, kind):
    """It is not asked for: the session is alice's, whoever holds it; a full handshake is bob's."""
    address = reprised(served(certificate, who.ca)).address
    session = fresh_as(address, kind, who.alice)
    for client in (who.bob, who.mallory, None):
        outcome = exchange(address, session.offer(client=client))
        assert_resumed_as(outcome, kind, who.alice)
        assert not outcome.asked
    assert fresh_as(address, kind, who.bob)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["optional", "required"])
def test_who_is_refused(reprised, certificate, who, kind, mode):
    """Optional means that none is needed, not that a bad one is taken."""
    crl = who.ca.crl(revoked := who.ca.client("revoked"))
    server = reprised(served(certificate, who.ca, mode, crl=crl))
    refused = {
        who.mallory: (UNKNOWN, "unable to get local issuer certificate"),
        who.ca.client("old", -datetime.timedelta(hours=1)): (EXPIRED, "has expired"),
        revoked: (REVOKED, "certificate revoked"),
    }
    for client, (alert, reason) in refused.items():
        since = server.mark()
        outcome = exchange(server.address, offer_for(kind, client=client))
        assert_refused(outcome, *alert)
        line = server.wait_log("handshake failed", since=since)
        assert line["reason"].startswith("client certificate: ") and reason in line["reason"]
    outcome = exchange(server.address, offer_for(kind))
    if mode == "required":
        assert_refused(outcome, *NO_CERTIFICATE)
    else:
        assert_full(outcome)
        assert outcome.page["client"] is None
        assert_resumed_as(exchange(server.address, outcome.session.offer()), kind, None)
    assert_full(exchange(server.address, offer_for(kind, client=who.alice)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_expires(reprised, certificate, who, kind):
    """Between a full handshake and a resumption: no session outlives the certificate."""
    server = reprised(served(certificate, who.ca))
    client = who.ca.client("short", datetime.timedelta(seconds=4))
    session = fresh_as(server.address, kind, client)
    assert_resumed_as(exchange(server.address, session.offer()), kind, client)
    wait_seconds(5)
    assert_refused(exchange(server.address, session.offer(client=client)), *EXPIRED)
    outcome = exchange(server.address, session.offer(client=who.alice))
    assert_full(outcome, "certificate")
    assert outcome.page["client"] == "CN=alice"


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_that_goes_out_of_date(reprised, certificate, who, kind):
    """Who was revoked since then, nobody knows: refused, as in a full handshake; and warned of."""
    crl = who.ca.crl(until=datetime.timedelta(seconds=4))
    server = reprised(served(certificate, who.ca, crl=crl))
    session = fresh_as(server.address, kind, who.alice)
    assert_resumed_as(exchange(server.address, session.offer()), kind, who.alice)
    wait_seconds(5)
    outcome = exchange(server.address, session.offer(client=who.alice))
    assert_refused(outcome, "certificate_expired", "certificate_unknown", "bad_certificate")


@pytest.mark.parametrize("kind", KINDS)
def test_intermediates(reprised, certificate, who, kind):
    """
    A session keeps the client's certificate and no chain: those whose chain the site knows resume,
    the others, whose intermediates nobody could look up, never do.
    """
    between = ClientAuthority(who.ca.folder, "Intermediate", who.ca)
    client = between.client("carol")
    whole, part = served(certificate, [who.ca, between]), served(certificate, who.ca)
    address = reprised(whole).address
    session = fresh_as(address, kind, client)
    assert_resumed_as(exchange(address, session.offer()), kind, client)
    address = reprised(part).address
    session = fresh_as(address, kind, client)
    outcome = exchange(address, session.offer(client=client))
    assert_full(outcome, "certificate")
    assert outcome.page["client"] == "CN=carol"


@pytest.mark.parametrize("kind", ["ticket", "psk"])
def test_hosts_that_know_more(reprised, certificate, who, tmp_path, kind):
    """
    Two hosts with one policy share sessions; the one that has the newer list refuses the client,
    and one with other CAs takes none of the other's sessions.
    """
    top = {"session_ticket_key": [key_file(tmp_path, "shared.key", nginx_key(80))]}
    settings = {
        "stale": served(certificate, who.ca, crl=who.ca.crl()),
        "fresh": served(certificate, who.ca, crl=who.ca.crl(who.alice)),
        "other": served(certificate, [who.ca, who.other_ca]),
    }
    hosts = {name: reprised(top | made).address for name, made in settings.items()}
    for client in (who.alice, who.bob):
        session = fresh_as(hosts["stale"], kind, client)
        assert_resumed_as(exchange(hosts["stale"], session.offer()), kind, client)
        outcome = exchange(hosts["fresh"], session.offer(client=client))
        if client is who.alice:
            assert_refused(outcome, *REVOKED)
        else:
            assert_resumed_as(outcome, kind, client)
        assert_full(exchange(hosts["other"], session.offer(client=client)), "policy-changed")


@pytest.mark.parametrize("depth,taken", [(0, False), (1, True)])
def test_depth(reprised, certificate, who, depth, taken):
    between = ClientAuthority(who.ca.folder, "Intermediate", who.ca)
    server = reprised(served(certificate, who.ca, client_verify_depth=depth))
    for kind in KINDS:
        outcome = exchange(server.address, offer_for(kind, client=between.client("carol")))
        if taken:
            assert_full(outcome)
        else:
            assert_refused(outcome, *UNKNOWN)
            server.wait_log("handshake failed", reason="client certificate: certificate chain "
                                                       "too long")
        assert_full(exchange(server.address, offer_for(kind, client=who.alice)))


def test_nobody_is_asked_after_the_handshake(reprised, certificate, who):
    """RFC 8446 section 4.6.2: no post-handshake authentication, offered or not."""
    address = reprised(served(certificate, who.ca)).address
    offer = offer_for("psk", client=who.alice, extra=((49, b""),))
    outcome = exchange(address, offer)
    assert_full(outcome)
    assert outcome.trace.count("certificate_request") == 1
    again = exchange(address, outcome.session.offer(extra=((49, b""),)))
    assert_resumed_as(again, "psk", who.alice)
    assert "certificate_request" not in again.trace
