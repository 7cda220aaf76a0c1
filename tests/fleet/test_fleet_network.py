"""
Three hosts in networks of their own, and a Redis that fails in every way: what one issues, each other
resumes, all the time, without one exception.
"""

import signal

import pytest
from figures import note
from harness import descendants, kill, wait_seconds, wait_until
from hosts import Hosts, assert_all_pairs, assert_taken, fleet_of, wait_members
from lockstep import assert_lockstep, position
from networks import Network
from pairs import Pairs
from redis_server import RedisServer
from store_proxy import StoreProxy

ROTATE_S = 2.0
EPOCHS = 30
FOUNDED = "nobody of the fleet is there: it begins anew, and earlier sessions do not resume"


class NetworkHosts(Hosts):
    """Each in its own network namespace."""

    def __init__(self, network, *args, **kwargs):
        self.network = network
        super().__init__(*args, **kwargs)

    def config(self, number, **fleet):
        made = super().config(number, **fleet)
        address = f"{self.network.address(number)}:0"
        made["listen"][0]["address"] = made["admin"]["listen"] = address
        return made

    def start(self, number=None, ready=True, **fleet):
        number = number or len(self.servers) + 1
        server = self.start_one(self.config(number, **fleet), ready=ready,
                                launcher=self.network.launcher(number))
        self.servers.append(server)
        return server

    def replace(self, server, ready=True):
        number = self.servers.index(server)
        server.stop()
        self.start(number + 1, ready)
        self.servers[number] = self.servers.pop()
        return self.servers[number]

    def names(self):
        return {f"host-{i + 1}": s.address for i, s in enumerate(self.servers)}


class Fleet:
    """Three hosts in a network, the real Redis, and what stands before it; and what goes wrong."""

    def __init__(self, network, running, hosts):
        self.network, self.running = network, running
        self.redis = self.start_redis()
        self.proxy = StoreProxy(network.store, (network.store, self.redis.port))
        self.hosts = hosts(self.proxy.url)
        for _ in range(3):
            self.hosts.start()
        wait_members(self.hosts)

    def start_redis(self, port=None, args=()):
        own = ("--bind", "127.0.0.1", self.network.store, "--protected-mode", "no")
        return self.running(RedisServer, port=port, args=(*own, *args))

    def restart_redis(self, *args):
        self.kill_redis()
        self.redis = self.start_redis(self.redis.port, args)

    def kill_redis(self):
        self.redis.signal(signal.SIGKILL)
        self.redis.wait()

    def pass_epochs(self, n):
        """In each of which they are looked at."""
        first = position(self.hosts[0])[1]
        while position(self.hosts[0])[1] < first + n:
            assert_lockstep(self.hosts, ROTATE_S)
            wait_seconds(ROTATE_S / 4)

    def stop(self):
        for server in self.hosts:
            server.stop()
        self.proxy.stop()
        self.redis.stop()


# Each spoils the store, lets epochs pass, and mends it.


def stopped(fleet, epochs):
    fleet.kill_redis()
    wait_until(lambda: not any(fleet_of(s)["store_up"] for s in fleet.hosts), "it is missed")
    fleet.pass_epochs(epochs)
    fleet.redis = fleet.start_redis(fleet.redis.port)


def cut_off(fleet, epochs):
    """One host; clients reach it as before."""
    fleet.network.cut(3)
    wait_until(lambda: not fleet_of(fleet.hosts[2])["store_up"], "it is missed", deadline=60)
    fleet.pass_epochs(epochs)
    assert [fleet_of(s)["store_up"] for s in fleet.hosts] == [True, True, False]
    fleet.network.heal(3)


