"""`reprise fleet`: what it says of a fleet, and how it exits."""

import json
import os
import signal
import socket
import subprocess
import threading

import pytest
from admin import Admin
from checks import assert_full
from harness import ROOT, reprise_path, wait_until
from hosts import (Hosts, assert_all_pairs, assert_taken, fleet_of, new_secret, wait_members,
                   wait_rotation)
from rawtls import exchange


@pytest.fixture
def hosts(open_folder, reprised, certificate):
    return Hosts(reprised, certificate, open_folder)


def fleet(*words):
    return subprocess.run([reprise_path(), "fleet", *words], capture_output=True, text=True,
                          timeout=30, check=False)


def status(server, *words):
    return fleet("status", "--admin", Admin(server).address, *words)


def findings(server):
    done = status(server, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == (0 if said["ok"] else 1) and said["ok"] == (not said["findings"])
    return {f["finding"]: f["names"] for f in said["findings"]}


def test_all_in_step(hosts):
    a, b = hosts.start(), hosts.start(address="10.1.2.3:443")
    wait_members(hosts)
    done = status(a)
    assert (done.returncode, done.stderr) == (0, "")
    head, first, second, empty, total = done.stdout.splitlines()
    assert head.split() == "HOST ADDRESS ID STATE RING EPOCH CLOCK SEEN VERSION".split()
    assert first.startswith("host-1  -") and " in step " in first and " here " in first
    assert second.startswith("host-2  10.1.2.3:443") and " in step " in second
    assert empty == "" and total.startswith("shop: 2 hosts, all in step on ring fffffffe")
    assert "\033" not in done.stdout
    said = json.loads(status(b, "--json").stdout)
    assert (said["ok"], said["findings"]) == (True, [])
    assert [m["name"] for m in said["members"]] == ["host-2", "host-1"]
    assert said["members"][1]["ring"] == said["ring"]


def test_the_page_holds_what_its_description_says(hosts):
    a, _ = hosts.start(), hosts.start()
    wait_members(hosts)
    code, headers, body = Admin(a).ask("/fleet.json")
    assert (code, headers["Content-Type"]) == (200, "application/json")
    said = json.loads(body)
    text = (ROOT / "docs/formats/fleet-json.md").read_text()
    for name in [*said, *said["members"][0]]:
        assert f"`{name}`" in text, name
    assert "reprise_fleet_member{" not in Admin(a).text()


@pytest.mark.full
def test_another_secret_and_another_rotate(hosts):
    a = hosts.start()
    other = hosts.write_secret("other.secret", new_secret())
    hosts.start(secret=str(other))
    hosts.start(rotate="3s")
    wait_until(lambda: set(findings(a)) == {"foreign-secret", "mismatch"}, "both are found")
    assert findings(a)["mismatch"] == ["host-3"]
    done = status(a)
    assert done.returncode == 1
    assert "host-3: another rotate or accept" in done.stdout


def test_a_store_that_is_gone(hosts, open_folder):
    a, _ = hosts.start(), hosts.start()
    wait_members(hosts)
    os.rename(open_folder / "store", open_folder / "away")
    (open_folder / "store").write_text("in the way")
    a.wait_log("the store cannot be reached")
    wait_until(lambda: "store-down" in findings(a), "it is told")
    assert set(findings(a)) == {"store-down"}


def test_a_host_that_died_is_silent_and_forgotten(hosts, open_folder):
    hosts.fleet |= {"rotate": "12s"}
    a, b = hosts.start(), hosts.start()
    wait_members(hosts)
    b.signal(signal.SIGKILL)
    b.wait()
    wait_until(lambda: findings(a).get("silent") == ["host-2"], "it is silent", deadline=30)
    members = open_folder / "store/reprise/1/shop/members"
    found = next(m for m in json.loads(status(a, "--json").stdout)["members"] if not m["self"])
    before = len(list(members.iterdir()))
    done = fleet("forget", "--store", f"dir:{open_folder}/store", "--fleet", "shop",
                 found["id"][:8])
    assert (done.returncode, done.stderr) == (0, "")
    assert found["id"] in done.stdout and "shuts nobody out" in done.stdout
    assert len(list(members.iterdir())) == before - 1
    again = fleet("forget", "--store", f"dir:{open_folder}/store", "--fleet", "shop", found["id"])
    assert again.returncode == 1 and "not in the store" in again.stderr


def test_a_living_host_comes_back(hosts, open_folder):
    a, b = hosts.start(), hosts.start()
    wait_members(hosts)
    members = open_folder / "store/reprise/1/shop/members"
    name = str(a.config_path)
    done = fleet("forget", "-c", name, "host-2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("host-2 ")
    wait_until(lambda: len(list(members.iterdir())) == 2, "it is there again")
    wait_members([a, b])
    done = fleet("forget", "-c", name, "host-9")
    assert done.returncode == 1 and '"host-9" is not in the store: 2 entries' in done.stderr


def test_to_look_into_a_store_makes_none(tmp_path):
    done = fleet("forget", "--store", f"dir:{tmp_path}/store", "--fleet", "shop", "abcdef")
    assert done.returncode == 3 and "No such file or directory" in done.stderr
    assert not (tmp_path / "store").exists()


def test_alone_and_in_no_fleet(hosts, reprised):
    lone = hosts.start()
    done = status(lone)
    assert done.returncode == 0 and "1 host, sealing by ring fffffffe" in done.stdout
    config = hosts.config(2)
    del config["fleet"]
    plain = reprised(config)
    done = status(plain)
    assert done.returncode == 1 and "in no fleet" in done.stderr


@pytest.mark.parametrize("words", [
    (), ("fly",), ("status", "host-1"), ("status", "--store", "dir:/x"), ("forget",),
    ("forget", "host-1"), ("forget", "host-1", "--store", "dir:/x"),
    ("forget", "-c", "/nowhere", "host-1"), ("forget", "abcdef", "--store", "ftp:x", "--fleet", "shop"),
    ("forget", "host-1", "--store", "dir:/x", "--fleet", "shop"),
    *(("forget", "abcdef", "--store", "dir:/x", "--fleet", name) for name in ("Shop", "", ".shop")),
    ("status", "--admin", "localhost:9443"), ("status", "--admin"), ("status", "--fast"),
])
def test_what_makes_no_sense_is_told(words):
    done = fleet(*words)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("reprise fleet: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("answer", [
    b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n[1]",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
    b'HTTP/1.1 200 OK\r\n\r\n{"fleet": "a\\u001b[31m", "version": "1"}',
    b'HTTP/1.1 200 OK\r\n\r\n{"fleet": "shop", "members": [{}]}',
    b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 3000000,
], ids=range(9))
def test_whoever_else_answers(answer):
    """One line, at once, and nothing of theirs on the terminal."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                try:
                    peer.sendall(answer)
                except OSError:
                    pass
        thread = threading.Thread(target=serve)
        thread.start()
        done = fleet("status", "--admin", f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "\033" not in done.stderr


def test_nobody_is_there():
    done = fleet("status", "--admin", "unix:/nowhere/admin.sock")
    assert done.returncode == 3 and "is reprised running" in done.stderr


def reload_all(hosts, n=3):
    for server in hosts:
        mark = server.mark()
        server.signal(signal.SIGHUP)
        server.wait_log("reloaded", since=mark)
        server.wait_log("a process is back", since=mark, process="keeper")
    wait_members(hosts, n)


def ring_of(server):
    return json.loads(Admin(server).ask("/fleet.json")[2])["ring"]


@pytest.mark.parametrize("at_once", [False, pytest.param(True, marks=pytest.mark.full)])
def test_a_changed_secret_brings_a_ring_of_its_own(hosts, at_once):
    """Not before the last host has dropped the old one; with what was sealed before, or without."""
    hosts.start(), hosts.start(), hosts.start()
    wait_members(hosts)
    sessions = assert_all_pairs(hosts)
    ring = ring_of(hosts[0])
    old, new = hosts.secret.read_text(), new_secret()
    for text in (old + new, new + old):
        hosts.secret.write_text(text)
        reload_all(hosts)
        wait_until(lambda: len(findings(hosts[0]).get("two-secrets", ())) == 3, "all have both")
    hosts.secret.write_text(new + ("forget-other-rings\n" if at_once else ""))
    reload_all(list(hosts)[:2])
    wait_until(lambda: findings(hosts[0]).get("two-secrets") == ["host-3"], "all but one")
    wait_rotation(hosts[0], 2)
    assert {ring_of(s) for s in hosts} == {ring}
    reload_all(list(hosts)[2:])
    wait_until(lambda: all(ring_of(s) != ring for s in hosts), "another ring", step=0.05)
    wait_members(hosts)
    if at_once:
        wait_until(lambda: all(fleet_of(s)["rings_held"] == 1 for s in hosts), "one ring each")
        for _, _, session in sessions:
            for server in hosts:
                assert_full(exchange(server.address, session.offer()), "unknown-key")
    else:
        assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    for server in hosts:  # a busy machine may begin two of them
        said = json.loads(Admin(server).ask("/fleet.json")[2])
        assert [said["ring"][8:16]] == said["secrets"]


def rekey(server, file, *words):
    return fleet("rekey", "--admin", Admin(server).address, *words, str(file))


@pytest.mark.full
def test_rekey_takes_three_steps(hosts):
    """None before all hosts have taken the one before it."""
    a, b = hosts.start(), hosts.start()
    wait_members(hosts)
    ring, file = ring_of(a), hosts.secret
    old = file.read_text()
    for step in (1, 2, 3):
        if step != 3:
            early = rekey(a, file, "--now")
            assert early.returncode == 2 and "belongs to step 3" in early.stderr
        done = rekey(a, file)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert done.stdout.startswith(f"step {step} of 3: ")
        assert oct(file.stat().st_mode & 0o777) == "0o600"
        assert fleet_key_check(file)
        text = file.read_text()
        hasty = rekey(a, file)
        assert hasty.returncode == 1 and "reload it first" in hasty.stderr
        reload_one(a)
        wait_members(hosts)
        if step != 3:
            wait_until(lambda: "host-2" in rekey(a, file).stderr, "who is not ready")
            assert file.read_text() == text
        reload_one(b)
        wait_members(hosts)
        if step != 3:
            wait_until(lambda: all(m["two_secrets"] and not m["speaks_second"]
                                   for m in members_of(a)), "both, and nobody else is left")
    assert old.strip() not in file.read_text() and file.read_text().count("\n") == 1
    wait_until(lambda: ring_of(a) != ring and ring_of(a) == ring_of(b), "a ring of its own")
    wait_until(lambda: findings(a) == {}, "all is well")
    assert not list(file.parent.glob("*.new"))


def members_of(server):
    return json.loads(Admin(server).ask("/fleet.json")[2])["members"]


def fleet_key_check(file):
    return subprocess.run([reprise_path(), "key", "fleet-secret", "--check", file],
                          capture_output=True, check=False).returncode == 0


def reload_one(server):
    mark = server.mark()
    server.signal(signal.SIGHUP)
    server.wait_log("reloaded", since=mark)
    server.wait_log("a process is back", since=mark, process="keeper")


def test_rekey_refuses_what_it_cannot_follow(hosts):
    a = hosts.start()
    other = hosts.write_secret("other.secret", new_secret())
    done = rekey(a, other)
    assert done.returncode == 1 and "other secrets than are in this file" in done.stderr
    other.write_text(new_secret() + new_secret())
    done = rekey(a, other, "--force")
    assert done.returncode == 2 and "begun by hand" in done.stderr
    other.chmod(0o644)
    assert rekey(a, other, "--force").returncode == 2
    assert fleet("rekey", "--admin", "127.0.0.1:1", str(hosts.secret)).returncode == 3
    assert fleet("rekey", "--force", "/nowhere/secret").returncode == 2
