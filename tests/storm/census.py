"""Looks at processes from outside: memory, descriptors, and whose a connection is."""

import os
import re
import socket
import struct
from pathlib import Path

from harness import descendants, reprised_path, resident_kb, role_of, status_field

SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
DONE, ERROR = 3, 2
CONNECTIONS = 0xFFF & ~(1 << 3 | 1 << 6 | 1 << 7 | 1 << 10)  # no SYN_RECV, TIME_WAIT, CLOSE, LISTEN


def connections(port):
    """The connections of a local IPv4 port: the peer's port by inode. Not yet accepted ones: none."""
    inner = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, CONNECTIONS)
    inner += struct.pack(">HH", port, 0) + bytes(44)
    head = struct.pack("=IHHII", 16 + len(inner), SOCK_DIAG_BY_FAMILY, DUMP, 1, 0)
    found = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as diag:
        diag.send(head + inner)
        while True:
            data, at = diag.recv(1 << 16), 0
            while at < len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind == DONE:
                    return found
                assert kind != ERROR, "the kernel does not tell of its sockets"
                local, remote = struct.unpack_from(">HH", data, at + 20)
                (inode,) = struct.unpack_from("=I", data, at + 16 + 68)
                if inode and local == port:
                    found[inode] = remote
                at += (length + 3) & ~3


def links(pid):
    """What its descriptors are; needs root."""
    out = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            out[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            pass
    return out


def peers_of(pid, port):
    """The peers' ports of the connections to a local port that this process holds."""
    known = connections(port)
    inodes = {int(m[1]) for m in map(re.compile(r"socket:\[(\d+)\]").match, links(pid).values())
              if m}
    return {peer for inode, peer in known.items() if inode in inodes}


def pss_kb(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def look(pid):
    """A server's processes by role: resident and shared memory in kB, descriptors."""
    out = {}
    for one in [pid, *(p for p, _ in descendants(pid))]:
        try:
            out["parent" if one == pid else role_of(one)] = {
                "pid": one,
                "anon_kb": resident_kb(one),
                "rss_kb": int(status_field(one, "VmRSS").split()[0]),
                "pss_kb": pss_kb(one),
                "fds": len(os.listdir(f"/proc/{one}/fd")),
            }
        except (FileNotFoundError, ProcessLookupError, AttributeError):
            pass  # it has just ended
    return out


def workers_of(seen):
    return {role: one for role, one in seen.items() if role.startswith("worker")}


def is_sanitized():
    with open(reprised_path(), "rb") as f:
        return b"__asan_init" in f.read()


def complaints(server, expected=()):
    """Warnings and errors in the log that nobody expected, and lines that are no log at all."""
    expected = {"secret", "privileges", *expected}
    if is_sanitized():
        expected.add("no sandbox")
    out = [e for e in server.logs() if e["level"] not in ("info", "debug")
           and e["message"] not in expected]
    return out + [line for line in server.output.lines if not line.startswith("{")]
