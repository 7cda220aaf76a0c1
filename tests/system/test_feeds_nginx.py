"""A real nginx is fed: reloaded, looked at, behind while it is down or has other keys, caught up."""

import signal
from pathlib import Path

import pytest
from checks import assert_resumed, fresh
from feeding import listed, only_feeds, row, wait_row
from harness import Nginx, children, kill, wait_until
from rawtls import exchange

BEHIND = "a feed is behind, and is tried again"
CAUGHT_UP = "a feed has caught up"


@pytest.fixture(autouse=True)
def outlives_the_servers(open_folder):
    return open_folder


@pytest.fixture
def server(running, certificate, open_folder):
    started = running(Nginx, certificate, extra=f"include {open_folder}/fed/*.conf;", workers=2)
    pid = Path(started.argv[started.argv.index("-p") + 1]) / "nginx.pid"
    wait_until(lambda: pid.exists() and pid.read_text(), "it can be reloaded")
    return started


def feed(server, folder, address=None, **more):
    host, port = address or server.address
    return {"nginx": {"files": f"{folder}/fed", "reload": [*server.argv, "-s", "reload"],
                      "verify": f"{host}:{port}", "verify_name": "localhost",
                      "keys_may_reach_disk": True} | more}


def test_what_is_seen_at_the_server_counts(reprised, server, open_folder):
    ours = reprised(only_feeds(feed(server, open_folder), rotate="3s", accept="9s"))
    wait_row(ours, "nginx", "it is up", state="up")
    first = listed(f"{open_folder}/fed")[0]
    session = fresh(server.address, "ticket")
    assert session.ticket[:16].hex() in listed(f"{open_folder}/fed")
    wait_until(lambda: listed(f"{open_folder}/fed")[0] != first, "the keys change")
    wait_row(ours, "nginx", "it is up", state="up")
    assert_resumed(exchange(server.address, session.offer()))
    assert not ours.logs(BEHIND)


def test_a_server_that_is_down_is_fed_when_it_is_back(reprised, server, open_folder):
    server.signal(signal.SIGSTOP)  # it neither reloads nor answers
    ours = reprised(only_feeds(feed(server, open_folder), rotate="1h", accept="2h"))
    try:
        assert row(ours, "nginx")["state"] in ("starting", "behind")
        assert ours.wait_log(BEHIND, deadline=40)["reason"].startswith("verify: ")
    finally:
        server.signal(signal.SIGCONT)
    ours.wait_log(CAUGHT_UP, deadline=40)
    assert fresh(server.address, "psk").ticket[:16].hex() == listed(f"{open_folder}/fed")[0]


@pytest.mark.deadline(120)
def test_a_server_with_other_keys_is_behind(reprised, running, server, certificate, open_folder):
    other = running(Nginx, certificate, extra="", workers=1)
    ours = reprised(only_feeds(feed(server, open_folder, other.address), rotate="1h", accept="2h"))
    reason = ours.wait_log(BEHIND, deadline=40)["reason"]
    assert reason.startswith("verify: exit status 1: ") and "a ticket under key" in reason
    assert fresh(server.address, "ticket").ticket[:16].hex() == listed(f"{open_folder}/fed")[0]
    assert row(ours, "nginx")["state"] == "behind"


def test_a_server_that_has_its_keys_is_not_reloaded(reprised, server, open_folder):
    """At a reload of ours, and when the feeder was killed; without `verify` nobody could know."""
    feeds = only_feeds(feed(server, open_folder), rotate="1h", accept="2h")
    ours = reprised(feeds)
    wait_row(ours, "nginx", "it is up", state="up")
    at_work = set(children(server.pid))
    ours.signal(signal.SIGHUP)
    ours.wait_log("fed", n=2)
    kill(ours.family()["feeder"], signal.SIGKILL)
    ours.wait_log("fed", n=3)
    assert set(children(server.pid)) == at_work
    del feeds["feeds"][0]["nginx"]["verify"], feeds["feeds"][0]["nginx"]["verify_name"]
    ours.write_config(feeds)
    ours.signal(signal.SIGHUP)
    wait_until(lambda: not set(children(server.pid)) & at_work, "it was reloaded")
