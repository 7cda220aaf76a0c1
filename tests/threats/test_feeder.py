"""A feeder that was taken over: it can have the configuration's commands run, at their pace, and
nothing else. And other users of the host, where they may make folders beside a feed's."""

import os
import signal
import struct

import pytest
from feeding import Recorder, nginx, nodejs, only_feeds, owner_of, snapshot
from harness import Reprised, wait_seconds, wait_until
from test_fleet_courier import TakenOver, frame

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root takes another's descriptors")
RUN, RAN = 22, 23
RELOAD, VERIFY = 0, 1


def run(feed, what=RELOAD, key=bytes(16)):
    return frame(RUN, bytes([feed, what]) + key)


@pytest.fixture(autouse=True)
def outlives_the_servers(open_folder):
    return open_folder


@pytest.fixture
def recorder(open_folder):
    return Recorder(open_folder, open_folder / "fed")


@pytest.fixture
def server(reprised, recorder, open_folder):
    """The first feed has a command; the second has none, and neither is looked at."""
    config = only_feeds(nginx(recorder), nodejs(open_folder / "node/keys"), rotate="1h", accept="2h")
    started = reprised(config)
    wait_until(lambda: sorted(started.family()) == ["courier", "feeder", "keeper"], "all are there")
    return started


NOT_ITS = {
    "a command that there is not": run(1), "a check that there is not": run(0, VERIFY),
    "a feed that there is not": run(2), "one far off": run(15), "one too far off": run(16),
    "another kind": run(0, 2), "a reload with a key": run(0, RELOAD, b"x" * 16),
    "two at once": run(0) + run(0), "RAN": frame(RAN, bytes(7)), "EPOCH": frame(2, bytes(16)),
    "READY": frame(1), "PONG": frame(10), "ACCEPT": frame(6), "STATIC_KEYS": frame(3, bytes(50)),
    "DOMAINS": frame(7, b"\1a"), "MAIL_PUT": frame(13, bytes(30)), "CLEAR": frame(24, b"\0\1"),
    "a short RUN": frame(RUN, bytes(17)), "a long RUN": frame(RUN, bytes(19)),
    "unknown": frame(99, b"x"), "too long": struct.pack(">HH", RUN, 65535),
}


@pytest.mark.deadline(180)
def test_what_is_not_its_to_say(server, recorder):
    """The parent replaces it; all else is as it was."""
    for what, data in NOT_ITS.items():
        before = server.family()
        with TakenOver(server, "feeder") as taken:
            taken.say(data)
            wait_until(lambda: server.family().get("feeder") not in (None, before["feeder"]),
                       f"{what}: another feeder")
        after = server.family()
        assert {k: after.get(k) for k in ("keeper", "courier")} == \
            {k: before[k] for k in ("keeper", "courier")}, what
        mark = len(recorder.entries())
        recorder.wait(mark + 1)  # the sound one tells its servers
    snapshot(recorder.files)


def test_commands_keep_their_pace(server, recorder):
    wait_seconds(1.1)
    begun = len(recorder.entries())
    with TakenOver(server, "feeder") as taken:
        for _ in range(4):
            answered = sum(kind == RAN for kind, _ in taken.said)
            taken.say(run(0))
            wait_until(lambda n=answered: sum(kind == RAN for kind, _ in taken.said) > n, "it ran")
        assert [body[:3] for kind, body in taken.said if kind == RAN] == [bytes(3)] * 4
        os.kill(taken.pid, signal.SIGKILL)
    times = [entry["at"] for entry in recorder.entries()[begun : begun + 4]]
    assert times[-1] - times[0] > 2.3, times
    wait_until(lambda: server.family().get("feeder"), "a sound one")


NOBODY = 65534
RACES = 4


def make_when_there(first, last):
    """Another user: at the moment when one folder is there, he makes the other, open to all."""
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.umask(0)
        while not os.path.exists(first):
            pass
        try:
            os.mkdir(last, 0o777)
        finally:
            os._exit(0)
    return pid


def test_who_makes_the_folder_between_check_and_use_keeps_it(open_folder):
    """He wins now and then, and then nothing is written there."""
    shared = open_folder / "shared"
    for i in range(RACES):
        place = shared / str(i)
        place.mkdir(parents=True)
        place.chmod(0o1777)
        feeds = [nodejs(place / f"{n:x}/keys", name=f"n{n}") for n in range(16)]
        other = make_when_there(place / "0", place / "f")
        try:
            with Reprised(open_folder, only_feeds(*feeds, rotate="1h", accept="2h"),
                          ready=False) as server:
                wait_until(lambda s=server: s.popen.poll() is not None or s.logs("fed", feed="n15"),
                           "it is given up, or fed")
                made = (place / "f").stat()
                if server.popen.poll() is None:
                    assert (made.st_uid, made.st_mode & 0o777) == (owner_of(server), 0o700)
                else:
                    assert made.st_uid == NOBODY and not os.listdir(place / "f")
        finally:
            os.kill(other, signal.SIGKILL)
            os.waitpid(other, 0)
