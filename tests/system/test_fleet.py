"""Hosts of one fleet that meet in a folder: what one issues, the others resume, whatever happens."""

import contextlib
import os
import signal
import threading
import time

import pytest
from admin import Admin
from checks import assert_full, assert_resumed, fresh
from harness import kill, start_time, wait_until
from hosts import (Hosts, assert_all_pairs, assert_taken, change_secret, epoch_of, fleet_of,
                   new_secret, sessions_of, wait_members, wait_rotation)
from lineage import Lineage
from rawtls import exchange

JOINED = "the fleet is joined"
FOUNDED = ("nobody of the fleet is there: it begins anew, and earlier sessions do not resume")
ALONE = "the fleet is not found: this host serves on its own, and goes on looking"
DOWN = "the store cannot be reached"
UP = "the store can be reached"
FOREIGN = "a message under another fleet secret: is the file the same on all hosts?"
MISMATCH = ("a member is configured for another rotate or accept: no session of one resumes at the "
            "other")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may")


@pytest.fixture
def hosts(open_folder, reprised, certificate):
    return Hosts(reprised, certificate, open_folder)


def test_what_one_issues_the_other_resumes(hosts):
    """Before and after a rotation, which costs no message."""
    a, b = hosts.start(), hosts.start()
    assert a.logs(FOUNDED) and not a.logs(JOINED)
    assert b.logs(JOINED, member="host-1") and not b.logs(FOUNDED)
    sessions = assert_all_pairs(hosts)
    assert epoch_of(a)[0] == epoch_of(b)[0]
    wait_rotation(a)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    wait_members(hosts)
    assert fleet_of(a)["events"]["founded"] == 1 and fleet_of(b)["events"]["joined"] == 1


def test_three_join_and_one_is_restarted(hosts):
    """Nothing is lost, neither by it nor by the others, also when each had its turn."""
    for _ in range(3):
        hosts.start()
    sessions = assert_all_pairs(hosts)
    for i in range(3):
        hosts.replace(hosts[i])
        assert hosts[i].logs(JOINED)
        assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    wait_members(hosts)


def test_who_is_stopped_takes_leave(hosts, open_folder):
    a, b = hosts.start(), hosts.start()
    wait_members(hosts)
    members = open_folder / "store/reprise/1/shop/members"
    assert len(list(members.iterdir())) == 2
    b.signal(signal.SIGTERM)
    assert b.wait() == 0
    assert len(list(members.iterdir())) == 1
    wait_until(lambda: fleet_of(a)["members"] == 1, "it is gone", deadline=5)


@pytest.mark.full
def test_all_restarted_begin_anew(hosts):
    a, b = hosts.start(), hosts.start()
    sessions = sessions_of([a])
    a.stop()
    b.stop()
    hosts.servers.clear()
    a, b = hosts.start(), hosts.start()
    wait_members(hosts)
    assert not a.logs(ALONE) + b.logs(ALONE)
    assert len(a.logs(FOUNDED)) + len(b.logs(FOUNDED)) == 1
    for _, _, session in sessions:
        assert_full(exchange(a.address, session.offer()), "unknown-key")
    assert_all_pairs(hosts)


def test_started_together_they_end_in_one_ring(hosts):
    """Who claims to begin, begins; the others wait for him."""
    for _ in range(3):
        hosts.start(ready=False)
    for server in hosts:
        server._wait_ready()
    wait_members(hosts)
    assert len({epoch_of(s)[0] for s in hosts}) == 1
    assert sum(len(s.logs(FOUNDED)) for s in hosts) == 1
    assert_all_pairs(hosts)


@pytest.mark.parametrize("role", ["keeper", "courier", "worker 0"])
def test_a_process_is_killed(hosts, role):
    """It is replaced, and no session is lost, old or new, on either side."""
    a, b = hosts.start(), hosts.start()
    sessions = assert_all_pairs(hosts)
    for _ in range(3):
        pid = wait_until(lambda: b.family().get(role), role)
        mark = b.mark()
        assert kill(pid, signal.SIGKILL)
        b.wait_log("a process is back", process=role, since=mark)
        wait_until(lambda: fleet_of(b)["store_up"], "the store is there again")
        assert_taken(sessions, hosts)
        assert_all_pairs(hosts)
    assert not b.logs(FOUNDED)
    wait_members(hosts)  # a killed keeper's presence goes with its time
    wait_rotation(a)
    assert_all_pairs(hosts)


