"""Servers of others are fed keys: in order, once each, whatever happens to them, the files or us."""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from admin import Admin
from configs import one_site
from feeding import (Recorder, listed, nginx, nodejs, only_feeds, owner_of, read_keys, row, snapshot,
                     wait_row)
from harness import Reprised, kill, reprised_path, start_time, wait_seconds, wait_until, yaml_text

BEHIND = "a feed is behind, and is tried again"
CAUGHT_UP = "a feed has caught up"


@pytest.fixture(autouse=True)
def outlives_the_servers(open_folder):
    """What is made first goes last: nobody writes to the folder any more when it is removed."""
    return open_folder


@pytest.fixture
def recorder(open_folder):
    return Recorder(open_folder, open_folder / "fed")


@pytest.fixture
def server(reprised, recorder):
    return reprised(only_feeds(nginx(recorder)))


def check(folder, text):
    """Exit status and words of reprised -t."""
    path = folder / "checked.yaml"
    path.write_text(text)
    done = subprocess.run([reprised_path(), "-t", "-c", path], capture_output=True, text=True,
                          timeout=20, check=False)
    return done.returncode, done.stdout + done.stderr


# What is fed.


def test_whoever_is_ready_has_fed(server, recorder):
    first = recorder.entries()[0]
    fed = server.logs("fed")[0]
    assert first["keys"][0].startswith(fed["seals"])
    wait_until(lambda: sorted(server.family()) == ["courier", "feeder", "keeper"], "all are there")
    folder = recorder.files.stat()
    assert stat.S_IMODE(folder.st_mode) == 0o700 and folder.st_uid == os.geteuid()
    for path in recorder.files.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert path.stat().st_uid == os.geteuid(), path
    assert Admin(server).health() == (200, "ok")


def test_who_seals_was_known_before(server, recorder):
    """A host that is told an epoch late opens what others seal; no key is left when it has gone."""
    entries = recorder.wait(7)
    for before, after in zip(entries, entries[1:]):
        assert after["keys"][0] in before["keys"], "it seals by a key that was not there"
        assert before["keys"][0] in after["keys"], "what sealed does not open"
        assert after["alone"]
    names = [entry["keys"][0] for entry in entries]
    assert len(set(names)) >= 6
    assert entries[0]["keys"][0] not in entries[-1]["keys"], "keys never leave"
    keys = snapshot(recorder.files)
    assert len(keys) >= 4
    wait_until(lambda: set(read_keys(recorder.files)) == {f"{n}.key" for n in listed(recorder.files)},
               "nothing but what the list names")


def test_while_one_reload_runs_there_is_no_other(server, recorder):
    recorder.slow(2.5)
    begun = len(recorder.entries())
    entries = recorder.wait(begun + 3)
    assert all(entry["alone"] for entry in entries)
    for before, after in zip(entries[begun + 1:], entries[begun + 2:]):
        assert after["at"] - before["at"] > 2.4
        assert after["keys"] != before["keys"]


def test_feeds_share_keys_only_if_told_to(reprised, open_folder):
    recorders = [Recorder(open_folder, open_folder / f"fed{i}") for i in range(3)]
    a, b, c = (nginx(r, name=f"n{i}") for i, r in enumerate(recorders))
    b["nginx"]["domain"] = c["nginx"]["domain"] = "shop"
    reprised(only_feeds(a, b, c, rotate="1h", accept="2h"))
    own, shared, other = (set(recorder.entries()[0]["keys"]) for recorder in recorders)
    assert shared == other and not own & shared


def test_it_is_shown(server, recorder):
    recorder.wait(3)
    shown = wait_row(server, "nginx", "it is up", state="up")
    assert shown["server"] == "nginx" and shown["reason"] is None
    assert shown["updates"] >= 2 and shown["failures"] == 0 and shown["told_age_s"] < 10
    assert shown["accept_s"] == shown["wanted_accept_s"] == 3
    admin = Admin(server)
    assert admin.figure("feed_up", feed="nginx", server="nginx") in (0, 1)
    assert admin.figure("feed_keys", feed="nginx") >= 2
    assert admin.figure("feed_updates_total") >= 2
    assert admin.figure("feed_accept_seconds") == 3


def test_what_a_server_costs_is_said(reprised, open_folder):
    server = reprised(only_feeds(nodejs(open_folder / "node/keys")))
    assert "one key" in server.logs("what the server of a feed costs")[0]["cost"]
    assert server.logs("feeding")[0]["accept_s"] == 0
    assert row(server, "nodejs")["accept_s"] == 0 and row(server, "nodejs")["wanted_accept_s"] == 3


