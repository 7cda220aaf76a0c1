"""Times hosts that join a fleet, and counts what the fleet says: python3 bench/fleet_join BUILD [options].

A Redis on loopback and hosts on 127.0.0.1, 127.0.0.2, ..., each a reprised with one worker. First
one more joins a running fleet of three, again and again. Then three rotate, at one pace and two
lengths of epochs. Last, many start at once.
"""

import argparse
import json
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

DEADLINE = 60
LETTER = re.compile(rb'in-[0-9a-f]{32}/[0-9a-f]{32}(0[2-5])"')
LETTERS = {b"02": "PULL", b"03": "RINGS", b"04": "TIME", b"05": "TIME_ANSWER"}


def options():
    p = argparse.ArgumentParser(prog="bench/fleet_join", description=__doc__.split("\n\n")[0])
    p.add_argument("build", type=lambda name: Path(name).resolve())
    p.add_argument("--quick", action="store_true", help="fewer joins, epochs and hosts")
    p.add_argument("--joins", type=int, default=20)
    p.add_argument("--epochs", type=int, default=20)
    p.add_argument("--crowd", type=int, default=20)
    p.add_argument("--json", type=Path, help="write all figures to this file, too")
    o = p.parse_args()
    if o.quick:
        o.joins, o.epochs, o.crowd = min(o.joins, 7), min(o.epochs, 5), min(o.crowd, 10)
    return o


