"""
Addresses that cannot be probed: each gets one clear line, and the rest of the matrix goes on.
"""

import json
import signal
import socket
import subprocess

import bad_peer
import prober
import pytest
from bad_peer import BadPeer, BlackHole, Closed
from expired import expired_certificate
from harness import OpensslServer, reprise_path, wait_until
from oracle import MECHANISMS

QUICK = ("--timeout", "700ms", "--method", "GET")
ENOUGH = 3  # connections: full handshakes of one mechanism at the sound address
LINES = {
    "reset": "reset",
    "close": "closed",
    "alert": "handshake failure",
    "http": "plain HTTP on this port, not TLS",
    "garbage": "not TLS",
    "ssh": "not TLS",
    "half": "closed",
    "nonsense": "not valid",
}


@pytest.fixture
def sound(running, certificate):
    return running(OpensslServer, certificate)


def name(address):
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def probe(authority, *addresses, more=QUICK):
    at = [word for address in addresses for word in ("--at", name(address))]
    return prober.probe("--cafile", authority.path, *more, "localhost", *at)


def evidence(probed):
    """What is said of addresses, not of mechanisms or pairs: cause by line."""
    return {d["evidence"]: d for d in probed.report["diagnoses"]
            if d["cause"] in ("unreachable", "no-tls", "unstable")}


def assert_rest_goes_on(probed):
    """The first address is sound: all its own sessions resume, and it is not complained of."""
    for mechanism in MECHANISMS:
        assert set(probed.matrix(mechanism)[0][0]) == {"Y"}, probed.report["summary"]
    assert all(probed.report["addresses"][0]["address"] not in d["addresses"]
               for d in probed.report["diagnoses"])
    assert probed.code == 1


def assert_one_line(probed, cause, words, bad):
    lines = evidence(probed)
    assert len(lines) == 1, lines
    (line, diagnosis), = lines.items()
    assert diagnosis["cause"] == cause and words in line, (cause, line)
    assert "\n" not in line and diagnosis["addresses"] == [name(bad)]
    assert probed.errors == ""


@pytest.mark.parametrize("how", LINES)
def test_no_tls(running, sound, authority, how):
    bad = running(BadPeer, getattr(bad_peer, how)).address
    probed = probe(authority, sound.address, bad)
    assert_one_line(probed, "no-tls", LINES[how], bad)
    assert_rest_goes_on(probed)


@pytest.mark.parametrize("how", ["garbage", "nonsense", "half"])
def test_nothing_is_said_to_be_absent_where_nothing_is_known(running, authority, how):
    """An audit of a server whose handshakes come to nothing judges nothing."""
    bad = running(BadPeer, getattr(bad_peer, how))
    probed = probe(authority, bad.address, more=(*QUICK, "--audit"))
    outcomes = {c["outcome"] for c in probed.report["audit"]["checks"]}
    assert outcomes == {"not-judged"}, probed.report["audit"]["checks"]


def test_never_answers(running, sound, authority):
    bad = running(BadPeer).address
    probed = probe(authority, sound.address, bad)
    assert_one_line(probed, "no-tls", "does not answer", bad)
    assert_rest_goes_on(probed)


def test_refused(running, sound, authority):
    bad = running(Closed).address
    probed = probe(authority, sound.address, bad)
    assert_one_line(probed, "unreachable", "refused", bad)
    assert_rest_goes_on(probed)


def test_dropped(running, sound, authority):
    bad = running(BlackHole).address
    probed = probe(authority, sound.address, bad)
    assert_one_line(probed, "unreachable", "no answer", bad)
    assert_rest_goes_on(probed)


def test_no_ipv6_there(running, sound, authority):
    try:
        bad = running(Closed, "::1").address
    except OSError:
        bad = ("::1", 443)  # this host has none: no route, or no such family
    probed = probe(authority, sound.address, bad)
    (line, diagnosis), = evidence(probed).items()
    assert diagnosis["cause"] == "unreachable" and "\n" not in line
    assert_rest_goes_on(probed)


