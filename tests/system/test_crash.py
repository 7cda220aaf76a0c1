"""kill -9 of the keeper and of workers, again and again, under load."""

import random
import signal

import pytest
from checks import KINDS, assert_resumed, fresh, key_name
from configs import one_site
from harness import Load, kill, start_time, wait_seconds, wait_until
from rawtls import exchange
from traffic import Promises


def kill_and_await(server, role):
    """Kills a process of this role; returns when its successor is there."""
    pid = wait_until(lambda: server.family().get(role), f"a {role}")
    kill(pid, signal.SIGKILL)
    wait_until(lambda: start_time(pid) is None, f"the end of {role}")
    return wait_until(lambda: server.family().get(role), f"a successor of {role}")


def kill_keepers(reprised, certificate, times):
    fleet = {"rotate": "1s", "accept": "5s"}
    server = reprised(one_site(certificate, workers=2, fleet=fleet))
    promises = Promises(server.address, rotate=1, accept=5, late=1)
    workers = server.workers()
    source = random.Random(1)
    load = Load(promises, threads=3)
    with load:
        for _ in range(times):
            wait_seconds(source.uniform(0, 0.2))
            kill_and_await(server, "keeper")
        name = key_name(fresh(server.address, "ticket"))
        wait_until(lambda: key_name(fresh(server.address, "ticket")) != name, "rotation goes on")
        _, failed = load.stop()
    assert not failed, f"{len(failed)} failed, such as {failed[0]}"
    assert promises.counts["resumed"] > times, promises.counts
    assert server.workers() == workers, "a worker went with a keeper"


@pytest.mark.deadline(90)
def test_killed_keepers(reprised, certificate):
    kill_keepers(reprised, certificate, 25)


@pytest.mark.full
@pytest.mark.deadline(900)
def test_500_killed_keepers(reprised, certificate):
    kill_keepers(reprised, certificate, 500)


def kill_workers(reprised, certificate, times):
    """The load is of full handshakes that write the cache, so that kills meet writes."""
    server = reprised(one_site(certificate, workers=2, session_cache="1mb"))
    keeper = server.keeper
    kept = [(kind, fresh(server.address, kind)) for kind in KINDS]
    source = random.Random(2)

    def full():
        try:
            session = fresh(server.address, "session-id")
            return exchange(server.address, session.offer()).resumed
        except (AssertionError, OSError, ValueError) as e:
            return repr(e)  # it was at the worker that died

    load = Load(full, threads=3)
    with load:
        for _ in range(times):
            wait_seconds(source.uniform(0, 0.1))
            kill_and_await(server, source.choice(list(wait_until(server.workers, "workers"))))
        done, failed = load.stop()
    assert not failed
    wait_until(lambda: len(server.workers()) == 2, "both workers")
    lost = [result for result in done if result is not True]
    assert len(lost) <= 6 * times + 5, f"{len(lost)} of {len(done)} lost: {lost[:5]}"
    for kind in KINDS:
        for _ in range(20):
            session = fresh(server.address, kind)
            assert_resumed(exchange(server.address, session.offer()), kind)
    for kind, session in kept:
        if kind != "session-id":  # whose shard may have been emptied
            assert_resumed(exchange(server.address, session.offer()), kind)
    assert server.keeper == keeper


@pytest.mark.deadline(90)
def test_killed_workers(reprised, certificate):
    kill_workers(reprised, certificate, 25)


@pytest.mark.full
@pytest.mark.deadline(900)
def test_500_killed_workers(reprised, certificate):
    kill_workers(reprised, certificate, 500)


def test_a_stopped_keeper(reprised, certificate):
    """With the keeper standing still past boundaries, sealing goes on; nobody waits for it."""
    fleet = {"rotate": "1s", "accept": "10s"}
    server = reprised(one_site(certificate, fleet=fleet))
    session = fresh(server.address, "psk")
    keeper = server.keeper
    kill(keeper, signal.SIGSTOP)
    try:
        wait_seconds(2.5)
        for _ in range(10):
            assert_resumed(exchange(server.address, session.offer()), "psk")
        made = fresh(server.address, "ticket")
        assert_resumed(exchange(server.address, made.offer()), "ticket")
    finally:
        kill(keeper, signal.SIGCONT)
    name = key_name(made)
    wait_until(lambda: key_name(fresh(server.address, "ticket")) != name, "rotation goes on")
    assert_resumed(exchange(server.address, session.offer()), "psk")


def test_a_killed_parent_leaves_nobody(reprised, certificate):
    server = reprised(one_site(certificate))
    family = [(pid, start_time(pid)) for pid in server.family().values()]
    server.signal(signal.SIGKILL)
    server.wait()
    wait_until(
        lambda: not any(start_time(pid) == begun for pid, begun in family), "all are gone"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end(reprised, certificate, number):
    """Exit 0, no process left, the port free."""
    server = reprised(one_site(certificate))
    fresh(server.address, "psk")
    family = [(pid, start_time(pid)) for pid in server.family().values()]
    server.signal(number)
    assert server.wait() == 0
    assert not any(start_time(pid) == begun for pid, begun in family)


def test_sigterm_drains(reprised, certificate):
    """A connection that is open may end its request; new ones are refused."""
    from rawtls import Connection, Offer

    server = reprised(one_site(certificate))
    with Connection(server.address, Offer()) as c:
        assert c.handshake().done
        server.signal(signal.SIGTERM)
        wait_until(lambda: refused(server.address), "no new connections")
        outcome = c.request()
        assert outcome.page["session"] == "New"
    assert server.wait() == 0


def refused(address):
    import socket

    try:
        socket.create_connection(address, 0.5).close()
        return False
    except OSError:
        return True
