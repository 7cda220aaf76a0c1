"""Who has the fleet secret is a member, and may lie: hosts bear it without falling, growing or
stalling, and no text of his becomes anything but text."""

import json
import os
import time
from dataclasses import replace

import pytest
from admin import Admin
from harness import resident_kb, wait_seconds, wait_until
from hosts import (Hosts, assert_all_pairs, assert_taken, change_secret, epoch_of, fleet_of,
                   wait_members, wait_rotation)
from mailbox import (PRESENCE, PULL, RINGS, TIME, Fleet, Folder, Header, Held, Presence,
                     grown_ring, rings_bytes, secret_bytes,
                     shown)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the store's owner is somebody else")
SLACK_KB = 6144
ODD = (b'"><script>alert(1)</script>', b"\\", b'"', b"a\\\",\\\"b", b"%n%n%s", b"{x=\"y\"}", b"</pre>",
       b"$(reboot)", b"'--", b"`id`", b"\\u0000", b"*" * 63)


@pytest.fixture
def hosts(open_folder, reprised, certificate):
    made = Hosts(reprised, certificate, open_folder)
    made.start(), made.start()
    wait_members(made)
    return made


@pytest.fixture
def folder(hosts, open_folder):
    return Folder(open_folder / "store")


@pytest.fixture
def member(hosts):
    return Fleet(secret_bytes(hosts.secret.read_text()))


def ids_of(folder):
    return [bytes.fromhex(name) for name in folder.names("members")]


def presence_of(folder, fleet, host):
    return Presence.of(fleet.open(folder.get("members", host.hex())))


def appear(folder, fleet, presence, host=None):
    host = host or os.urandom(16)
    message = fleet.seal(Header(PRESENCE, host), presence.bytes())
    folder.put("members", host.hex(), message, 8000)
    return host


def held_by(folder, fleet):
    """What a sound member says that it holds."""
    return presence_of(folder, fleet, ids_of(folder)[0]).held


def guarded(hosts):
    return [server.family()[role] for server in hosts for role in ("keeper", "courier")]


def test_names_are_text(hosts, folder, member):
    held = held_by(folder, member)
    for name in ODD:
        appear(folder, member, Presence(1, bytes(16), held=held, name=name, address=name,
                                        version=name))
    wait_until(lambda: fleet_of(hosts[0])["members"] == 2 + len(ODD), "all are seen")
    admin = Admin(hosts[0])
    told = json.loads(admin.ask("/fleet.json")[2])
    names = {m["name"] for m in told["members"]}
    assert names >= {name.decode() for name in ODD}
    admin.figures(), admin.status()
    for path in ("/metrics", "/status.json", "/fleet.json"):
        status, headers, _ = admin.ask(path)
        assert status == 200 and "html" not in headers.get("Content-Type", "")
    for line in hosts[0].output.lines:
        json.loads(line)


def test_other_epochs_and_odd_numbers(hosts, folder, member):
    """Limits of every field, rings that nobody has, ring times at the ends; and rotate of a second."""
    sessions, pids = assert_all_pairs(hosts), guarded(hosts)
    ring = epoch_of(hosts[0])[0]
    good = Presence(1, bytes(16), held=held_by(folder, member))
    far = (1 << 61) - 1
    for changes in (
        {"seq": (1 << 64) - 1}, {"uncertainty_ms": (1 << 32) - 1}, {"health": 3}, {"health": 255},
        {"rotate_ms": 1}, {"rotate_ms": 0}, {"rotate_ms": 1 << 61}, {"accept_ms": far},
        {"reseed_ms": far}, {"held": ()}, {"name": b""}, {"version": b""}, {"name": b"a b"},
        {"name": b"\xff"}, {"name": b"\0"}, {"is_member": False},
        {"held": (Held(b"\xff" * 16, far, 1 << 62, True),)},
        {"held": (Held(b"\xff" * 16, -far, 1 << 62, True), Held(b"\xfe" * 16, far, 0))},
        {"held": (replace(good.held[0], time_ms=far),)},
        {"held": (replace(good.held[0], time_ms=-far),)},
        {"held": good.held * 2}, {"held": tuple(Held(bytes([255, i] * 8)) for i in range(4))},
    ):
        appear(folder, member, replace(good, **changes))
    wait_rotation(hosts[0], 2)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    assert guarded(hosts) == pids
    assert {epoch_of(s)[0] for s in hosts} == {ring}


