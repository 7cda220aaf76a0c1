"""The servers that are measured: how each is configured, started and told apart.

Each gets one worker, the same certificate, the same versions, ciphers and groups, and whatever of
its own settings is known to make it faster. One process group serves one backend.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

CIPHERS = "ECDHE-ECDSA-AES128-GCM-SHA256"
SUITES = "TLS_AES_128_GCM_SHA256"
BACKENDS = ("tcp", "unix")
DEADLINE = 20.0


class Missing(Exception):
    """This server is not installed; the text says what is."""


class Setting:
    """What all servers of a run share."""

    def __init__(self, folder, build, beside, backend_port, backend_path, place):
        self.folder = Path(folder)
        self.build, self.beside = build, beside
        self.backend_port = backend_port
        self.backend_path = backend_path
        self.place = place
        self.chain, self.key = self.folder / "cert.pem", self.folder / "cert.key"
        self.both = self.folder / "both.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-days", "30", "-keyout", self.key, "-out", self.chain],
            check=True, capture_output=True)
        self.both.write_bytes(self.key.read_bytes() + self.chain.read_bytes())


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def find(program, *more):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None or not all(Path(m).exists() for m in more):
        raise Missing(f"{program} is not installed")
    return path


def placed(core, alone):
    """A preexec_fn: on that core only (None: any), before all others' processes if alone."""
    def place():
        if core is not None:
            os.sched_setaffinity(0, {core})
        if alone:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    return place


class Server:
    """A running server: .port, .pids(); ended by stop()."""

    def __init__(self, name, backend, setting):
        self.name, self.backend = name, backend
        self.port = free_port()
        self.folder = setting.folder / f"{name}-{backend}-{self.port}"
        self.folder.mkdir()
        argv = PREPARE[name](self, setting)
        with open(self.folder / "output", "wb") as output:
            self._popen = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True,
                preexec_fn=setting.place)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self):
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            if self._popen.poll() is not None:
                break
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            threading.Event().wait(0.02)
        text = (self.folder / "output").read_text(errors="replace")
        raise RuntimeError(f"{self.name} did not start:\n{text[-2000:]}")

    def pids(self):
        """It and its children, of any generation."""
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    stat = Path(f"/proc/{entry}/stat").read_text()
                except OSError:
                    continue
                parent = int(stat.rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry))
        found = [self._popen.pid]
        for pid in found:
            found.extend(children.get(pid, []))
        return found

    def stop(self):
        left = self.pids() if self._popen.poll() is None else []
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        for pid in left[1:]:
            # Children of our own that outlived their parent, still in the session it began.
            try:
                if os.getsid(pid) == self._popen.pid:
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def _reprised(server, setting, build=None):
    to = {"tcp": f"127.0.0.1:{setting.backend_port}", "unix": f"unix:{setting.backend_path}"}
    config = {
        "workers": 1,
        "listen": [{
            "address": f"127.0.0.1:{server.port}",
            "backend": to[server.backend],
            "session_cache": "50mb",
            "ciphers": CIPHERS,
            "ciphersuites": SUITES,
            "sites": [{"name": "localhost", "certificate": str(setting.chain),
                       "key": str(setting.key)}],
        }],
        "log": {"connections": "off"},
    }
    path = server.folder / "reprised.yaml"
    path.write_text(json.dumps(config))
    return [(build or setting.build) / "src/cli/reprised", "-c", path]


def _beside(server, setting):
    if setting.beside is None:
        raise Missing("beside needs --beside BUILD")
    return _reprised(server, setting, setting.beside)


def _nginx(server, setting):
    modules = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    program = find("nginx", modules)
    to = {"tcp": f"127.0.0.1:{setting.backend_port}", "unix": f"unix:{setting.backend_path}"}
    path = server.folder / "nginx.conf"
    path.write_text(f"""
load_module {modules};
daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid {server.folder}/pid;
error_log {server.folder}/error.log;
events {{ worker_connections 40000; multi_accept on; }}
stream {{
    server {{
        listen 127.0.0.1:{server.port} ssl backlog=4096;
        proxy_pass {to[server.backend]};
        ssl_certificate {setting.chain};
        ssl_certificate_key {setting.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ciphers {CIPHERS};
        ssl_conf_command Ciphersuites {SUITES};
        ssl_ecdh_curve X25519:prime256v1;
        ssl_session_cache shared:tls:50m;
        ssl_session_timeout 1d;
    }}
}}
""")
    return [program, "-c", path, "-e", server.folder / "error.log"]


def _haproxy(server, setting):
    program = find("haproxy")
    to = {"tcp": f"127.0.0.1:{setting.backend_port}", "unix": f"unix@{setting.backend_path}"}
    path = server.folder / "haproxy.cfg"
    path.write_text(f"""
global
    nbthread 1
    maxconn 9000
    tune.ssl.cachesize 200000
    tune.ssl.lifetime 86400
    ssl-default-bind-ciphers {CIPHERS}
    ssl-default-bind-ciphersuites {SUITES}
defaults
    mode tcp
    timeout connect 10s
    timeout client 600s
    timeout server 600s
frontend front
    bind 127.0.0.1:{server.port} backlog 4096 ssl crt {setting.both} curves X25519:P-256 ssl-min-ver TLSv1.2
    default_backend back
backend back
    server one {to[server.backend]}
""")
    return [program, "-db", "-f", path]


def _hitch(server, setting):
    program = find("hitch")
    to = {"tcp": f"[127.0.0.1]:{setting.backend_port}", "unix": str(setting.backend_path)}
    path = server.folder / "hitch.conf"
    path.write_text(f"""
frontend = "[127.0.0.1]:{server.port}"
backend = "{to[server.backend]}"
pem-file = "{setting.both}"
workers = 1
backlog = 4096
daemon = off
quiet = on
tls-protos = TLSv1.2 TLSv1.3
ciphers = "{CIPHERS}"
ciphersuites = "{SUITES}"
ecdh-curve = "X25519:prime256v1"
ocsp-dir = ""
{'user = "nobody"' if os.geteuid() == 0 else ''}
{'group = "nogroup"' if os.geteuid() == 0 else ''}
""")
    return [program, f"--config={path}"]


# Our own first, then another build of it; the others in the order of the tables.
PREPARE = {"reprised": _reprised, "beside": _beside, "nginx": _nginx, "haproxy": _haproxy,
           "hitch": _hitch}

# Debian builds hitch without a session cache.
LACKS = {"hitch": {"id"}}


def version(name):
    argv = {"nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "hitch": ["hitch", "--version"]}
    done = subprocess.run([find(argv[name][0]), argv[name][1]], capture_output=True, text=True,
                          check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0].strip()
