"""Listeners: address families, what is negotiated, the log's forms, an unprivileged user."""

import os
import re
import shutil
import socket

import pytest
from checks import KINDS, assert_full, assert_resumed, fresh, offer_for
from configs import config, listener, one_site, site
from harness import Address, Process, children, reprised_path, yaml_text
from rawtls import TLS12, Connection, Offer, exchange, names


def test_ipv6(reprised, certificate):
    made = listener(site(certificate, "localhost"), address="[::1]:0")
    address = reprised(config(made)).address
    assert address.host == "::1"
    for kind in KINDS:
        assert_resumed(exchange(address, fresh(address, kind).offer()), kind)


def test_several_listeners_share_keys_and_cache(reprised, certificate):
    made = [listener(site(certificate, "localhost"), session_cache="1mb") for _ in range(3)]
    server = reprised(config(*made))
    assert len(set(server.addresses)) == 3
    for kind in KINDS:
        session = fresh(server.addresses[0], kind)
        for address in server.addresses[1:]:
            assert_resumed(exchange(address, session.offer()), kind)


def test_groups(reprised, certificate):
    """A group that the client sent no share for costs a HelloRetryRequest, also on resumption."""
    address = reprised(one_site(certificate, groups="P-256")).address
    outcome = exchange(address, Offer())
    assert_full(outcome)
    assert outcome.retried
    again = exchange(address, outcome.session.offer())
    assert_resumed(again, "psk")
    assert again.retried
    assert exchange(address, Offer(groups=(names.X25519,))).alert == "handshake_failure"


def test_ciphersuites(reprised, certificate):
    address = reprised(one_site(certificate, ciphersuites="TLS_AES_128_GCM_SHA256")).address
    assert exchange(address, Offer()).suite == names.AES128_SHA256
    assert exchange(address, Offer(suites=(names.AES256_SHA384,))).alert


def test_ciphers(reprised, certificate):
    address = reprised(one_site(certificate, ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")).address
    assert exchange(address, Offer(versions=(TLS12,))).suite == names.ECDSA_AES256
    assert exchange(address, Offer(versions=(TLS12,), suites=(names.ECDSA_AES128,))).alert


@pytest.mark.parametrize("version", [0x0302, 0x0301])
def test_older_versions_are_refused(reprised, certificate, version):
    """TLS 1.0 and 1.1 (RFC 8996)."""
    address = reprised(one_site(certificate)).address

    def older(message):
        return message[:4] + version.to_bytes(2, "big") + message[6:]

    outcome = exchange(address, Offer(versions=(TLS12,), edit_hello=older))
    assert outcome.alert == "protocol_version"


def test_connections_need_not_be_logged(reprised, certificate):
    made = one_site(certificate) | {"log": {"format": "json", "connections": False}}
    server = reprised(made)
    for kind in KINDS:
        assert_resumed(exchange(server.address, fresh(server.address, kind).offer()), kind)
    server.stop()
    assert not server.logs("connection")


def text_server(running, options, preexec=None, program=None):
    argv = [program or reprised_path(), *options]
    process = running(lambda folder: Process(argv, cwd="/", preexec=preexec))
    process.output.find(lambda line: re.search(r"\bready\b", line))
    found = re.search(r'listening address="?([\d.]+):(\d+)', "\n".join(process.output.lines))
    return process, Address(found[1], int(found[2]))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_unprivileged_user(running, open_folder):
    """Started by nobody in particular, it does all the same."""

    def become_nobody():
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)

    # Where the tree lies, only root may be able to reach it.
    program = shutil.copy(reprised_path(), open_folder)
    _, address = text_server(running, ["-l", "127.0.0.1:0"], become_nobody, program)
    for kind in KINDS:
        assert_resumed(exchange(address, fresh(address, kind).offer()), kind)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look")
def test_descriptors_left_open_are_closed(running, certificate, tmp_path):
    """No process keeps what its starter had open, though the configuration may be one of those."""
    path = tmp_path / "reprised.yaml"
    path.write_text(yaml_text(one_site(certificate) | {"log": {"format": "text"}}) + "\n")
    script = f'exec "$0" -c /dev/fd/3 3<{path} 4</dev/zero 9</dev/zero'
    process, _ = text_server(running, ["-c", script, reprised_path()], program="/bin/sh")
    for pid in [process.pid, *children(process.pid)]:
        held = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
        assert "/dev/zero" not in held and str(path) not in held


@pytest.mark.parametrize("most", [1, 7, 100])
def test_hellos_in_pieces(reprised, certificate, most):
    """A ClientHello over many records is one ClientHello (RFC 8446 section 5.1)."""
    address = reprised(one_site(certificate)).address
    for kind in KINDS:
        session = fresh(address, kind)
        with Connection(address, session.offer()) as c:
            c.records.most = most
            assert c.handshake().resumed
            c.records.most = 1 << 14
            assert_resumed(c.request(), kind)


@pytest.mark.full
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02", bytes.fromhex("160301020001000100")])
def test_silence_is_ended(reprised, certificate, said):
    """A handshake that does not go on is given up; the client hears the end."""
    address = reprised(one_site(certificate)).address
    with socket.create_connection(address, 45) as s:
        s.sendall(said)
        while s.recv(100):
            pass


def test_no_tickets_are_lost_by_asking_late(reprised, certificate):
    """A client that shuts down before it has read its tickets harms nobody."""
    server = reprised(one_site(certificate, workers=1))
    for _ in range(50):
        assert exchange(server.address, offer_for("psk"), path=None).done
    assert_full(exchange(server.address, Offer()))
