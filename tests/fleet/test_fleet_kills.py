"""
kill -9 of processes and whole hosts while they join, answer, rotate and re-seed.

Who is back is in step within an epoch. Where the next ring is about to begin it may take longer: hosts switch
when every member that they see holds it, and the presence of who was killed lives for four paces more. Until
then they seal by two rings, both of which all open.
"""

import collections

import pytest
from figures import note
from harness import free_port, wait_until
from hosts import wait_members
from killing import SEEDED, Killer, Mortals
from lockstep import assert_lockstep, wait_lockstep
from pairs import Pairs
from redis_server import RedisServer

ROTATE_S = 1.0
PRESENCE_S = 4 * 0.5  # the pace is half a second
FOUNDED = "nobody of the fleet is there: it begins anew, and earlier sessions do not resume"
EXPECTED = {"a process ended", "privileges", "secret", "no sandbox", FOUNDED,
            "the store cannot be reached", "the channel to the parent is closed",
            "the parent does not take messages", "cannot go on"}


@pytest.fixture
def hosts(running, reprised, certificate, open_folder):
    redis = running(RedisServer)
    # Four re-seeds in accept, the most that may be configured.
    made = Mortals(reprised, certificate, open_folder, store=redis.url, port=free_port(),
                   rotate="1s", accept="16s", reseed="4s", join_timeout="10s")
    for _ in range(3):
        made.start()
    wait_members(made)
    return made


def spread(values):
    """For the figures."""
    values = sorted(values) or [0.0]
    return {"n": len(values), "median": round(values[len(values) // 2], 3), "most": round(values[-1], 3)}


def kill_many(hosts, n, seed, least):
    killer = Killer(hosts, ROTATE_S, seed)
    took = {False: [], True: []}  # by whether it was a matter of rings
    with Pairs({f"host-{i + 1}": s.address for i, s in enumerate(hosts)}, keep_s=10) as pairs:
        wait_until(lambda: pairs.count() > 20, "clients")
        while len(killer.kills) < n:
            killer.step()
            seconds, of_rings = wait_lockstep(hosts)
            took[of_rings].append(seconds)
            assert not pairs.lost, f"{pairs.lost}\n{killer.story(pairs.lost[0][0])}"
        wait_members(hosts)
        wait_until(lambda: pairs.count() >= least, "clients", deadline=60)
        offered = pairs.check(least, killer.is_excused)
    assert_lockstep(hosts, ROTATE_S)
    lines = killer.all_lines()
    note("fleet, kills", kills=len(killer.kills), offered=offered, excused=len(pairs.failed),
         starts_that_failed=killer.failed_starts,
         at=dict(collections.Counter(what for what, _ in killer.kills)),
         of=dict(collections.Counter(role for _, role in killer.kills)),
         seeded=sum(line["message"] == SEEDED for line in lines),
         in_step_s=spread(took[False]), in_one_ring_s=spread(took[True]))
    unwanted = [line for line in lines
                if line["level"] not in ("info", "debug") and line["message"] not in EXPECTED]
    assert not unwanted, unwanted[:3]
    assert not killer.other_texts(), killer.other_texts()[:20]
    assert sum(line["message"] == FOUNDED for line in lines) == 1
    assert max(took[False]) <= ROTATE_S
    assert max(took[True], default=0) <= PRESENCE_S + ROTATE_S


@pytest.mark.deadline(60)
def test_killed_a_dozen_times(hosts):
    kill_many(hosts, 12, seed=1, least=50)


@pytest.mark.full
@pytest.mark.deadline(1800)
def test_killed_500_times(hosts):
    kill_many(hosts, 500, seed=2, least=1000)
