"""reprise probe --expect key=HEX: under which key a server seals, seen from outside."""

import json

import pytest
from configs import one_site
from harness import free_port
from static_keys import key_file, nginx_key
from test_probe import mute_server, probe

OTHER = "00" * 16


@pytest.fixture
def keyed(reprised, certificate, tmp_path):
    """Starts a reprised that seals under a key of its own: where it is, and the key's name."""
    made = []

    def start(**more):
        key = nginx_key(80)
        made.append(key)
        path = key_file(tmp_path, f"key{len(made)}", key)
        server = reprised(one_site(certificate, top={"session_ticket_key": [path]}, **more))
        return f"{server.address[0]}:{server.address[1]}", key[:16].hex()

    return start


def violated(done):
    """The only line that says what is not as expected."""
    (line,) = done.stderr.splitlines()
    assert line.startswith("reprise probe: key: expected ")
    return line


def test_the_key_that_seals(keyed):
    at, name = keyed()
    done = probe(at, "--expect", f"key={name.upper()}", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert found["connections"] == 2
    assert {(k["mechanism"], k["key_name"]) for k in found["keys"]} == {
        ("ticket12", name), ("ticket13", name)}
    done = probe(at, "--expect", f"key={OTHER}")
    assert done.returncode == 1
    assert violated(done).endswith(
        f"at 1 of 1 addresses; first: {at}, ticket12: a ticket under key {name}")


def test_other_expectations_beside_it(keyed):
    at, name = keyed()
    done = probe(at, "--expect", f"ticket12=all,key={name},ticket13=all")
    assert (done.returncode, done.stderr) == (0, "")
    done = probe(at, "--expect", f"ticket12=none,key={OTHER}")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 2


def test_two_addresses_of_which_one_has_another_key(keyed):
    (one, name), (other, its_name) = keyed(), keyed()
    done = probe("localhost", "--at", one, "--at", other, "--expect", f"key={name}")
    assert done.returncode == 1
    assert violated(done).endswith(
        f"at 1 of 2 addresses; first: {other}, ticket12: a ticket under key {its_name}")


def test_a_server_without_tickets(keyed):
    at, name = keyed(session_tickets=False)
    done = probe(at, "--expect", f"key={name}")
    assert done.returncode == 1
    assert violated(done).endswith(f"first: {at}, ticket12: no ticket")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_one_version_is_enough(tmp_path, certificate, version):
    at, server = mute_server(tmp_path, certificate, version)
    with server:
        done = probe(at, "--expect", f"key={OTHER}", "--json")
        (group,) = json.loads(done.stdout)["keys"]
        assert done.returncode == 1 and group["key_name"] in violated(done)
        done = probe(at, "--expect", f"key={group['key_name']}")
        assert (done.returncode, done.stderr) == (0, "")


def test_a_server_that_replies_to_nothing_is_not_waited_for(tmp_path, certificate):
    at, server = mute_server(tmp_path, certificate)
    with server:
        done = probe(at, "--expect", f"key={OTHER}", "--patience", "50s", "--json", timeout=120)
    assert done.returncode == 1 and "a ticket under key" in violated(done)
    assert json.loads(done.stdout)["seconds"] < 50


def test_nobody_there():
    done = probe(f"127.0.0.1:{free_port()}", "--expect", f"key={OTHER}")
    assert done.returncode == 3
    assert violated(done).endswith(": unreachable")


@pytest.mark.parametrize("words", [("key=",), (f"key={OTHER},{OTHER}",), (f"key={OTHER[1:]}",),
                                   (f"key={OTHER}", "--mechanisms", "id12")])
def test_what_is_no_key(words):
    done = probe("127.0.0.1:1", "--expect", *words)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
