"""Hosts of one fleet that meet in a Redis: whatever becomes of it, no connection and no session is lost."""

import os
import signal
import socket
import threading

import pytest
from checks import fresh
from harness import Load, free_port, wait_seconds, wait_until
from hosts import (Hosts, assert_all_pairs, assert_taken, epoch_of, fleet_of, sessions_of,
                   wait_members, wait_rotation)
from redis_server import RedisServer
from test_fleet import ALONE, DOWN, FOUNDED, JOINED, UP, assert_strangers

FULL = "the store takes nothing"


@pytest.fixture
def redis(running):
    return running(RedisServer)


@pytest.fixture
def hosts(open_folder, redis, reprised, certificate):
    return Hosts(reprised, certificate, open_folder, store=redis.url)


def wait_told(hosts, message, marks):
    for server, mark in zip(hosts, marks):
        server.wait_log(message, since=mark)


def marks_of(hosts):
    return [s.mark() for s in hosts]


def test_three_join(hosts):
    """In a fraction of a second each, which its log tells."""
    for _ in range(3):
        hosts.start()
    assert len(hosts[0].logs(FOUNDED)) == 1
    for server in (hosts[1], hosts[2]):
        assert server.wait_log(JOINED)["ms"] < 1000
    sessions = assert_all_pairs(hosts)
    wait_members(hosts)
    wait_rotation(hosts[0])
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)


def test_redis_is_stopped_and_comes_back_empty(hosts, redis, running):
    """Rotations go on in step; who comes back to an empty store finds the others again."""
    hosts.start(), hosts.start()
    wait_members(hosts)
    sessions = assert_all_pairs(hosts)
    marks = marks_of(hosts)
    redis.signal(signal.SIGKILL)
    redis.wait()
    wait_told(hosts, DOWN, marks)
    for _ in range(3):
        wait_rotation(hosts[0])
        assert_taken(sessions, hosts)
        sessions += assert_all_pairs(hosts)
    assert epoch_of(hosts[0])[0] == epoch_of(hosts[1])[0]
    running(RedisServer, port=redis.port)
    wait_told(hosts, UP, marks)
    wait_members(hosts)
    hosts.start()
    assert hosts[2].logs(JOINED)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    assert sum(len(s.logs(FOUNDED)) for s in hosts) == 1


def test_redis_is_slow(hosts, redis):
    """Two seconds without an answer: nobody waits."""
    hosts.start(), hosts.start()
    wait_members(hosts)
    sessions = assert_all_pairs(hosts)
    for _ in range(3):
        assert redis.say("CLIENT", "PAUSE", 2000) == "OK"
        assert_taken(sessions, hosts)
        assert_all_pairs(hosts)
        wait_rotation(hosts[0])
        assert_all_pairs(hosts)
    assert redis.say("CLIENT", "PAUSE", 2000) == "OK"
    hosts.start()
    assert fresh(hosts[2].address, "psk")
    wait_members(hosts)
    assert_taken(sessions, hosts)


def test_redis_has_no_room(hosts, redis):
    hosts.start(), hosts.start()
    wait_members(hosts)
    sessions = assert_all_pairs(hosts)
    marks = marks_of(hosts)
    assert redis.say("CONFIG", "SET", "maxmemory", 1) == "OK"
    wait_told(hosts, FULL, marks)
    wait_rotation(hosts[0], 2)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    assert redis.say("CONFIG", "SET", "maxmemory", 0) == "OK"
    wait_members(hosts)
    hosts.start()
    wait_members(hosts)
    assert_taken(sessions, hosts)


def test_redis_is_an_older_copy_of_itself(hosts, redis, running):
    """What it held a while ago, of hosts that have gone and of those that are there."""
    hosts.start(), hosts.start()
    wait_members(hosts)
    assert redis.say("SAVE") == "OK"
    hosts.replace(hosts[1])
    wait_members(hosts)
    sessions = assert_all_pairs(hosts)
    marks = marks_of(hosts)
    redis.signal(signal.SIGKILL)
    redis.wait()
    wait_told(hosts, DOWN, marks)
    running(RedisServer, port=redis.port, args=("--dir", redis.folder))
    wait_told(hosts, UP, marks)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    wait_members(hosts)
    wait_rotation(hosts[0])
    assert_all_pairs(hosts)


