"""
Servers that are fed: two of a kind on two loopback addresses, each with a folder of its own for the
keys that somebody else keeps there, and its way of being told.
"""

import grp
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import large
import proxies
import webs
from fleet import Member, find
from harness import Process

HERE = Path(__file__).resolve().parent
MEMORY = "/dev/shm"


@dataclass(frozen=True)
class Kind:
    program: str
    prepare: Callable
    feed: str  # what it is called in reprised.conf
    file: str | None  # what its feed keeps; None: files and a list, as nginx wants them
    reload: Callable | None = None  # of a member: the command
    backend: bool = False
    needs: tuple = ()
    drops: bool = False  # starts as root, and becomes another by itself


def _traffic_ctl(member):
    return [Path(member.program).with_name("traffic_ctl"),
            f"--run-root={member.folder}/runroot.yaml", "config", "reload"]


def _node(member):
    (host, port), = member.listen
    settings = {"cert": str(member.certificate.chain), "key": str(member.certificate.key),
                "host": host, "port": port, "ticketKeys": str(member.fed)}
    (member.folder / "settings.json").write_text(json.dumps(settings))
    return [member.program, HERE / "node_cluster.js"]


KINDS = {
    "nginx": Kind("nginx", webs.nginx_fed, "nginx", None,
                  lambda m: [m.program, "-p", m.folder, "-c", m.folder / "nginx.conf", "-e",
                             "stderr", "-s", "reload"]),
    "haproxy": Kind("haproxy", proxies.haproxy_tcp, "haproxy", "ticket.keys", backend=True),
    "apache": Kind("apache2", webs.apache, "apache", "ticket.key",
                   lambda m: [find("pkill"), "-USR1", "-F", m.folder / "pid"],
                   needs=webs.APACHE_MODULES),
    "trafficserver": Kind("traffic_server", proxies.trafficserver_managed, "trafficserver",
                          "ticket.keys", _traffic_ctl, backend=True),
    "lighttpd": Kind("lighttpd", webs.lighttpd, "lighttpd", "stek.bin",
                     needs=(webs.LIGHTTPD_TLS,)),
    "h2o": Kind("h2o", webs.h2o, "h2o", "tickets.yaml", drops=True),
    "nodejs": Kind("node", _node, "nodejs", "ticket.key"),
}


class Folders:
    """New folders on tmpfs, that go with stop()."""

    def __init__(self):
        self._made = tempfile.mkdtemp(prefix="reprise-feeds-", dir=MEMORY)
        os.chmod(self._made, 0o755)
        self._n = 0

    def new(self):
        """A path where there is nothing yet."""
        self._n += 1
        return Path(self._made) / f"keys{self._n}"

    def stop(self):
        shutil.rmtree(self._made)


class Fed(Member):
    """A server whose keys somebody else puts into a folder on tmpfs; started only when told."""

    level = "admin"  # of HAProxy's socket
    group = None  # as which it runs, nobody's own user; None: as we do

    def __init__(self, folder, kind, host, port, certificate, keys, backend):
        program = find(kind.program)
        super().__init__(folder, program, [host], port, certificate, [], True, backend)
        self.kind, self.keys = kind, Path(keys)
        self.fed = self.keys / kind.file if kind.file else self.keys
        self.listen = [(host, port)]
        (self.folder / "session.json").write_text("{}")
        with open(self.folder / "large", "wb") as f:
            f.writelines(large.blocks())

    @property
    def host(self):
        return self.hosts[0]

    @property
    def address(self):
        return self.listen[0]

    @property
    def socket(self):
        """HAProxy's."""
        return self.folder / "admin.sock"

    @property
    def feeder(self):
        """Who may use it, where reprised is root; None: we ourselves."""
        if os.geteuid() != 0:
            return None
        known = {user.pw_name for user in pwd.getpwall()}
        return next(u for u in ("reprise-feeder", "reprise", "nobody") if u in known)

    def has_keys(self):
        """Whether it could start."""
        return any(self.keys.glob("*.conf")) if self.fed == self.keys else self.fed.exists()

    @property
    def becomes(self):
        return "nobody" if self.group else "root"

    def _becomes_nobody(self):
        os.setgroups([])
        os.setgid(grp.getgrnam(self.group).gr_gid)
        os.setuid(pwd.getpwnam("nobody").pw_uid)

    def _give_to_nobody(self):
        owner = pwd.getpwnam("nobody").pw_uid
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, owner, -1)

    def start(self, _=None):
        argv, preexec = self.kind.prepare(self), None
        if self.group:
            self._give_to_nobody()
            preexec = None if self.kind.drops else self._becomes_nobody
        self.process = Process(argv, cwd=self.folder, preexec=preexec)
        self.wait()
        return self

    def run_reload(self):
        return subprocess.run(self.reload, capture_output=True, check=False, timeout=20).returncode

    @property
    def reload(self):
        """The command, or None: it is told otherwise, or looks by itself."""
        return self.kind.reload and [str(word) for word in self.kind.reload(self)]
