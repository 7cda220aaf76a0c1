"""
What docs/formats/feeds.md and docs/FEEDS.md say of servers, seen at the servers: how many keys they
hold, which of them seals, and what makes them read a file again. Files are put by hand.
"""

import os
import socket
import struct
import time
from dataclasses import replace

import pytest
from checks import offer_for
from fed import KINDS, Fed, Folders
from fleet import Backend, port_free_on
from fleet import hosts as names_of
from harness import wait_until
from rawtls import exchange
from sealed import opened, sealed
from stek import Stek

pytestmark = pytest.mark.full
LIFETIME_S = 10000
LIGHTTPD_POLL_S, H2O_POLL_S = 64, 10


@pytest.fixture
def by_hand(tmp_path, certificate):
    """Makes a server that has its keys from us."""
    made = []

    def make(kind, i=0):
        backend, folders = Backend(), Folders()
        made.extend((backend, folders))
        name = names_of(i + 1)[i]
        server = Fed(tmp_path / f"{kind}{i}", KINDS[kind], name, port_free_on([name]), certificate,
                     folders.new(), backend.port)
        server.keys.mkdir(mode=0o700)
        made.append(server)
        return server

    yield make
    for each in reversed(made):
        each.stop()


def put(server, data, mtime=None, name=None):
    path = server.keys / name if name else server.fed
    fresh = path.with_name("." + path.name + ".new")
    fresh.write_bytes(data)
    if mtime is not None:
        os.utime(fresh, (mtime, mtime))
    fresh.replace(path)


def session_of(server, kind="psk"):
    outcome = exchange(server.address, offer_for(kind))
    return outcome.session if outcome.sessions else None


def number(server, keys):
    """Of the key that seals."""
    return [k.name for k in keys].index(session_of(server).ticket[:16])


def opens(server, keys, hmac_of=lambda key: key.hmac):
    """The numbers of those by which it resumes: its own session, sealed by each."""
    session = session_of(server)
    own = next(k for k in keys if k.name == session.ticket[:16])
    inside = opened(session.ticket, own.aes)
    keys = [replace(k, hmac=hmac_of(k)) for k in keys]
    return [i for i, k in enumerate(keys)
            if exchange(server.address, session.with_ticket(sealed(inside, k)).offer()).resumed]


def stek_file(key, begins):
    return struct.pack("=iii", 0, int(begins), int(begins) + LIFETIME_S) + key.nginx()


def yaml_of(key, begins):
    head = key.h2o(0).partition(b"  not_before")[0]
    return head + f"  not_before: {int(begins)}\n  not_after: {int(begins) + LIFETIME_S}\n".encode()


def test_nginx_holds_as_many_as_there_are(by_hand):
    server, keys = by_hand("nginx"), [Stek() for _ in range(100)]
    for i, key in enumerate(keys):
        put(server, key.nginx(), name=f"{i}.key")
    names = "".join(f"ssl_session_ticket_key {server.keys}/{i}.key;\n" for i in range(len(keys)))
    put(server, names.encode(), name="list.conf")
    server.start()
    assert number(server, keys) == 0
    assert opens(server, keys) == list(range(len(keys)))


def test_traffic_server_holds_as_many_as_there_are(by_hand):
    server = by_hand("trafficserver")
    keys = [Stek(aes=os.urandom(16), hmac=os.urandom(16)) for _ in range(100)]
    put(server, b"".join(k.apache() for k in keys))
    server.start()
    assert number(server, keys) == 0
    assert opens(server, keys) == list(range(len(keys)))


def test_haproxy_holds_three_and_shows_them_to_all(by_hand):
    server, keys = by_hand("haproxy"), [Stek() for _ in range(5)]
    server.level = "user"
    put(server, b"".join(k.haproxy() for k in keys))
    server.start()
    assert number(server, keys) == 3
    assert opens(server, keys) == [2, 3, 4]
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(server.socket))
        s.sendall(b"show tls-keys *\n")
        shown = s.makefile("rb").read()
    assert keys[3].haproxy().strip() in shown


def test_lighttpd_reads_the_first_key_alone(by_hand):
    server, keys = by_hand("lighttpd"), [Stek(), Stek()]
    put(server, b"".join(stek_file(k, time.time() - 60) for k in keys))
    server.start()
    assert number(server, keys) == 0
    assert opens(server, keys) == [0]


