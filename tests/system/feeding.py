"""A configuration with feeds alone, and a server that reads key files and keeps a record of them."""

import json
import os
import re
import sys
from pathlib import Path

from admin import Admin
from harness import children, wait_until

# What stands in nginx's place: at each reload it reads the list of keys, and the keys themselves.
RECORDER = """
import fcntl, json, os, re, sys, threading, time
folder, record = sys.argv[1:3]
with open(record + ".lock", "w") as lock:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except BlockingIOError:
        alone = False
    if os.path.exists(record + ".fails"):
        sys.exit(open(record + ".fails").read())
    names = re.findall(r'"([^"]+)"', open(os.path.join(folder, "session_ticket_keys.conf")).read())
    keys = [open(name, "rb").read().hex() for name in names]
    entry = {"keys": keys, "alone": alone, "at": time.monotonic()}
    if os.path.exists(record + ".slow"):
        threading.Event().wait(float(open(record + ".slow").read()))
    with open(record, "a") as f:
        f.write(json.dumps(entry) + "\\n")
"""


class Recorder:
    """An nginx that is none: the command to reload it, and what it read each time."""

    def __init__(self, folder, files):
        self.files = Path(files)
        self.script = folder / "recorder.py"
        self.script.write_text(RECORDER)
        self.path = folder / f"record-{self.files.name}"
        self.command = [sys.executable, "-I", str(self.script), str(self.files), str(self.path)]

    def entries(self):
        try:
            return [json.loads(line) for line in self.path.read_text().splitlines()]
        except FileNotFoundError:
            return []

    def wait(self, n, **kwargs):
        return wait_until(lambda: len(self.entries()) >= n and self.entries(), f"{n} reloads",
                          **kwargs)

    def running(self, server):
        """The process that runs as a reload just now, if any."""
        for pid in children(server.pid):
            try:
                if str(self.script) in Path(f"/proc/{pid}/cmdline").read_text():
                    return pid
            except (FileNotFoundError, ProcessLookupError):
                pass
        return None

    def fail(self, words):
        self._say("fails", words)

    def slow(self, seconds):
        self._say("slow", str(seconds))

    def mend(self):
        for what in ("fails", "slow"):
            Path(f"{self.path}.{what}").unlink(missing_ok=True)

    def _say(self, what, text):
        fresh = Path(f"{self.path}.{what}.new")
        fresh.write_text(text)
        fresh.rename(f"{self.path}.{what}")


def nginx(recorder, **options):
    return {"nginx": {"files": str(recorder.files), "reload": recorder.command,
                      "keys_may_reach_disk": True} | options}


def nodejs(path, **options):
    return {"nodejs": {"file": str(path), "keys_may_reach_disk": True} | options}


def only_feeds(*feeds, rotate="1s", accept="3s", **more):
    return {"fleet": {"rotate": rotate, "accept": accept}, "feeds": list(feeds),
            "admin": {"listen": "127.0.0.1:0"}, "log": {"format": "json"}} | more


def listed(folder):
    """The names of the keys in the list, in its order."""
    return re.findall(r"([0-9a-f]{32})\.key", (Path(folder) / "session_ticket_keys.conf").read_text())


def read_keys(folder):
    """Bytes of all key files by name; nothing that is written aside."""
    out = {}
    for path in Path(folder).iterdir():
        if path.suffix == ".key":
            out[path.name] = path.read_bytes()
    return out


def snapshot(folder):
    """The same as whoever reads the list first would find them: all there, or it is read again."""
    def attempt():
        try:
            return {name: (Path(folder) / f"{name}.key").read_bytes() for name in listed(folder)}
        except FileNotFoundError:
            return None
    return wait_until(attempt, "all files of the list are there")


def row(server, feed):
    """What is shown of a feed."""
    rows = [r for r in Admin(server).status()["feeds"] if r["feed"] == feed]
    assert len(rows) == 1, rows
    return rows[0]


def wait_row(server, feed, what, **fields):
    """Until it is shown with these."""
    def as_wanted():
        rows = Admin(server).status()["feeds"]
        return next((r for r in rows if (fields | {"feed": feed}).items() <= r.items()), None)
    return wait_until(as_wanted, what)


def owner_of(server):
    """The feeder's user id."""
    return os.stat(f"/proc/{server.family()['feeder']}").st_uid