class Nonsense:
    """A server that answers whoever connects with the same bytes, and then keeps silent."""

    def __init__(self, text):
        self.text = text
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.held = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while True:
                connection, _ = self.listener.accept()
                self.held.append(connection)
                connection.sendall(self.text)
        except OSError:
            pass

    def stop(self):
        self.listener.close()
        for connection in self.held:
            connection.close()


@pytest.mark.parametrize("text", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+OK\r\n" * 9999,
                                  b"$99999999999999\r\n", os.urandom(65536), b""],
                         ids=["http", "too much", "too long", "noise", "silence"])
def test_what_is_no_redis(open_folder, reprised, certificate, text):
    """The host serves on its own, and says once what is wrong."""
    server = Nonsense(text)
    try:
        port = server.listener.getsockname()[1]
        hosts = Hosts(reprised, certificate, open_folder, store=f"redis://127.0.0.1:{port}/0")
        host = hosts.start()
        assert host.logs(ALONE)
        assert str(port) in host.wait_log(DOWN)["reason"]
        sessions = sessions_of(hosts)
        assert_taken(sessions, hosts)
        wait_rotation(host)
        assert_taken(sessions, hosts)
        assert len(host.logs(DOWN)) == 1
    finally:
        server.stop()


def test_a_password(open_folder, running, reprised, certificate):
    """The right one; a wrong one in one line, in which it does not stand."""
    redis = running(RedisServer, args=("--requirepass", "geheim"))
    hosts = Hosts(reprised, certificate, open_folder,
                  store=f"redis://default:geheim@127.0.0.1:{redis.port}/1")
    hosts.start(), hosts.start()
    assert_all_pairs(hosts)
    hosts.fleet["store"] = f"redis://default:falsch@127.0.0.1:{redis.port}/1"
    host = hosts.start()
    line = host.wait_log(DOWN)
    assert str(redis.port) in line["reason"]
    assert "falsch" not in "".join(host.output.lines)
    assert_strangers(hosts[0], host)


def test_the_second_address(open_folder, redis, reprised, certificate):
    store = f"redis://127.0.0.1:{free_port()},127.0.0.1:{redis.port}/0"
    hosts = Hosts(reprised, certificate, open_folder, store=store)
    hosts.start(), hosts.start()
    assert_all_pairs(hosts)
    wait_members(hosts)


def test_nobody_waits_for_a_store_that_swallows_all(open_folder, reprised, certificate):
    """A start takes its join_timeout and not much more."""
    server = Nonsense(b"")
    try:
        port = server.listener.getsockname()[1]
        hosts = Hosts(reprised, certificate, open_folder, store=f"redis://127.0.0.1:{port}/0",
                      join_timeout="300ms")
        host = hosts.start()
        assert host.logs(ALONE)
        assert not host.logs("a process does not get ready and is killed")
    finally:
        server.stop()


@pytest.mark.full
@pytest.mark.deadline(300)
def test_thirty_epochs_without_redis(hosts, redis, running):
    """Under load from all sides: no failed connection, no lost session."""
    for _ in range(3):
        hosts.start()
    wait_members(hosts)
    kept = assert_all_pairs(hosts)
    loads = [Load(lambda: assert_all_pairs(hosts) and True, threads=2)]
    redis.signal(signal.SIGKILL)
    redis.wait()
    wait_seconds(60)
    assert_taken(kept[:2], hosts[0:1])
    running(RedisServer, port=redis.port)
    wait_until(lambda: all(fleet_of(s)["store_up"] for s in hosts), "it is there again", step=0.2)
    wait_members(hosts)
    for load in loads:
        done, failed = load.stop()
        assert not failed, failed[:3]
        assert len(done) * 18 >= 1000
    assert_all_pairs(hosts)
    assert sum(len(s.logs(FOUNDED)) for s in hosts) == 1
