"""Measures reprised beside other TLS terminators: python3 bench/peers BUILD [options].

In every round every server is measured once in each row, rows and servers in an order that is
shuffled anew: what the machine does meanwhile befalls all alike. The figures are medians over the
rounds; a ratio is the median of the rounds' ratios.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import report
from gauge import MODES, Gauge, Unexpected
from servers import BACKENDS, LACKS, PREPARE, Missing, Server, Setting, placed, version


def options():
    p = argparse.ArgumentParser(prog="bench/peers", description=__doc__.split("\n\n")[0])
    p.add_argument("build", type=lambda name: Path(name).resolve())
    p.add_argument("--quick", action="store_true", help="3 short rounds, TCP backend, under 3 min")
    p.add_argument("--rounds", type=int, default=25)
    p.add_argument("--seconds", type=float, default=0.25,
                   help="of each measurement: many short ones tell more than a few long ones")
    p.add_argument("--connections", type=int, default=16, help="at the same time")
    p.add_argument("--servers", default="reprised,nginx,haproxy,hitch", help="of them, with commas between")
    p.add_argument("--beside", type=lambda name: Path(name).resolve(), metavar="BUILD",
                   help="another build of reprised, as one more server, called beside")
    p.add_argument("--modes", default=",".join(MODES), help="handshakes to measure; empty: none")
    p.add_argument("--backends", default=",".join(BACKENDS))
    p.add_argument("--megabytes", type=int, default=250, help="of bulk data; 0: none")
    p.add_argument("--streams", type=int, default=4, help="of bulk data, at the same time")
    p.add_argument("--idle", type=int, default=1000, help="idle connections; 0: none")
    p.add_argument("--foreign", type=float, default=0.1, help="share of a core that others may take "
                   "while a server is measured; above it is measured again, twice at most")
    p.add_argument("--alone", action="store_true", help="keep all others off the cores while "
                   "something is measured (real-time priority; as root)")
    p.add_argument("--core", type=int, default=0, help="for the server; the load gets another")
    p.add_argument("--json", type=Path, help="write all figures to this file, too")
    o = p.parse_args()
    o.servers, o.modes, o.backends = (
        [w for w in x.split(",") if w] for x in (o.servers, o.modes, o.backends))
    for word in o.servers + o.modes + o.backends:
        if word not in (*PREPARE, *MODES, *BACKENDS):
            p.error(f"unknown: {word}")
    if o.beside and "beside" not in o.servers:
        o.servers.append("beside")
    if o.quick:
        o.rounds, o.seconds, o.backends, o.megabytes = 3, 0.5, o.backends[:1], 300
    return o


def cores(wanted):
    """(the server's, the load's); (None, None) where there is but one."""
    have = sorted(os.sched_getaffinity(0))
    if len(have) < 2:
        return None, None
    server = wanted if wanted in have else have[0]
    return server, next(c for c in have if c != server)


TRIES = 3


class Run:
    def __init__(self, o):
        self.o = o
        self.skipped, self.unexpected = [], []
        self.samples = {}  # (group, backend, kind): [{server: sample}, a dict for each round]
        self.servers = {}  # (name, backend): Server

    def start(self, setting):
        for name in self.o.servers:
            try:
                for backend in self.o.backends:
                    self.servers[name, backend] = Server(name, backend, setting)
            except Missing as why:
                self.skipped.append(str(why))
            else:
                self.skipped.extend(f"{name} has no mode {m}" for m in LACKS.get(name, ())
                                    if m in self.o.modes)
        self.names = list(dict.fromkeys(name for name, _ in self.servers))

    def stop(self):
        for server in self.servers.values():
            server.stop()

    def rows(self):
        """What a round consists of: ((group, backend, kind), function of a server)."""
        o, gauge = self.o, self.gauge
        for backend in o.backends:
            for mode in o.modes:
                yield (("handshakes", backend, mode),
                       lambda s, m=mode: gauge.handshakes(s, m, o.seconds, o.connections))
            for way in ("down", "up") if o.megabytes else ():
                yield (("bulk", backend, way),
                       lambda s, w=way: gauge.bulk(s, w, "1.3", o.streams, o.megabytes))

    def measure(self, key, name, fn, server):
        """The least disturbed of up to three samples, or None."""
        best = None
        for _ in range(TRIES):
            try:
                found = fn(server)
            except Unexpected as why:
                self.unexpected.append(f"{name}, {key[1]} backend, {key[2]}: {why}")
                continue
            if best is None or found.get("foreign", 0) < best["foreign"]:
                best = found
            if best.get("foreign", 0) <= self.o.foreign:
                break
        return best

    def round(self):
        rows = list(self.rows())
        random.shuffle(rows)
        for key, fn in rows:
            order = [n for n in self.names if key[2] not in LACKS.get(n, ())]
            random.shuffle(order)
            found = {n: self.measure(key, n, fn, self.servers[n, key[1]]) for n in order}
            self.samples.setdefault(key, []).append({n: s for n, s in found.items() if s})

    def idle(self, setting):
        """On servers of its own, so that nothing is left of what was measured before."""
        for kind, tls in (("idle12", "1.2"), ("idle13", "1.3")):
            for name in self.names:
                server = Server(name, self.o.backends[0], setting)
                key = ("idle", self.o.backends[0], kind)
                try:
                    found = self.measure(key, name, lambda s, t=tls: self.gauge.idle(
                        s, t, self.o.idle), server)
                finally:
                    server.stop()
                if found:
                    self.samples.setdefault(key, [{}])[0][name] = found

    def result(self):
        def row(key):
            unit = "kb" if key[0] == "idle" else "us"
            return report.summary(self.samples[key], self.names, key[2], unit)

        def of(group, kinds):
            return [row((group, b, k)) for b in self.o.backends for k in kinds
                    if (group, b, k) in self.samples]

        def by_backend(group, kinds):
            found = {b: [row((group, b, k)) for k in kinds if (group, b, k) in self.samples]
                     for b in self.o.backends}
            return {b: rows for b, rows in found.items() if rows}

        return {
            "machine": report.machine(),
            "options": {k: str(v) if isinstance(v, Path) else v for k, v in vars(self.o).items()},
            "servers": self.names,
            "versions": {n: version(n) for n in self.names if n not in (report.OURS, "beside")},
            "handshakes": by_backend("handshakes", self.o.modes),
            "bulk": by_backend("bulk", ("down", "up")),
            "idle": of("idle", ("idle12", "idle13")),
            "skipped": self.skipped,
            "unexpected": self.unexpected,
        }

    def all(self, folder):
        o = self.o
        serving, loading = (placed(core, o.alone) for core in cores(o.core))
        path = Path(folder) / "backend.sock"
        backend = subprocess.Popen(
            [o.build / "bench/peer_backend", path], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True, preexec_fn=loading)
        try:
            port = int(backend.stdout.readline())
            path.chmod(0o777)  # servers drop their privileges
            setting = Setting(folder, o.build, o.beside, port, path, serving)
            self.gauge = Gauge(o.build, loading, backend.pid)
            self.start(setting)
            began = time.monotonic()
            for i in range(o.rounds):
                self.round()
                print(f"round {i + 1} of {o.rounds}, {time.monotonic() - began:.0f} s",
                      file=sys.stderr, flush=True)
            if o.idle:
                self.idle(setting)
        finally:
            self.stop()
            backend.kill()
            backend.wait()
            backend.stdout.close()
        return self.result()


def main():
    o = options()
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        os.chmod(folder, 0o755)
        result = Run(o).all(folder)
    print(report.text(result))
    if o.json:
        report.write_json(result, o.json)
    return 1 if result["unexpected"] else 0


sys.exit(main())
