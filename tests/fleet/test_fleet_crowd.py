"""Many hosts that start at once, on an empty store or among what the dead have left: one chain, no stampede."""

import signal
import threading
import time

import pytest
from checks import assert_resumed, fresh
from figures import note
from harness import DEADLINE, wait_until
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


class Rush:
    """The most commands that came from all in one tenth of a second, sampled until it ends."""

    def __init__(self, redis):
        self.redis, self.most = redis, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self):
        count, at = commands(self.redis), time.monotonic()
        while not self._stop.wait(0.1):
            now, then = commands(self.redis), time.monotonic()
            self.most = max(self.most, round((now - count) * 0.1 / (then - at)))
            count, at = now, then

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(DEADLINE)


def start_all(hosts, n, within):
    """Seconds until all take connections."""
    began = time.monotonic()
    for number in range(1, n + 1):
        hosts.start(number, ready=False)
    wait_until(lambda: all(s.logs("ready") for s in hosts), "all take connections", deadline=within)
    for server in hosts:
        server._wait_ready()
    return time.monotonic() - began


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


def go(hosts, redis, n, rounds, number, within=DEADLINE):
    """All start, end and start again; the figures of each start."""
    for i in range(rounds):
        before = commands(redis)
        with Rush(redis) as rush:
            ready_s = start_all(hosts, n, within)
        ready = commands(redis) - before
        seconds, _ = wait_lockstep(hosts, within)
        wait_until(lambda: all(s.logs(JOINED) or s.logs(FOUNDED) for s in hosts), "all are members", deadline=within)
        wait_members(hosts, deadline=within)
        assert_ring_around(hosts)
        began = [s.logs(FOUNDED) for s in hosts]
        note("fleet, a crowd", hosts=n, start=i, after=signal.Signals(number).name if i else "nothing",
             ready_s=round(ready_s, 2), in_one_ring_s=round(seconds, 2),
             commands_a_host=round(ready / n), most_commands_in_100_ms=rush.most,
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


@pytest.mark.full
@pytest.mark.deadline(600)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_hundred_restart_at_once(open_folder, redis, reprised, certificate, number):
    hosts = Hosts(reprised, certificate, open_folder, store=redis.url, rotate="20s", accept="10m", join_timeout="5s")
    go(hosts, redis, 100, 2, number, within=120.0)
