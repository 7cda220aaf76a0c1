"""Ends processes of hosts at chosen instants, and says when what was ended is there again."""

import datetime
import random
import signal
import time

from admin import Admin
from harness import descendants, kill, start_time, wait_seconds, wait_until
from hosts import Hosts

SEEDED = "the fleet's next ring begins here"
ROLES = ("keeper", "courier", "worker 0")
ANSWER_S = 0.3  # within which a start asks and is answered


class Mortals(Hosts):
    """Three hosts; of the third all processes may end, and it comes back at the same address."""

    def __init__(self, *args, port, **fleet):
        self.port = port
        super().__init__(*args, **fleet)

    def config(self, number, **fleet):
        made = super().config(number, **fleet)
        if number == 3:
            made["listen"][0]["address"] = f"127.0.0.3:{self.port}"
        return made


class Killer:
    """kills: (what, role) in order. away: when the third host was not to be reached."""

    def __init__(self, hosts, rotate_s, seed):
        self.hosts, self.rotate_s = hosts, rotate_s
        self.source = random.Random(seed)
        self.kills, self.away, self.failed_starts = [], [], 0
        self.lines, self.texts = [], []

    # Instants.

    def _at_a_rotation(self):
        keys = Admin(self.hosts[0]).status()["keyring"]["keys"]
        age_s = next(k["age_s"] for k in keys if k["role"] == "seals")
        wait_seconds(max(0.0, self.rotate_s - age_s + self.source.uniform(-0.03, 0.03)))

    def _at_a_seed(self):
        marks = [s.mark() for s in self.hosts]
        wait_until(lambda: any(s.logs(SEEDED, since=m) for s, m in zip(self.hosts, marks)),
                   "a re-seed", deadline=30, step=0.005)
        wait_seconds(self.source.uniform(0, 0.3))

    # Deaths.

    def _kill(self, what, server, roles=ROLES[:2]):
        """One process; which, unless it is just not there."""
        role = self.source.choice(roles)
        pid = server.family().get(role)
        if pid and kill(pid, signal.SIGKILL):
            self.kills.append((what, role))

    def _end_third(self, what):
        """The parent, whose children then go, or all at once."""
        third = self.hosts[2]
        if not self.away or self.away[-1][1]:
            self.away.append([time.time(), None])
        family = descendants(third.pid)
        whole = self.source.random() < 0.5
        for pid in [third.pid, *(p for p, _ in family if whole)]:
            kill(pid, signal.SIGKILL)
        third.wait()
        self.kills.append((what, "host" if whole else "parent"))
        wait_until(lambda: all(start_time(p) != t for p, t in family), "its children are gone")
        self._keep(third)

    def _start_third(self):
        self.hosts.servers[2] = self.hosts.start_one(self.hosts.config(3), ready=False)

    def _end_and_start(self, what):
        self._end_third(what)
        self._start_third()
        wait_seconds(self.source.uniform(0, ANSWER_S))

    # One of these is a step.

    def any_time(self):
        wait_seconds(self.source.uniform(0, 0.5))
        self._kill("any time", self.source.choice(self.hosts.servers))

    def join(self):
        """While it starts, again and again."""
        self._end_and_start("member")
        for _ in range(self.source.randint(1, 3)):
            if self.source.random() < 0.5:
                self._kill("join", self.hosts[2])
                wait_seconds(self.source.uniform(0, ANSWER_S))
            else:
                self._end_and_start("join")

    def answer(self):
        """Those that are asked."""
        self._end_and_start("member")
        for server in self.hosts.servers[:2]:
            self._kill("answer", server)

    def rotation(self):
        self._at_a_rotation()
        for server in self.hosts:
            self._kill("rotation", server, ROLES[:1])

    def seed(self):
        """Who begins the next ring, and who takes it up, until it seals."""
        self._at_a_seed()
        for _ in range(5):
            self._kill("re-seed", self.source.choice(self.hosts.servers))
            wait_seconds(self.source.uniform(0, 0.5))
        if self.source.random() < 0.5:
            self._end_and_start("re-seed")

    def step(self):
        """Afterwards all are there again."""
        steps = (self.any_time, self.any_time, self.join, self.answer, self.rotation, self.seed)
        self.source.choice(steps)()
        self.recover()

    def _bring_third(self):
        """A start of which a process is killed is none: whoever starts it does so again."""
        while True:
            try:
                self.hosts[2]._wait_ready()
                return
            except AssertionError:
                if self.hosts[2].popen.poll() is None:
                    raise
            self.failed_starts += 1
            self._keep(self.hosts[2])
            self._start_third()

    def recover(self):
        if self.away and self.away[-1][1] is None:
            self._bring_third()
            self.away[-1][1] = time.time()
        wait_until(lambda: all(set(ROLES) <= set(s.family()) and Admin(s).status()["processes"]["keeper_ready"]
                               for s in self.hosts), "all are back", step=0.01)

    def is_excused(self, failure):
        """It met the third host as it ended, or was not there."""
        return "host-3" in failure.names and any(
            failure.began <= (end or time.time()) and begin <= failure.ended
            for begin, end in self.away)

    def _keep(self, server):
        """What the third host said while it lived."""
        self.lines += [(3, line) for line in server.logs()]
        self.texts += server.output.lines

    def other_texts(self):
        """What is no line of a log: of a sanitizer, say. That a start fails is told on the terminal."""
        texts = self.texts + [text for s in self.hosts for text in s.output.lines]
        return [text for text in texts if not text.startswith(("{", "reprised: "))]

    def all_lines(self):
        """Of all that lived, in order; host: whose."""
        kept = self.lines + [(i + 1, line) for i, s in enumerate(self.hosts) for line in s.logs()]
        return sorted(({"host": host} | line for host, line in kept), key=lambda line: line["time"])

    def story(self, at, seconds=4.0):
        """What all said around that time."""
        def when(line):
            return datetime.datetime.fromisoformat(line["time"]).timestamp()

        keys = ("time", "host", "role", "message", "process", "ring", "member", "epoch", "ms",
                "verdict", "ticket_key", "reason")
        return "\n".join(" ".join(str(line[k]) for k in keys if k in line)
                         for line in self.all_lines() if abs(when(line) - at) < seconds)