def test_the_parent_is_killed(hosts):
    a, b = hosts.start(), hosts.start()
    sessions = assert_all_pairs(hosts)
    family = [(pid, start_time(pid)) for pid in b.family().values()]
    b.signal(signal.SIGKILL)
    b.wait()
    wait_until(lambda: all(start_time(p) != t for p, t in family), "its children are gone")
    hosts.replace(b)
    assert hosts[1].logs(JOINED)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    assert a.family()


def test_an_upgrade_stays_a_member(open_folder, running, certificate):
    hosts = Hosts(lambda made, **kw: running(Lineage, made, **kw), certificate, open_folder)
    a, b = hosts.start(), hosts.start()
    sessions = assert_all_pairs(hosts)
    for _ in range(3):
        before = b.head()
        b.tell(signal.SIGUSR2)
        wait_until(lambda: b.head() != before and b.parents() == [b.head()], "the old one ends")
        assert_taken(sessions, hosts)
        assert_all_pairs(hosts)
    assert not b.logs(FOUNDED) and not b.logs(ALONE)
    wait_rotation(a)
    assert_all_pairs(hosts)


def test_a_reload_stays_a_member(hosts):
    a, b = hosts.start(), hosts.start()
    sessions = assert_all_pairs(hosts)
    b.write_config(hosts.config(2, host="another-name", reseed="1h"))
    b.signal(signal.SIGHUP)
    b.wait_log("reloaded")
    b.wait_log("a process is back", process="keeper")
    assert_taken(sessions, hosts)
    wait_members(hosts)
    wait_rotation(a)
    assert_all_pairs(hosts)


def test_the_secret_changes_by_reloads(hosts):
    """First all understand the next one, then all speak it; nothing is lost on the way."""
    hosts.start(), hosts.start()
    sessions = assert_all_pairs(hosts)
    for _ in change_secret(hosts):
        assert_taken(sessions, hosts)
        assert_all_pairs(hosts)
    assert not any(s.logs(FOREIGN) for s in hosts)


def assert_strangers(a, b):
    """Each serves, and neither resumes the other's."""
    for one, other in ((a, b), (b, a)):
        session = fresh(one.address, "psk")
        assert_resumed(exchange(one.address, session.offer()))
        assert_full(exchange(other.address, session.offer()), "unknown-key")


def test_another_secret_is_told_in_one_line(hosts):
    a = hosts.start()
    other = hosts.write_secret("other.secret", new_secret())
    b = hosts.start(secret=str(other))
    b.wait_log(FOREIGN)
    a.wait_log(FOREIGN)
    assert_strangers(a, b)
    wait_rotation(a, 2)
    assert len(a.logs(FOREIGN)) == len(b.logs(FOREIGN)) == 1
    assert_strangers(a, b)
    assert fleet_of(a)["members"] == 1


def test_two_fleets_share_a_store(hosts):
    for name in ("shop", "shop", "mail", "mail"):
        hosts.start(name=name)
    assert_all_pairs(hosts[0:2])
    assert_all_pairs(hosts[2:4])
    assert_strangers(hosts[0], hosts[2])
    wait_members(hosts, 2)
    assert not any(s.logs(FOREIGN) for s in hosts)


@pytest.mark.full
def test_another_rotate_is_told_in_one_line(hosts):
    a = hosts.start()
    b = hosts.start(rotate="3s")
    line = b.wait_log(MISMATCH, member="host-1")
    assert (line["its_rotate_ms"], line["its_accept_ms"]) == (2000, 60000)
    a.wait_log(MISMATCH, member="host-2")
    assert_strangers(a, b)


def test_without_its_store_a_host_serves_and_joins_later(hosts, open_folder):
    """A file stands where the folder should be."""
    (open_folder / "store").write_text("in the way")
    a, b = hosts.start(join_timeout="1s"), hosts.start(join_timeout="1s")
    for server in hosts:
        assert len(server.logs(DOWN)) == 1, server.logs(DOWN)
        assert server.logs(ALONE)
        assert not fleet_of(server)["store_up"]
    assert_strangers(a, b)
    sessions = sessions_of(hosts)
    os.unlink(open_folder / "store")
    os.mkdir(open_folder / "store", 0o700)
    if os.geteuid() == 0:
        found = os.stat(f"/proc/{a.family()['courier']}")
        os.chown(open_folder / "store", found.st_uid, found.st_gid)
    wait_members(hosts)
    assert_all_pairs(hosts)
    wait_until(lambda: all(fleet_of(s)["rings_held"] >= 2 for s in hosts), "both rings", step=0.1)
    assert_taken(sessions, hosts)


