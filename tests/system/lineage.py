"""A server through its upgrades: who its parent is by now, and that all of them end with the test."""

import os
import signal
from pathlib import Path

from harness import Reprised, children, kill, role_of, start_time, wait_until


def stat_of(pid):
    """The fields of /proc/PID/stat from the state on; none if it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


class Lineage(Reprised):
    """All its processes are of one session, which the first parent began."""

    def everyone(self):
        """Those that live, oldest first."""
        found = []
        for name in os.listdir("/proc"):
            fields = stat_of(name) if name.isdigit() else None
            if fields and fields[0] != "Z" and int(fields[3]) == self.pid:
                found.append((int(fields[19]), int(name)))
        return [pid for _, pid in sorted(found)]

    def parents(self):
        name = Path(self.argv[0]).name[:15]
        return [pid for pid in self.everyone() if role_of(pid) == name]

    def head(self):
        """The parent that is the service now: the newest. (A look may miss both, as one hands over.)"""
        return wait_until(self.parents, "there is a parent")[-1]

    def tell(self, number):
        os.kill(self.head(), number)

    def family(self):
        return {role_of(pid): pid for pid in children(self.head()) if start_time(pid)}

    def stop(self, deadline=10.0):
        for pid in reversed(self.parents()):
            kill(pid, signal.SIGTERM)
        try:
            wait_until(lambda: not self.parents(), "all parents end", deadline=deadline)
        except AssertionError:
            pass
        for pid in self.everyone():
            kill(pid, signal.SIGKILL)
        return super().stop(deadline)
