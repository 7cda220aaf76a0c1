"""What a peer sends is text wherever it is shown: in the log, on the page."""

import json

import pytest
from checks import assert_full
from configs import one_site
from rawtls import Connection, Offer, exchange

NAMES = [
    'a"b', "a\\", "a\nlevel=error", "a\r\n{}", "\x1b[31mred", "<script>x</script>", "a b=c",
    "é", "a" * 255, "." * 10, "..", "-", " ",
]


@pytest.mark.parametrize("name", NAMES, ids=[repr(n)[:20] for n in NAMES])
def test_a_server_name_that_is_none(reprised, certificate, name):
    """Log and page injection by SNI: refused, or quoted wherever it is shown."""
    server = reprised(one_site(certificate))
    for path in ("/", "/session.json"):
        outcome = exchange(server.address, Offer(sni=name), path=None)
        if not outcome.done:
            assert outcome.alert, outcome.trace
            continue
        with Connection(server.address, Offer(sni=name)) as c:
            c.handshake()
            c.request(path, host="localhost")
            assert path != "/" or b"<script>x" not in c.outcome.body
            if path == "/session.json" and c.records.application[9:12] == b"200":
                assert json.loads(c.outcome.body)["session"] == "New"
    assert_full(exchange(server.address, Offer()))
    server.stop()
    for line in server.output.lines:
        assert isinstance(json.loads(line), dict), line
        assert "\x1b" not in line and "\r" not in line


@pytest.mark.parametrize("value", ["<script>x</script>", "a\x00b", '"', "localhost, other"])
def test_a_host_that_is_none(reprised, certificate, value):
    """The same by the Host header."""
    server = reprised(one_site(certificate))
    with Connection(server.address, Offer()) as c:
        assert c.handshake().done
        c.request("/", host=value)
        assert b"<script>x" not in c.outcome.body
    assert_full(exchange(server.address, Offer()))
