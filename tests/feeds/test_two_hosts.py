"""
Tickets that one server issued are presented at the other while two hosts of a fleet feed them and
their keys rotate, as fast as the server bears; and a download goes on meanwhile.
"""

import json
import os
from dataclasses import asdict, dataclass

import pytest
from harness import wait_until
from large import Download
from pairs import KINDS as VERSIONS
from pairs import Pairs
from two import Two

ROTATIONS, TICKETS, DOWNLOAD_S = 5, 1000, 120
SHORT_ROTATIONS, SHORT_TICKETS, SHORT_DOWNLOAD_S = 3, 150, 8
ENOUGH = 20  # failures
NEAR = 0.08  # of a share that chance has a part in


@dataclass(frozen=True)
class Case:
    """rotate, accept: of the fleet; keep_s: the age up to which a ticket is presented."""

    rotate_s: int
    accept_s: int
    keep_s: float
    interval_s: int | None = None  # how often the only key changes


# HAProxy and lighttpd hold three keys, and so open for one rotate. What is told later than at the
# instant itself, or is not told but looks, may have the key of before a little longer.
CASES = {
    "nginx": Case(2, 8, 7.0),
    "haproxy": Case(2, 2, 1.5),
    "trafficserver": Case(10, 30, 28.0),
    "h2o": Case(20, 60, 58.0),
    "lighttpd": Case(128, 128, 126.0),
    "apache": Case(4, 8, 8.0, interval_s=12),
    "nodejs": Case(4, 8, 8.0, interval_s=12),
}
# In the short run, beside others: with time to be late.
SHORT_CASES = {"nginx": Case(2, 8, 5.0), "haproxy": Case(4, 4, 2.0)}


@pytest.fixture
def two(open_folder, reprised, certificate):
    started = []

    def start(kind, case, verify=False):
        started.append(Two(reprised, certificate, open_folder, kind, verify,
                           rotate=f"{case.rotate_s}s", accept=f"{case.accept_s}s"))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def drive(two, case, rotations, tickets, download_s):
    """Until so many of each kind have been presented, the keys have changed so often, and the
    download is over."""
    begun, least = two.rotations(), 2 * tickets
    takes_s = max(download_s, rotations * (case.interval_s or case.rotate_s))
    with Pairs(two.addresses, keep_s=case.keep_s, pause=takes_s / least) as pairs:
        with Download(two.servers[0].address, download_s) as download:
            wait_until(
                lambda: len(pairs.failed) > ENOUGH or (
                    pairs.count() >= least and two.rotations() - begun >= rotations
                    and download.is_over()),
                "tickets and rotations", deadline=1200, step=0.2)
            assert not pairs.failed, pairs.failed[:5]
            download.check()
    return pairs, two.rotations() - begun


def table(kind, pairs, rotations, expected):
    """What became of the tickets of each version; to the file that FEED_FIGURES names, if any."""
    rows = []
    for version in VERSIONS:
        n = sum(v for (_, _, k), v in pairs.offered.items() if k == version)
        lost = sum(1 for entry in pairs.lost if entry[3] == version)
        rows.append(asdict(CASES[kind]) | {
            "server": kind, "version": version, "rotations": rotations, "presented": n,
            "resumed": n - lost, "expected": expected(pairs.ages[version])})
    if "FEED_FIGURES" in os.environ:
        with open(os.environ["FEED_FIGURES"], "a", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
    return rows


def share(interval_s):
    """Of tickets of these ages, how many still find their key where it changes so often."""
    return lambda ages: sum(max(0.0, 1 - age / interval_s) for age in ages) / len(ages)


@pytest.mark.parametrize("kind", SHORT_CASES)
@pytest.mark.deadline(120)
def test_shortly(two, kind):
    case = SHORT_CASES[kind]
    pairs, _ = drive(two(kind, case), case, SHORT_ROTATIONS, SHORT_TICKETS, SHORT_DOWNLOAD_S)
    pairs.check(2 * SHORT_TICKETS)


@pytest.mark.full
@pytest.mark.parametrize("kind", [k for k, case in CASES.items() if not case.interval_s])
@pytest.mark.deadline(1500)
def test_all_resume(two, kind):
    case = CASES[kind]
    pairs, rotations = drive(two(kind, case, True), case, ROTATIONS, TICKETS, DOWNLOAD_S)
    rows = table(kind, pairs, rotations, lambda _: 1.0)
    pairs.check(2 * TICKETS)
    assert all(row["presented"] >= TICKETS * 0.95 for row in rows), rows


@pytest.mark.full
@pytest.mark.parametrize("kind", [k for k, case in CASES.items() if case.interval_s])
@pytest.mark.deadline(600)
def test_the_share_of_one_key(two, kind):
    """They hold one key: what was issued before it changed is lost, and nothing else."""
    case = CASES[kind]
    pairs, rotations = drive(two(kind, case, True), case, ROTATIONS, TICKETS, DOWNLOAD_S)
    rows = table(kind, pairs, rotations, share(case.interval_s))
    for row in rows:
        assert row["presented"] >= TICKETS * 0.95, row
        assert abs(row["resumed"] / row["presented"] - row["expected"]) < NEAR, row
