"""
CVE-2025-23419; Hebrok et al., 2025: a session of one site is no way around another one's client
authentication, under any server name, none, or an unknown one.
"""

import pytest
from checks import KINDS, assert_full, assert_resumed, fresh, offer_for
from configs import config, listener, one_site, site
from mutual import NO_CERTIFICATE, assert_refused, fresh_as, people, verify
from rawtls import exchange
from static_keys import check_config, key_file, nginx_key

OPEN, CLOSED = "open.test", "closed.test"
UNKNOWN = "unknown.test"


@pytest.fixture(scope="module")
def who(tmp_path_factory):
    return people(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def certificates(authority):
    return {name: authority.issue(name) for name in (OPEN, CLOSED)}


def two_listeners(certificates, who, **more):
    """The open site is the default of the first, the closed one that of the second."""
    open_site = site(certificates[OPEN], OPEN)
    closed = site(certificates[CLOSED], CLOSED, **verify(who.ca))
    return config(listener(open_site, closed), listener(closed, open_site), **more)


@pytest.fixture
def sites(reprised, certificates, who):
    return reprised(two_listeners(certificates, who))


def closed_ways(server):
    """Where and under which names one meets the closed site."""
    first, second = server.addresses
    return [(first, CLOSED), (second, CLOSED), (second, None), (second, UNKNOWN)]


def open_ways(server):
    first, second = server.addresses
    return [(first, OPEN), (second, OPEN), (first, None), (first, UNKNOWN)]


def check_closed(server, session, who):
    for address, name in closed_ways(server):
        assert_refused(exchange(address, session.offer(sni=name)), *NO_CERTIFICATE)
        outcome = exchange(address, session.offer(sni=name, client=who.alice))
        assert_full(outcome)
        assert outcome.asked and outcome.page["client"] == "CN=alice"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("made_for", [OPEN, None, UNKNOWN])
def test_a_session_without_certificate_at_a_closed_site(sites, who, kind, made_for):
    """Under the closed site's name, and under none and an unknown one where it is the default."""
    session = fresh(sites.addresses[0], kind, sni=made_for)
    check_closed(sites, session, who)
    assert_resumed(exchange(sites.addresses[0], session.offer()), kind)


def test_after_a_hello_retry_request(sites, who):
    """The site is chosen anew by the second ClientHello, and asks as it does after the first."""
    first, second = sites.addresses
    session = fresh(first, "psk", sni=OPEN, shares=())
    for address, name in closed_ways(sites):
        outcome = exchange(address, session.offer(sni=name, shares=()))
        assert outcome.retried
        assert_refused(outcome, *NO_CERTIFICATE)
    assert_resumed(exchange(first, session.offer(shares=())), "psk")
    session = fresh_as(second, "psk", who.alice, sni=CLOSED, shares=())
    outcome = exchange(first, session.offer(shares=()))
    assert_resumed(outcome, "psk")
    assert outcome.retried and outcome.page["client"] == "CN=alice"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("made_for", [CLOSED, None, UNKNOWN])
def test_a_session_with_certificate_at_an_open_site(sites, who, kind, made_for):
    """The reverse: who the client is stays at the site that asked for it."""
    made_at = sites.addresses[1]
    session = fresh_as(made_at, kind, who.alice, sni=made_for)
    for address, name in open_ways(sites):
        outcome = exchange(address, session.offer(sni=name))
        assert_full(outcome)
        assert not outcome.asked and outcome.page["client"] is None
    resumed = exchange(made_at, session.offer())
    assert_resumed(resumed, kind)
    assert resumed.page["client"] == "CN=alice"


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_made_under_another_name_of_the_closed_site(sites, who, kind):
    """RFC 6066 section 3: made under no name or an unknown one, it is good for neither other."""
    made_at = sites.addresses[1]
    ways = [CLOSED, None, UNKNOWN]
    for made_for in ways:
        session = fresh_as(made_at, kind, who.alice, sni=made_for)
        for name in ways:
            outcome = exchange(made_at, session.offer(sni=name, client=who.bob))
            if name == made_for:
                assert_resumed(outcome, kind)
            else:
                assert_full(outcome, "wrong-sni")
            assert outcome.page["client"] == ("CN=alice" if outcome.resumed else "CN=bob")


@pytest.mark.parametrize("kind", KINDS)
def test_one_name_under_two_policies(reprised, certificates, who, kind):
    """
    One name at two listeners: what the one is content with does not get past the other; not a
    session without certificate, and neither one with it, which the other's CAs may not know.
    """
    modes = [{}, verify(who.ca, "optional"), verify(who.ca), verify([who.ca, who.other_ca])]
    server = reprised(
        config(*(listener(site(certificates[OPEN], OPEN, **mode)) for mode in modes))
    )
    for at, mode in zip(server.addresses, modes):
        for client in (None, who.alice):
            offer = offer_for(kind, sni=OPEN, client=client)
            outcome = exchange(at, offer)
            if client is None and mode.get("client_verify") == "required":
                assert_refused(outcome, *NO_CERTIFICATE)
                continue
            assert_full(outcome)
            session = outcome.session
            for other in server.addresses:
                again = exchange(other, session.offer(client=who.bob))
                if other == at:
                    assert_resumed(again, kind)
                else:
                    assert_full(again, "policy-changed")


@pytest.mark.parametrize("kind", KINDS)
def test_optional_and_required_in_one_process(reprised, authority, who, kind):
    """A session that the optional site made without certificate, where one is required."""
    certificate = authority.issue("*.test")
    made = listener(
        site(certificate, "optional.test", **verify(who.ca, "optional")),
        site(certificate, "required.test", **verify(who.ca)),
    )
    address = reprised(config(made)).address
    session = fresh(address, kind, sni="optional.test")
    assert_refused(exchange(address, session.offer(sni="required.test")), *NO_CERTIFICATE)
    assert_resumed(exchange(address, session.offer()), kind)


@pytest.mark.parametrize("kind", ["ticket", "psk"])
def test_two_domains_over_two_hosts(reprised, certificates, who, tmp_path, kind):
    """Hosts that share keys: each site's sessions resume at its own on the other host, only."""
    top = {"session_ticket_key": [key_file(tmp_path, "shared.key", nginx_key(80))]}
    hosts = [reprised(two_listeners(certificates, who, **top)) for _ in range(2)]
    for here, there in (hosts, reversed(hosts)):
        made = fresh(here.address, kind, sni=OPEN)
        assert_resumed(exchange(there.address, made.offer()), kind)
        check_closed(there, made, who)
        made = fresh_as(here.address, kind, who.alice, sni=CLOSED)
        outcome = exchange(there.address, made.offer())
        assert_resumed(outcome, kind)
        assert outcome.page["client"] == "CN=alice"
        for address, name in open_ways(there):
            assert_full(exchange(address, made.offer(sni=name)))


def test_one_domain_under_two_policies(certificates, who, tmp_path):
    """A domain is a set of sites under one policy, over all listeners; order does not matter."""

    def check(*sites):
        listeners = [listener(one) for one in sites]
        return check_config(tmp_path, config(*listeners))

    def shared(name, **more):
        return site(certificates[OPEN], name, domain="shared", **more)

    both, turned = verify([who.ca, who.other_ca]), verify([who.other_ca, who.ca])
    assert check(shared("a", **both), shared("b", **turned)) == (
        0, f"{tmp_path}/checked.yaml: ok\n")
    for other in ({}, verify(who.ca, "optional"), turned, verify(who.ca, client_verify_depth=2)):
        code, said = check(shared("a", **verify(who.ca)), shared("c"), shared("b", **other))
        assert code == 1
        assert "names the domain shared, as the site a in line" in said, said
        assert "checked.yaml:" in said


def test_nothing_is_asked_for_by_default(reprised, certificate):
    outcome = exchange(reprised(one_site(certificate)).address, offer_for("psk"))
    assert_full(outcome)
    assert not outcome.asked and outcome.page["client"] is None
