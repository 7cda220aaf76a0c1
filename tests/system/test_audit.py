"""
reprise probe --audit as a program: nothing is raised against a sound server, each check says how it
ended, and a fault is named with exit code 4. All faults are in tests/lab.
"""

import json
import signal
import subprocess

import pytest
from certificates import Authority
from configs import config, listener, site
from harness import OpensslServer, Process, free_port, reprise_path

SECURE = "secure.example"
NOTES = {"session-killed"}  # of libssl's internal cache; RFC 5246 section 7.2.2 asks for it
NEEDS_TIME = {"chain", "lifetime"}  # hours, with the lifetimes that are usual


def audit(*args, timeout=90):
    argv = [reprise_path(), "probe", *map(str, args), "--audit", "--json", "--tries", "1"]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.stdout, f"exit {done.returncode}: {done.stderr}"
    return done.returncode, json.loads(done.stdout)["audit"]


def outcomes(found):
    return {check["check"]: check["outcome"] for check in found["checks"]}


def raised(found):
    return {f["finding"]: f["evidence"] for f in found["findings"]}


@pytest.mark.deadline(120)
def test_nothing_is_raised_against_reprised(reprised, certificate, tmp_path):
    authority = Authority(tmp_path)
    secure = authority.issue(SECURE)
    client = authority.issue("client")
    server = reprised(config(listener(
        site(certificate, "localhost"),
        site(secure, SECURE, client_ca=authority.path, client_verify="required"),
        session_tickets="on", session_cache="1mb",
    )))
    at = f"{server.addresses[0].host}:{server.addresses[0].port}"
    code, found = audit("localhost", "--at", at, "--other-sni", SECURE, "--client-cert",
                        client.chain, "--client-key", client.key)
    assert not found["findings"], found["findings"]
    assert code == 0
    ended = outcomes(found)
    passed = {"names", "tickets", "ticketbleed", "psk-modes", "binders", "hash",
              "versions", "ems", "renegotiation", "third-party", "identities", "ticket-fields",
              "keys"}
    assert {c for c in passed if ended[c] == "passed"} == passed, found["checks"]
    assert {c for c in ended if ended[c] == "not-judged"} <= NEEDS_TIME, found["checks"]


@pytest.mark.deadline(120)
def test_nothing_but_a_note_is_raised_against_openssl(certificate, tmp_path):
    with OpensslServer(tmp_path, certificate) as server:
        code, found = audit(f"localhost:{server.address.port}", "--at", "127.0.0.1", "--method", "GET")
    assert set(raised(found)) <= NOTES, found["findings"]
    assert {f["severity"] for f in found["findings"]} <= {"note"}
    assert code == 0
    assert {c for c, how in outcomes(found).items() if how == "not-judged"} <= NEEDS_TIME


@pytest.mark.deadline(120)
@pytest.mark.full
def test_early_data_without_a_guard_are_found(certificate, tmp_path):
    port = free_port()
    argv = ["sh", "-c", 'mkfifo hold && exec "$0" "$@" 0<>hold', "openssl", "s_server", "-accept",
            f"127.0.0.1:{port}", "-cert", certificate.chain, "-key", certificate.key,
            "-early_data", "-max_early_data", "16384", "-no_anti_replay"]
    with Process(argv, cwd=tmp_path) as server:
        server.output.find(lambda line: line == "ACCEPT")
        code, found = audit(f"localhost:{port}", "--at", "127.0.0.1", "--handshake-only",
                            "--patience", "300ms")
    assert "early-replay" in raised(found), found["checks"]
    assert code == 4


def test_who_does_not_answer_is_not_judged():
    with subprocess.Popen(
        [reprise_path(), "probe", f"127.0.0.1:{free_port()}", "--audit", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as done:
        done.communicate(timeout=30)
    assert done.returncode == 3


@pytest.mark.deadline(60)
def test_interrupted_it_says_what_there_is(certificate, tmp_path):
    with OpensslServer(tmp_path, certificate) as server:
        argv = [reprise_path(), "probe", f"localhost:{server.address.port}", "--at", "127.0.0.1",
                "--audit", "--json", "--tries", "1", "--method", "GET"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as probe:
            with pytest.raises(subprocess.TimeoutExpired):
                probe.wait(3)
            probe.send_signal(signal.SIGINT)
            said, _ = probe.communicate(timeout=20)
    found = json.loads(said)["audit"]
    assert found is None or found["interrupted"]
