"""A service manager as systemd would be one: takes notifications, keeps descriptors, hands them on."""

import array
import os
import select
import socket
import sys
import time

from harness import DEADLINE

LAUNCHER = """
import fcntl, os, sys
fds = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 900) for fd in sys.argv[1].split(",") if fd]
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i, inheritable=True)
os.closerange(3 + len(fds), 2000)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
if sys.argv[2]:
    os.environ["LISTEN_FDNAMES"] = sys.argv[2]
os.execv(sys.argv[3], sys.argv[3:])
"""


def handing_on(fds, names):
    """Arguments of Reprised so that it starts with these descriptors."""
    listed = ",".join(str(fd) for fd in fds)
    return {
        "launcher": [sys.executable, "-c", LAUNCHER, listed, ":".join(names)],
        "pass_fds": tuple(fds),
    }


class Manager:
    """Its messages, in order, as (dict, number of descriptors); its store, as (name, descriptor)."""

    def __init__(self, abstract=True, folder=None):
        self.name = f"@reprise-test-{os.getpid()}-{id(self)}" if abstract else f"{folder}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:] if abstract else self.name)
        self.env = os.environ | {"NOTIFY_SOCKET": self.name}
        self.messages, self.store = [], []

    def _take(self):
        size = array.array("i", [0] * 253)
        data, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(len(bytes(size))))
        fds = array.array("i")
        for level, kind, payload in control:
            assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
        said = dict(line.split("=", 1) for line in data.decode().splitlines())
        if said.get("FDSTORE") == "1":
            self.store += [(said["FDNAME"], fd) for fd in fds]
        elif said.get("FDSTOREREMOVE") == "1":
            for name, fd in [item for item in self.store if item[0] == said["FDNAME"]]:
                os.close(fd)
                self.store.remove((name, fd))
        self.messages.append((said, len(fds)))

    def wait(self, variable, value=None, since=0):
        """The index of the first message from since on that sets the variable."""
        until = time.monotonic() + DEADLINE
        at = since
        while True:
            while at < len(self.messages):
                said = self.messages[at][0]
                if variable in said and value in (None, said[variable]):
                    return at
                at += 1
            ready, _, _ = select.select([self.socket], [], [], until - time.monotonic())
            assert ready, f"no {variable}={value} among {self.messages[since:]}"
            self._take()

    def drain(self):
        """Takes all that has come."""
        while select.select([self.socket], [], [], 0)[0]:
            self._take()

    def names(self):
        return sorted(name for name, _ in self.store)

    def handing_on(self):
        return handing_on([fd for _, fd in self.store], [name for name, _ in self.store])

    def close(self):
        self.socket.close()
        for _, fd in self.store:
            os.close(fd)
        self.store = []
