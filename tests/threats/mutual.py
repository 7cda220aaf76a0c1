"""What the tests of client certificates share: who is who, and what refusal looks like."""

from dataclasses import dataclass

from checks import assert_full, assert_resumed, describe, offer_for
from client_authority import ClientAuthority
from configs import config, listener, site
from rawtls import exchange

NO_CERTIFICATE = ("certificate_required", "handshake_failure")  # TLS 1.3 and 1.2
REVOKED, EXPIRED, UNKNOWN = ("certificate_revoked",), ("certificate_expired",), ("unknown_ca",)


@dataclass
class People:
    """One authority and its clients; and one that nobody trusts."""

    ca: ClientAuthority
    alice: object
    bob: object
    other_ca: ClientAuthority
    mallory: object


def people(folder):
    ca, other = ClientAuthority(folder), ClientAuthority(folder, "Other CA")
    return People(ca, ca.client("alice"), ca.client("bob"), other, other.client("mallory"))


def verify(ca, mode="required", **more):
    """The directives of a site that asks for certificates of these authorities."""
    cas = ca if isinstance(ca, list) else [ca]
    return {"client_verify": mode, "client_ca": [c.path for c in cas]} | more


def fresh_as(address, kind, client, **changes):
    """A session of a full handshake as this client."""
    outcome = exchange(address, offer_for(kind, client=client, **changes))
    assert_full(outcome)
    assert outcome.asked, "no certificate was asked for:" + describe(outcome)
    assert outcome.page["client"] == name_of(client), describe(outcome)
    return outcome.session


def name_of(client):
    return f"CN={client.chain.name.split('-')[0]}" if client else None


def assert_refused(outcome, *alerts):
    """No byte was served; under TLS 1.3 the client's side of the handshake may look complete."""
    text = describe(outcome)
    assert not outcome.resumed, "resumed:" + text
    assert not outcome.body, "served:" + text
    assert outcome.alert in alerts, f"not {alerts}:" + text


def served(certificate, *args, **more):
    """One site that asks for certificates."""
    return config(listener(site(certificate, "localhost", **verify(*args, **more))))


def assert_resumed_as(outcome, kind, client):
    assert_resumed(outcome, kind)
    assert outcome.page["client"] == name_of(client), describe(outcome)
