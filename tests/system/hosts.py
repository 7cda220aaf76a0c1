"""Several hosts of one fleet, on 127.0.0.1, 127.0.0.2, ...; and whether one's sessions resume at another."""

import signal
import subprocess

from admin import Admin
from checks import assert_resumed, fresh
from configs import one_site
from harness import DEADLINE, reprise_path, wait_until
from rawtls import exchange

SHARED = ("ticket", "psk")
FAST = {"rotate": "2s", "accept": "60s", "join_timeout": "3s"}  # a busy machine may take long


def new_secret():
    """As reprise key fleet-secret prints it."""
    done = subprocess.run([reprise_path(), "key", "fleet-secret"], capture_output=True, check=True)
    return done.stdout.decode()


class Hosts:
    """Starts them: each has a configuration that differs in its address and name alone."""

    def __init__(self, start, certificate, folder, store=None, name="shop", **fleet):
        self.start_one = start
        self.certificate = certificate
        self.folder = folder
        self.secret = self.write_secret("fleet.secret", new_secret())
        self.fleet = FAST | {"name": name, "store": store or f"dir:{folder}/store"}
        self.fleet |= {"secret": str(self.secret)} | fleet
        self.servers = []

    def write_secret(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def config(self, number, **fleet):
        own = self.fleet | {"host": f"host-{number}"} | fleet
        address = f"127.0.0.{number}:0"
        return one_site(self.certificate, workers=1, fleet=own, address=address,
                        top={"admin": {"listen": address}})

    def start(self, number=None, ready=True, **fleet):
        number = number or len(self.servers) + 1
        server = self.start_one(self.config(number, **fleet), ready=ready)
        self.servers.append(server)
        return server

    def replace(self, server, ready=True):
        """It is stopped; another is started in its place."""
        number = self.servers.index(server)
        server.stop()
        self.servers[number] = self.start_one(self.config(number + 1), ready=ready)
        return self.servers[number]

    def __iter__(self):
        return iter(self.servers)

    def __getitem__(self, i):
        return self.servers[i]


def sessions_of(servers, kinds=SHARED):
    """(server, kind, session): one of each kind from each."""
    return [(s, kind, fresh(s.address, kind)) for s in servers for kind in kinds]


def assert_taken(sessions, servers):
    for _, kind, session in sessions:
        for server in servers:
            assert_resumed(exchange(server.address, session.offer()), kind)


def assert_all_pairs(servers):
    """What any of them issues resumes at each."""
    sessions = sessions_of(servers)
    assert_taken(sessions, servers)
    return sessions


def fleet_of(server):
    """What its status says of the fleet."""
    return Admin(server).status()["fleet"]


def epoch_of(server):
    keyring = Admin(server).status()["keyring"]
    return fleet_of(server)["ring"], keyring["epoch"]


def wait_members(servers, n=None, deadline=DEADLINE):
    """Until each of them sees so many (as many as they are), all in step."""
    servers = list(servers)
    n = n or len(servers)

    def is_so():
        seen = [fleet_of(s) for s in servers]
        return all(f["joined"] and f["members"] == n == f["members_in_step"] for f in seen)

    wait_until(is_so, f"{n} members in step", deadline, step=0.1)


def change_secret(hosts):
    """First all understand the next one, then all speak it, then it is alone; yields after each step."""
    old, new = hosts.secret.read_text(), new_secret()
    for text in (old + new, new + old, new):
        hosts.secret.write_text(text)
        for server in hosts:
            mark = server.mark()
            server.signal(signal.SIGHUP)
            server.wait_log("reloaded", since=mark)
            server.wait_log("a process is back", since=mark, process="keeper")
        wait_members(hosts)
        yield text


def wait_rotation(server, n=1):
    """Until it seals in another epoch than now, n times."""
    for _ in range(n):
        before = epoch_of(server)
        wait_until(lambda: epoch_of(server) != before, "a rotation", step=0.05)  # noqa: B023
