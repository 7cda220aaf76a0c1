"""What tests say of an outcome, in one place, so that a failure shows all of it."""

from rawtls import TLS12, TLS13, Offer, exchange

KINDS = ("session-id", "ticket", "psk")


def describe(outcome):
    body = outcome.body.decode(errors="replace")[:600]
    return f"\n  trace: {outcome.trace}\n  alert: {outcome.alert!r}\n  page: {body}"


def assert_full(outcome, *verdicts):
    """Served, by a full handshake, with none but (one of) these verdicts if any are given."""
    text = describe(outcome)
    assert outcome.done and not outcome.alert, "not served:" + text
    assert not outcome.resumed, "resumed:" + text
    assert outcome.page["session"] == "New", "the server says otherwise:" + text
    if verdicts:
        assert outcome.page["verdict"] in verdicts, "another verdict:" + text


def assert_resumed(outcome, kind=None):
    text = describe(outcome)
    assert outcome.done and outcome.resumed, "not resumed:" + text
    assert outcome.page["session"] == "Reused", "the server says otherwise:" + text
    if kind:
        assert outcome.page["mechanism"] == kind, "another mechanism:" + text


def assert_aborted(outcome):
    text = describe(outcome)
    assert not outcome.done, "served:" + text
    assert outcome.alert or outcome.closed, "neither alert nor end:" + text


def offer_for(kind, **changes):
    """A ClientHello for a full handshake whose session will resume in this way."""
    by_kind = {
        "session-id": {"versions": (TLS12,), "ticket": None},
        "ticket": {"versions": (TLS12,)},
        "psk": {"versions": (TLS13,)},
    }
    return Offer(**(by_kind[kind] | changes))


def fresh(address, kind, **changes):
    """A session of a full handshake, its outcome checked."""
    outcome = exchange(address, offer_for(kind, **changes))
    assert_full(outcome)
    session = outcome.session
    assert (kind == "session-id") != bool(session.ticket), describe(outcome)
    return session


def key_name(session):
    return session.ticket[:16].hex()