def test_a_store_that_comes_and_goes(hosts, open_folder):
    """Meanwhile they rotate in step."""
    hosts.start(), hosts.start()
    wait_members(hosts)
    sessions = assert_all_pairs(hosts)
    marks = [s.mark() for s in hosts]
    os.rename(open_folder / "store", open_folder / "away")
    (open_folder / "store").write_text("in the way")
    for server, mark in zip(hosts, marks):
        server.wait_log(DOWN, since=mark)
    for _ in range(3):
        wait_rotation(hosts[0])
        assert_taken(sessions, hosts)
        assert_all_pairs(hosts)
    os.unlink(open_folder / "store")
    os.rename(open_folder / "away", open_folder / "store")
    for server, mark in zip(hosts, marks):
        server.wait_log(UP, since=mark)
    assert_taken(sessions, hosts)
    wait_members(hosts)
    time.sleep(2)  # until both have said in the store that they are there: before, a joiner finds old entries
    hosts.start()
    assert hosts[2].logs(JOINED)
    assert_taken(sessions, hosts)


@contextlib.contextmanager
def filled(folder):
    """What is freed meanwhile is taken at once; all of it is free again afterwards."""
    path, over = folder / "ballast", threading.Event()

    def fill():
        with open(path, "ab", 0) as ballast:
            while not over.wait(0.001):
                try:
                    ballast.write(bytes(512))
                except OSError:
                    pass

    with open(path, "wb", 0) as ballast:
        with contextlib.suppress(OSError):
            while ballast.write(bytes(4096)):
                pass
    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        path.unlink()


@as_root
def test_a_full_store_is_told(hosts, open_folder):
    """Who is in the fleet goes on; who comes serves on its own."""
    store = open_folder / "store"
    store.mkdir()
    assert os.system(f"mount -t tmpfs -o size=64k,mode=0777 none {store}") == 0
    try:
        store.chmod(0o700)
        a = hosts.start(join_timeout="1s")
        courier = os.stat(f"/proc/{a.family()['courier']}")
        os.chown(store, courier.st_uid, courier.st_gid)
        b = hosts.start()
        wait_members(hosts)
        with filled(store):
            for server in (a, b):
                server.wait_log("the store takes nothing")
            assert_all_pairs(hosts)
            c = hosts.start(join_timeout="1s")
            assert fresh(c.address, "psk")
            wait_rotation(a)
            assert_all_pairs([a, b])
        wait_members(hosts)
        assert_all_pairs(hosts)
    finally:
        for server in hosts:
            server.stop()
        os.system(f"umount -l {store}")


def test_the_ring_is_seeded_anew(hosts):
    """A fresh chain, at a boundary, on all at once; what was sealed before opens on."""
    hosts.fleet |= {"accept": "16s", "reseed": "8s"}
    hosts.start(), hosts.start(), hosts.start()
    wait_members(hosts)
    ring = epoch_of(hosts[0])[0]
    sessions = assert_all_pairs(hosts)
    wait_until(lambda: all(epoch_of(s)[0] != ring for s in hosts), "another ring", step=0.05)
    assert_taken(sessions, hosts)
    wait_members(hosts)
    assert_all_pairs(hosts)
    assert sum(fleet_of(s)["events"]["seeded"] for s in hosts) == 1


def test_figures_and_health(hosts):
    a, b = hosts.start(), hosts.start()
    wait_members(hosts)
    admin = Admin(a)
    assert admin.health() == (200, "ok")
    assert admin.figure("fleet_members") == admin.figure("fleet_members_in_step") == 2
    assert admin.figure("fleet_store_up") == admin.figure("fleet_joined") == 1
    assert admin.figure("fleet_rings_held") >= 1
    assert admin.figure("fleet_events_total", event="founded") == 1
    assert Admin(b).figure("fleet_events_total", event="joined") == 1
    assert abs(Admin(b).figure("fleet_clock_offset_seconds")) < 10