# What fails is said once and mended.


def test_a_reload_that_fails_is_tried_again(reprised, open_folder, recorder):
    recorder.fail("no \x1b[31m way")
    node = open_folder / "node/keys"
    server = reprised(only_feeds(nginx(recorder), nodejs(node)))
    told = server.wait_log(BEHIND, feed="nginx")
    assert told["reason"] == "reload: exit status 1: no \x1b[31m way"
    assert any("\\u001b" in line for line in server.output.lines)
    shown = wait_row(server, "nginx", "it is behind", state="behind")
    assert shown["reason"] == "reload: exit status 1: no ?[31m way"
    assert Admin(server).figure("feed_up", feed="nginx") == 0
    before = node.read_bytes()
    wait_until(lambda: node.read_bytes() != before, "the other feed goes on")
    assert Admin(server).figure("feed_up", feed="nodejs") == 1
    assert len(server.logs(BEHIND)) == 1
    recorder.fail("12:34 no room")
    assert "no room" in server.wait_log(BEHIND, since=server.mark())["reason"]
    recorder.fail("12:56 no room")
    wait_until(lambda: "12:56" in row(server, "nginx")["reason"], "it failed again")
    recorder.mend()
    server.wait_log(CAUGHT_UP, feed="nginx")
    recorder.wait(1)
    assert len(server.logs(BEHIND)) == 2
    assert row(server, "nginx")["failures"] >= 2


def test_a_reload_that_hangs_is_killed(reprised, open_folder, recorder):
    recorder.slow(600)
    feed = nginx(recorder, reload_timeout="500ms")
    server = reprised(only_feeds(feed, rotate="1h", accept="2h"))
    assert "did not end in time" in server.wait_log(BEHIND)["reason"]
    recorder.mend()
    server.wait_log(CAUGHT_UP)


def test_a_command_that_goes_away_is_missed(reprised, open_folder, recorder):
    program = open_folder / "reload"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    server = reprised(only_feeds(nginx(recorder, reload=[str(program)])))
    program.unlink()
    assert "No such file" in server.wait_log(BEHIND)["reason"]
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    wait_until(lambda: "Killed" in (row(server, "nginx")["reason"] or ""), "it was killed")
    program.write_text("#!/bin/sh\nexit 0\n")
    server.wait_log(CAUGHT_UP)


