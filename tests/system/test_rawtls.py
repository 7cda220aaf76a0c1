"""The raw client against openssl s_server: what it says of a server can be believed."""

import pytest
from harness import OpensslServer
from rawtls import TLS12, TLS13, Offer, exchange, names

pytestmark = pytest.mark.tools
PAGE = "/"


@pytest.fixture
def server(running, certificate):
    return running(OpensslServer, certificate).address


def full(server, **changes):
    outcome = exchange(server, Offer(**changes), PAGE)
    assert outcome.done and not outcome.resumed, outcome.trace
    return outcome


@pytest.mark.parametrize("suite", [names.ECDSA_AES128, names.ECDSA_AES256])
def test_tls12_ticket(server, suite):
    first = full(server, versions=(TLS12,), suites=(suite,))
    assert first.ems and first.session.ticket and b"New" in first.body
    again = exchange(server, first.session.offer(), PAGE)
    assert again.done and again.resumed, again.trace
    assert again.server_session_id == again.offer.session_id


def test_tls12_session_id(server):
    first = full(server, versions=(TLS12,), ticket=None)
    assert len(first.session.session_id) == 32
    again = exchange(server, first.session.offer(), PAGE)
    assert again.done and again.resumed, again.trace


def test_tls12_rsa(running, rsa_certificate):
    server = running(OpensslServer, rsa_certificate).address
    first = full(server, versions=(TLS12,))
    assert first.suite == names.RSA_AES128
    assert exchange(server, first.session.offer(), PAGE).resumed


def test_tls12_without_ems(server):
    first = full(server, versions=(TLS12,), ems=False)
    assert not first.session.ems
    assert exchange(server, first.session.offer(), PAGE).resumed


@pytest.mark.parametrize("suite", [names.AES128_SHA256, names.AES256_SHA384])
@pytest.mark.parametrize("group", [names.X25519, names.SECP256R1])
def test_tls13_psk(server, suite, group):
    changes = {"suites": (suite,), "groups": (group,), "shares": (group,)}
    first = full(server, **changes)
    assert len(first.sessions) == 2 and first.suite == suite
    again = exchange(server, first.session.offer(**changes), PAGE)
    assert again.done and again.resumed and again.identity == 0, again.trace


def test_tls13_after_a_hello_retry_request(server):
    first = full(server, shares=())
    assert first.retried
    again = exchange(server, first.session.offer(shares=()), PAGE)
    assert again.done and again.resumed and again.retried, again.trace


def test_both_versions_offered(server):
    assert full(server, versions=(TLS13, TLS12)).version == TLS13


def test_a_wrong_binder_is_told(server):
    first = full(server)
    offer = first.session.offer(edit_binders=lambda b: [bytes(len(x)) for x in b])
    again = exchange(server, offer, PAGE)
    assert not again.done and again.alert in ("decrypt_error", "illegal_parameter")


def test_a_stale_binder_is_told(server):
    first = full(server)
    again = exchange(server, first.session.offer(shares=(), stale_binders=True), PAGE)
    assert not again.done and again.retried and again.alert


def test_an_unknown_ticket_is_a_full_handshake(server):
    first = full(server)
    again = exchange(server, first.session.with_ticket(bytes(200)).offer(), PAGE)
    assert again.done and not again.resumed


def test_renegotiation(running, certificate):
    from rawtls import Connection

    server = running(OpensslServer, certificate, args=["-no_renegotiation"]).address
    with Connection(server, Offer(versions=(TLS12,))) as c:
        assert c.handshake().done
        outcome = c.renegotiate()
        assert outcome.warnings == ["no_renegotiation"]


def test_the_fingerprint_is_stable(server):
    def seen():
        return full(server, versions=(TLS12,)).fingerprint()

    assert seen() == seen()
    assert seen() != full(server, versions=(TLS12,), ticket=None).fingerprint()
