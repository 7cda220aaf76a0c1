"""Memory: bounded, not leaked, not to be read."""

import os
import random
import resource
import signal
from pathlib import Path

import pytest
from checks import assert_full, assert_resumed, fresh, offer_for
from configs import one_site
from harness import Process, descendants, kill, resident_kb, start_time, status_field, wait_until
from rawtls import Offer, exchange
from secrets_search import mappings, read_memory
from static_keys import key_file, nginx_key

SLACK_KB = 768


def worker_of(server):
    workers = list(server.workers().values())
    assert len(workers) == 1, server.family()
    return workers[0]


def growth_kb(server, call, warm, n):
    """By how much n calls make the worker grow, after some that fill its pools."""
    for _ in range(warm):
        call()
    before = resident_kb(worker_of(server))
    for _ in range(n):
        call()
    return resident_kb(worker_of(server)) - before


often = pytest.mark.parametrize(
    "n", [700, pytest.param(6000, marks=[pytest.mark.full, pytest.mark.deadline(300)])]
)


@often
@pytest.mark.parametrize("kind", ["session-id", "psk"])
def test_a_flooded_cache(reprised, certificate, kind, n):
    """CVE-2024-2511: full handshakes without end; memory stays bounded, the newest session good."""
    single = reprised(one_site(certificate, workers=1, session_cache="64kb"))
    old = fresh(single.address, kind)

    def flood():
        assert exchange(single.address, offer_for(kind), path=None).done

    assert growth_kb(single, flood, 600, n) < SLACK_KB
    if kind == "session-id":
        assert_full(exchange(single.address, old.offer()), "not-cached")
    new = fresh(single.address, kind)
    assert_resumed(exchange(single.address, new.offer()), kind)


@often
@pytest.mark.parametrize("kind", ["ticket", "psk"])
def test_bad_tickets_leak_nothing(single, kind, n):
    """CVE-2014-3567: tickets of up to 12 kB, forged, cut, or of no known key."""
    session = fresh(single.address, kind)
    source = random.Random(3567)

    def offer():
        head = session.ticket[:16] if source.random() < 0.7 else os.urandom(16)
        junk = head + source.randbytes(source.choice([10, 300, 3000, 3008, 12000]))
        outcome = exchange(single.address, session.with_ticket(junk).offer(), path=None)
        assert outcome.done and not outcome.resumed

    assert growth_kb(single, offer, 200, n) < SLACK_KB
    assert_resumed(exchange(single.address, session.offer()), kind)


@often
def test_broken_hellos_leak_nothing(single, n):
    """CVE-2014-3567, CVE-2024-2511: handshakes that end half-way, in any place."""
    session = fresh(single.address, "psk")
    source = random.Random(2511)

    def cut(message):
        at = source.randrange(60, len(message))
        return message[:at] + source.randbytes(len(message) - at)

    def offer():
        exchange(single.address, session.offer(edit_hello=cut), path=None)

    assert growth_kb(single, offer, 200, n) < SLACK_KB
    assert_resumed(exchange(single.address, session.offer()), "psk")


def test_no_process_can_be_dumped(single):
    """Secrets never reach a core: no process is dumpable, and no core is allowed."""
    for pid, _ in [(single.pid, None), *descendants(single.pid)]:
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        core = next(line for line in limits if line.startswith("Max core file size"))
        assert core.split()[4] == "0", f"{pid}: {core}"
        uid = int(status_field(pid, "Uid").split()[1])
        if uid != 0:  # the kernel gives root the files of a process that cannot be dumped
            assert os.stat(f"/proc/{pid}/environ").st_uid == 0, f"{pid} can be dumped"


def core_written(folder, pid):
    """Kills a process the way that leaves a core; whether one is found where it would be."""
    try:
        resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    except PermissionError:
        pass  # not even root may, here; it is tried all the same
    kill(pid, signal.SIGABRT)
    wait_until(lambda: start_time(pid) is None, "its end")
    return any(name.startswith("core") for name in os.listdir(folder))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root raises another process's limits")
def test_no_core_is_written(single, tmp_path):
    """The same, tried: even with the limit raised a killed worker or keeper leaves no core."""
    control = tmp_path / "control"
    control.mkdir()
    with Process(["sleep", "60"], cwd=control) as process:
        if not core_written(control, process.pid):
            pytest.skip("this machine puts cores elsewhere, or writes none")
    for pid in (worker_of(single), single.keeper):
        folder = os.readlink(f"/proc/{pid}/cwd")
        before = set(os.listdir(folder))
        assert not core_written(folder, pid) or set(os.listdir(folder)) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads another process's memory")
def test_keys_are_in_no_memory_that_can_be_read(reprised, certificate, tmp_path):
    """Nothing in freed memory, on a stack, in a cipher context: a search from outside, as root."""
    key = nginx_key(80)
    path = key_file(tmp_path, "secret.key", key)
    server = reprised(one_site(certificate, workers=1, top={"session_ticket_key": [path]}))
    if not any("secretmem" in m.name for m in mappings(worker_of(server))):
        pytest.skip("without memfd_secret a debugger sees the window itself")
    for kind in ("ticket", "psk", "session-id"):
        for _ in range(20):
            session = fresh(server.address, kind)
            assert_resumed(exchange(server.address, session.offer()), kind)
    marker = certificate.der[40:72]
    for pid in [p for p, _ in descendants(server.pid)]:
        found_marker = False
        for mapping, data in read_memory(pid):
            found_marker |= marker in data
            for name, part in (("HMAC", key[16:48]), ("AES", key[48:80])):
                assert part not in data, f"{name} key in process {pid}: {mapping}"
        if pid == worker_of(server):
            assert found_marker, "the search sees nothing at all"


def test_a_connection_that_says_nothing(single):
    """Slow and silent peers: others are served meanwhile."""
    import socket

    idle = [socket.create_connection(single.address) for _ in range(50)]
    try:
        idle[0].sendall(b"\x16\x03\x01")
        assert_full(exchange(single.address, Offer()))
    finally:
        for s in idle:
            s.close()
