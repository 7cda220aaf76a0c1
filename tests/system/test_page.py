"""The built-in page, asked by programs."""

import shutil

import pytest
from browser import Browser
from checks import assert_full
from configs import config, listener, one_site, site
from rawtls import TLS12, TLS13, Connection, Offer, exchange

FIELDS = {
    "session", "mechanism", "verdict", "version", "cipher", "key_name", "sealed_ms", "age_ms",
    "issued_key_name", "server_name", "client", "worker", "pid",
}


def answer(address, request, offer=Offer()):
    """Status, headers and body for a request as raw bytes."""
    with Connection(address, offer) as c:
        assert c.handshake().done
        c.records.write(23, request)

        def read():
            while True:
                c._after_handshake()

        c._guard(read)
        head, _, body = c.records.application.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in lines[1:])}
        return int(lines[0].split(" ")[1]), headers, body


def get(path, host="localhost", more=""):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


@pytest.fixture
def server(reprised, certificate):
    return reprised(one_site(certificate))


@pytest.mark.parametrize("version,text", [(TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")])
def test_session_json(server, version, text):
    outcome = exchange(server.address, Offer(versions=(version,)))
    assert_full(outcome, "none")
    page = outcome.page
    assert set(page) >= FIELDS
    assert page["version"] == text and page["server_name"] == "localhost"
    assert page["mechanism"] == "none" and page["issued_key_name"]
    assert page["pid"] in server.workers().values()


def test_headers(server):
    status, headers, body = answer(server.address, get("/session.json"))
    assert status == 200
    assert headers["connection"].lower() == "close"
    assert headers["content-type"].startswith("application/json")
    assert int(headers["content-length"]) == len(body)
    assert "no-store" in headers["cache-control"]


def test_the_page_for_people(server):
    status, headers, body = answer(server.address, get("/"))
    assert status == 200 and headers["content-type"].startswith("text/html")
    assert int(headers["content-length"]) == len(body)
    assert b"TLSv1.3" in body or b"session.json" in body
    assert b"http://" not in body.replace(b"http://www.w3.org", b""), "it needs no other host"


def test_head(server):
    status, headers, body = answer(server.address, b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status == 200 and not body and int(headers["content-length"]) > 0


@pytest.mark.parametrize(
    "request_bytes,status",
    [
        (get("/nowhere"), 404),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"some thing else\r\n\r\n", 400),
        (get("/" + "a" * 20000), None),
        (get("/", more="X: " + "a" * 100000 + "\r\n"), None),
    ],
    ids=["404", "405", "no host", "two hosts", "no HTTP", "long path", "long header"],
)
def test_errors(server, request_bytes, status):
    got, _, _ = answer(server.address, request_bytes)
    assert got == status or (status is None and 400 <= got < 500)
    assert_full(exchange(server.address, Offer()))


def test_slow_bytes(server):
    """A request that comes in pieces, and one that is pipelined."""
    with Connection(server.address, Offer()) as c:
        assert c.handshake().done
        for part in (b"GET /sess", b"ion.json HT", b"TP/1.1\r\nHo", b"st: localhost\r\n", b"\r\n"):
            c.records.write(23, part)

        def read():
            while True:
                c._after_handshake()

        c._guard(read)
        assert c.records.application.startswith(b"HTTP/1.1 200")


def test_misdirected_requests(reprised, authority):
    """A Host of another site than the SNI gets 421 (RFC 9110 section 15.5.20)."""
    names = ("a.test", "b.test", "c.test")
    sites = [site(authority.issue(name), name) for name in names]
    address = reprised(config(listener(*sites))).address
    for sni in names:
        for host in names:
            status, _, _ = answer(address, get("/session.json", host), Offer(sni=sni))
            assert status == (200 if sni == host else 421), (sni, host)
            upper = get("/session.json", host.upper() + ":8443")
            assert answer(address, upper, Offer(sni=sni))[0] == (200 if sni == host else 421)
    assert answer(address, get("/", "127.0.0.1"), Offer(sni="a.test"))[0] in (200, 421)
    assert answer(address, get("/", "b.test"), Offer(sni=None))[0] == 421


AWAIT_SUMMARY = """
new Promise((resolve) => {
    const summary = document.getElementById("summary");
    const look = () => {
        const over = /^\\d+ of 10 resumed/.test(summary.textContent);
        over ? resolve(summary.textContent) : setTimeout(look, 20);
    };
    look();
})
"""


def test_ten_fresh_connections_in_a_browser(reprised, certificate, tmp_path):
    """What the page draws: the first two may be New, after that every connection is resumed."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    server = reprised(one_site(certificate, workers=4))
    with Browser(tmp_path) as browser:
        browser.open(f"https://localhost:{server.port}/")
        first = browser.evaluate(AWAIT_SUMMARY)
        assert int(first.split(" ")[0]) >= 8, first
        browser.evaluate("document.getElementById('again').click()")
        assert browser.evaluate(AWAIT_SUMMARY).startswith("10 of 10 resumed, on")
        drawn = browser.evaluate("document.querySelectorAll('#tiles .Reused').length")
        assert drawn == 10
