"""Starts and stops servers, waits for what they say, and leaves nothing behind."""

import collections
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 20.0  # seconds, for what should take a fraction of one


def reprised_path():
    return os.environ.get("REPRISED", str(ROOT / "build/src/cli/reprised"))


def reprise_path():
    return os.environ.get("REPRISE", str(ROOT / "build/src/cli/reprise"))


def wait_until(condition, what, deadline=DEADLINE, step=0.02):
    """The first true value of condition(); for what can only be polled (/proc, a port)."""
    until = time.monotonic() + deadline
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < until, f"not within {deadline} s: {what}"
        pause.wait(step)


def wait_seconds(seconds):
    """Lets time itself pass, where that is the point: a lifetime, a rotation."""
    threading.Event().wait(seconds)


class Output:
    """Lines of a stream, kept, and waited for."""

    def __init__(self, stream):
        self.lines = []
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        with stream:
            for raw in stream:
                with self._changed:
                    self.lines.append(raw.decode(errors="replace").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def find(self, match, since=0, n=1, deadline=DEADLINE):
        """The first n lines from index since on for which match(line) is true; their values."""
        until = time.monotonic() + deadline
        found, at = [], since
        with self._changed:
            while True:
                while at < len(self.lines) and len(found) < n:
                    value = match(self.lines[at])
                    at += 1
                    if value:
                        found.append(value)
                if len(found) >= n:
                    return found
                left = until - time.monotonic()
                if self._over or left <= 0:
                    why = "the stream ended" if self._over else f"{deadline} s passed"
                    tail = "\n".join(self.lines[-30:])
                    raise AssertionError(f"{len(found)} of {n} lines, then {why}:\n{tail}")
                self._changed.wait(left)

    def mark(self):
        with self._changed:
            return len(self.lines)

    def join(self, deadline=DEADLINE):
        self._thread.join(deadline)


class Process:
    """A child process whose stderr (with stdout) is read; ended by its id, whatever happens."""

    def __init__(self, argv, cwd=None, env=None, preexec=None, pass_fds=()):
        self.argv = [str(a) for a in argv]
        self.popen = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=cwd, env=env, start_new_session=True,
            preexec_fn=preexec, pass_fds=pass_fds,
        )
        self.output = Output(self.popen.stdout)

    @property
    def pid(self):
        return self.popen.pid

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, deadline=DEADLINE):
        code = self.popen.wait(deadline)
        self.output.join(1.0)
        return code

    def stop(self, deadline=10.0):
        """SIGTERM, then SIGKILL to it and to the children it left. Returns the exit code."""
        family = descendants(self.pid) if self.popen.poll() is None else []
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            self.popen.wait(deadline)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        for pid, started in family:
            if start_time(pid) == started:
                kill(pid, signal.SIGKILL)
        self.output.join(1.0)
        return self.popen.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def kill(pid, number):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def start_time(pid):
    """Tells a process from a later one of the same id; None if there is none, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def children(pid):
    out = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            out += [int(p) for p in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return out


def descendants(pid):
    out = []
    for child in children(pid):
        out.append((child, start_time(child)))
        out += descendants(child)
    return out


def status_field(pid, name):
    """A line of /proc/PID/status, e.g. VmRSS in kB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.partition(":")[2].strip()
    return None


def resident_kb(pid):
    """Heap, stacks and the like of a process in kB, without what it shares or maps from files."""
    return int(status_field(pid, "RssAnon").split()[0])