class Redis:
    def __init__(self, folder):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in self.process.stdout:
            if b"Ready to accept" in line:
                break
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def ask(self, *words):
        with socket.create_connection(("127.0.0.1", self.port), 10) as s:
            s.sendall(" ".join(words).encode() + b"\r\nQUIT\r\n")
            return b"".join(iter(lambda: s.recv(65536), b"")).decode()

    def monitor(self):
        return Monitor(self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Monitor:
    """Every command that clients send meanwhile: when, and what letter it puts, if one. A context."""

    def __init__(self, port):
        self.stream = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.commands, self.letters = [], dict.fromkeys(LETTERS.values(), 0)
        self.stream.sendall(b"MONITOR\r\n")
        self.lines = self.stream.makefile("rb")
        self.lines.readline()
        self.thread = threading.Thread(target=self._read, daemon=True)

    def _read(self):
        for line in self.lines:
            at, _, rest = line[1:].partition(b" ")
            if b" lua] " in rest[:12]:
                continue
            self.commands.append(float(at))
            letter = LETTER.search(rest)
            if letter and b"'SET'" in rest:
                self.letters[LETTERS[letter[1]]] += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stream.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.stream.close()


class Host:
    """begun, ready: by the monotonic clock."""

    def __init__(self, fleet, number, rotate):
        config = fleet.folder / f"{number}.yaml"
        config.write_text(f"""workers: 1
fleet: {{ name: bench, rotate: {rotate}, accept: 1m, store: "redis://127.0.0.1:{fleet.redis.port}/0",
  secret: {fleet.folder}/secret, host: h{number}, join_timeout: 10s }}
listen:
  - address: 127.0.0.{number}:0
    sites: [{{ name: localhost, certificate: {fleet.folder}/cert.pem, key: {fleet.folder}/cert.key }}]
log: {{ format: json, connections: off }}
""")
        self.begun, self.ready, self.address, self.lines = time.monotonic(), None, None, []
        self.process = subprocess.Popen(
            [fleet.build / "src/cli/reprised", "-c", config],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._is_ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for raw in self.process.stdout:
            try:
                line = json.loads(raw)
            except ValueError:
                line = {"message": raw.decode(errors="replace")}
            self.lines.append(line)
            if line["message"] == "listening":
                host, _, port = line["address"].rpartition(":")
                self.address = (host, int(port))
            elif line["message"] == "ready":
                self.ready = time.monotonic()
                self._is_ready.set()
        self._is_ready.set()

    def wait(self):
        if not self._is_ready.wait(DEADLINE) or self.ready is None:
            sys.exit(f"fleet_join: a host does not get ready:\n{self.lines[-3:]}")
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Fleet:
    def __init__(self, build, folder):
        self.build, self.folder = build, Path(folder)
        self.redis = Redis(folder)
        secret = self.folder / "secret"
        secret.touch(0o600)
        with secret.open("wb") as out:
            subprocess.run([build / "src/cli/reprise", "key", "fleet-secret"], stdout=out, check=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=localhost", "-days", "30", "-keyout", self.folder / "cert.key",
             "-out", self.folder / "cert.pem"], check=True, capture_output=True)
        self.hosts = []

    def start(self, n, rotate="1h", first=1):
        """So many at once."""
        made = [Host(self, first + i, rotate) for i in range(n)]
        self.hosts += made
        for host in made:
            host.wait()
        return made

    def stop(self):
        for host in self.hosts:
            host.process.terminate()
        for host in self.hosts:
            host.process.wait()
        self.hosts = []
        self.redis.ask("FLUSHALL")


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    return made


def visit(client, address, session=None):
    """Whether it was resumed, and the session."""
    with socket.create_connection(address, 10) as plain, client.wrap_socket(
            plain, server_hostname="localhost", session=session) as tls:
        return tls.session_reused, tls.session


def joins(fleet, n):
    """A fourth host, n times: seconds from its start, a process not yet there, until it accepts connections."""
    three = fleet.start(3)
    client = context()
    _, session = visit(client, three[0].address)
    out = {"to_ready_s": [], "of_it_join_s": []}
    for _ in range(n):
        (host,) = fleet.start(1, first=4)
        if not visit(client, host.address, session)[0]:
            sys.exit("fleet_join: a session of another host does not resume at the one that joined")
        out["to_ready_s"].append(host.ready - host.begun)
        took = [line["ms"] for line in host.lines if line["message"] == "the fleet is joined"]
        out["of_it_join_s"].append(took[0] / 1000)
        fleet.hosts.remove(host)
        host.stop()
    fleet.stop()
    return out


def alone(fleet):
    """Seconds until a host without a fleet accepts connections, for comparison: one that begins the chain."""
    (host,) = fleet.start(1)
    fleet.stop()
    return host.ready - host.begun


def rotations(fleet, rotate_s, seconds):
    """Commands a host a second, and letters, while three of them rotate."""
    fleet.start(3, rotate=f"{rotate_s}s")
    pause(3)  # until what a start says was said
    epochs = [count(h, "epoch") for h in fleet.hosts]
    with fleet.redis.monitor() as seen:
        pause(seconds)
    epochs = [count(h, "epoch") - n for h, n in zip(fleet.hosts, epochs)]
    fleet.stop()
    return {"rotate_s": rotate_s, "epochs": min(epochs), "seconds": seconds,
            "commands_a_host_a_second": len(seen.commands) / 3 / seconds, "letters": seen.letters}


def count(host, message):
    return sum(line["message"] == message for line in host.lines)


def pause(seconds):
    threading.Event().wait(seconds)


def crowd(fleet, n):
    """So many hosts at once, on an empty store."""
    with fleet.redis.monitor() as seen:
        began = time.monotonic()
        fleet.start(n, rotate="60s")
        took = time.monotonic() - began
        pause(1)
    lines = [line for h in fleet.hosts for line in h.lines]
    founded = sum(line["message"].startswith("nobody of the fleet") for line in lines)
    n_alone = sum(line["message"].startswith("the fleet is not found") for line in lines)
    client = context()
    _, session = visit(client, fleet.hosts[0].address)
    resumed = sum(visit(client, h.address, session)[0] for h in fleet.hosts)
    took_ms = sorted(line["ms"] for line in lines if line["message"] == "the fleet is joined")
    fleet.stop()
    first = min(seen.commands)
    tenths = [int((at - first) * 10) for at in seen.commands]
    return {"hosts": n, "all_ready_s": took, "founded": founded, "alone": n_alone, "resumed_at": resumed,
            "commands": len(seen.commands), "commands_a_host": len(seen.commands) / n,
            "most_in_100_ms": max(map(tenths.count, set(tenths))), "letters": seen.letters,
            "join_ms": {"median": statistics.median(took_ms), "most": took_ms[-1]}}


def spread(values):
    values = sorted(values)
    return {"median": statistics.median(values), "p90": values[int(len(values) * 0.9)], "most": values[-1]}


def ms(seconds):
    return f"{seconds * 1000:4.0f} ms"


def listed(letters):
    return ", ".join(f"{n} {name}" for name, n in letters.items())


def show(out):
    print(f"A host joins a running fleet of three, {out['joins']} times; Redis on loopback")
    for name, label in (("to_ready_s", "from exec to accepting"), ("of_it_join_s", "of it, the exchange")):
        row = out["join"][name]
        print(f"  {label:24} median {ms(row['median'])}, p90 {ms(row['p90'])}, most {ms(row['most'])}")
    print(f"  {'the first of a fleet':24}        {ms(out['first_s'])}")
    print("Three hosts rotate")
    for row in out["rotations"]:
        print(f"  {row['epochs']:2} epochs of {row['rotate_s']} s in {row['seconds']} s: "
              f"{row['commands_a_host_a_second']:.1f} commands a host a second; {listed(row['letters'])}")
    row = out["crowd"]
    print(f"{row['hosts']} hosts start at once")
    print(f"  all accept after {row['all_ready_s']:.1f} s; {row['founded']} began a chain, "
          f"{row['alone']} went alone, a session of one resumes at {row['resumed_at']}")
    print(f"  {row['commands_a_host']:.0f} commands a host until 1 s later, at most "
          f"{row['most_in_100_ms']} in 100 ms of all; {listed(row['letters'])}")


def main():
    o = options()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        fleet = Fleet(o.build, folder)
        try:
            first_s = alone(fleet)
            join = {name: spread(values) for name, values in joins(fleet, o.joins).items()}
            rows = [rotations(fleet, rotate_s, o.epochs) for rotate_s in (1, 2)]
            out = {"joins": o.joins, "join": join, "first_s": first_s, "rotations": rows,
                   "crowd": crowd(fleet, o.crowd)}
        finally:
            fleet.stop()
            fleet.redis.stop()
    show(out)
    if o.json:
        o.json.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