@pytest.mark.full
@pytest.mark.deadline(120)
def test_floods(hosts, folder, member):
    """Of members, of questions and of rings: answered so often and no more."""
    sessions, pids = assert_all_pairs(hosts), guarded(hosts)
    memory = [resident_kb(pid) for pid in pids]
    host = ids_of(folder)[0]
    good = presence_of(folder, member, host)
    for _ in range(600):
        appear(folder, member, Presence(1, bytes(16), held=good.held))
    mallory = os.urandom(16)
    box = "in-" + mallory.hex()
    began = time.monotonic()
    sent = 0
    while time.monotonic() - began < 6:
        invite = presence_of(folder, member, host).invite
        for _ in range(100):
            header = Header(PULL, mallory, host)
            folder.send(member.pull(header, invite)[0])
            header = Header(TIME, mallory, host)
            folder.send(member.seal(header, b""))
            sent += 1
    seconds = time.monotonic() - began
    wait_seconds(1)
    answered = sum(name.endswith(f"{RINGS:02x}") for name in folder.names(box))
    assert 0 < answered <= 400 + 200 * (seconds + 2), (answered, sent)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    assert guarded(hosts) == pids
    if "asan" not in os.environ.get("REPRISED", ""):
        grown = [resident_kb(pid) - kb for pid, kb in zip(pids, memory)]
        assert max(grown) < SLACK_KB, grown
    wait_until(lambda: fleet_of(hosts[0])["members"] == 2, "those who are silent are gone", 30)
    wait_members(hosts)


@pytest.mark.full
@pytest.mark.deadline(120)
def test_rings_without_end(hosts, folder, member):
    """One after the other, each better than the last: no more are held than fit, and in the end all
    agree on one."""
    pids = guarded(hosts)
    memory = [resident_kb(pid) for pid in pids]
    mallory, invite = os.urandom(16), os.urandom(16)
    box = "in-" + mallory.hex()
    given = 0
    for i in range(40):
        rings = [replace(grown_ring(bytes([0, 0, 100 - i, j]) + member.best_ring()[4:], 1, 2500),
                         seals=j == 0) for j in range(4)]
        held = tuple(Held(r.ring, r.time_ms, r.epoch, r.seals) for r in rings)
        presence = Presence(i + 1, invite, held=held)
        appear(folder, member, presence, mallory)
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            for name in folder.names(box):
                letter = folder.get(box, name)
                if letter and Header.of(letter).kind == PULL:
                    folder.send(member.answer(letter, rings_bytes(rings)))
                    given += 1
                folder.remove(box, name)
            wait_seconds(0.01)
    assert given > 10
    assert guarded(hosts) == pids
    assert fleet_of(hosts[0])["events"]["took-up"] > 10
    assert max(fleet_of(s)["rings_held"] for s in hosts) <= 4
    folder.remove("members", mallory.hex())
    wait_members(hosts)
    wait_until(lambda: len({epoch_of(s)[0] for s in hosts}) == 1, "they agree")
    wait_rotation(hosts[0])
    assert_all_pairs(hosts)
    if "asan" not in os.environ.get("REPRISED", ""):
        grown = [resident_kb(pid) - kb for pid, kb in zip(pids, memory)]
        assert max(grown) < SLACK_KB, grown


def plant(hosts, folder, fleet, ring):
    """Until all seal by it."""
    mallory, sound = os.urandom(16), grown_ring(ring, 1, 2500)
    held = (Held(ring, sound.time_ms, sound.epoch, True),)
    answered = set()
    n = 0

    def is_planted():
        nonlocal n
        n += 1
        appear(folder, fleet, Presence(n, bytes(16), held=held), mallory)
        box = "in-" + mallory.hex()
        for name in set(folder.names(box)) - answered:
            letter = folder.get(box, name)
            if letter and Header.of(letter).kind == PULL:
                folder.send(fleet.answer(letter, rings_bytes([sound])))
            answered.add(name)
        return {epoch_of(s)[0] for s in hosts} == {shown(ring)}

    wait_until(is_planted, "the ring is taken up", step=0.1)
    folder.remove("members", mallory.hex())
    wait_members(hosts)


@pytest.mark.full
@pytest.mark.deadline(120)
@pytest.mark.parametrize("rest", [
    bytes(8), os.urandom(8)], ids=["best", "some"])
def test_a_planted_ring_goes_with_the_secret(hosts, folder, member, rest):
    """A thief plants the best ring that there can be; when the secret is changed, he has nothing."""
    ring = member.best_ring(rest)
    plant(hosts, folder, member, ring)
    for _ in change_secret(hosts):
        assert_all_pairs(hosts)
    wait_until(lambda: len({epoch_of(s)[0] for s in hosts} | {shown(ring)}) == 2, "another ring")
    assert_all_pairs(hosts)
