"""The store as attacker, in a folder: it forges, repeats, swaps, misdelivers and floods; no host takes
a key from it, none falls, and whoever was in step stays so."""

import os
import socket
import threading
from dataclasses import replace

import pytest
from admin import Admin
from checks import fresh
from harness import resident_kb, start_time, wait_seconds, wait_until
from hosts import (Hosts, assert_all_pairs, assert_taken, epoch_of, fleet_of, wait_members,
                   wait_rotation)
from mailbox import (HEADER, PRESENCE, PULL, RINGS, TIME, TIME_ANSWER, VALUE_MAX, Fleet, Folder,
                     Header, Held, Presence, grown_ring, letter_name, rings_bytes,
                     secret_bytes, shown)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the store's owner is somebody else")
FOREIGN = "a message under another fleet secret: is the file the same on all hosts?"
SLACK_KB = 4096
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Unharmed:
    """What must be after an attack as it was before."""

    def __init__(self, hosts):
        self.hosts = list(hosts)
        wait_members(self.hosts)
        self.sessions = assert_all_pairs(self.hosts)
        self.ring = epoch_of(self.hosts[0])[0]
        self.families = [server.family() for server in self.hosts]
        self.kb = {pid: resident_kb(pid) for pid in self._guarded()}

    def _guarded(self):
        return [family[role] for family in self.families for role in ("keeper", "courier")]

    def serve(self):
        """While it goes on."""
        assert_taken(self.sessions, self.hosts)
        assert_all_pairs(self.hosts)

    def check(self):
        """And when it is over."""
        self.serve()
        assert [server.family() for server in self.hosts] == self.families, "a process fell"
        assert {epoch_of(server)[0] for server in self.hosts} == {self.ring}
        wait_members(self.hosts)
        assert len({epoch_of(server) for server in self.hosts}) <= 2
        if "asan" not in os.environ.get("REPRISED", ""):
            grown = {pid: resident_kb(pid) - kb for pid, kb in self.kb.items()}
            assert max(grown.values()) < SLACK_KB, grown


class Again(threading.Thread):
    """Does something without end, until the with block does."""

    def __init__(self, act):
        super().__init__(daemon=True)
        self.act, self.over, self.failure = act, threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(0.01):
                self.act()
        except Exception as e:  # pylint: disable=broad-except
            self.failure = e

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.join()
        if self.failure and not kind:
            raise self.failure


@pytest.fixture
def hosts(open_folder, reprised, certificate):
    return Hosts(reprised, certificate, open_folder)


@pytest.fixture
def folder(open_folder):
    return Folder(open_folder / "store")


@pytest.fixture
def member(hosts):
    """What somebody could do who had the secret: for the controls."""
    return Fleet(secret_bytes(hosts.secret.read_text()))


def stranger():
    return Fleet(os.urandom(32))


def host_ids(folder):
    return [bytes.fromhex(name) for name in folder.names("members") if len(name) == 32]


def presence_of(folder, fleet, host):
    return Presence.of(fleet.open(folder.get("members", host.hex())))


def counts(server):
    return fleet_of(server)["events"]