def slow(fleet, epochs):
    fleet.proxy.set_mode("slow", keep=True)
    fleet.pass_epochs(epochs // 2)
    fleet.proxy.set_mode("slow")
    fleet.pass_epochs(epochs // 2)
    fleet.proxy.set_mode("pass")


def garbage(fleet, epochs):
    fleet.proxy.set_mode("garbage", keep=True)
    fleet.pass_epochs(epochs)
    fleet.proxy.set_mode("pass")


def out_of_memory(fleet, epochs):
    assert fleet.redis.say("CONFIG", "SET", "maxmemory", 1) == "OK"
    fleet.pass_epochs(epochs)
    assert fleet.redis.say("CONFIG", "SET", "maxmemory", 0) == "OK"


def older_copy(fleet, epochs):
    """Of before a host was replaced, and what lives short lives on."""
    assert fleet.redis.say("SAVE") == "OK"
    folder = fleet.redis.folder
    fleet.pass_epochs(epochs // 2)
    for _ in range(2):
        fleet.restart_redis("--dir", folder)
        fleet.pass_epochs(epochs // 4)


def failed_over(fleet, epochs):
    """To a replica that had lost touch a while ago."""
    replica = fleet.start_redis(args=("--replicaof", "127.0.0.1", fleet.redis.port))
    wait_until(lambda: b"master_link_status:up" in replica.say("INFO", "replication"), "a replica")
    assert replica.say("REPLICAOF", "NO", "ONE") == "OK"
    fleet.pass_epochs(epochs // 2)
    fleet.proxy.target = (fleet.network.store, replica.port)
    fleet.kill_redis()
    fleet.redis = replica
    fleet.pass_epochs(epochs // 2)


def emptied(fleet, epochs):
    for _ in range(3):
        fleet.restart_redis()
        fleet.pass_epochs(epochs // 3)


@pytest.fixture
def fleet(running, reprised, certificate, open_folder):
    with Network(3) as network:
        made = Fleet(network, running, lambda url: NetworkHosts(
            network, reprised, certificate, open_folder, store=url))
        yield made
        made.stop()


def go_through(fleet, fault, epochs, least):
    """With clients before, meanwhile and after; figures, for who wants them."""
    with Pairs(fleet.hosts.names()) as pairs:
        wait_until(lambda: pairs.count() > 20, "clients")
        fault(fleet, epochs)
        wait_members(fleet.hosts)
        fleet.pass_epochs(1)
        wait_until(lambda: pairs.count() >= least, "as many as are wanted", deadline=120)
        n = pairs.check(least)
    assert_lockstep(fleet.hosts, ROTATE_S)
    assert sum(len(s.logs(FOUNDED)) for s in fleet.hosts) == 1
    note(f"fleet, {fault.__name__}", epochs=epochs, offered=n, lost=0, failed=0)


def nothing(fleet, epochs):
    fleet.pass_epochs(epochs)


def test_all_pairs_in_networks_of_their_own(fleet):
    go_through(fleet, stopped, 1, least=100)


@pytest.mark.full
@pytest.mark.deadline(300)
@pytest.mark.parametrize("fault, epochs", [
    (nothing, 4), (stopped, EPOCHS), (cut_off, EPOCHS), (slow, 12), (garbage, 10),
    (out_of_memory, 10), (older_copy, 12), (failed_over, 8),
    (emptied, 9)], ids=lambda v: getattr(v, "__name__", None))
def test_a_thousand_of_a_thousand(fleet, fault, epochs):
    go_through(fleet, fault, epochs, least=1000)


def family(server):
    return [server.pid, *(pid for pid, _ in descendants(server.pid))]


@pytest.mark.full
@pytest.mark.deadline(120)
def test_a_host_that_stood_still(fleet):
    """
    With no store before, meanwhile and after. When it goes on it opens at once what the others have sealed
    since, and seals what they open.
    """
    fleet.kill_redis()
    for _ in range(3):
        kept = assert_all_pairs(fleet.hosts)
        for pid in family(fleet.hosts[2]):
            kill(pid, signal.SIGSTOP)
        first = position(fleet.hosts[0])[1]
        wait_until(lambda: position(fleet.hosts[0])[1] >= first + 5, "epochs", step=0.2)  # noqa: B023
        kept += assert_all_pairs(fleet.hosts[:2])
        for pid in family(fleet.hosts[2]):
            kill(pid, signal.SIGCONT)
        assert_taken(kept, fleet.hosts)
        assert_all_pairs(fleet.hosts)
        assert_lockstep(fleet.hosts, ROTATE_S)
    fleet.redis = fleet.start_redis(fleet.redis.port)
    wait_members(fleet.hosts)


@pytest.mark.full
@pytest.mark.deadline(180)
def test_all_are_restarted_in_turn(fleet):
    """The whole fleet, twice; what the first one issued before resumes when all are others."""
    kept = assert_all_pairs(fleet.hosts)
    for i in (0, 1, 2, 0, 1, 2):
        others = [s for s in fleet.hosts if s is not fleet.hosts[i]]
        with Pairs({str(s.port): s.address for s in others}) as pairs:
            fleet.hosts.replace(fleet.hosts[i])
            assert_taken(kept, fleet.hosts)
            wait_until(lambda: pairs.count() >= 20, "clients")  # noqa: B023
            pairs.check(20)
        kept = kept[-6:] + assert_all_pairs(fleet.hosts)[:2]
    wait_members(fleet.hosts)
    assert not any(s.logs(FOUNDED) for s in fleet.hosts)
