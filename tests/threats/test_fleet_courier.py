"""A courier that was taken over: it may send the keeper mail, and nothing else; whatever that is, keys
rotate on time, no key is taken from it, and no other process falls."""

import contextlib
import ctypes
import os
import random
import signal
import socket
import struct
import threading

import pytest
from harness import resident_kb, wait_until
from hosts import (Hosts, assert_all_pairs, assert_taken, epoch_of, fleet_of, wait_members,
                   wait_rotation)
from mailbox import HEADER, PRESENCE, Fleet, Header, Held, Presence, grown_ring, rings_bytes

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root takes another's descriptors")
PIDFD_GETFD = 438
PING, PONG = 9, 10
STATE, ENTRY, LISTED, CLAIMED, ERASED, LETTER = range(16, 22)
SLACK_KB = 4096


def frame(kind, body=b""):
    return struct.pack(">HH", kind, len(body)) + body


def entry(name, value):
    return bytes([len(name)]) + name + value


def taken_socket(pid):
    """A process's end of its channel, as whoever runs in it has it."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for fd in map(int, os.listdir(f"/proc/{pid}/fd")):
            if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
                continue
            mine = libc.syscall(PIDFD_GETFD, process, fd, 0)
            if mine < 0:
                continue
            s = socket.socket(fileno=mine)
            if (s.family == socket.AF_UNIX and s.type == socket.SOCK_STREAM
                    and not s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)):
                return s
            s.close()
    finally:
        os.close(process)
    pytest.skip("this kernel gives no descriptors of others")


class TakenOver:
    """The courier of a host (or another process) stands still, and this speaks for it."""

    def __init__(self, server, role="courier"):
        self.pid = server.family()[role]
        os.kill(self.pid, signal.SIGSTOP)
        self.socket = taken_socket(self.pid)
        self.over = threading.Event()
        self.said = []  # by the parent, or the keeper through it
        self.lock = threading.Lock()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def say(self, data):
        """All of it, though the socket does not wait."""
        with self.lock:
            view = memoryview(data)
            while view:
                try:
                    view = view[self.socket.send(view):]
                except BlockingIOError:
                    self.over.wait(0.001)

    def _read(self):
        data = b""
        while not self.over.is_set():
            try:
                part = self.socket.recv(65536)
            except BlockingIOError:
                self.over.wait(0.005)
                continue
            except OSError:
                return
            if not part:
                return
            data += part
            while len(data) >= 4 and len(data) >= 4 + struct.unpack_from(">H", data, 2)[0]:
                kind, n = struct.unpack_from(">HH", data)
                self.said.append((kind, data[4 : 4 + n]))
                data = data[4 + n :]
                if kind == PING:
                    with contextlib.suppress(OSError):  # it ends just now
                        self.say(frame(PONG))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.reader.join()
        self.socket.close()
        try:
            os.kill(self.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass


@pytest.fixture
def hosts(open_folder, reprised, certificate):
    made = Hosts(reprised, certificate, open_folder)
    made.start(), made.start()
    wait_members(made)
    return made


def own_id(taken):
    """The host id, as the keeper writes it into what it puts."""
    def find():
        for kind, body in taken.said:
            if kind == 13:
                at = 9
                for _ in range(2):
                    at += 1 + body[at]
                header = Header.of(body[at:])
                if header:
                    return header.sender
        return None
    return wait_until(find, "it puts its presence")


def some_mail(source, host):
    """Well-formed frames with anything in them."""
    rogue = Fleet(bytes(32))
    sender = source.randbytes(16)
    name = source.randbytes(16).hex().encode()
    size = source.choice([0, 1, HEADER - 1, HEADER, HEADER + 16, 300, 49152])
    kind = source.randrange(7)
    letter = bytes([1, kind]) + sender + host + source.randbytes(16)
    letter = (letter + source.randbytes(size))[:49152]
    planted = Presence(source.randrange(1 << 63), bytes(16), held=(Held(bytes(16), 1, 0, True),))
    return source.choice([
        frame(STATE, bytes([source.randrange(2)])),
        frame(ENTRY, entry(name, letter)),
        frame(ENTRY, entry(sender.hex().encode(),
                           rogue.seal(Header(PRESENCE, sender), planted.bytes()))),
        frame(LISTED, struct.pack(">BHI", source.randrange(2), source.choice([0, 1, 65535]),
                                  source.choice([0, 1, 1 << 20, (1 << 32) - 1]))),
        frame(CLAIMED, source.choice([b"\0\0", b"\1\0", b"\1\1"])),
        frame(ERASED),
        frame(LETTER, entry(name, letter)),
        frame(LETTER, entry(name, rogue.pull(Header(3, sender, host),
                                             rings_bytes([grown_ring(bytes(16), 1, 2500)]))[0])),
        # malformed in what the parent does not look at
        frame(ENTRY, source.randbytes(source.randrange(2, 300))),
        frame(LETTER, entry(b"../" * 9, b"x")),
        frame(LISTED, source.randbytes(7)),
        frame(CLAIMED, source.randbytes(2)),
    ])


@pytest.mark.deadline(120)
@pytest.mark.parametrize("seed", [1, 2])
def test_any_mail(hosts, seed):
    """As fast as it can: the keeper turns its epochs in time, and goes on where it was."""
    a, b = hosts
    sessions = assert_all_pairs(hosts)
    ring, family = epoch_of(b)[0], a.family()
    memory = resident_kb(a.keeper)
    source = random.Random(seed)
    with TakenOver(a) as taken:
        host = own_id(taken)
        for _ in range(3):
            until = epoch_of(b)[1] + 1
            while epoch_of(b)[1] < until:
                taken.say(b"".join(some_mail(source, host) for _ in range(50)))
            assert_taken(sessions, hosts)
            assert_all_pairs(hosts)
    assert a.family() == family, "a process fell"
    os.kill(family["courier"], signal.SIGKILL)
    wait_until(lambda: a.family().get("courier") not in (None, family["courier"]), "a sound one")
    if "asan" not in os.environ.get("REPRISED", ""):
        assert resident_kb(a.keeper) - memory < SLACK_KB
    wait_members(hosts)
    assert {epoch_of(s)[0] for s in hosts} == {ring}
    wait_rotation(a)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)


NOT_ITS = {
    "EPOCH": frame(2, bytes(16)), "STATIC_KEYS": frame(3, b"\1\60" + bytes(48)),
    "KEYS_TAKEN": frame(4, b"\1"), "DRAIN": frame(5, bytes(8)), "ACCEPT": frame(6),
    "DOMAINS": frame(7, b"\1a"), "DOMAINS_TAKEN": frame(8, b"\1"), "READY": frame(1),
    "SETTLED": frame(11), "MAIL_PUT": frame(13, b"\0" * 30), "MAIL_LIST": frame(14, b"\0\1\1a"),
    "unknown": frame(99, b"x"), "PONG": frame(PONG), "STATE of 2": frame(STATE, b"\2"),
    "long STATE": frame(STATE, b"\0\0"), "short LISTED": frame(LISTED, bytes(6)),
    "too long": struct.pack(">HH", LETTER, 65535),
}


@pytest.mark.deadline(180)
def test_what_is_not_its_to_say(hosts):
    """The parent replaces it; all else is as it was."""
    a, b = hosts
    sessions = assert_all_pairs(hosts)
    for what, data in NOT_ITS.items():
        before = a.family()
        with TakenOver(a) as taken:
            taken.say(data)
            wait_until(lambda: a.family().get("courier") not in (None, before["courier"]),
                       f"{what}: another courier")
        after = a.family()
        assert {k: v for k, v in before.items() if k != "courier"} == \
            {k: v for k, v in after.items() if k != "courier"}, what
        wait_until(lambda: fleet_of(a)["store_up"], "the store is there again")
    assert_taken(sessions, hosts)
    wait_members(hosts)
    assert_all_pairs(hosts)
