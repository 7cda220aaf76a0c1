"""What the service manager is told and given to keep, and what it hands on to the next start."""

import os
import signal
import socket

import pytest
from checks import KINDS, assert_full, assert_resumed, fresh
from configs import config, listener, one_site, site
from harness import start_time, wait_until
from manager import Manager, handing_on
from rawtls import Connection, Offer, exchange

ALL = ["cache", "keyring.chain", "keyring.window", "listen", "listen"]


@pytest.fixture
def manager():
    made = Manager()
    yield made
    made.close()


def die(server):
    """kill -9 of the parent, and nobody is left."""
    family = [(pid, start_time(pid)) for pid in server.family().values()]
    server.signal(signal.SIGKILL)
    server.wait()
    wait_until(lambda: not any(start_time(pid) == begun for pid, begun in family), "all are gone")


def again(reprised, server, manager, **changes):
    """The same configuration, started with what the manager has kept."""
    text = server.config_path.read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    return reprised(text, env=manager.env, **manager.handing_on())


def test_start_and_end(reprised, certificate, manager):
    server = reprised(one_site(certificate), env=manager.env)
    at = manager.wait("READY", "1")
    assert manager.names() == ALL
    assert "2 workers" in manager.messages[at][0]["STATUS"]
    server.signal(signal.SIGTERM)
    at = manager.wait("STOPPING", "1", since=at)
    assert server.wait() == 0
    manager.drain()
    assert not manager.store, "a service that was stopped leaves something behind"


def test_a_path(reprised, certificate, tmp_path):
    manager = Manager(abstract=False, folder=tmp_path)
    reprised(one_site(certificate), env=manager.env)
    manager.wait("READY", "1")
    manager.close()


def test_nobody_listens(reprised, certificate):
    """The manager is gone: told in the log, and no more than that."""
    env = os.environ | {"NOTIFY_SOCKET": "/nonexistent/notify"}
    server = reprised(one_site(certificate), env=env)
    server.wait_log("the service manager does not take messages")
    fresh(server.address, "psk")


def test_reload(reprised, certificate, manager):
    """A listener more is in the store after it; one that fails is over too."""
    made = one_site(certificate)
    server = reprised(made, env=manager.env)
    at = manager.wait("READY", "1")
    server.write_config(made | {"listen": made["listen"] * 2})
    server.signal(signal.SIGHUP)
    at = manager.wait("RELOADING", "1", since=at + 1)
    assert int(manager.messages[at][0]["MONOTONIC_USEC"]) > 0
    at = manager.wait("READY", "1", since=at)
    assert manager.names().count("listen") == 4
    server.write_config("nonsense: 1\n")
    server.signal(signal.SIGHUP)
    at = manager.wait("RELOADING", "1", since=at)
    manager.wait("READY", "1", since=at)
    assert manager.names().count("listen") == 4


def test_a_crash_of_the_parent(reprised, certificate, manager):
    """Sessions, the ring, and who waits in a queue: all go on in the next life."""
    server = reprised(one_site(certificate), env=manager.env)
    manager.wait("READY", "1")
    kept = {kind: fresh(server.address, kind) for kind in KINDS}
    for _ in range(3):
        die(server)
        with socket.create_connection(server.address, 5):
            at = len(manager.messages)
            server = again(reprised, server, manager)
            manager.wait("READY", "1", since=at)
            assert manager.names() == ALL
            server.wait_log("the keyring goes on")
            server.wait_log("the session cache goes on")
            for kind, session in kept.items():
                for _ in range(4):
                    assert_resumed(exchange(server.address, session.offer()), kind)


def test_who_waits_in_the_queue(reprised, certificate, manager):
    server = reprised(one_site(certificate), env=manager.env)
    manager.wait("READY", "1")
    die(server)
    with Connection(server.address, Offer()) as waiting:
        server = again(reprised, server, manager)
        assert waiting.handshake().done


def test_a_drained_keyring_is_none(reprised, certificate, manager):
    """Kept in spite of the end, it resumes nothing: it was wiped."""
    server = reprised(one_site(certificate), env=manager.env)
    manager.wait("READY", "1")
    kept = {kind: fresh(server.address, kind) for kind in KINDS}
    held = [(name, os.dup(fd)) for name, fd in manager.store]
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    manager.drain()
    manager.store = held
    server = again(reprised, server, manager)
    for session in kept.values():
        assert_full(exchange(server.address, session.offer()))


