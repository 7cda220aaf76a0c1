"""HAProxy is told its keys by its socket; its file has the same ones, for when it starts again."""

import base64
import os
import socket
from dataclasses import replace

import pytest
from admin import Admin
from checks import offer_for
from harness import free_port, wait_until
from rawtls import exchange
from two import Two, feed_of

N_KEYS = 3
SEALS = 1
BEHIND = "a feed is behind, and is tried again"
CAUGHT_UP = "a feed has caught up"
STRANGE = "a feed was found with other keys, and is given its own again"


@pytest.fixture
def two(open_folder, reprised, certificate):
    started = []

    def start(**options):
        started.append(Two(reprised, certificate, open_folder, "haproxy", **options))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def ask(path, command):
    """What the socket answers, in lines."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(30)
        asked.connect(str(path))
        asked.sendall(command.encode() + b"\n")
        while part := asked.recv(65536):
            answer += part
    return answer.decode().splitlines()


def shown(server, file=None):
    """The keys that HAProxy holds, as it shows them, and as they are in a file."""
    lines = ask(server.socket, f"show tls-keys {file or server.fed}")
    return [line.split(" ")[1] for line in lines if line and line[0] != "#"]


def written(server):
    return server.fed.read_text().splitlines()


def agree(server):
    """Both are read twice, for they change one after the other; None: not yet."""
    keys = written(server)
    return keys if keys == shown(server) and keys == written(server) else None


def wait_agreed(server):
    wait_until(lambda: agree(server), "the file and HAProxy agree", deadline=60)


def name_of(key):
    return base64.b64decode(key)[:16]


@pytest.mark.deadline(240)
def test_each_rotation_is_a_push_of_one_key(two):
    fed = two(rotate="2s", accept="2s")
    marks = [feeder.mark() for feeder in fed.feeders]
    seen = {server.host: [] for server in fed.servers}

    def look():
        for server in fed.servers:
            keys, states = agree(server), seen[server.host]
            if keys and (not states or states[-1] != keys):
                states.append(keys)
        return all(len(states) > 10 for states in seen.values())

    wait_until(look, "ten rotations", deadline=200, step=0.1)
    for states in seen.values():
        for before, after in zip(states, states[1:]):
            assert len(set(after)) == N_KEYS
            # A machine that was busy may have missed one.
            assert after[0] in before and before[0] not in after
            assert after[:2] == before[1:] or after[0] == before[2]
    assert set(map(tuple, seen["127.0.0.1"])) & set(map(tuple, seen["127.0.0.2"]))
    for feeder, mark in zip(fed.feeders, marks):
        assert not feeder.logs(BEHIND, mark)


def test_what_starts_again_has_its_keys_from_the_file(two):
    fed = two(rotate="10m", accept="10m")
    first, second = fed.servers
    marks = [feeder.mark() for feeder in fed.feeders]
    sessions = [(server, exchange(server.address, offer_for(kind)).session)
                for kind in ("ticket", "psk") for server in fed.servers]
    for server in (first, second):
        wait_agreed(server)
    keys = shown(first)
    assert keys == shown(second)
    assert all(session.ticket[:16] == name_of(keys[SEALS]) for _, session in sessions)
    for server in (first, second):
        server.stop()
        server.start()
    assert shown(first) == keys
    for server, session in sessions:
        other = second if server is first else first
        outcome = exchange(other.address, session.offer())
        assert outcome.done and outcome.resumed, outcome.trace
    assert not any(f.logs(m, mark) for f, mark in zip(fed.feeders, marks) for m in ("fed", STRANGE))


@pytest.mark.deadline(180)
def test_keys_of_somebody_else_do_not_stay(two):
    """Set by the socket, or read from another's file: in a look, once in ten seconds, it is found."""
    fed = two(rotate="10m", accept="10m")
    server, feeder = fed.servers[0], fed.feeders[0]
    mark = feeder.mark()
    wait_agreed(server)
    keys = written(server)
    strange = [base64.b64encode(os.urandom(80)).decode() for _ in range(N_KEYS)]
    assert "updated" in " ".join(ask(server.socket, f"set ssl tls-key {server.fed} {strange[0]}"))
    assert name_of(shown(server)[SEALS]) != name_of(keys[SEALS])
    assert feeder.wait_log(STRANGE, mark, deadline=60)["where"] == str(server.socket)
    assert shown(server) == keys
    seals = exchange(server.address, offer_for("psk")).session.ticket[:16]
    assert seals == name_of(keys[SEALS])
    server.stop()
    server.fed.write_text("".join(f"{key}\n" for key in strange))
    server.start()
    wait_until(lambda: agree(server) == keys, "it has its own again", deadline=90)
    found = feeder.logs(STRANGE, mark)
    assert len(found) in (1, 2), "the file too, unless it was found when HAProxy was away"
    assert not fed.feeders[1].logs(STRANGE)


@pytest.mark.deadline(180)
def test_a_server_that_is_away_is_told_when_it_is_back(two):
    fed = two(rotate="2s", accept="2s")
    server, feeder = fed.servers[0], fed.feeders[0]
    marks = [f.mark() for f in fed.feeders]
    server.stop()
    reason = feeder.wait_log(BEHIND, marks[0], deadline=60)["reason"]
    assert str(server.socket) in reason and "HAProxy must run" in reason
    before = written(server)
    wait_until(lambda: written(server)[0] not in before, "the file goes on", deadline=60)
    server.start()
    feeder.wait_log(CAUGHT_UP, marks[0], deadline=120)
    wait_agreed(server)
    assert len(feeder.logs(BEHIND, marks[0])) == 1
    assert not fed.feeders[1].logs(BEHIND, marks[1])


