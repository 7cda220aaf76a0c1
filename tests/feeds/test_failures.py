"""Servers that are down, or do not want what they are given: said once, tried again, nobody else hurt."""

import os
import signal

import pytest
from checks import offer_for
from fixed import keeps_changing, key_of
from harness import wait_until
from rawtls import exchange

BEHIND = "a feed is behind, and is tried again"
CAUGHT_UP = "a feed has caught up"


def test_nginx_is_stopped_and_started(fixed):
    made = fixed("nginx", "haproxy")
    made.feed()
    nginx, haproxy = made.servers.values()
    haproxy.start()
    reason = made.reprised.wait_log(BEHIND, feed="nginx")["reason"]
    assert "exit status 1" in reason and "nginx.pid" not in reason.partition(":")[0], reason
    assert made.shown("nginx")["state"] == "behind"
    keeps_changing(haproxy)
    assert len(made.reprised.logs(BEHIND, feed="nginx")) == 1
    nginx.start()
    made.reprised.wait_log(CAUGHT_UP, feed="nginx")
    keeps_changing(nginx)
    nginx.process.signal(signal.SIGQUIT)
    nginx.process.wait()
    made.reprised.wait_log(BEHIND, feed="nginx", n=2)
    keeps_changing(haproxy, 1)


@pytest.mark.full
def test_nginx_does_not_like_its_configuration(fixed):
    """It goes on with the keys that it has; when it is mended it gets those of then."""
    made = fixed("nginx")
    made.feed()
    nginx, = made.servers.values()
    nginx.start()
    keeps_changing(nginx, 1)
    path = nginx.folder / "nginx.conf"
    good = path.read_text()
    path.write_text(good.replace("listen ", "lisssten "))
    since = made.reprised.mark()
    reason = made.reprised.wait_log(BEHIND, feed="nginx", since=since)["reason"]
    assert "lisssten" in reason, reason
    session = exchange(nginx.address, offer_for("psk")).session
    assert exchange(nginx.address, session.offer()).resumed
    path.write_text(good)
    made.reprised.wait_log(CAUGHT_UP, feed="nginx", since=since)
    keeps_changing(nginx)
    assert exchange(nginx.address, session.offer()).resumed, "its key still opens"


@pytest.mark.full
def test_haproxy_is_started_again(fixed):
    """It reads from the file what it forgot."""
    made = fixed("haproxy")
    made.feed(rotate="8s")
    haproxy, = made.servers.values()
    haproxy.start()
    made.reprised.wait_log("fed")
    session = exchange(haproxy.address, offer_for("psk")).session
    haproxy.stop()
    made.reprised.wait_log(BEHIND, n=len(made.reprised.logs(CAUGHT_UP)) + 1)
    haproxy.start()
    assert exchange(haproxy.address, session.offer()).resumed
    made.reprised.wait_log(CAUGHT_UP, n=len(made.reprised.logs(BEHIND)))
    keeps_changing(haproxy)


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="root may, whoever owns it")
def test_a_socket_that_is_not_for_us(fixed):
    """The file is right all the same, and HAProxy has its keys when it is started."""
    made = fixed("haproxy", "nginx")
    made.feed()
    haproxy, nginx = made.servers.values()
    haproxy.start()
    nginx.start()
    keeps_changing(haproxy, 1)
    os.chown(haproxy.socket, 0, 0)
    since = made.reprised.mark()
    reason = made.reprised.wait_log(BEHIND, feed="haproxy", since=since)["reason"]
    assert "Permission denied" in reason and str(haproxy.socket) in reason, reason
    assert made.shown("haproxy")["state"] == "behind"
    keeps_changing(nginx)
    assert len(made.reprised.logs(BEHIND, feed="haproxy", since=since)) == 1
    haproxy.stop()
    haproxy.start()
    made.reprised.wait_log(CAUGHT_UP, feed="haproxy", since=since)
    keeps_changing(haproxy)


@pytest.mark.full
def test_who_feeds_ends(fixed):
    """A server that looks by itself then seals by a key that opens nowhere else; nginx does not."""
    made = fixed("nginx", "nodejs")
    made.feed(rotate="1m", accept="5m")
    nginx, node = made.servers.values()
    before = {}
    for server in (nginx, node):
        server.start()
        before[server] = exchange(server.address, offer_for("psk")).session
    made.reprised.signal(signal.SIGTERM)
    assert made.reprised.wait() == 0
    wait_until(lambda: key_of(node) != before[node].ticket[:16].hex(), "another key")
    assert not exchange(node.address, before[node].offer()).resumed
    assert exchange(nginx.address, before[nginx].offer()).resumed
    assert key_of(nginx) == before[nginx].ticket[:16].hex()
    nginx.stop()
    nginx.start()
    assert not exchange(nginx.address, before[nginx].offer()).resumed
