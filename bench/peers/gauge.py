"""What a server spent: CPU of all its processes, memory; and the loads it is measured under."""

import json
import os
import resource
import subprocess
import threading
import time
from pathlib import Path

MODES = ("full12", "full13", "id", "ticket", "psk")
RESUMED = ("id", "ticket", "psk")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


# Of a mode's connections: peers that forget a session now and then are not disqualified by it.
STRAY_MAX = 0.01


class Unexpected(Exception):
    """A round that was not what it should have been; it counts for nothing."""


def is_aes128(cipher):
    return "AES128-GCM" in cipher or "AES_128_GCM" in cipher


def cpu(pids):
    """(seconds in all, of these in user mode) of processes and all their threads.

    The total is the scheduler's, in nanoseconds. The kernel gives user time in ticks only.
    """
    total_ns, user, system = 0, 0, 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total_ns += int((task / "schedstat").read_text().split()[0])
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            user, system = user + int(fields[11]), system + int(fields[12])
    return total_ns / 1e9, user * TICK_S, system * TICK_S


def machine_busy_s():
    """Of all cores, since it was started; in ticks."""
    ticks = [int(x) for x in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) * TICK_S


class Spent:
    """CPU from the beginning of a with block to its end: a server's, and that of the processes that
    have nothing to do with the benchmark, as a share of one core."""

    def __init__(self, server, backend_pid):
        self._pids = server.pids()
        self._backend_pid = backend_pid

    def _read(self):
        own = resource.getrusage(resource.RUSAGE_SELF)
        load = resource.getrusage(resource.RUSAGE_CHILDREN)
        ours = cpu([self._backend_pid])[0] + sum(
            x for u in (own, load) for x in (u.ru_utime, u.ru_stime))
        return (*cpu(self._pids), machine_busy_s(), ours, time.monotonic())

    def __enter__(self):
        self._before = self._read()
        return self

    def __exit__(self, *_):
        threading.Event().wait(0.03)  # what the server still does after the client's last byte
        total, user, system, machine, ours, elapsed = (
            b - a for a, b in zip(self._before, self._read()))
        self.total_s, self.user_s, self.system_s = total, user, system
        self.foreign = max(0.0, (machine - ours - total) / elapsed)


def pss_kb(pids):
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


class Gauge:
    """Loads a server from another core and says what one unit cost it."""

    def __init__(self, build, place, backend_pid):
        self._backend_pid = backend_pid
        self._reprise = Path(build) / "src/cli/reprise"
        self._client = Path(build) / "bench/peer_client"
        self._place = place

    def _run(self, argv, allowed=(0,)):
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False,
                              preexec_fn=self._place, timeout=300)
        if done.returncode not in allowed:
            raise Unexpected(f"{argv[1]} failed: {(done.stdout + done.stderr).strip()[-400:]}")
        return done.stdout

    def handshakes(self, server, mode, seconds, connections):
        """The connections were resumed, or not, as the mode says; else Unexpected."""
        argv = [self._reprise, "load", "--json", "--quiet", "--mode", mode,
                "--time", f"{int(seconds * 1000)}ms", "--connections", connections,
                "--servername", "localhost", f"127.0.0.1:{server.port}"]
        with Spent(server, self._backend_pid) as spent:
            found = json.loads(self._run(argv, (0, 1)))["modes"][0]
        n = found["connections"]
        resumed, full, failed = found["resumed"], found["full"], found["failed"]["total"]
        asked, other = (resumed, full) if mode in RESUMED else (full, resumed)
        if failed or not asked or other > n * STRAY_MAX or not is_aes128(found["cipher"]):
            why = found["failed"]["first"] or found["first_unexpected"] or ""
            raise Unexpected(f"{resumed} resumed, {full} full, {failed} failed, "
                             f"{found['cipher']}: {why}")
        ticks = spent.user_s + spent.system_s
        return {
            "us": spent.total_s / n * 1e6,
            "user_share": spent.user_s / ticks if ticks else None,
            "connections": n,
            "seeds": found["seeds"],
            "stray": other,
            "foreign": spent.foreign,
            "per_second": found["per_second"],
            "p99_us": found["handshake_us"]["p99"],
            "busy": spent.total_s / found["seconds"],
        }

    def bulk(self, server, direction, version, streams, megabytes):
        size = megabytes * 1_000_000 // streams
        argv = [self._client, direction, server.port, version, streams, size]
        with Spent(server, self._backend_pid) as spent:
            took = float(self._run(argv))
        gigabytes = size * streams / 1e9
        return {"us": spent.total_s * 1e6 / gigabytes, "per_second": gigabytes / took,
                "busy": spent.total_s / took, "foreign": spent.foreign}

    def idle(self, server, version, n):
        """PSS of a connection, in kB, the difference between n / 2 and 1.5 n of them."""
        def held(count):
            argv = [self._client, "idle", server.port, version, count]
            child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True, preexec_fn=self._place)
            if child.stdout.readline() != "ready\n":
                child.kill()
                child.wait()
                raise Unexpected("the idle connections did not come to stand")
            return child

        children = []
        try:
            children.append(held(n // 2))
            before = pss_kb(server.pids())
            children.append(held(n))
            return {"kb": (pss_kb(server.pids()) - before) / n}
        finally:
            for child in children:
                child.stdin.close()
                child.stdout.close()
                child.wait()
