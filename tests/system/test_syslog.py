"""The log in the system's log: a socket of ours stands in for syslogd."""

import json
import os
import re
import signal
import socket
import threading

import pytest
from admin import Admin
from checks import fresh
from configs import one_site
from harness import kill, start_time, wait_until
from rawtls import Offer, exchange

LINE = re.compile(r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d reprised\[(\d+)\]: (.*)", re.DOTALL)


class Collector:
    """Takes datagrams at a path, as syslogd does; (priority, pid, text) of each."""

    def __init__(self, path):
        self.path, self.entries = path, []
        self.start()

    def start(self):
        self.path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        os.chmod(self.path, 0o666)
        self._stop = threading.Event()
        self._socket.settimeout(0.05)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._stop.is_set():
            try:
                found = LINE.fullmatch(self._socket.recv(65536).decode())
            except TimeoutError:
                continue
            self.entries.append((int(found[1]), int(found[2]), found[3]))

    def stop(self):
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def wait(self, match):
        return wait_until(lambda: next((e for e in list(self.entries) if match(e[2])), None),
                          "a line in the system's log")


@pytest.fixture
def collector(open_folder):
    made = Collector(open_folder / "log")
    yield made
    made.stop()


def settings(certificate, path, form="text", **more):
    made = one_site(certificate, **more)
    made["log"] = {"format": form, "to": f"unix:{path}"}
    return made


def start(reprised, collector, config):
    server = reprised(config, ready=False)
    collector.wait(lambda s: "parent ready" in s or '"message":"ready"' in s)
    line = collector.wait(lambda s: "listening" in s and "admin" not in s)[2]
    host, _, port = re.search(r'address"?[=:]"?([\d.]+:\d+)', line)[1].rpartition(":")
    return server, (host, int(port))


def test_lines_of_all_processes(reprised, collector, certificate):
    server, address = start(reprised, collector, settings(certificate, collector.path))
    fresh(address, "psk")
    priority, pid, text = collector.wait(lambda s: " connection peer=" in s)
    assert priority == 3 * 8 + 6 and pid in server.workers().values()
    assert re.match(r"worker \d+ connection peer=127\.0\.0\.1:\d+ sni=localhost ", text)
    worker = server.workers()["worker 0"]
    kill(worker, signal.SIGKILL)
    priority, pid, text = collector.wait(lambda s: "a process ended" in s)
    assert priority == 3 * 8 + 4 and pid == server.pid
    assert text.startswith('parent warning: a process ended process="worker 0" ')
    assert server.stop() == 0
    collector.wait(lambda s: s == "parent stopped")
    assert not server.output.lines, "and nothing on stderr"


def test_json(reprised, collector, certificate):
    server, address = start(reprised, collector, settings(certificate, collector.path, "json"))
    fresh(address, "psk")
    entry = json.loads(collector.wait(lambda s: '"message":"connection"' in s)[2])
    assert entry["level"] == "info" and entry["sni"] == "localhost" and entry["time"]
    server.stop()


def test_a_log_that_was_restarted_is_found_again(reprised, collector, certificate):
    """By the parent, and by workers, which have dropped their privileges and are confined."""
    server, address = start(reprised, collector, settings(certificate, collector.path, workers=1))
    fresh(address, "psk")
    collector.wait(lambda s: " connection peer=" in s)
    collector.stop()
    assert exchange(address, Offer()).done, "nobody waits for it"
    collector.entries.clear()
    collector.start()
    fresh(address, "psk")
    lost = collector.wait(lambda s: "log lines lost" in s)[2]
    assert lost == "worker 0 warning: log lines lost, for nobody took them lines=1"
    collector.wait(lambda s: " connection peer=" in s)
    server.stop()


def test_a_log_that_is_not_read_holds_nobody_up(reprised, collector, certificate):
    admin = {"admin": {"listen": "127.0.0.1:0"}}
    made = settings(certificate, collector.path, workers=1, top=admin)
    server, address = start(reprised, collector, made)
    line = collector.wait(lambda s: "admin listening" in s)[2]
    figures = Admin(server, line.partition("address=")[2])
    collector._stop.set()
    collector._thread.join()
    for _ in range(40):
        assert exchange(address, Offer(), path=None).done
    n = wait_until(lambda: figures.figure("log_lines_lost_total", role="worker"), "lost lines")
    assert n < 40
    server.stop()


def test_a_log_that_is_not_there(reprised, certificate, tmp_path):
    made = settings(certificate, tmp_path / "nowhere")
    server = reprised(made, ready=False)
    warning = server.output.find(lambda s: "the system's log is not there" in s)
    assert warning
    wait_until(lambda: len(server.workers()) == 2, "it serves nevertheless")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_reload_changes_where_the_log_goes(reprised, collector, certificate):
    made = one_site(certificate)
    server = reprised(made)
    old = list(server.workers().values())
    server.write_config(settings(certificate, collector.path))
    server.signal(signal.SIGHUP)
    collector.wait(lambda s: s.startswith("parent reloaded "))
    fresh(server.address, "psk")
    collector.wait(lambda s: " connection peer=" in s)
    wait_until(lambda: not any(start_time(pid) for pid in old), "the old workers finish")
    made["log"] = {"format": "json"}
    server.write_config(made)
    mark = server.mark()
    server.signal(signal.SIGHUP)
    server.wait_log("reloaded", since=mark)
