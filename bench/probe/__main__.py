"""Times `reprise probe` over many addresses: python3 bench/probe BUILD [options].

reprised serves 50 loopback addresses with one worker on one core; the prober has the other. Beside
it a loop around openssl s_client does a sample of the same work: it gets a session from one address
and offers it at another.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import threading
import time
from pathlib import Path

MECHANISMS = {  # as s_client has them
    "id12": ("-tls1_2", "-no_ticket"),
    "ticket12": ("-tls1_2",),
    "ticket13": ("-tls1_3",),
}
REQUEST = b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
DEADLINE = 300


def options():
    p = argparse.ArgumentParser(prog="bench/probe", description=__doc__.split("\n\n")[0])
    p.add_argument("build", type=lambda name: Path(name).resolve())
    p.add_argument("--quick", action="store_true", help="20 addresses, a smaller sample")
    p.add_argument("--addresses", type=int, default=50)
    p.add_argument("--tries", type=int, default=3)
    p.add_argument("--sample", type=int, default=30, help="offers of s_client for each mechanism")
    p.add_argument("--alone", action="store_true",
                   help="keep all others off the two cores meanwhile (real-time priority; as root)")
    p.add_argument("--json", type=Path, help="write all figures to this file, too")
    o = p.parse_args()
    if o.quick:
        o.addresses, o.sample = min(o.addresses, 20), min(o.sample, 10)
    return o


def launcher(core, alone):
    """What begins a command line so that it runs on one core."""
    words = ["taskset", "-c", str(core)] if core is not None else []
    return words + (["chrt", "--rr", "1"] if alone else [])


def cores():
    """(the server's, the prober's); (None, None) where there is but one."""
    have = sorted(os.sched_getaffinity(0))
    return (have[0], have[1]) if len(have) > 1 else (None, None)


class Server:
    def __init__(self, build, folder, begin):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-days", "30", "-keyout", folder / "cert.key", "-out", folder / "cert.pem"],
            check=True, capture_output=True)
        (folder / "reprised.yaml").write_text(f"""workers: 1
listen:
  - address: "0.0.0.0:0"
    sites:
      - name: localhost
        certificate: {folder}/cert.pem
        key: {folder}/cert.key
log: {{ format: json, connections: off }}
""")
        self.process = subprocess.Popen(
            [*begin, build / "src/cli/reprised", "-c", folder / "reprised.yaml"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.port = self._wait_ready()
        threading.Thread(target=self._drain, daemon=True).start()

    def _wait_ready(self):
        port = None
        late = threading.Timer(20, self.process.kill)
        late.start()
        for raw in self.process.stdout:
            line = json.loads(raw)
            if line["message"] == "listening":
                port = int(line["address"].rpartition(":")[2])
            if line["message"] == "ready":
                late.cancel()
                return port
        raise SystemExit("bench/probe: reprised did not start")

    def _drain(self):
        for _ in self.process.stdout:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def host(i):
    return f"127.0.1.{i + 1}"


def cpu_used():
    """User and system seconds of the children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def probe(o, server, begin):
    argv = [*begin, o.build / "src/cli/reprise", "probe", f"localhost:{server.port}", "--json",
            "--tries", str(o.tries), *[host(i) for i in range(o.addresses)]]
    cpu, began = cpu_used(), time.monotonic()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=DEADLINE)
    seconds, cpu = time.monotonic() - began, cpu_used() - cpu
    found = json.loads(done.stdout)
    cells = sum(m["cells"] for m in found["mechanisms"])
    green = sum(m["cells_resumed"] for m in found["mechanisms"])
    if done.returncode != 0 or green != cells:
        raise SystemExit(f"bench/probe: {green} of {cells} cells resume: {found['summary']}")
    return {"cells": cells, "connections": found["connections"], "seconds": seconds, "cpu": cpu}


def s_client(begin, where, *words):
    done = subprocess.run(
        [*begin, "openssl", "s_client", "-connect", where, "-servername", "localhost",
         "-ign_eof", *words], input=REQUEST, capture_output=True, check=False, timeout=60)
    return b"\nReused, TLSv1." in b"\n" + done.stdout


def loop(o, server, begin, folder):
    """For each offer a connection; for every so many offers one more, to get a session."""
    cpu, began, n_offers, n_connections = cpu_used(), time.monotonic(), 0, 0
    for words in MECHANISMS.values():
        for n in range(o.sample):
            if n % (o.tries * 5) == 0:  # the prober makes 3 full handshakes an address
                s_client(begin, f"{host(n % o.addresses)}:{server.port}", *words,
                         "-sess_out", folder / "session")
                n_connections += 1
            where = f"{host((n + 1) % o.addresses)}:{server.port}"
            if not s_client(begin, where, *words, "-sess_in", folder / "session"):
                raise SystemExit("bench/probe: s_client did not resume")
            n_offers += 1
    return {"offers": n_offers, "connections": n_connections + n_offers,
            "seconds": time.monotonic() - began, "cpu": cpu_used() - cpu}


def report(o, ours, theirs):
    """A cell is as many offers as there are tries."""
    per_cell = theirs["seconds"] / theirs["offers"] * o.tries
    print(f"reprise probe: {o.addresses} addresses x 3 mechanisms, {o.tries} tries each")
    print(f"  {ours['cells']} cells, {ours['connections']} connections in {ours['seconds']:.1f} s, "
          f"CPU {ours['cpu']:.1f} s")
    print(f"  {ours['cells'] / ours['seconds']:,.0f} cells a second, "
          f"{1e6 * ours['cpu'] / ours['connections']:.0f} us of CPU a connection")
    print(f"a loop around openssl s_client: a sample of {theirs['offers']} offers in "
          f"{theirs['seconds']:.1f} s, CPU {theirs['cpu']:.1f} s")
    print(f"  {1 / per_cell:,.1f} cells a second; all cells would take "
          f"{per_cell * ours['cells'] / 60:.0f} minutes")
    if o.addresses == 50 and o.tries == 3:
        print(f"goal: under 30 s: {'met' if ours['seconds'] < 30 else 'missed'}")


def main():
    o = options()
    servers_core, own_core = cores()
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name:
        folder = Path(name)
        begin = launcher(own_core, o.alone)
        with Server(o.build, folder, launcher(servers_core, o.alone)) as server:
            ours = probe(o, server, begin)
            theirs = loop(o, server, begin, folder)
    report(o, ours, theirs)
    if o.json:
        o.json.write_text(json.dumps({"probe": ours, "s_client": theirs}, indent=1) + "\n")


main()