def test_a_command_gets_nothing_of_ours(reprised, open_folder, recorder):
    program, seen = open_folder / "reload", open_folder / "seen"
    program.write_text(f"#!/bin/sh\n(env; ls /proc/self/fd; pwd; cat; ps -o sid= -p $$; echo $$)"
                       f" > {seen}.new && mv {seen}.new {seen}\n")
    program.chmod(0o755)
    os.environ["RP_SECRET"] = "1"
    try:
        reprised(only_feeds(nginx(recorder, reload=[str(program)], ), rotate="1h", accept="2h"))
    finally:
        del os.environ["RP_SECRET"]
    words = wait_until(lambda: seen.exists() and seen.read_text(), "it ran")
    lines = words.split()
    names = {line.partition("=")[0] for line in lines if "=" in line}
    assert names <= {"PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_"}, names
    assert lines[-3] == "/" and lines[-2] == lines[-1], "another folder, or another's session"
    assert {n for n in lines if n.isdigit() and int(n) < 64} <= {"0", "1", "2", "3"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the folder away")
def test_a_folder_that_cannot_be_written_is_said(reprised, recorder, open_folder):
    """Whoever should own it: nginx's is the parent's, the others' are the feeder's."""
    node = open_folder / "node/keys"
    server = reprised(only_feeds(nginx(recorder), nodejs(node)))
    recorder.wait(2)
    for feed, folder, owner, other in (("nginx", recorder.files, 0, owner_of(server)),
                                       ("nodejs", node.parent, owner_of(server), 0)):
        mark = server.mark()
        os.chown(folder, other, -1)
        reason = server.wait_log(BEHIND, feed=feed, since=mark)["reason"]
        assert reason.startswith(f"the folder {folder} ")
        os.chown(folder, owner, -1)
        server.wait_log(CAUGHT_UP, since=mark, feed=feed)
        assert len(server.logs(BEHIND, since=mark)) == 1
    recorder.wait(len(recorder.entries()) + 2)


def test_a_folder_that_is_gone_is_made_again_by_a_reload(server, recorder):
    shutil.rmtree(recorder.files)
    assert str(recorder.files) in server.wait_log(BEHIND)["reason"]
    server.signal(signal.SIGHUP)
    server.wait_log("reloaded")
    wait_until(lambda: recorder.files.exists() and len(snapshot(recorder.files)) >= 2, "all is there")
    wait_row(server, "nginx", "it is up", state="up")


@pytest.fixture
def small(open_folder):
    """A tmpfs with room for few files."""
    folder = open_folder / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k,mode=0755", "none", folder],
                          capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_file_system_leaves_the_keys_of_before(reprised, open_folder, small):
    recorder = Recorder(open_folder, small / "fed")
    server = reprised(only_feeds(nginx(recorder)))
    recorder.wait(2)
    filler = small / "filler"
    with open(filler, "wb", buffering=0) as f, pytest.raises(OSError):
        while True:
            f.write(bytes(4096))
    assert "file system is full" in server.wait_log(BEHIND)["reason"]
    names = listed(recorder.files)
    assert names and all(len((recorder.files / f"{n}.key").read_bytes()) == 80 for n in names)
    filler.unlink()
    server.wait_log(CAUGHT_UP)
    recorder.wait(len(recorder.entries()) + 2)


# Processes that end.


def test_a_feeder_that_is_killed_goes_on(server, recorder):
    for _ in range(3):
        before = len(recorder.entries())
        mark = server.mark()
        kill(server.family()["feeder"], signal.SIGKILL)
        server.wait_log("a process is back", since=mark, process="feeder")
        recorder.wait(before + 2)
        snapshot(recorder.files)
    assert Admin(server).figure("restarts_total", role="feeder") == 3
    assert row(server, "nginx")["updates"] > 3


def test_a_command_ends_with_the_feeder_that_wanted_it(server, recorder):
    recorder.slow(600)
    running = wait_until(lambda: recorder.running(server), "it runs")
    kill(server.family()["feeder"], signal.SIGKILL)
    wait_until(lambda: start_time(running) is None, "it is gone")


def test_after_a_crash_of_the_parent_the_next_begins_anew(reprised, recorder):
    server = reprised(only_feeds(nginx(recorder)))
    recorder.wait(2)
    kill(server.pid, signal.SIGKILL)
    server.wait()
    (recorder.files / ".leftover.key.new").write_bytes(bytes(80))
    left = snapshot(recorder.files)
    server = reprised(only_feeds(nginx(recorder)))
    assert not set(left) & set(snapshot(recorder.files)), "keys of a ring that is gone"


def test_what_is_left_at_the_end_is_nobodys_key(reprised, open_folder, recorder):
    node = open_folder / "node/keys"
    server = reprised(only_feeds(nginx(recorder), nodejs(node), rotate="1h", accept="2h"))
    before, node_before = snapshot(recorder.files), node.read_bytes()
    assert server.stop() == 0
    after = read_keys(recorder.files)
    assert len(after) >= 2 and all(len(key) == 80 for key in after.values())
    ours = {key[16:48] for key in before.values()} | {key[48:] for key in before.values()}
    assert not ours & ({k[16:48] for k in after.values()} | {k[48:] for k in after.values()})
    snapshot(recorder.files)
    assert len(node.read_bytes()) == 48 and node.read_bytes()[16:] != node_before[16:]


def test_nginx_is_left_no_key_when_the_feeder_is_dead(reprised, recorder):
    """Its files are the parent's, who needs nobody to make an end of them."""
    server = reprised(only_feeds(nginx(recorder), rotate="1h", accept="2h"))
    before = snapshot(recorder.files)
    os.kill(server.family()["feeder"], signal.SIGSTOP)
    assert server.stop() == 0
    after = snapshot(recorder.files)
    assert set(after) == set(before) and not set(after.values()) & set(before.values())
    assert not server.logs("keys of a feed may be left in its files")


def test_a_reload_adds_and_removes_feeds(reprised, open_folder, recorder):
    other = Recorder(open_folder, open_folder / "other")
    node = open_folder / "node/keys"
    server = reprised(only_feeds(nginx(recorder), nodejs(node), rotate="1h", accept="2h"))
    before, node_before = snapshot(recorder.files), node.read_bytes()
    server.write_config(only_feeds(nginx(recorder), nginx(other, name="other"), rotate="1h",
                                   accept="2h"))
    server.signal(signal.SIGHUP)
    other.wait(1)
    assert node.read_bytes()[16:] != node_before[16:] and len(node.read_bytes()) == 48
    assert snapshot(recorder.files) == before, "what stays was touched"
    assert wait_row(server, "other", "it is up", state="up")
    assert [r["feed"] for r in Admin(server).status()["feeds"]] == ["nginx", "other"]
    server.write_config({"fleet": {"rotate": "1h", "accept": "2h"}})
    mark = server.mark()
    server.signal(signal.SIGHUP)
    entry = server.wait_log("the configuration stays as it was", since=mark)
    assert "listen is missing" in entry["reason"]


def test_feeds_and_listeners_come_and_go(reprised, recorder, certificate):
    feeds = {"feeds": [nginx(recorder)], "admin": {"listen": "127.0.0.1:0"}}
    both = one_site(certificate, workers=1, fleet={"rotate": "1h", "accept": "2h"}, top=feeds)
    alone = only_feeds(nginx(recorder), rotate="1h", accept="2h")
    neither = one_site(certificate, workers=1, fleet={"rotate": "1h", "accept": "2h"},
                       top={"admin": {"listen": "127.0.0.1:0"}})
    server = reprised(alone)
    keys = snapshot(recorder.files)
    for config, feeding, serving in ((both, True, True), (neither, False, True),
                                     (alone, True, False)):
        mark = server.mark()
        server.write_config(config)
        server.signal(signal.SIGHUP)
        server.wait_log("reloaded", since=mark)
        wait_until(lambda: bool(server.workers()) == serving
                   and ("feeder" in server.family()) == feeding, "who is there")
        wait_until(lambda: Admin(server).health() == (200, "ok"), "all is well")
        if feeding:
            wait_until(lambda: snapshot(recorder.files) == keys, "the same keys")
        else:
            wait_until(lambda: not Admin(server).status()["feeds"], "no feed is shown")
            assert not set(read_keys(recorder.files).values()) & set(keys.values())


def test_sigusr2_leaves_the_files_alone(reprised, recorder):
    config = only_feeds(nginx(recorder), rotate="3s", accept="9s")
    server = reprised(config)
    mark = server.mark()
    server.signal(signal.SIGUSR2)
    taken = server.wait_log("the new process has taken over", since=mark)
    try:
        server.wait_log("feeding", since=mark)
        before = len(recorder.entries())
        entries = recorder.wait(before + 3)
        for a, b in zip(entries, entries[1:]):
            assert b["keys"][0] in a["keys"] and a["keys"][0] in b["keys"]
        assert all(entry["alone"] for entry in entries)
        assert server.wait() == 0
        snapshot(recorder.files)
    finally:
        kill(taken["pid"], signal.SIGTERM)
        wait_until(lambda: not os.path.exists(f"/proc/{taken['pid']}"), "the new one has gone")


@pytest.fixture
def in_memory():
    """A folder for feeds on tmpfs."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-feeds-", dir="/dev/shm"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can show it other swap")
def test_swap_that_is_turned_on_later_is_seen(open_folder, in_memory):
    """As the kernel would list it; no key is written from then on, and the old ones do not stay."""
    if len(Path("/proc/swaps").read_text().splitlines()) > 1:
        pytest.skip("there is swap")
    node = in_memory / "node/keys"
    swaps = open_folder / "swaps"
    swaps.write_text("Filename Type Size Used Priority\n/dev/dm-1 partition 1048572 0 -2\n")
    feeds = only_feeds(nodejs(node, keys_may_reach_disk=False))
    launcher = ["unshare", "--mount", "--propagation", "private", "--"]
    if subprocess.run([*launcher, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("there are no mount namespaces here")
    with Reprised(open_folder, feeds, launcher=launcher) as server:
        inside = ["nsenter", "--mount", f"--target={server.pid}", "--"]
        server.wait_log("fed")
        subprocess.run([*inside, "mount", "--bind", swaps, "/proc/swaps"], check=True)
        assert "could be swapped to disk" in server.wait_log(BEHIND)["reason"]
        before = node.read_bytes()
        wait_until(lambda: node.read_bytes()[16:] != before[16:], "its time is over")
        left = node.read_bytes()
        assert len(left) == 48
        mark = server.mark()
        subprocess.run([*inside, "umount", "/proc/swaps"], check=True)
        server.wait_log(CAUGHT_UP, since=mark)
        wait_until(lambda: node.read_bytes()[16:] != left[16:], "it is fed again")
        assert len(server.logs(BEHIND)) == 1


# Two of us.


@pytest.fixture
def alone(open_folder):
    """What two would feed, for a long time."""
    node = open_folder / "node/keys"
    return only_feeds(nodejs(node), rotate="1h", accept="2h"), node


def refused(folder, config):
    """The words of a reprised that does not start."""
    path = folder / "second.yaml"
    path.write_text(yaml_text(config) + "\n")
    done = subprocess.run([reprised_path(), "-c", path], capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 1
    return done.stderr


def test_a_second_one_is_refused_the_same_file(reprised, open_folder, alone):
    config, node = alone
    server = reprised(config)
    before = node.read_bytes()
    words = refused(open_folder, config)
    assert f"another reprised feeds {node}, or" in words and "name another file" in words
    assert node.read_bytes() == before
    assert "ok" in check(open_folder, yaml_text(config) + "\n")[1], "what runs may be checked"
    server.signal(signal.SIGHUP)
    server.wait_log("fed", n=2)  # by the next feeder, which has the lock now
    assert refused(open_folder, config)
    assert server.stop() == 0
    reprised(config)


def test_a_second_one_is_refused_the_same_folder_by_a_reload(reprised, open_folder, recorder):
    reprised(only_feeds(nginx(recorder), rotate="1h", accept="2h"))
    before = snapshot(recorder.files)
    other = Recorder(open_folder, open_folder / "other")
    server = reprised(only_feeds(nginx(other), rotate="1h", accept="2h"))
    server.write_config(only_feeds(nginx(other), nginx(recorder, name="second"), rotate="1h",
                                   accept="2h"))
    server.signal(signal.SIGHUP)
    reason = server.wait_log("the configuration stays as it was")["reason"]
    assert f"another reprised feeds {recorder.files}, or" in reason and "another folder" in reason
    assert server.stop() == 0
    assert snapshot(recorder.files) == before


def test_who_is_killed_can_be_started_again_at_once(reprised, alone):
    config, _ = alone
    for _ in range(3):
        server = reprised(config)
        kill(server.pid, signal.SIGKILL)
        server.wait()
    reprised(config).wait_log("fed")


# What is refused.


NGINX = "feeds:\n  - nginx: {files: FOLDER, reload: [COMMAND], keys_may_reach_disk: on}\n"


def said(folder, files, command="/bin/true", more=""):
    status, words = check(folder, NGINX.replace("FOLDER", str(files)).replace("COMMAND", command) + more)
    assert status == (0 if words.endswith("ok\n") else 1)
    return words.removeprefix(f"{folder}/checked.yaml:").strip()


def test_what_is_checked_leaves_no_trace(open_folder):
    assert said(open_folder, open_folder / "new") == "ok"
    assert not (open_folder / "new").exists()


def test_what_cannot_be_is_refused_with_its_place(open_folder):
    new = open_folder / "new"
    words = said(open_folder, new, "no-such-command-here")
    assert words.startswith("2:") and words.endswith(
        "reload: no-such-command-here is nowhere in PATH; write an absolute path, such as "
        "/usr/sbin/nginx")
    assert said(open_folder, new, "/no/such").endswith("reload: /no/such cannot be executed")
    more = "  - nodejs: {file: /run/rp-test/k, group: nobody-has-this}\n"
    assert said(open_folder, new, more=more).endswith("there is no group nobody-has-this")
    more = "  - files: {files: /run/rp-test, format: trafficserver}\n"
    assert "trafficserver has no keys of 80 bytes" in said(open_folder, new, more=more)


def test_a_prober_that_is_missing_is_said(open_folder):
    """Beside reprised, or in PATH."""
    lone = open_folder / "lone"
    shutil.copy(reprised_path(), lone)
    path = open_folder / "checked.yaml"
    path.write_text(f"feeds:\n  - nginx: {{files: {open_folder}/new, reload: [/bin/true],\n"
                    "            keys_may_reach_disk: on, verify: '127.0.0.1:1'}\n")

    def words():
        return subprocess.run([lone, "-t", "-c", path], capture_output=True, text=True, timeout=20,
                              env={"PATH": str(open_folder)}, check=False).stderr

    assert ":3:" in words() and words().strip().endswith(
        "verify runs reprise, which is neither beside reprised nor in PATH; install it, or remove "
        "verify")
    (open_folder / "reprise").write_text("#!/bin/sh\n")
    (open_folder / "reprise").chmod(0o755)
    assert not words()


def test_folders_that_are_no_good_are_refused(open_folder):
    plain, loose, link = (open_folder / name for name in ("plain", "loose", "link"))
    plain.write_text("")
    assert "Not a directory" in said(open_folder, plain)
    loose.mkdir()
    loose.chmod(0o777)
    assert "anybody may write" in said(open_folder, loose)
    assert "others than root may change" in said(open_folder, loose / "below")
    link.symlink_to(open_folder / "elsewhere")
    assert "ok" not in said(open_folder, link)
    if os.geteuid() == 0:
        (open_folder / "roots").mkdir()
        more = f"  - nodejs: {{file: {open_folder}/roots/keys, keys_may_reach_disk: on}}\n"
        assert "belongs to user id 0" in said(open_folder, open_folder / "new", more=more)
        more = f"  - nodejs: {{file: {open_folder}/a/keys, keys_may_reach_disk: on}}\n"
        assert "is below that of the feed nodejs" in said(open_folder, open_folder / "a/b", more=more)
        more = f"  - nodejs: {{file: {open_folder}/new/a/keys, keys_may_reach_disk: on}}\n"
        assert "below that of the feed nginx" in said(open_folder, open_folder / "new", more=more)


@pytest.mark.skipif(os.geteuid() != 0, reason="all is one user's")
def test_what_nginx_reads_was_nobody_elses(open_folder):
    """Not even before: a folder that the feeder had may hold anything."""
    folder, evil = open_folder / "fed", open_folder / "fed/own.conf"
    folder.mkdir(mode=0o755)
    evil.write_text("access_log /etc/passwd;")
    assert said(open_folder, folder) == "ok", "all of it is root's"
    os.chown(evil, 65534, 65534)
    assert f"{evil} belongs to user id 65534, and nginx reads" in said(open_folder, folder)
    evil.unlink()
    for uid, mode in ((65534, 0o700), (0, 0o770)):
        os.chown(folder, uid, 0)
        folder.chmod(mode)
        words = said(open_folder, folder)
        assert f"others than user id 0 may write to the folder {folder}, which nginx" in words


def test_a_disk_is_refused(open_folder):
    words = check(open_folder, f"feeds:\n  - nodejs: {{file: {open_folder}/d/keys}}\n")[1]
    if subprocess.run(["stat", "-fc", "%T", open_folder], capture_output=True, text=True,
                      check=True).stdout.strip() == "tmpfs":
        pytest.skip("here even /tmp is none")
    assert ":2:20: keys are not written to" in words and "keys_may_reach_disk: on" in words


def test_static_keys_are_not_fed(open_folder):
    words = check(open_folder, "session_ticket_key: k\nfeeds:\n  - nodejs: {file: /run/x/y}\n")[1]
    assert "feeds hands on keys that rotate" in words


def test_a_second_signal_does_not_wait(reprised, recorder):
    server = reprised(only_feeds(nginx(recorder)))
    recorder.slow(600)
    wait_seconds(1.2)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_the_feeder_has_the_window_alone(reprised, recorder, certificate):
    """To read; no session cache, no socket but its channel and the log's."""
    config = one_site(certificate, workers=1, top={"feeds": [nginx(recorder)]})
    server = reprised(config)
    server.wait_log("fed")
    pid = server.family()["feeder"]
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        rows = [line.split() for line in maps]
    shared = sorted((row[1], row[5].split(":")[-1]) for row in rows if row[1].endswith("s"))
    assert [kind for kind, _ in shared if "w" in kind] == ["rw-s"], shared
    assert ("rw-s", "metrics") in shared and len(shared) <= 3, shared
    links = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
    assert sum(link.startswith("socket:") for link in links) == 1, links
    status = open(f"/proc/{pid}/status", encoding="ascii").read()
    assert "NoNewPrivs:\t1" in status
    if os.geteuid() == 0:
        assert "CapEff:\t0000000000000000" in status and owner_of(server) != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="started by another user already")
def test_whoever_starts_it_can_feed(open_folder):
    """Without root all is that user's, and so are the folders."""
    folder = open_folder / "somebody"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    recorder = Recorder(open_folder, folder / "fed")
    recorder.path = folder / "record"
    recorder.command[-1] = str(recorder.path)
    launcher = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    with Reprised(open_folder, only_feeds(nginx(recorder)), launcher=launcher):
        recorder.wait(2)
        assert recorder.files.stat().st_uid == 65534
