"""Hosts as network namespaces: each is connected to a front, where clients are, and to the store."""

import contextlib
import ctypes
import os
import shutil
import subprocess

import pytest

NEW_NETWORK = 0x40000000
FRONT, BACK = "10.77.1", "10.77.2"


def enter(descriptor):
    """This thread, and what it starts from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(name):
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        enter(there)
        yield
    finally:
        enter(before)
        os.close(before)
        os.close(there)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Network:
    """
    A hub, with the clients and the store, and hosts around it. Clients reach host n at 10.77.1.n;
    the store is at 10.77.2.254. A context: its body runs in the hub.
    """

    store = f"{BACK}.254"

    def __init__(self, n):
        self.n, self.made = n, []
        self.prefix = f"rp{os.getpid()}"
        self.hub = f"{self.prefix}hub"
        self._stack = contextlib.ExitStack()

    def host(self, number):
        return f"{self.prefix}h{number}"

    @staticmethod
    def address(number):
        return f"{FRONT}.{number}"

    def launcher(self, number):
        """In front of a command that is to run on that host."""
        return ("nsenter", f"--net=/run/netns/{self.host(number)}")

    def _add(self, name):
        ip("netns", "add", name)
        self.made.append(name)
        ip("-n", name, "link", "set", "lo", "up")

    def _connect(self, number, side, subnet):
        inner, outer = side, f"{side}{number}"
        ip("-n", self.hub, "link", "add", outer, "type", "veth", "peer", "name", inner, "netns",
           self.host(number))
        ip("-n", self.hub, "link", "set", outer, "master", f"br-{side}", "up")
        ip("-n", self.host(number), "addr", "add", f"{subnet}.{number}/24", "dev", inner)
        ip("-n", self.host(number), "link", "set", inner, "up")

    def __enter__(self):
        if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nsenter"):
            pytest.skip("network namespaces are made by root, with ip and nsenter")
        try:
            self._add(self.hub)
        except subprocess.CalledProcessError as e:
            pytest.skip(f"no network namespaces here: {e.stderr.decode().strip()}")
        try:
            for side, subnet in (("front", FRONT), ("back", BACK)):
                ip("-n", self.hub, "link", "add", f"br-{side}", "type", "bridge")
                ip("-n", self.hub, "addr", "add", f"{subnet}.254/24", "dev", f"br-{side}")
                ip("-n", self.hub, "link", "set", f"br-{side}", "up")
            for number in range(1, self.n + 1):
                self._add(self.host(number))
                self._connect(number, "front", FRONT)
                self._connect(number, "back", BACK)
            self._stack.enter_context(inside(self.hub))
        except BaseException:
            self._remove()
            raise
        return self

    def _remove(self):
        for name in self.made:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def __exit__(self, *_):
        self._stack.close()
        self._remove()

    def cut(self, number):
        """That host from the store. Clients still reach it."""
        ip("-n", self.hub, "link", "set", f"back{number}", "down")

    def heal(self, number):
        ip("-n", self.hub, "link", "set", f"back{number}", "up")
