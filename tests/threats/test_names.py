"""Sessions are bound to the name and the site that they were made for."""

import pytest
from checks import KINDS, assert_full, assert_resumed, fresh
from configs import config, listener, site
from rawtls import exchange

A, B = "a.example.test", "b.example.test"
ONE, TWO = "one.shared.test", "two.shared.test"


@pytest.fixture
def certificates(authority):
    return {name: authority.issue(name) for name in (A, B, ONE, TWO)}


@pytest.fixture
def sites(reprised, certificates):
    """Two listeners: a (the default), b, and two names of one domain; and b first."""
    c = certificates
    first = listener(
        site(c[A], A), site(c[B], B), site(c[ONE], ONE, domain="shared"),
        site(c[TWO], TWO, domain="shared"),
    )
    return reprised(config(first, listener(site(c[B], B), site(c[A], A))))


def check_other_name(server, certificates, kind, made_for, offered, shown):
    address = server.address
    session = fresh(address, kind, sni=made_for)
    outcome = exchange(address, session.offer(sni=offered))
    assert_full(outcome)
    assert outcome.certificate == certificates[shown].der, "another site's certificate"
    assert outcome.page["verdict"] != "none", "the session was not even looked at"
    assert_resumed(exchange(address, session.offer()), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("offered,shown", [(B, B), (None, A), ("unknown.test", A)])
def test_a_session_of_one_site_under_another_name(sites, certificates, kind, offered, shown):
    """
    RFC 6066 section 3; CVE-2025-23419; Hebrok et al., 2025: a session of a with another known name,
    with none, with an unknown one for which a is the default.
    """
    check_other_name(sites, certificates, kind, A, offered, shown)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("made_for", [None, "unknown.test"])
def test_a_session_without_a_known_name(sites, certificates, kind, made_for):
    """Hebrok et al., 2025: a session made under no name or an unknown one, offered to sites."""
    check_other_name(sites, certificates, kind, made_for, A, A)
    check_other_name(sites, certificates, kind, made_for, B, B)


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_one_domain(sites, certificates, kind):
    """RFC 6066 section 3: one domain shares keys, yet a session is good under its name only."""
    check_other_name(sites, certificates, kind, ONE, TWO, TWO)


def test_a_site_cannot_read_another_ones_ticket(sites):
    """Springall et al., IMC 2016: a STEK for each domain."""
    names = {name: fresh(sites.address, "ticket", sni=name).ticket[:16] for name in (A, B, ONE)}
    assert len(set(names.values())) == 3, "two domains seal under one key name"
    assert names[ONE] == fresh(sites.address, "ticket", sni=TWO).ticket[:16]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_site_on_another_listener(sites, certificates, kind):
    """
    Delignat-Lavaud and Bhargavan, 2015: where another site is the default, a session of a resumes
    as a's, and under an unknown name it resumes nowhere.
    """
    session = fresh(sites.address, kind, sni=A)
    other = sites.addresses[1]
    assert_resumed(exchange(other, session.offer()), kind)
    for name in (B, None, "unknown.test"):
        outcome = exchange(other, session.offer(sni=name))
        assert_full(outcome)
        assert outcome.certificate == certificates[B].der


@pytest.mark.parametrize("kind", KINDS)
def test_strict_sni(reprised, certificates, kind):
    """Delignat-Lavaud and Bhargavan, 2015: with strict_sni, no answer for a name that is none."""
    server = reprised(config(listener(site(certificates[A], A), strict_sni=True))).address
    session = fresh(server, kind, sni=A)
    for name in (None, "unknown.test"):
        outcome = exchange(server, session.offer(sni=name))
        assert not outcome.done and outcome.alert == "unrecognized_name", outcome.trace
    assert_resumed(exchange(server, session.offer()), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_case_of_a_name_does_not_matter(sites, kind):
    """RFC 6066 section 3: host names are compared without regard to case."""
    session = fresh(sites.address, kind, sni=A)
    assert_resumed(exchange(sites.address, session.offer(sni=A.upper())), kind)


@pytest.mark.parametrize("path", ["/", "/session.json"])
def test_a_request_for_another_site(sites, path):
    """Delignat-Lavaud and Bhargavan, 2015; RFC 9110 section 15.5.20: 421, not another's page."""
    from rawtls import Connection, Offer

    with Connection(sites.address, Offer(sni=A)) as c:
        assert c.handshake().done
        c.request(path, host=B)
        assert c.records.application.split(b" ")[1] == b"421", c.records.application[:200]
