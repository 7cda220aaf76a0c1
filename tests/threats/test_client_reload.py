"""Client certificates across a reload: what has changed counts at once, for old sessions too."""

import signal

import pytest
from checks import KINDS, assert_full, offer_for
from client_authority import ClientAuthority, as_certificate
from configs import one_site
from mutual import (
    REVOKED, UNKNOWN, assert_refused, assert_resumed_as, fresh_as, people, served,
)
from rawtls import exchange


@pytest.fixture(scope="module")
def who(tmp_path_factory):
    return people(tmp_path_factory.mktemp("people"))


def reload(server, config=None):
    since = server.mark()
    if config:
        server.write_config(config)
    server.signal(signal.SIGHUP)
    server.wait_log("reloaded", since=since)


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_is_revoked(reprised, certificate, who, kind):
    """The list replaced and read again: refused on resumption at once, and only who is on it."""
    crl = who.ca.crl()
    server = reprised(served(certificate, who.ca, crl=crl))
    sessions = {c: fresh_as(server.address, kind, c) for c in (who.alice, who.bob)}
    for client, session in sessions.items():
        assert_resumed_as(exchange(server.address, session.offer()), kind, client)
    who.ca.crl(who.alice, path=crl)
    reload(server)
    since = server.mark()
    offer = sessions[who.alice].offer(client=who.alice)
    assert_refused(exchange(server.address, offer), *REVOKED)
    server.wait_log("handshake failed", since=since,
                    reason="client certificate: certificate revoked")
    assert_resumed_as(exchange(server.address, sessions[who.bob].offer()), kind, who.bob)
    who.ca.crl(path=crl)
    reload(server)
    assert_resumed_as(exchange(server.address, sessions[who.alice].offer()), kind, who.alice)


@pytest.mark.parametrize("kind", KINDS)
def test_an_authority_that_is_removed(reprised, certificate, who, kind):
    server = reprised(served(certificate, [who.ca, who.other_ca]))
    sessions = {c: fresh_as(server.address, kind, c) for c in (who.alice, who.mallory)}
    reload(server, served(certificate, who.ca))
    outcome = exchange(server.address, sessions[who.mallory].offer(client=who.mallory))
    assert_refused(outcome, *UNKNOWN)
    outcome = exchange(server.address, sessions[who.alice].offer(client=who.alice))
    assert_full(outcome, "policy-changed")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before,after", [
    ("off", "required"), ("optional", "required"), ("required", "off"), ("required", "optional"),
])
def test_another_policy(reprised, certificate, who, kind, before, after):
    """Sessions of the old policy cost a full handshake under the new one."""

    def under(mode):
        return one_site(certificate) if mode == "off" else served(certificate, who.ca, mode)

    server = reprised(under(before))
    client = None if before == "off" else who.alice
    session = exchange(server.address, offer_for(kind, client=client)).session
    assert_resumed_as(exchange(server.address, session.offer()), kind, client)
    reload(server, under(after))
    outcome = exchange(server.address, session.offer(client=who.bob))
    assert_full(outcome, "policy-changed")
    assert outcome.page["client"] == (None if after == "off" else "CN=bob")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_policy(reprised, certificate, who, kind):
    """A bundle in another order, and a CA's new certificate for the same key, change nothing."""
    server = reprised(served(certificate, [who.ca, who.other_ca]))
    session = fresh_as(server.address, kind, who.alice)
    for cas in ([who.other_ca, who.ca], [who.ca.renewed(), who.other_ca],
                [who.ca, who.ca.renewed(), who.other_ca]):
        reload(server, served(certificate, cas))
        assert_resumed_as(exchange(server.address, session.offer()), kind, who.alice)
    outcome = exchange(server.address, session.offer())
    reload(server, served(certificate, [ClientAuthority(who.ca.folder), who.other_ca]))
    outcome = exchange(server.address, session.offer(client=who.mallory))
    assert_full(outcome, "policy-changed")


@pytest.mark.parametrize("kind", KINDS)
def test_an_intermediate_that_is_revoked(reprised, certificate, who, kind):
    """The lists of all in the chain count, on resumption too."""
    between = ClientAuthority(who.ca.folder, "Intermediate", who.ca)
    client = between.client("carol")
    crl = who.ca.crl()
    server = reprised(served(certificate, [who.ca, between], crl=[crl, between.crl()]))
    session = fresh_as(server.address, kind, client)
    assert_resumed_as(exchange(server.address, session.offer()), kind, client)
    who.ca.crl(as_certificate(between), path=crl)
    reload(server)
    assert_refused(exchange(server.address, session.offer(client=client)), *REVOKED)
