"""
A ClientHello after a HelloRetryRequest that names another site than the first did: what counts is the
second, for the site and its client authentication as for the session that is offered.
"""

import pytest
from checks import assert_full, assert_resumed, fresh, offer_for
from configs import config, listener, site
from mutual import NO_CERTIFICATE, assert_refused, fresh_as, people, verify
from rawtls import exchange

OPEN, CLOSED, OPTIONAL = "open.test", "closed.test", "optional.test"
UNKNOWN = "unknown.test"


@pytest.fixture(scope="module")
def who(tmp_path_factory):
    return people(tmp_path_factory.mktemp("people"))


@pytest.fixture
def address(reprised, authority, who):
    """The open site is the default; the optional one asks for certificates of another authority."""
    certificate = authority.issue("*.test")
    made = listener(
        site(certificate, OPEN),
        site(certificate, CLOSED, **verify(who.ca)),
        site(certificate, OPTIONAL, **verify(who.other_ca, "optional")),
    )
    return reprised(config(made)).address


def switched(offer, first, second):
    return offer.but(sni=first, shares=(), second=(("sni", second),))


@pytest.mark.parametrize("first", [OPEN, OPTIONAL, UNKNOWN, None])
def test_into_the_closed_site(address, who, first):
    """Without a session, with one of the first name's, and with one of the closed site's own."""
    own = fresh_as(address, "psk", who.alice, sni=CLOSED)
    for offer in (offer_for("psk"), fresh(address, "psk", sni=first).offer()):
        outcome = exchange(address, switched(offer, first, CLOSED))
        assert outcome.retried
        assert_refused(outcome, *NO_CERTIFICATE)
    outcome = exchange(address, switched(own.offer(), first, CLOSED))
    assert_resumed(outcome, "psk")
    assert outcome.page["client"] == "CN=alice"


@pytest.mark.parametrize("second", [OPEN, OPTIONAL, UNKNOWN, None])
def test_out_of_the_closed_site(address, who, second):
    """Who the client is at the closed site is not told elsewhere."""
    own = fresh_as(address, "psk", who.alice, sni=CLOSED)
    outcome = exchange(address, switched(own.offer(), CLOSED, second))
    assert_full(outcome)
    assert outcome.retried and outcome.page["client"] is None
    # A certificate that the closed site takes is none for the optional one, and not asked for else.
    outcome = exchange(address, switched(offer_for("psk", client=who.alice), CLOSED, second))
    if second == OPTIONAL:
        assert_refused(outcome, "unknown_ca")
    else:
        assert_full(outcome)
        assert not outcome.asked and outcome.page["client"] is None
