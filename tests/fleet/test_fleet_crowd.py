"""Many hosts that start at once, on an empty store or among what the dead have left: one chain, no stampede."""

import signal

import pytest
from checks import assert_resumed, fresh
from figures import note
from harness import wait_until
from hosts import Hosts, wait_members
from lockstep import wait_lockstep
from rawtls import exchange
from redis_server import RedisServer

JOINED = "the fleet is joined"
FOUNDED = "nobody of the fleet is there: it begins anew, and earlier sessions do not resume"


@pytest.fixture
def redis(running):
    return running(RedisServer)


@pytest.fixture
def hosts(open_folder, redis, reprised, certificate):
    return Hosts(reprised, certificate, open_folder, store=redis.url, rotate="4s", accept="10m", join_timeout="3s")


def commands(redis):
    """Of clients, by now: scripts as one."""
    lines = [line for line in redis.say("INFO", "commandstats").decode().splitlines()
             if line.startswith(("cmdstat_eval", "cmdstat_subscribe", "cmdstat_ping"))]
    return sum(int(line.partition("calls=")[2].partition(",")[0]) for line in lines)


def start_all(hosts, n):
    for number in range(1, n + 1):
        hosts.start(number, ready=False)
    for server in hosts:
        server._wait_ready()


def assert_ring_around(hosts):
    """Each resumes what the one before it has issued."""
    servers = list(hosts)
    for one, other in zip(servers, servers[1:] + servers[:1]):
        assert_resumed(exchange(other.address, fresh(one.address, "psk").offer()))


def end_all(hosts, number):
    for server in hosts:
        server.signal(number)
    for server in hosts:
        server.wait()
        server.stop()
    hosts.servers.clear()


def go(hosts, redis, n, rounds, number):
    """All start, end and start again; the figures of each start."""
    for i in range(rounds):
        before = commands(redis)
        start_all(hosts, n)
        ready = commands(redis) - before
        seconds, _ = wait_lockstep(hosts)
        wait_until(lambda: all(s.logs(JOINED) or s.logs(FOUNDED) for s in hosts), "all are members")
        wait_members(hosts)
        assert_ring_around(hosts)
        began = [s.logs(FOUNDED) for s in hosts]
        note("fleet, a crowd", hosts=n, start=i, after=signal.Signals(number).name if i else "nothing",
             commands_a_host=round(ready / n), in_one_ring_s=round(seconds, 2),
             began=sum(map(len, began)),
             join_ms=sorted(line["ms"] for s in hosts for line in s.logs(JOINED))[-1])
        assert ready < 200 * n
        end_all(hosts, number)


def test_four_start_at_once(hosts, redis):
    go(hosts, redis, 4, 2, signal.SIGKILL)


@pytest.mark.full
@pytest.mark.deadline(300)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_twenty_start_at_once(hosts, redis, number):
    go(hosts, redis, 20, 3, number)