def test_old_presences_and_swapped_ones(hosts, folder):
    """Each entry is now and then an old one, its neighbour's, or empty."""
    for _ in range(3):
        hosts.start()
    unharmed = Unharmed(hosts)
    ids = [host.hex() for host in host_ids(folder)]
    seen = {name: [] for name in ids}
    turn = iter(range(1 << 30))

    def disturb():
        for name in ids:
            value = folder.get("members", name)
            if value and value not in seen[name] and len(value) > HEADER:
                seen[name].append(value)
        i = next(turn)
        name, other = ids[i % 3], ids[(i + 1) % 3]
        what = [lambda: seen[name][0], lambda: seen[other][-1], lambda: b"", lambda: seen[name][-1]]
        folder.put("members", name, what[i // 3 % 4]())

    with Again(disturb):
        for _ in range(3):
            wait_rotation(hosts[0])
            unharmed.serve()
    unharmed.check()
    assert max(len(values) for values in seen.values()) > 2


def test_a_dead_host_is_shown_again(hosts, folder):
    """It counts for four paces, once, and is then not believed any more."""
    a, b = hosts.start(), hosts.start()
    wait_members(hosts)
    others = folder.names("members")
    c = hosts.start()
    wait_members(hosts)
    (gone,) = set(folder.names("members")) - set(others)
    c.signal(9)
    c.wait()
    last = folder.get("members", gone)
    wait_until(lambda: fleet_of(a)["members"] == fleet_of(b)["members"] == 2, "it is forgotten")
    hosts.servers.remove(c)
    unharmed = Unharmed([a, b])
    with Again(lambda: folder.put("members", gone, last)):
        wait_rotation(a, 2)
        assert fleet_of(a)["members"] == fleet_of(b)["members"] == 2
        unharmed.serve()
    unharmed.check()


def forgeries(fleet, host, to):
    """Presences that no sound member writes, sealed with what is at hand."""
    sender = os.urandom(16)
    good = Presence(1, os.urandom(16), held=(Held(fleet.best_ring(), 1000, 0, True),))
    header = Header(PRESENCE, sender)
    yield sender, fleet.seal(header, good.bytes())
    yield host, fleet.seal(Header(PRESENCE, host), replace(good, seq=1 << 63).bytes())
    yield host, fleet.seal(header, good.bytes())
    for kind in (PULL, RINGS, TIME, TIME_ANSWER):
        yield host, fleet.seal(Header(kind, host, to), good.bytes())
    yield sender, header.bytes() + os.urandom(200)
    yield sender, b""
    yield sender, os.urandom(VALUE_MAX)


def test_forged_members(hosts, folder):
    """Without the secret, under another one, and real ones with every bit turned or byte cut."""
    a, b = hosts.start(), hosts.start()
    unharmed = Unharmed(hosts)
    ids = host_ids(folder)
    n = 0
    for fleet in (stranger(), Fleet(stranger().secret, "other")):
        for host, message in forgeries(fleet, ids[0], ids[1]):
            folder.put("members", host.hex(), message)
            n += 1
    real = folder.get("members", ids[1].hex())
    for i in range(0, 8 * len(real), 31):
        turned = bytearray(real)
        turned[i // 8] ^= 1 << i % 8
        folder.put("members", os.urandom(16).hex(), bytes(turned), 4000)
        folder.put("members", os.urandom(16).hex(), real[: i // 8], 4000)
    a.wait_log(FOREIGN), b.wait_log(FOREIGN)
    wait_rotation(a, 2)
    assert fleet_of(a)["members"] == fleet_of(b)["members"] == 2
    assert len(a.logs(FOREIGN)) == 1, "one line a minute, however many there are"
    unharmed.check()


def strange_entries(box):
    """What is no file, and no name."""
    long = "+" + "a" * 120
    made = ["+" + os.urandom(16).hex() for _ in range(8)]
    os.mkfifo(box / made[0])
    (box / made[1]).symlink_to("/etc/passwd")
    (box / made[2]).symlink_to("/dev/zero")
    (box / made[3]).symlink_to(made[3])
    (box / made[4]).mkdir()
    with socket.socket(socket.AF_UNIX) as s:
        os.chdir(box)
        s.bind(made[5])
    with open(box / made[6], "wb") as f:
        f.truncate(1 << 40)
    (box / made[7]).symlink_to(made[0])
    for name in ("+", "+.", "+..", "+\n", "+\xff", "+A", "+%n%s", "+a b", "+\x1b[2J", long, ".", "x",
                 "+" + "z" * 200, ".00000000-0000000000000000-1-1"):
        if name != ".":
            (box / name).write_bytes(b"rp-entry" + bytes(500))
            (box / name).chmod(0o644)


def test_what_is_no_entry(hosts, folder):
    """Pipes, links, folders, sockets, a terabyte of nothing, and names that are none."""
    hosts.start(), hosts.start()
    unharmed = Unharmed(hosts)
    back = os.getcwd()
    try:
        for box in folder.boxes():
            strange_entries(folder.box(box))
    finally:
        os.chdir(back)
    wait_rotation(hosts[0], 2)
    unharmed.check()
    hosts.start()
    wait_members(hosts)
    assert_all_pairs(hosts)


def put_instead(path, target):
    """A link, or a file that is no folder, where a folder was; its owner may make it anew."""
    for i in range(1000):
        path.rename(path.with_name(f"moved-{i}-{path.name}"))
        try:
            if target:
                path.symlink_to(target)
            else:
                with open(path, "xb") as file:
                    file.write(b"no folder")
            return
        except FileExistsError:
            pass
    raise AssertionError("the folder comes back each time")


def test_boxes_are_replaced(hosts, folder, open_folder):
    """By others, by links elsewhere, by files; and removed with all that is in them."""
    hosts.start(), hosts.start()
    unharmed = Unharmed(hosts)
    elsewhere = open_folder / "elsewhere"
    elsewhere.mkdir()
    for i, box in enumerate(folder.boxes()):
        put_instead(folder.box(box), elsewhere if i % 2 else None)
    wait_rotation(hosts[0])
    unharmed.serve()
    assert list(elsewhere.iterdir()) == [], "a link was followed"
    for path in list(folder.path.iterdir()):
        if path.is_symlink() or path.is_file():
            path.unlink()
    unharmed.check()


def answers(folder, host):
    """The RINGS that wait for it."""
    return [name for name in folder.names("in-" + host.hex()) if name.endswith(f"{RINGS:02x}")]


def test_a_rogue_join(hosts, folder, member):
    """Who asks without the secret, under another name, or with an old invitation, gets no answer;
    the control, who has both, does."""
    hosts.start(), hosts.start()
    unharmed = Unharmed(hosts)
    (host, _) = host_ids(folder)
    invite = presence_of(folder, member, host).invite
    askers = []

    def ask(fleet, with_invite, edit=lambda m: m):
        mallory = os.urandom(16)
        header = Header(PULL, mallory, host)
        message, exchange = fleet.pull(header, with_invite)
        folder.put("in-" + host.hex(), letter_name(header), edit(message))
        askers.append(mallory)
        return mallory, exchange, header

    for fleet in (stranger(), Fleet(member.secret, "other")):
        ask(fleet, invite)
    ask(member, os.urandom(16))
    ask(member, bytes(16))
    for at in (0, 20, 40, HEADER, HEADER + 31, HEADER + 32, -1):
        ask(member, invite, lambda m, at=at: m[:at] + bytes([m[at] ^ 1]) + m[at + 1 or len(m) :])
    for n in (0, 1, HEADER - 1, HEADER, HEADER + 32, HEADER + 63):
        ask(member, invite, lambda m, n=n: m[:n])
    ask(member, invite, lambda m: m + b"\0")
    ask(member, invite, lambda m: m[:HEADER] + bytes(32) + m[HEADER + 32 :])
    control, exchange, header = ask(member, invite)
    (name,) = wait_until(lambda: answers(folder, control), "the control is answered")
    payload = exchange.read(folder.get("in-" + control.hex(), name)[HEADER:])
    assert shown(payload[17:33]) == epoch_of(hosts[0])[0], "the control has the ring"
    for mallory in askers[:-1]:
        assert not answers(folder, mallory)
    folder.remove("in-" + control.hex(), name)
    message, _ = member.pull(header, invite)
    folder.send(message)  # the nonce again
    wait_rotation(hosts[0])
    assert not answers(folder, control)
    unharmed.check()


def test_a_rogue_genesis(hosts, folder, member):
    """A better ring under another secret: nobody asks for it, or takes it from an answer that was
    not asked for, or forged; the control, a thief of the secret, can plant one."""
    hosts.start()
    wait_members(hosts)
    ring = epoch_of(hosts[0])[0]
    rogue = stranger()
    thief_is_here = threading.Event()
    mallory = os.urandom(16)
    seq = iter(range(1, 1 << 30))
    asked = []
    best = member.best_ring()
    payload = rings_bytes([grown_ring(best, epoch=2, time_ms=5000)])

    def plant():
        fleet = member if thief_is_here.is_set() else rogue
        presence = Presence(next(seq), bytes(16), held=(Held(best, 5000, 2, True),))
        folder.put("members", mallory.hex(), fleet.seal(Header(PRESENCE, mallory), presence.bytes()))
        for host in host_ids(folder):
            if host != mallory:  # not asked for
                message, _ = fleet.pull(Header(RINGS, mallory, host), payload)
                folder.send(message)
        for box in folder.boxes():
            for name in folder.names(box) if box.startswith("in-") else []:
                letter = folder.get(box, name)
                header = letter and Header.of(letter)
                if header and header.kind == PULL:
                    asked.append(header)
                    answer = fleet.answer(letter, payload) if header.to == mallory else None
                    forged = Header(RINGS, header.to, header.sender, header.nonce)
                    folder.send(answer or forged.bytes() + os.urandom(48 + len(payload)))

    with Again(plant):
        hosts.start()
        wait_rotation(hosts[0], 2)
        assert {epoch_of(s)[0] for s in hosts} == {ring}
        assert_all_pairs(hosts)
        assert not [h for h in asked if h.to == mallory], "it was asked"
        thief_is_here.set()
        wait_until(lambda: {epoch_of(s)[0] for s in hosts} == {shown(best)}, "the control")
    assert_all_pairs(hosts)


def test_everybody_gets_the_claim(hosts, folder):
    """All begin a ring, and end in one."""
    claims = folder.box("claims")

    def grant():
        for name in folder.names("claims"):
            folder.remove("claims", name)

    with Again(grant):
        for _ in range(3):
            hosts.start(ready=False)
        for server in hosts:
            server._wait_ready()
        wait_members(hosts)
        sessions = assert_all_pairs(hosts)
        wait_rotation(hosts[0], 2)
        assert_taken(sessions, hosts)
    assert claims.exists()
    Unharmed(hosts).check()


def test_nobody_gets_a_claim(hosts, folder, open_folder):
    """Nor sees a member: each serves on its own, and later they meet."""
    first = hosts.start()
    wait_members([first])

    def refuse():
        folder.put("claims", "found", os.urandom(16))
        for name in folder.names("members"):
            folder.remove("members", name)

    with Again(refuse):
        hosts.start()
        assert all(fresh(s.address, "psk") for s in hosts)
    wait_members(hosts)
    assert_all_pairs(hosts)


def test_letters_go_astray(hosts, folder):
    """To all boxes, under all types, twice, late, and to hosts that are long gone."""
    hosts.start(), hosts.start()
    unharmed = Unharmed(hosts)
    kept = {}

    def misdeliver():
        for box in folder.boxes():
            for name in folder.names(box) if box.startswith("in-") else []:
                letter = folder.get(box, name)
                if letter and len(letter) > HEADER:
                    kept[name] = letter
        boxes = [b for b in folder.boxes() if b.startswith("in-")]
        for name, letter in list(kept.items())[-20:]:
            for box in boxes:
                folder.put(box, name, letter)
                other = letter[:1] + bytes([letter[1] % 5 + 1]) + letter[2:]
                folder.put(box, os.urandom(16).hex() + name[-2:], other)
        for host in host_ids(folder):
            sender = os.urandom(16)
            for kind in range(7):
                header = Header(kind, sender, host)
                folder.send(header.bytes()) if 0 < kind < 6 else None
                folder.put("in-" + host.hex(), letter_name(header), header.bytes() + os.urandom(9))

    with Again(misdeliver):
        hosts.start()
        wait_rotation(hosts[0], 3)
        unharmed.serve()
        assert_all_pairs(hosts)
    Unharmed(hosts).check()
    assert kept and [server.family() for server in unharmed.hosts] == unharmed.families
    assert counts(hosts[0])["refused"] > 0


@pytest.mark.full
@pytest.mark.deadline(150)
def test_a_flood(hosts, folder):
    """Ten thousand members, and letters of 48 kB without end: hosts serve, and spend little."""
    hosts.start(), hosts.start()
    unharmed = Unharmed(hosts)
    junk = os.urandom(VALUE_MAX)
    ids = host_ids(folder)
    for i in range(10000):
        host = os.urandom(16)
        header = Header(PRESENCE, host)
        folder.put("members", host.hex(), header.bytes() + junk[: 300 + i % 700], 20000)

    def flood():
        for host in ids:
            header = Header(PULL, os.urandom(16), host)
            folder.put("in-" + host.hex(), letter_name(header), header.bytes() + junk[HEADER:], 5000)

    pids = [family[role] for family in unharmed.families for role in ("keeper", "courier")]
    before = [cpu_seconds(pid) for pid in pids]
    with Again(flood):
        wait_seconds(6)
        unharmed.serve()
        wait_seconds(6)
        spent = [cpu_seconds(pid) - start for pid, start in zip(pids, before)]
        unharmed.serve()
    assert max(spent) < 6, f"of 12 s and more: {spent}"
    for name in folder.names("members"):
        if bytes.fromhex(name) not in ids:
            folder.remove("members", name)
    unharmed.check()
    for server, family in zip(unharmed.hosts, unharmed.families):
        assert all(start_time(pid) for pid in family.values())
        assert Admin(server).health()[0] == 200
    hosts.start()
    wait_members(hosts)
    assert_all_pairs(hosts)
