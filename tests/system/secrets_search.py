"""
What whoever can read a process's memory finds in it: the window of keys, parsed as
docs/formats/keyring.md lays it out, and anything else by search.

memfd_secret cannot be read from outside, so servers that are searched run without it.
"""

import ctypes
import errno
import hmac
import struct
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

MAGIC = b"rp windo"
HEADER = 128
TOO_LARGE = 1 << 30  # reserved addresses, as a sanitizer's


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction))]


MEMFD_SECRET, FSOPEN = 447, 430  # the same number on every architecture
FALLBACKS = {"ramfs": (MEMFD_SECRET,), "locked memfd": (MEMFD_SECRET, FSOPEN)}


def without(calls):
    """For preexec_fn, as root: a kernel that does not know these system calls, for this child."""

    def forbid():
        n = len(calls)
        steps = [(0x20, 0, 0, 0)]  # load the number of the system call
        steps += [(0x15, n - i, 0, call) for i, call in enumerate(calls)]
        steps += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | errno.ENOSYS)]
        program = _Program(len(steps), (_Instruction * len(steps))(*steps))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")

    return forbid


@dataclass(frozen=True)
class Mapping:
    first: int
    last: int
    mode: str
    name: str


def mappings(pid):
    out = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, mode, _, _, _, *name = line.split(maxsplit=5)
        first, last = (int(x, 16) for x in span.split("-"))
        out.append(Mapping(first, last, mode, name[0] if name else ""))
    return out


def read_memory(pid, writable_only=False):
    """(mapping, bytes) of all that can be read of a process."""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for m in mappings(pid):
            code = m.name.startswith("/") and "w" not in m.mode and "s" not in m.mode
            if "r" not in m.mode or m.name.startswith("[v") or (writable_only and code):
                continue
            if m.last - m.first > TOO_LARGE:
                continue
            data = bytearray()
            try:
                memory.seek(m.first)
                while len(data) < m.last - m.first:
                    part = memory.read(min(m.last - m.first - len(data), 1 << 24))
                    if not part:
                        break
                    data += part
            except (OSError, ValueError, OverflowError):
                continue
            yield m, bytes(data)


def holders(pids, secrets, writable_only=True):
    """Where any of these byte strings stand: (pid, mapping, which)."""
    out = []
    for pid in pids:
        for mapping, data in read_memory(pid, writable_only):
            out += [(pid, mapping, which) for which, s in secrets.items() if s in data]
    return out


@dataclass(frozen=True)
class Key:
    """One domain's keys of one epoch."""

    epoch: int
    opens_until: int
    domain: bytes
    name: bytes
    aes: bytes
    hmac: bytes
    record: bytes
    id_mac: bytes

    def open(self, ticket):
        """The plaintext of a ticket sealed under it; None if it was not."""
        body, mac = ticket[:-32], ticket[-32:]
        if ticket[:16] != self.name or hmac.digest(self.hmac, body, "sha256") != mac:
            return None
        decryptor = Cipher(algorithms.AES(self.aes), modes.CBC(body[16:32])).decryptor()
        return decryptor.update(body[32:]) + decryptor.finalize()


@dataclass(frozen=True)
class Window:
    ring_id: bytes
    epoch: int  # that seals
    keys: list

    def open(self, ticket):
        return next((p for p in (k.open(ticket) for k in self.keys) if p), None)


def _word(data, at, i, n=1):
    return data[at + 8 * i : at + 8 * (i + n)]


def _number(data, at, i):
    return struct.unpack_from("=Q", data, at + 8 * i)[0]


def parse_window(data):
    """The published slot of a window segment; None if nothing was published."""
    n_keys, n_domains = struct.unpack_from("=II", data, 32)
    published = _number(data, 0, 8)
    index = 1 << (2 * n_domains * n_keys - 1).bit_length()
    words = 16 + 3 * n_keys + n_domains * (2 + 19 * n_keys) + index
    assert struct.unpack_from("=Q", data, 16)[0] == HEADER + 3 * 8 * words, "another layout"
    at = HEADER + published % 3 * 8 * words
    if published == 0 or _number(data, at, 0) != published:
        return None
    domains = 16 + 3 * n_keys
    names = domains + 2 * n_domains
    keys = names + 3 * n_domains * n_keys
    out = []
    for k in range(_number(data, at, 8)):
        for d in range(_number(data, at, 9)):
            material = keys + 16 * (d * n_keys + k)
            out.append(
                Key(
                    _number(data, at, 16 + 3 * k), _number(data, at, 17 + 3 * k),
                    _word(data, at, domains + 2 * d, 2),
                    _word(data, at, names + 2 * (d * n_keys + k), 2),
                    *(_word(data, at, material + 4 * i, 4) for i in range(4)),
                )
            )
    return Window(_word(data, at, 1, 2), _number(data, at, 6), out)


def window_of(pid):
    for _, data in read_memory(pid, writable_only=True):
        if data.startswith(MAGIC):
            return parse_window(data)
    return None


def _info(label, *fields):
    return b"".join(bytes([len(x)]) + x for x in (label, *fields)) + b"\x01"


def chain_in(pid, window):
    """
    Whether any 32 bytes of the process are a chain value of the epoch after the current one: what
    derives that epoch's key name.
    """
    nxt = next(k for k in window.keys if k.epoch == window.epoch + 1)
    number = struct.pack(">Q", nxt.epoch)
    root_info = _info(b"reprise/1 chain root", window.ring_id, number)
    name_info = _info(b"reprise/1 ticket name", nxt.domain)
    for _, data in read_memory(pid, writable_only=True):
        for at in range(0, len(data) - 31, 8):
            candidate = data[at : at + 32]
            if candidate[:8] == bytes(8) or candidate[24:] == bytes(8):
                continue
            root = hmac.digest(candidate, root_info, "sha256")
            if hmac.digest(root, name_info, "sha256")[:16] == nxt.name:
                return True
    return False


