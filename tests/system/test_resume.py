"""Four workers: every resumption of every mechanism, wherever the connection lands."""

import collections

import pytest
from checks import KINDS, assert_full, assert_resumed, fresh, key_name, offer_for
from configs import config, listener, one_site, site
from load import load
from rawtls import Offer, exchange, names
from static_keys import key_file, nginx_key

own_name = "own.shop.test"
MODES = {"id": "session-id", "ticket": "ticket", "psk": "psk"}


@pytest.mark.deadline(120)
@pytest.mark.parametrize("mode", MODES)
def test_a_thousand_of_a_thousand(reprised, certificate, mode):
    server = reprised(one_site(certificate, workers=4))
    code, found = load(server.address, "--mode", mode, "--count", 1000)
    assert code == 0 and found["good"], found
    (run,) = found["modes"]
    assert (run["resumed"], run["full"]) == (1000, 0), run
    assert run["failed"]["total"] == 0
    by_worker = collections.Counter(
        entry["worker"] for entry in server.logs("connection", session="Reused")
    )
    assert len(by_worker) == 4, f"not all workers took part: {by_worker}"
    assert min(by_worker.values()) > 100, f"unevenly spread: {by_worker}"


def test_full_handshakes_are_full(reprised, certificate):
    server = reprised(one_site(certificate, workers=4))
    code, found = load(server.address, "--mode", "full12,full13", "--count", 100)
    assert code == 0, found
    assert all(run["full"] == 100 and run["resumed"] == 0 for run in found["modes"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suite", ["AES-128", "AES-256"])
@pytest.mark.parametrize("key", ["ecdsa", "rsa"])
def test_any_suite_and_key(reprised, authority, kind, suite, key):
    certificate = authority.issue("localhost", kind=key)
    table = {
        ("ecdsa", "AES-128"): names.ECDSA_AES128, ("ecdsa", "AES-256"): names.ECDSA_AES256,
        ("rsa", "AES-128"): names.RSA_AES128, ("rsa", "AES-256"): names.RSA_AES256,
    }
    chosen = table[key, suite]
    if kind == "psk":
        chosen = names.AES128_SHA256 if suite == "AES-128" else names.AES256_SHA384
    address = reprised(one_site(certificate)).address
    session = fresh(address, kind, suites=(chosen,))
    assert session.suite == chosen
    assert_resumed(exchange(address, session.offer(suites=(chosen,))), kind)


@pytest.mark.parametrize("kind", ["session-id", "ticket"])
def test_two_certificates_of_one_site(reprised, authority, kind):
    """RSA and ECDSA together: the session is the site's, not the certificate's."""
    both = [authority.issue("localhost", kind=k) for k in ("ecdsa", "rsa")]
    made = listener(
        {
            "name": "localhost",
            "certificate": [c.chain for c in both],
            "key": [c.key for c in both],
        }
    )
    address = reprised(config(made)).address
    for certificate, suite in zip(both, (names.ECDSA_AES128, names.RSA_AES128)):
        outcome = exchange(address, offer_for(kind, suites=(suite,)))
        assert_full(outcome)
        assert outcome.certificate == certificate.der
        assert_resumed(exchange(address, outcome.session.offer(suites=(suite,))), kind)


def test_wildcard_names(reprised, authority):
    any_shop = authority.issue("*.shop.test")
    own, main = authority.issue("own.shop.test"), authority.issue("main.test")
    made = listener(site(main, "main.test"), site(any_shop, "*.shop.test"), site(own, own_name))
    address = reprised(config(made)).address
    shown = {
        "main.test": main, "a.shop.test": any_shop, "b.shop.test": any_shop, own_name: own,
        "a.b.shop.test": main, "shop.test": main, "OWN.shop.test": own,
    }
    for name, certificate in shown.items():
        outcome = exchange(address, Offer(sni=name))
        assert_full(outcome)
        assert outcome.certificate == certificate.der, name
        assert_resumed(exchange(address, outcome.session.offer()), "psk")




@pytest.mark.parametrize("kind", ["ticket", "psk"])
def test_resumption_outlives_a_certificate(reprised, authority, tmp_path, kind):
    """The session ID context is the policy's: another certificate of the site does not matter."""
    top = {"session_ticket_key": [key_file(tmp_path, "shared.key", nginx_key(80))]}
    before, after = (reprised(one_site(authority.issue("localhost"), top=top)) for _ in range(2))
    session = fresh(before.address, kind)
    assert_resumed(exchange(after.address, session.offer()), kind)


def test_what_the_page_and_the_log_say(reprised, certificate):
    """They agree with each other and with what the client saw."""
    server = reprised(one_site(certificate, workers=4))
    for kind in KINDS:
        session = fresh(server.address, kind)
        since = server.mark()
        outcome = exchange(server.address, session.offer())
        assert_resumed(outcome, kind)
        entry = server.wait_log("connection", since=since, session="Reused", mechanism=kind)
        page = outcome.page
        for field in ("session", "mechanism", "verdict", "version", "cipher", "worker"):
            assert str(entry[field]) == str(page[field]), (field, entry, page)
        assert entry["sni"] == page["server_name"] == "localhost"
        assert 0 <= page["sealed_ms"] <= page["age_ms"] + 1 < 10000
        assert page["verdict"] == ("accepted-renew" if kind == "psk" else "accepted")
        assert page["pid"] in server.workers().values()
        if kind != "session-id":
            assert page["key_name"].replace(":", "").lower() == key_name(session)


def test_tickets_off(reprised, certificate):
    """session_tickets off: session IDs resume, TLS 1.3 has nothing to resume by."""
    address = reprised(one_site(certificate, session_tickets=False)).address
    assert not any(s.ticket for s in exchange(address, offer_for("ticket")).sessions)
    assert not exchange(address, offer_for("psk")).sessions
    session = fresh(address, "session-id")
    assert_resumed(exchange(address, session.offer()), "session-id")


def test_cache_off(reprised, certificate):
    """session_cache off: tickets resume, session IDs do not."""
    address = reprised(one_site(certificate, session_cache="off")).address
    for session in exchange(address, offer_for("session-id")).sessions:
        assert_full(exchange(address, session.offer()))
    for kind in ("ticket", "psk"):
        assert_resumed(exchange(address, fresh(address, kind).offer()), kind)


@pytest.mark.parametrize("n", [1, 4])
def test_num_tickets(reprised, certificate, n):
    address = reprised(one_site(certificate, num_tickets=n)).address
    outcome = exchange(address, offer_for("psk"))
    assert len(outcome.sessions) == n
    assert len(exchange(address, outcome.session.offer()).sessions) == 1
