"""A feeder that was taken over: it can have the configuration's commands run, at their pace, and
nginx's files brought up to date, and nothing else; what nginx reads it cannot touch. And other users
of the host, where they may make folders beside a feed's."""

import os
import pwd
import re
import shutil
import signal
import struct

import pytest
from admin import Admin
from feeding import Recorder, nginx, nodejs, only_feeds, owner_of, snapshot, wait_row
from harness import Reprised, wait_seconds, wait_until
from test_fleet_courier import TakenOver, frame

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root takes another's descriptors")
RUN, RAN = 22, 23
RELOAD, VERIFY, WRITE = 0, 1, 2


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
    "another kind": run(0, 3), "a reload with a key": run(0, RELOAD, b"x" * 16),
    "files that are its own": run(1, WRITE), "files with a key's name": run(0, WRITE, b"x" * 16),
    "files of a feed that there is not": run(2, WRITE),
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


LIST = re.compile(r"# Written by reprised[^\n]*\n"
                  r'(ssl_session_ticket_key "(/[\w./-]+)/[0-9a-f]{32}\.key";\n)+')


def test_files_of_nginx_are_what_they_were(server, recorder):
    """However often it has them written: it has no word in it, and the parent its pace."""
    before = snapshot(recorder.files)
    with TakenOver(server, "feeder") as taken:
        for n in range(1, 6):
            taken.say(run(0, WRITE))
            wait_until(lambda n=n: len([1 for kind, _ in taken.said if kind == RAN]) >= n, "done")
        bodies = [body for kind, body in taken.said if kind == RAN]
        assert bodies == [bytes([0, WRITE]) + bytes(5)] * 5, "changed, or failed"
        taken.say(run(0, WRITE) * 2)
        wait_until(lambda: server.family().get("feeder") not in (None, taken.pid), "two at once")
    assert snapshot(recorder.files) == before
    text = (recorder.files / "session_ticket_keys.conf").read_text()
    assert LIST.fullmatch(text)[2] == str(recorder.files)


NOBODY = 65534
RACES = 4


def become_feeder(server):
    """The user, and the group, of the feeder of a server with feeds that have the group nogroup."""
    who = pwd.getpwuid(owner_of(server))
    group = NOBODY
    os.setgroups([group])
    os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
    os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)


def attempts(folder, spare):
    """Whatever could change what is read in the folder, by name; spare is a file of one's own."""
    names = sorted(folder.iterdir())
    new = folder / "own.conf"
    out = {"create": lambda: os.open(new, os.O_WRONLY | os.O_CREAT), "mkdir": lambda: os.mkdir(new),
           "fifo": lambda: os.mkfifo(new), "symlink": lambda: os.symlink(spare, new),
           "link": lambda: os.link(spare, new), "move in": lambda: os.rename(spare, new),
           "open up": lambda: folder.chmod(0o777), "take": lambda: os.chown(folder, os.getuid(), -1),
           "move away": lambda: folder.rename(folder.parent / "away"),
           "remove": lambda: shutil.rmtree(folder)}
    for path in names:
        out |= {f"write {path.name}": lambda p=path: os.open(p, os.O_WRONLY),
                f"replace {path.name}": lambda p=path: os.rename(spare, p),
                f"rename {path.name}": lambda p=path: os.rename(p, new),
                f"put over {path.name}": lambda p=path: os.rename(names[names[0] == p], p),
                f"remove {path.name}": path.unlink, f"open up {path.name}": lambda p=path: p.chmod(0o666)}
    return out


def succeeded(folder, spare):
    """The names of the attempts that were not refused."""
    out = []
    for name, attempt in attempts(folder, spare).items():
        try:
            attempt()
            out.append(name)
        except PermissionError:
            pass
    return out


def test_who_has_the_feeders_rights_changes_nothing_that_nginx_reads(reprised, recorder, open_folder):
    """With the group that reads it, too. In a folder of the feeder's own he may do all of that."""
    node = open_folder / "node/keys"
    server = reprised(only_feeds(nginx(recorder, group="nogroup"), nodejs(node, group="nogroup"),
                                 rotate="1h", accept="2h"))
    before = snapshot(recorder.files)
    spare = node.parent / "spare"
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            become_feeder(server)
            spare.write_text("access_log /etc/passwd;")
            read = (recorder.files / "session_ticket_keys.conf").read_text()
            words = ",".join(succeeded(recorder.files, spare))
            os.mkfifo(node.parent / "own.conf")
            os.write(writer, f"{'ssl_session_ticket_key' in read}:{words}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as told:
        assert told.read() == "True:"
    assert snapshot(recorder.files) == before
    assert {path.stat().st_uid for path in (recorder.files, *recorder.files.iterdir())} == {0}


def test_a_folder_that_is_anothers_by_now_gets_no_key(reprised, open_folder):
    """Root removed it, where others may make one: they do not have root write there."""
    shared, elsewhere = open_folder / "shared", open_folder / "elsewhere"
    for folder in (shared, elsewhere):
        folder.mkdir()
        folder.chmod(0o1777)
    recorder = Recorder(open_folder, shared / "fed")
    server = reprised(only_feeds(nginx(recorder), rotate="1s", accept="3s"))
    for how in ("a link", "a folder"):
        mark = server.mark()
        shutil.rmtree(recorder.files, ignore_errors=True)
        recorder.files.unlink(missing_ok=True)
        if how == "a link":
            recorder.files.symlink_to(elsewhere)
        else:
            recorder.files.mkdir(mode=0o777)
        os.chown(recorder.files, NOBODY, NOBODY, follow_symlinks=False)
        epoch = Admin(server).status()["keyring"]["epoch"]
        wait_until(lambda e=epoch: Admin(server).status()["keyring"]["epoch"] > e + 2, "keys change")
        wait_row(server, "nginx", "it is behind", state="behind")
        assert not list(elsewhere.iterdir())
        assert how == "a link" or not list(recorder.files.iterdir())
        assert len(server.logs("a feed is behind, and is tried again", since=mark)) <= 1
    recorder.files.rmdir()


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