def test_lighttpd_issues_nothing_before_its_time(by_hand):
    server = by_hand("lighttpd")
    put(server, stek_file(Stek(), time.time() + 3600))
    server.start()
    assert session_of(server, "ticket") is None and session_of(server) is None


@pytest.mark.deadline(500)
def test_lighttpd_remembers_three(by_hand):
    """The last of which need not have begun; a file whose time is not new is not read."""
    server, keys = by_hand("lighttpd"), [Stek() for _ in range(5)]
    put(server, stek_file(keys[0], time.time() - 60))
    server.start()
    for i in (1, 2):
        put(server, stek_file(keys[i], time.time() - 60 + i), mtime=time.time() + 1)
        wait_until(lambda: number(server, keys) == i, "it is read", 150, 0.5)  # noqa: B023
    put(server, stek_file(keys[4], time.time() - 10), mtime=time.time() - 3600)
    until = time.time() + LIGHTTPD_POLL_S + 3
    wait_until(lambda: time.time() > until, "a poll", 100, 0.5)
    assert opens(server, keys) == [0, 1, 2]
    put(server, stek_file(keys[3], time.time() + 3600))
    wait_until(lambda: opens(server, keys) == [1, 2, 3], "it is read", 150, 0.5)
    assert number(server, keys) == 2


@pytest.mark.deadline(120)
def test_h2o_takes_names_that_begin_alike(by_hand):
    """And begins to seal by a key at its time, without reading the file again."""
    server = by_hand("h2o")
    keys = [Stek(name=b"N" + os.urandom(15)) for _ in range(50)]
    begins = int(time.time()) + 3  # it knows whole seconds
    put(server, b"".join(yaml_of(k, begins - 100 * i) for i, k in enumerate(keys)))
    server.start()
    wait_until(lambda: session_of(server).ticket[:1] == b"N", "it is read", 2 * H2O_POLL_S)
    seals = number(server, keys)
    assert opens(server, keys, lambda k: 2 * k.hmac) == list(range(len(keys)))
    assert seals == 1 or time.time() >= begins
    wait_until(lambda: number(server, keys) == 0, "its time")
    assert time.time() >= begins


@pytest.mark.deadline(120)
def test_h2o_reads_what_has_another_time(by_hand):
    server, keys = by_hand("h2o"), [Stek() for _ in range(3)]
    at = int(time.time())
    put(server, yaml_of(keys[0], at - 10), mtime=at)
    server.start()
    wait_until(lambda: session_of(server).ticket[:16] == keys[0].name, "it is read", 20)
    put(server, yaml_of(keys[1], at - 5), mtime=at)
    until = time.time() + H2O_POLL_S + 2
    wait_until(lambda: time.time() > until, "a poll", 20)
    assert number(server, keys) == 0
    put(server, yaml_of(keys[2], at - 5), mtime=at + 1)
    wait_until(lambda: number(server, keys) == 2, "it is read", 2 * H2O_POLL_S)


@pytest.mark.deadline(120)
def test_traffic_server_reads_what_is_later_than_its_last_look(by_hand):
    server = by_hand("trafficserver")
    keys = [Stek(aes=os.urandom(16), hmac=os.urandom(16)) for _ in range(3)]
    put(server, keys[1].apache())
    server.start()
    put(server, keys[0].apache())
    assert server.run_reload() == 0
    wait_until(lambda: number(server, keys) == 0, "it is read", 20, 0.1)
    put(server, keys[1].apache(), mtime=time.time() - 60)
    assert server.run_reload() == 0
    until = time.time() + 12
    wait_until(lambda: time.time() > until, "it would have been read", 20)
    assert number(server, keys) == 0
    put(server, keys[2].apache(), mtime=time.time() + 1)
    assert server.run_reload() == 0
    wait_until(lambda: number(server, keys) == 2, "it is read", 20, 0.1)


def test_apache_resumes_only_under_one_server_name(by_hand):
    servers, key = [by_hand("apache", i) for i in range(3)], Stek()
    for server, name in zip(servers, ("localhost", "localhost", "other")):
        server.name = name
        put(server, key.apache())
        server.start()
    session = session_of(servers[0])
    resumed = [exchange(s.address, session.offer()).resumed for s in servers]
    assert resumed == [True, True, False]