def test_no_network_to_it(sound, authority):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("2001:db8::1", 443))
            pytest.skip("there is a route to everywhere")
        except OSError:
            pass
    probed = probe(authority, sound.address, ("2001:db8::1", 443))
    (line, diagnosis), = evidence(probed).items()
    assert diagnosis["cause"] == "unreachable" and "\n" not in line
    assert_rest_goes_on(probed)


def test_each_of_many_has_its_line(running, sound, authority):
    bad = {
        "refused": running(Closed), "does not answer": running(BadPeer),
        "plain HTTP": running(BadPeer, bad_peer.http), "reset": running(BadPeer, bad_peer.reset),
    }
    probed = probe(authority, sound.address, *(peer.address for peer in bad.values()))
    assert_rest_goes_on(probed)
    lines = evidence(probed)
    for words, peer in bad.items():
        found = [line for line, d in lines.items() if name(peer.address) in d["addresses"]]
        assert len(found) == 1 and words in found[0], (words, found)


def test_nobody_there(running, authority):
    bad = [running(Closed).address, running(BlackHole).address]
    probed = probe(authority, *bad)
    assert probed.code == 3
    assert all(not a["reachable"] for a in probed.report["addresses"])
    assert len(probed.report["summary"].splitlines()) == 1


def test_expired_certificate(running, tmp_path, authority):
    """Said, with the address, and probed all the same."""
    server = running(OpensslServer, expired_certificate(tmp_path))
    probed = probe(authority, server.address)
    shown = probed.report["addresses"][0]["certificate"]
    assert "expired" in shown["trouble"]
    for mechanism in MECHANISMS:
        assert set(probed.matrix(mechanism)[0][0]) == {"Y"}
    text = prober.run(*QUICK, "localhost", "--at", name(server.address)).stdout
    assert sum("expired" in line for line in text.splitlines()) == 1, text


def test_untrusted_certificate_of_another_name(running, authority):
    server = running(OpensslServer, authority.issue("elsewhere.example"))
    probed = probe(authority, server.address)
    assert probed.report["addresses"][0]["certificate"]["trouble"]
    assert set(probed.matrix("ticket13")[0][0]) == {"Y"}


def test_unknown_name():
    done = prober.run("no-such-name.invalid")
    assert done.returncode == 3 and done.stdout == ""
    line, = done.stderr.splitlines()
    assert "no-such-name.invalid" in line


@pytest.mark.parametrize("arguments", [
    (), ("localhost:0",), ("localhost", "--at", "one:two"), ("localhost", "--tries", "none"),
    ("localhost", "--expect", "ticket12=perhaps"), ("localhost", "--no-such-option"),
])
def test_usage(arguments):
    done = prober.run(*arguments)
    assert done.returncode == 2 and done.stdout == "" and "reprise probe" in done.stderr


@pytest.mark.parametrize("json_too", [False, True], ids=["table", "json"])
def test_interrupted(running, sound, authority, json_too):
    """Ctrl-C while one address keeps it waiting: what there is is printed."""
    counted, bad = running(BadPeer, bad_peer.passing_to(sound.address)), running(BadPeer)
    argv = [reprise_path(), "probe", "--cafile", authority.path, "--timeout", "60s",
            "--method", "GET", *(["--json"] if json_too else []), "localhost",
            "--at", name(counted.address), "--at", name(bad.address)]
    running_probe = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: bad.n_taken > 0, "the silent address was connected to")
        wait_until(lambda: counted.n_taken >= ENOUGH, "full handshakes at the sound address")
        running_probe.send_signal(signal.SIGINT)
        output, errors = running_probe.communicate(timeout=10)
    finally:
        running_probe.kill()
        running_probe.wait()
    assert running_probe.returncode == 1, errors
    if json_too:
        report = json.loads(output)
        assert report["interrupted"]
        assert any(m["issued"][0]["established"] for m in report["mechanisms"])
    else:
        assert name(counted.address) in output and "interrupted" in output
