"""Runs `reprise probe` and reads its JSON (docs/formats/probe-json.md)."""

import json
import subprocess
from dataclasses import dataclass

from harness import reprise_path
from oracle import FAILED, NOT_ISSUED, REFUSED, RESUMED

SECONDS = 50


@dataclass(frozen=True)
class Probed:
    code: int
    report: dict | None
    errors: str

    def mechanism(self, name):
        return next(m for m in self.report["mechanisms"] if m["mechanism"] == name)

    def matrix(self, name):
        """In the oracle's letters, as many in a cell as there were tries."""
        found = self.mechanism(name)
        return [[_letters(cell, issue) for cell in row]
                for row, issue in zip(found["matrix"], found["issued"])]

    def causes(self, *mechanisms):
        return {d["cause"] for d in self.report["diagnoses"]
                if not mechanisms or set(d["mechanisms"]) & set(mechanisms)}


def _letters(cell, issue):
    if cell["tries"] == 0:
        return NOT_ISSUED if issue["established"] and not issue["issued"] else FAILED
    return RESUMED * cell["resumed"] + REFUSED * cell["full"] + FAILED * cell["failed"]


def run(*arguments, deadline=SECONDS):
    return subprocess.run(
        [reprise_path(), "probe", *map(str, arguments)], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=deadline, check=False)


def probe(*arguments, deadline=SECONDS):
    """With --json."""
    done = run("--json", *arguments, deadline=deadline)
    report = json.loads(done.stdout) if done.stdout.strip() else None
    return Probed(done.returncode, report, done.stderr)


def at(addresses):
    """The options that pin these addresses."""
    return [word for host, port in addresses for word in ("--at", f"{host}:{port}")]