def free_port():
    """A port that was free a moment ago, for servers that cannot take port 0."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
        return True
    except OSError:
        return False


def yaml_text(value, indent=0):
    """A dict of dicts, lists and scalars as block YAML; strings quoted, booleans as on and off."""
    pad = "  " * indent
    if isinstance(value, dict):
        lines = []
        for key, inner in value.items():
            if isinstance(inner, (dict, list)) and inner:
                lines.append(f"{pad}{key}:\n{yaml_text(inner, indent + 1)}")
            else:
                lines.append(f"{pad}{key}: {yaml_text(inner)}")
        return "\n".join(lines)
    if isinstance(value, list):
        return "\n".join(f"{pad}- {yaml_text(item, indent + 1).lstrip()}" for item in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return json.dumps(str(value))


Address = collections.namedtuple("Address", "host port")


class Reprised(Process):
    """reprised under test: its log read as JSON, its listeners known, its processes by role."""

    def __init__(self, folder, config=None, args=(), ready=True, preexec=None, launcher=(), env=None,
                 pass_fds=()):
        self.folder = Path(folder)
        self.config_path = None
        argv = [*launcher, reprised_path(), *args]
        if config is not None:
            self.config_path = self.folder / "reprised.yaml"
            self.write_config(config)
            argv += ["-c", self.config_path]
        super().__init__(argv, cwd=self.folder, env=env, preexec=preexec, pass_fds=pass_fds)
        self.addresses = []
        if ready:
            try:
                self._wait_ready()
            except BaseException:
                self.stop()
                raise

    def write_config(self, config):
        text = config if isinstance(config, str) else yaml_text(config) + "\n"
        fresh = self.config_path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.config_path)

    def _wait_ready(self):
        self.wait_log("ready")
        for line in self.logs("listening"):
            host, _, port = line["address"].rpartition(":")
            self.addresses.append(Address(host.strip("[]"), int(port)))

    @property
    def address(self):
        return self.addresses[0]

    @property
    def port(self):
        return self.addresses[0].port

    @staticmethod
    def _parse(line, message, fields):
        try:
            entry = json.loads(line)
        except ValueError:
            return None
        if not isinstance(entry, dict) or message not in (None, entry.get("message")):
            return None
        return entry if all(entry.get(k) == v for k, v in fields.items()) else None

    def wait_log(self, message, since=0, n=1, deadline=DEADLINE, **fields):
        """n log entries with this message and these fields, from line number since on."""
        found = self.output.find(lambda s: self._parse(s, message, fields), since, n, deadline)
        return found if n > 1 else found[0]

    def logs(self, message=None, since=0, **fields):
        """Such entries as there are by now."""
        parsed = (self._parse(s, message, fields) for s in self.output.lines[since:])
        return [entry for entry in parsed if entry]

    def mark(self):
        return self.output.mark()

    def family(self):
        """The live processes below the parent: pid by role (keeper, worker 0, ...)."""
        return {role_of(pid): pid for pid in children(self.pid) if start_time(pid)}

    def workers(self):
        return {role: pid for role, pid in self.family().items() if role.startswith("worker")}

    @property
    def keeper(self):
        return self.family().get("keeper")


def role_of(pid):
    """keeper, or worker and its number, as the log calls them; by the name of its thread."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "gone"
    if name.startswith("draining"):
        return f"draining {pid}"  # of an earlier generation
    worker = re.search(r"w(?:orker )?(\d+)$", name)
    return f"worker {worker[1]}" if worker else name.replace("reprised:", "").replace("courie", "courier")


class OpensslServer(Process):
    """openssl s_server -www, for proving the tools against something else than reprised."""

    def __init__(self, folder, certificate, args=()):
        port = free_port()
        self.address = Address("127.0.0.1", port)
        super().__init__(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-cert",
             certificate.chain, "-key", certificate.key, *args],
            cwd=folder,
        )
        try:
            self.output.find(lambda s: "ACCEPT" in s)
        except BaseException:
            self.stop()
            raise


NGINX = """
daemon off; master_process {master}; error_log stderr info; pid {folder}/nginx.pid;
worker_processes {workers};
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  map $ssl_session_reused $session {{ r Reused; default New; }}
  server {{
    listen 127.0.0.1:{port} ssl; server_name localhost;
    ssl_certificate {certificate.chain}; ssl_certificate_key {certificate.key};
    ssl_protocols TLSv1.2 TLSv1.3; keepalive_timeout 0;
    {extra}
    location / {{
      default_type text/html;
      return 200 '{{"session":"$session","version":"$ssl_protocol"}}';
    }}
  }}
}}
"""


class Nginx(Process):
    """nginx whose every page says whether its connection was New or Reused."""

    def __init__(self, folder, certificate, extra="ssl_session_cache shared:s:1m;", workers=1):
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None:
            pytest.skip("nginx is not installed")
        port = free_port()
        folder = Path(folder)
        self.address = Address("127.0.0.1", port)
        path = folder / "nginx.conf"
        path.write_text(
            NGINX.format(
                folder=folder, port=port, certificate=certificate, extra=extra, workers=workers,
                master="on" if workers > 1 else "off",
            )
        )
        super().__init__([program, "-p", folder, "-c", path, "-e", "stderr"])
        try:
            wait_until(lambda: accepts(port) or self.popen.poll() is not None, "nginx listens")
            assert self.popen.poll() is None, "\n".join(self.output.lines)
        except BaseException:
            self.stop()
            raise


class Load:
    """Calls a function again and again in threads until stopped; keeps what it returned."""

    def __init__(self, call, threads=4):
        self._call, self._stop = call, threading.Event()
        self._results = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while not self._stop.is_set():
            try:
                self._results.put(("ok", self._call()))
            except Exception as e:  # pylint: disable=broad-except
                self._results.put(("failed", repr(e)))

    def stop(self, deadline=DEADLINE):
        self._stop.set()
        for thread in self._threads:
            thread.join(deadline)
        out = []
        while not self._results.empty():
            out.append(self._results.get())
        return [v for kind, v in out if kind == "ok"], [v for kind, v in out if kind == "failed"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE)
