"""SIGUSR2: a new program takes everything over, or the old one goes on as if nothing had been."""

import os
import random
import shutil
import signal
import sys

import pytest
from admin import Admin
from checks import KINDS, assert_full, assert_resumed, fresh, key_name
from configs import one_site
from harness import free_port, kill, reprised_path, start_time, wait_seconds, wait_until
from lineage import Lineage
from rawtls import Connection, Offer, exchange
from static_keys import key_file, nginx_key

FAILED = "the upgrade failed, and this process goes on"
TAKEN = "the new process has taken over"

# Programs in the place of the new one. What it was handed on is 3 (upgrade), 4 (window), ...
PYTHON = f"#!{sys.executable}\nimport os, signal, socket\n"
SAY = (
    PYTHON + "s = socket.socket(fileno=3)\ns.setblocking(True)\n"
    "say = lambda n: s.sendall(bytes([0, n, 0, 0]))\n"
)
BROKEN = {
    "it ends": (PYTHON + "raise SystemExit(3)\n", "ended with status 3"),
    "it dies": (PYTHON + "os.kill(os.getpid(), 6)\n", "was killed: Aborted"),
    "no program": ("\x7fELF and no more", "cannot be executed"),
    "not its turn": (SAY + "say(67)\nsignal.pause()\n", "not its to send"),
    "a child's words": (SAY + "say(1)\nsignal.pause()\n", "not its to send"),
    "half a message": (SAY + "s.sendall(b'\\0')\ns.close()\nsignal.pause()\n", "in the middle"),
    "a body": (SAY + "s.sendall(b'\\0\\x40\\0\\1x')\nsignal.pause()\n", "length"),
    "it closes": (SAY + "s.close()\nsignal.pause()\n", "closed its channel"),
    "it ends as keeper": (SAY + "say(64)\ns.recv(4)\nraise SystemExit(4)\n", "ended with status 4"),
    "it asks twice": (SAY + "say(64)\ns.recv(4)\nsay(64)\nsignal.pause()\n", "out of turn"),
    "it asks at once twice": (SAY + "say(64)\nsay(64)\nsignal.pause()\n", "out of turn"),
}
HANGS = PYTHON + "signal.pause()\n"
HANGS_AS_KEEPER = SAY + "say(64)\ns.recv(4)\nsignal.pause()\n"
BECOME_REAL = (
    "os.environ['LISTEN_PID'] = str(os.getpid())\n"
    "for fd in range(3, 3 + int(os.environ['LISTEN_FDS'])): os.set_inheritable(fd, True)\n"
    "os.execv(os.environ['REAL'], [os.environ['REAL'], *os.sys.argv[1:]])\n"
)
OTHER_VERSION = (
    PYTHON + "import mmap\nm = mmap.mmap(4, os.fstat(4).st_size)\nm[8:12] = b'\\x63\\0\\0\\0'\n"
    + BECOME_REAL
)
WAITS = PYTHON + "open(os.environ['GATE']).read()\n" + BECOME_REAL


@pytest.fixture
def start(running, monkeypatch, tmp_path):
    """Starts reprised from a place of its own, so that another program can take that place."""
    program = tmp_path / "reprised"
    real = tmp_path / "real" / "reprised"
    real.parent.mkdir()
    shutil.copy(reprised_path(), program)
    shutil.copy(reprised_path(), real)
    monkeypatch.setenv("REAL", str(real))
    monkeypatch.setenv("REPRISED", str(program))
    return lambda made, **kwargs: running(Lineage, made, **kwargs)