def test_another_rotation(reprised, certificate, manager):
    """A new ring begins, and the log says why; the cache goes on."""
    fleet = {"rotate": "1h", "accept": "24h"}
    server = reprised(one_site(certificate, fleet=fleet), env=manager.env)
    manager.wait("READY", "1")
    session = fresh(server.address, "psk")
    die(server)
    server = again(reprised, server, manager, **{'"1h"': '"2h"'})
    entry = server.wait_log("the keyring that was handed on is of no use, and a new one begins")
    assert "rotate" in entry["reason"]
    server.wait_log("the session cache goes on")
    assert_full(exchange(server.address, session.offer()))
    assert_resumed(exchange(server.address, fresh(server.address, "psk").offer()), "psk")


def test_another_cache(reprised, certificate, manager):
    server = reprised(one_site(certificate, session_cache="1mb"), env=manager.env)
    manager.wait("READY", "1")
    kept = {kind: fresh(server.address, kind) for kind in KINDS}
    die(server)
    server = again(reprised, server, manager, **{'"1mb"': '"2mb"'})
    entry = server.wait_log("the session cache that was handed on is of no use, and a new one begins")
    assert "1048576 bytes, and 2097152 are wanted" in entry["reason"]
    assert_full(exchange(server.address, kept["session-id"].offer()))
    assert_resumed(exchange(server.address, kept["psk"].offer()), "psk")
    assert_resumed(exchange(server.address, kept["ticket"].offer()), "ticket")


def test_too_many_domains(reprised, certificate, manager):
    """More than the ring has room for: a new one begins, and all are served."""
    def many(n):
        return [site(certificate, f"s{i}.example") for i in range(n)]

    server = reprised(config(listener(*many(1))), env=manager.env)
    manager.wait("READY", "1")
    die(server)
    server = reprised(config(listener(*many(70))), env=manager.env, **manager.handing_on())
    entry = server.wait_log("the keyring that was handed on is of no use, and a new one begins")
    assert "room for" in entry["reason"]


def test_junk(reprised, certificate):
    """None of it keeps anybody from starting, and none of it stays open."""
    fds = [os.memfd_create("junk") for _ in range(4)]
    os.ftruncate(fds[1], 1 << 20)
    os.ftruncate(fds[2], 1 << 20)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram:
        names = ["cache", "keyring.window", "keyring.chain", "listen", "listen"]
        server = reprised(one_site(certificate), **handing_on([*fds, datagram.fileno()], names))
    for fd in fds:
        os.close(fd)
    assert server.wait_log("descriptors that were handed on are of no use")["descriptors"] == 2
    server.wait_log("the keyring that was handed on is of no use, and a new one begins")
    server.wait_log("the session cache that was handed on is of no use, and a new one begins")
    held = [os.readlink(f"/proc/{server.pid}/fd/{n}") for n in os.listdir(f"/proc/{server.pid}/fd")]
    assert not [path for path in held if "junk" in path]
    assert_resumed(exchange(server.address, fresh(server.address, "psk").offer()), "psk")


def test_half_a_keyring(reprised, certificate, manager):
    server = reprised(one_site(certificate), env=manager.env)
    manager.wait("READY", "1")
    die(server)
    manager.store = [item for item in manager.store if item[0] != "keyring.chain"]
    server = again(reprised, server, manager)
    entry = server.wait_log("the keyring that was handed on is of no use, and a new one begins")
    assert entry["reason"] == "half of it is missing"


def test_sockets_of_another(reprised, certificate):
    """As of a .socket unit: one queue, without SO_REUSEPORT; it is used, and the workers' beside it."""
    with socket.create_server(("127.0.0.1", 0)) as ours, socket.create_server(
        ("127.0.0.1", 0)
    ) as other:
        port = ours.getsockname()[1]
        made = one_site(certificate, address=f"127.0.0.1:{port}")
        server = reprised(made, **handing_on([ours.fileno(), other.fileno()], ["https", ""]))
        gone = server.wait_log("no longer listening")
        assert gone["address"] == f"127.0.0.1:{other.getsockname()[1]}"
    assert server.port == port
    for kind in KINDS:
        for _ in range(8):
            assert_resumed(exchange(server.address, fresh(server.address, kind).offer()), kind)