def configured(server, change, argv=None):
    """The same server, to be started with another configuration."""
    def prepare(member):
        made = prepare_plain(member)
        path = member.folder / "haproxy.cfg"
        path.write_text(change(path.read_text()))
        return argv or made

    prepare_plain = server.kind.prepare
    server.kind = replace(server.kind, prepare=prepare)
    return server


@pytest.mark.parametrize("level", [pytest.param("user", marks=pytest.mark.full), "operator"])
@pytest.mark.deadline(180)
def test_a_level_below_admin(two, level):
    """HAProxy 2.6 lets everybody who can connect see and set keys; another may deny it."""
    fed = two(rotate="2s", accept="2s")
    server, feeder = fed.servers[0], fed.feeders[0]
    server.stop()
    configured(server, lambda text: text.replace("level admin", f"level {level}")).start()
    mark = feeder.mark()
    wait_until(lambda: len(feeder.logs("fed", mark)) >= 3 or any(
        "`level admin`" in e["reason"] for e in feeder.logs(BEHIND, mark)), "it is told, or denied",
        deadline=120)
    if feeder.logs("fed", mark):
        wait_agreed(server)


def with_other_file(server):
    other = server.folder / "other.keys"
    other.write_bytes(server.fed.read_bytes())
    configured(server, lambda text: text.replace(str(server.fed), str(other))).start()


def with_short_keys(server):
    """It takes the length of its keys from the file: others are there when it reads them."""
    while True:
        server.fed.write_bytes(b"".join(base64.b64encode(os.urandom(48)) + b"\n" for _ in range(3)))
        server.start()
        if all(len(key) == 64 for key in shown(server)):
            return
        server.stop()


def with_the_masters_socket(server):
    configured(server, lambda text: text.replace(str(server.socket), f"{server.folder}/its.sock"),
               [server.program, "-W", "-S", f"{server.socket},mode,666", "-f",
                server.folder / "haproxy.cfg"]).start()


def without_keys(server):
    configured(server, lambda text: text.replace(f"tls-ticket-keys {server.fed}", "")).start()


@pytest.mark.parametrize("wrong, words", [
    (with_other_file, "other.keys; its `bind` must have"),
    pytest.param(without_keys, "from no file at all; its `bind` must have", marks=pytest.mark.full),
    (with_short_keys, "of 48 bytes, ours have 80"),
    pytest.param(with_the_masters_socket, "not the master's (-S)", marks=pytest.mark.full),
])
@pytest.mark.deadline(240)
def test_what_is_wrong_is_said_in_one_line(two, wrong, words):
    fed = two(rotate="2s", accept="2s")
    server, feeder = fed.servers[0], fed.feeders[0]
    plain = server.kind
    server.stop()
    mark = feeder.mark()
    feeder.wait_log(BEHIND, mark, deadline=60)  # that it is away
    wrong(server)
    wait_until(lambda: any(words in line for line in why(feeder)), words, deadline=120)
    assert not feeder.logs(CAUGHT_UP, mark)
    server.stop()
    server.kind = plain
    server.start()
    feeder.wait_log(CAUGHT_UP, mark, deadline=120)
    wait_agreed(server)


def why(feeder):
    """The reasons that its status shows."""
    return [feed["reason"] or "" for feed in Admin(feeder).status()["feeds"]]


def test_a_socket_with_a_port(two, monkeypatch):
    """Its own socket stays, for us to look."""
    def feed_with_port(server):
        at = f"127.0.0.1:{free_port()}"
        line = f"stats socket {server.socket} "
        configured(server, lambda text: text.replace(line, f"stats socket {at}\n    {line}"))
        return {"haproxy": feed_of(server)["haproxy"] | {"socket": at}}

    monkeypatch.setattr("two.feed_of", feed_with_port)
    fed = two(rotate="2s", accept="2s")
    marks = [feeder.mark() for feeder in fed.feeders]
    for server, feeder, mark in zip(fed.servers, fed.feeders, marks):
        feeder.wait_log("fed", mark, n=2)
        wait_agreed(server)
        assert not feeder.logs(BEHIND, mark)


def seals_otherwise(text, folder):
    """The keys are those of an address that nobody verifies; the other makes its own."""
    (bind,) = [line for line in text.splitlines() if line.startswith("    bind ")]
    keyed = bind.split(" ")
    keyed[keyed.index("bind") + 1] = f"{folder}/its.sock"
    return text.replace(bind, bind.partition(" tls-ticket-keys")[0] + "\n" + " ".join(keyed))


@pytest.mark.full
@pytest.mark.deadline(240)
def test_who_seals_otherwise_is_found_out(two):
    fed = two(rotate="20s", accept="20s", verify=True)
    server, feeder = fed.servers[0], fed.feeders[0]
    plain = server.kind
    server.stop()
    mark = feeder.mark()
    configured(server, lambda text: seals_otherwise(text, server.folder)).start()
    found = f"{server.host}:{server.port}, ticket12: a ticket under key"
    wait_until(lambda: any(f"first: {found} " in line for line in why(feeder)), found, deadline=120)
    wait_agreed(server)
    assert not fed.feeders[1].logs(BEHIND, mark)
    server.stop()
    server.kind = plain
    server.start()
    feeder.wait_log(CAUGHT_UP, mark, deadline=120)