def put(text=None):
    """Another program where reprised was, or, without a text, reprised itself again."""
    place = os.environ["REPRISED"]
    fresh_place = place + ".new"
    if text is None:
        shutil.copy(os.environ["REAL"], fresh_place)
    else:
        with open(fresh_place, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(fresh_place, 0o755)
    os.replace(fresh_place, place)


def upgrade(server):
    since = server.mark()
    server.tell(signal.SIGUSR2)
    pid = server.wait_log("ready", since=since)["pid"]
    assert server.wait_log(TAKEN, since=since)["pid"] == pid
    wait_until(lambda: server.parents() == [pid], "the old parent ends")
    return pid


def refused(server, reason):
    since = server.mark()
    server.tell(signal.SIGUSR2)
    entry = server.wait_log(FAILED, since=since)
    assert reason in entry["reason"], entry


def sessions(server):
    return [(kind, fresh(server.address, kind)) for kind in KINDS for _ in range(3)]


def all_resume(server, kept):
    for kind, session in kept:
        assert_resumed(exchange(server.address, session.offer()), kind)


def settled(server):
    """One parent, one keeper, two workers."""
    whole = ["keeper", "worker 0", "worker 1"]
    wait_until(lambda: len(server.everyone()) == 4 and sorted(server.family()) == whole,
               f"four processes, not {server.everyone()}")


def warnings(server, since=0):
    """But for what a build with sanitizers says of itself."""
    found = [e for e in server.logs(since=since) if e["level"] in ("warning", "error")]
    return [e for e in found if e["message"] != "no sandbox"]


@pytest.mark.deadline(90)
def test_sessions_outlive_programs(start, certificate):
    server = start(one_site(certificate, fleet={"rotate": "2s", "accept": "60s"}))
    kept = sessions(server)
    for _ in range(4):
        upgrade(server)
        put()
        all_resume(server, kept)
        kept += sessions(server)
        settled(server)
    assert not warnings(server)
    name = key_name(fresh(server.address, "ticket"))
    wait_until(lambda: key_name(fresh(server.address, "ticket")) != name, "rotation goes on")
    all_resume(server, kept)


def test_connections_outlive_their_program(start, certificate):
    """One that is open is answered by the old worker, which then ends."""
    server = start(one_site(certificate))
    with Connection(server.address, Offer()) as c:
        assert c.handshake().done
        server.tell(signal.SIGUSR2)
        server.wait_log(TAKEN)
        kept = sessions(server)
        assert len(server.parents()) == 2
        assert c.request().page["session"] == "New"
    settled(server)
    all_resume(server, kept)


def test_worker_shutdown_timeout(start, certificate):
    """The old one breaks off what is left, and ends."""
    top = {"worker_shutdown_timeout": "1s"}
    server = start(one_site(certificate, top=top))
    with Connection(server.address, Offer()) as c:
        assert c.handshake().done
        server.tell(signal.SIGUSR2)
        server.wait_log(TAKEN)
        settled(server)


def test_a_relative_path(start, certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("REPRISED", "../reprised")
    server = start(one_site(certificate))
    kept = sessions(server)
    monkeypatch.setenv("REPRISED", str(tmp_path / "reprised"))
    upgrade(server)
    all_resume(server, kept)


def test_static_keys(start, certificate, tmp_path):
    key = key_file(tmp_path, "ticket.key", nginx_key(80))
    server = start(one_site(certificate, top={"session_ticket_key": [str(key)]}))
    kept = sessions(server)
    upgrade(server)
    all_resume(server, kept)
    assert not warnings(server)


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_program(start, certificate, what):
    """One line says why; nothing is lost, and the next upgrade goes well."""
    text, reason = BROKEN[what]
    server = start(one_site(certificate, fleet={"rotate": "1s", "accept": "60s"}))
    kept, parent, workers = sessions(server), server.head(), server.workers()
    put(text)
    refused(server, reason)
    settled(server)
    assert (server.head(), server.workers()) == (parent, workers)
    all_resume(server, kept)
    name = key_name(fresh(server.address, "ticket"))
    wait_until(lambda: key_name(fresh(server.address, "ticket")) != name, "rotation goes on")
    put()
    upgrade(server)
    all_resume(server, kept)


def test_no_program(start, certificate):
    server = start(one_site(certificate))
    os.unlink(os.environ["REPRISED"])
    refused(server, "No such file or directory")
    put()
    upgrade(server)


def test_a_broken_configuration(start, certificate):
    """The keeper has not even been stopped."""
    made = one_site(certificate)
    server = start(made)
    kept, keeper = sessions(server), server.keeper
    server.write_config(made | {"colour": "blue"})
    refused(server, "ended with status 1")
    assert server.keeper == keeper
    all_resume(server, kept)
    server.write_config(made)
    upgrade(server)
    all_resume(server, kept)


def test_another_layout(start, certificate):
    """A program that does not know the keyring's layout begins a new one; the cache goes on."""
    server = start(one_site(certificate))
    kept = sessions(server)
    put(OTHER_VERSION)
    upgrade(server)
    entry = server.wait_log("the keyring that was handed on is of no use, and a new one begins")
    assert entry["reason"] == "its layout version is 99, and this program knows 3"
    server.wait_log("the session cache goes on")
    for _, session in kept:
        assert_full(exchange(server.address, session.offer()))
    settled(server)
    all_resume(server, sessions(server))


def test_from_a_ring_to_files_and_back(start, certificate, tmp_path):
    """Neither takes the other's keyring: should the upgrade fail, nothing has become of it."""
    made = one_site(certificate)
    server = start(made)
    kept = sessions(server)
    key = key_file(tmp_path, "ticket.key", nginx_key(80))
    server.write_config(made | {"session_ticket_key": [str(key)]})
    upgrade(server)
    entry = server.wait_log("the keyring that was handed on is of no use, and a new one begins")
    assert entry["reason"] == "its keys rotate, and now those of files are to be used"
    for _, session in kept:
        assert_full(exchange(server.address, session.offer()))
    all_resume(server, sessions(server))
    since = server.mark()
    server.write_config(made)
    upgrade(server)
    entry = server.wait_log(
        "the keyring that was handed on is of no use, and a new one begins", since=since
    )
    assert entry["reason"] == "its keys are of files, and now keys are to rotate"
    all_resume(server, sessions(server))
    settled(server)


def test_more_listeners_and_workers(start, certificate):
    """What a reload could change, an upgrade can too; who waits in a queue is not lost."""
    made = one_site(certificate, workers=3)
    server = start(made)
    kept = sessions(server)
    second = made["listen"][0] | {"session_cache": "off"}
    server.write_config(made | {"workers": 1, "listen": [*made["listen"], second]})
    upgrade(server)
    assert sorted(server.family()) == ["keeper", "worker 0"]
    assert len({e["address"] for e in server.logs("listening")}) == 2
    for _ in range(5):
        all_resume(server, kept)
    server.write_config(made)
    upgrade(server)
    all_resume(server, kept)


def test_the_admin_server(start, certificate, tmp_path):
    """It is where it was, and shows the new one's figures."""
    path = f"unix:{tmp_path}/admin"
    port = f"127.0.0.1:{free_port()}"
    server = start(one_site(certificate, top={"admin": {"listen": [port, path]}}))
    for _ in range(2):
        for address in (port, path):
            assert Admin(server, address).health() == (200, "ok")
        upgrade(server)
    assert not warnings(server)


@pytest.mark.full
@pytest.mark.deadline(180)
@pytest.mark.parametrize("text", [HANGS, HANGS_AS_KEEPER], ids=["at once", "as keeper"])
def test_a_program_that_hangs(start, certificate, text):
    server = start(one_site(certificate))
    kept = sessions(server)
    put(text)
    since = server.mark()
    server.tell(signal.SIGUSR2)
    entry = server.wait_log(FAILED, since=since, deadline=90)
    assert "within a minute" in entry["reason"]
    settled(server)
    all_resume(server, kept)


@pytest.mark.parametrize("text", [HANGS, HANGS_AS_KEEPER], ids=["at once", "as keeper"])
def test_the_end_in_the_middle(start, certificate, text):
    """SIGTERM while the new one hangs: all end, and the keys are wiped by a keeper."""
    server = start(one_site(certificate))
    put(text)
    server.tell(signal.SIGUSR2)
    server.wait_log("upgrading")
    if text is HANGS_AS_KEEPER:
        wait_until(lambda: not server.family().get("keeper"), "the keeper is stopped")
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait() == 0
    assert not server.everyone()


def test_a_reload_in_the_middle(start, certificate):
    """SIGHUP while the new one hangs is obeyed when it is gone; a second SIGUSR2 is not."""
    server = start(one_site(certificate))
    put(HANGS)
    server.tell(signal.SIGUSR2)
    pid = server.wait_log("upgrading")["pid"]
    os.kill(server.pid, signal.SIGUSR2)
    assert server.wait_log("no upgrade")["reason"] == "one is going on"
    os.kill(server.pid, signal.SIGHUP)
    kill(pid, signal.SIGKILL)
    server.wait_log(FAILED)
    server.wait_log("reloaded")
    fresh(server.address, "psk")


def test_a_reload_outlives_its_process(start, certificate, tmp_path, monkeypatch):
    """SIGHUP while the new one starts is for whoever is the service then."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    monkeypatch.setenv("GATE", str(gate))
    server = start(one_site(certificate))
    put(WAITS)
    since = server.mark()
    server.tell(signal.SIGUSR2)
    server.wait_log("upgrading", since=since)
    os.kill(server.pid, signal.SIGHUP)
    gate.write_text("")
    server.wait_log(TAKEN, since=since)
    server.wait_log("reloaded", since=since)
    settled(server)


def moments(times):
    source = random.Random(3)
    return [source.uniform(0, 0.12) for _ in range(times)]


def kill_the_new_one(start, certificate, times):
    """At any moment: before it has taken over nothing is lost; after it, it was the service."""
    server = start(one_site(certificate, fleet={"rotate": "1s", "accept": "60s"}))
    kept = sessions(server)
    failed = 0
    for moment in moments(times):
        since, old = server.mark(), server.head()
        os.kill(old, signal.SIGUSR2)
        new = server.wait_log("upgrading", since=since)["pid"]
        begun = start_time(new)
        wait_seconds(moment)
        if server.logs(TAKEN, since=since):
            wait_until(lambda old=old: start_time(old) is None, "the old parent ends")
            continue
        kill(new, signal.SIGKILL)
        server.output.find(lambda s: TAKEN in s or FAILED in s, since)
        if server.logs(TAKEN, since=since):
            pytest.skip("it was killed after it had become the service")
        failed += 1
        wait_until(lambda new=new, begun=begun: start_time(new) != begun, "its end")
        all_resume(server, kept)
        settled(server)
    all_resume(server, kept)
    name = key_name(fresh(server.address, "ticket"))
    wait_until(lambda: key_name(fresh(server.address, "ticket")) != name, "rotation goes on")
    assert failed


@pytest.mark.deadline(90)
def test_a_killed_new_parent(start, certificate):
    kill_the_new_one(start, certificate, 8)


def test_a_killed_old_parent(start, certificate):
    """At any moment: whoever is left goes on with every session."""
    server = start(one_site(certificate, fleet={"rotate": "1s", "accept": "60s"}))
    kept = sessions(server)
    for moment in moments(8):
        since, old = server.mark(), server.head()
        os.kill(old, signal.SIGUSR2)
        new = server.wait_log("upgrading", since=since)["pid"]
        wait_seconds(moment)
        kill(old, signal.SIGKILL)
        server.wait_log("ready", since=since, pid=new)
        wait_until(lambda new=new: server.parents() == [new], "the old parent is gone")
        all_resume(server, kept)
        settled(server)
    name = key_name(fresh(server.address, "ticket"))
    wait_until(lambda: key_name(fresh(server.address, "ticket")) != name, "rotation goes on")
    all_resume(server, kept)


def test_what_the_new_one_holds(start, certificate):
    """As much as the first one: nothing piles up."""
    server = start(one_site(certificate))

    def held(pid):
        return sorted(
            os.readlink(f"/proc/{pid}/fd/{n}").partition(":")[0] for n in os.listdir(f"/proc/{pid}/fd")
        )

    before = held(server.head())
    upgrade(server)
    between = held(server.head())
    upgrade(server)
    assert held(server.head()) == between
    assert len(between) <= len(before)
