"""The raw TLS client of the prober against servers of others: handshakes that are right come about,
and what is wrong on purpose is answered as it should be."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import harness
import pytest
from harness import OpensslServer

sys.path.insert(0, str(harness.ROOT / "tests" / "servers"))

from fleet import Fleet  # noqa: E402

pytestmark = pytest.mark.tools
REQUEST = "request=GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"
EARLY_REJECTED, EARLY_ACCEPTED = 1, 2
RENEGOTIATION_REFUSED, RENEGOTIATION_BEGUN = 2, 3
X25519, P256, P384 = 29, 23, 24
ECDSA_SUITES = (0xC02B, 0xC02C, 0xCCA9, 0xC023, 0xC024, 0xC009, 0xC00A)
RSA_SUITES = (0xC02F, 0xC030, 0xCCA8, 0xC027, 0xC028, 0xC013, 0xC014,
              0x009C, 0x009D, 0x003C, 0x003D, 0x002F, 0x0035)


def connect(address, *words, times=2):
    build = Path(harness.reprise_path()).resolve().parents[2]
    ran = subprocess.run(
        [build / "tests/tools/raw_tool", address[0], str(address[1]), f"times={times}", *words],
        capture_output=True, check=False, timeout=20)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def port(server):
    return server.address.host, server.address.port


@pytest.fixture(scope="module")
def plain(certificate, tmp_path_factory):
    with OpensslServer(tmp_path_factory.mktemp("plain"), certificate) as server:
        yield port(server)


@pytest.fixture
def openssl(running, certificate, plain):
    """A server for the options; the same for all tests that want none."""
    def start(*args, kind=certificate):
        return port(running(OpensslServer, kind, args)) if args else plain

    return start


def resumes(address, *words):
    first, again = connect(address, *words)
    assert first["established"] and not first["resumed"] and first["certificates"], first
    assert again["established"] and again["resumed"] and not again["certificates"], again
    return first, again


@pytest.mark.parametrize("suite", (0x1301, 0x1302, 0x1303))
def test_tls13(openssl, suite):
    first, again = resumes(openssl(), "version=1.3", f"suite={suite}", REQUEST)
    assert first["sessions"] == 2 and again["sessions"] == 1
    assert first["group"] == again["group"] == X25519
    assert again["received"].startswith("HTTP/1.0 200")


@pytest.mark.parametrize("group", (P256, P384))
def test_tls13_hello_retry(openssl, group):
    first, again = resumes(openssl("-groups", {P256: "P-256", P384: "P-384"}[group]), "version=1.3")
    assert first["hello_retry"] and again["hello_retry"]
    assert first["group"] == again["group"] == group


def test_tls12_suites_with_ecdsa(openssl):
    server = openssl("-cipher", "ALL:@SECLEVEL=0")
    for suite in ECDSA_SUITES:
        resumes(server, "version=1.2", f"suite={suite}")


def test_tls12_suites_with_rsa(openssl, rsa_certificate):
    server = openssl("-cipher", "ALL:@SECLEVEL=0", kind=rsa_certificate)
    for suite in RSA_SUITES:
        resumes(server, "version=1.2", f"suite={suite}")


@pytest.mark.parametrize("ems", (0, 1))
def test_tls12_session_id(openssl, ems):
    first, again = resumes(openssl("-no_ticket"), "version=1.2", "offer=id", f"ems={ems}")
    assert first["ems"] == again["ems"] == bool(ems)
    assert first["session_id_len"] == 32 and not first["tickets"]


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_a_client_certificate(openssl, certificate, rsa_certificate, version):
    server = openssl("-Verify", "2")
    for own in (certificate, rsa_certificate):
        first, _ = resumes(server, f"version={version}", f"certificate={own.chain}",
                           f"key={own.key}", REQUEST)
        assert first["certificate_asked"]
    without, = connect(server, f"version={version}", REQUEST, times=1)
    assert without["end"] == "alert" and without["alert"] in (40, 116)


@pytest.fixture
def early(running, certificate):
    class Server(OpensslServer):
        def __init__(self, folder, args):
            """Early data do not go with -www, and without it s_server ends when its input does."""
            os.mkfifo(folder / "input")
            self.address = harness.Address("127.0.0.1", harness.free_port())
            harness.Process.__init__(
                self, ["sh", "-c", 'exec "$@" 0<>input', "sh", "openssl", "s_server", "-accept",
                       f"127.0.0.1:{self.address.port}", "-cert", certificate.chain, "-key",
                       certificate.key, "-early_data", *args],
                cwd=folder)
            self.output.find(lambda line: "ACCEPT" in line)

    return lambda *args: port(running(Server, args))


def test_early_data_is_taken_once(early):
    server = early()
    _, first, again, third = connect(server, "version=1.3", "early=hello", "replay=1", times=4)
    assert first["resumed"] and first["early"] == EARLY_ACCEPTED, first
    for replay in (again, third):
        assert replay["established"] and replay["early"] == EARLY_REJECTED, replay


def test_a_replay_is_the_same_to_the_last_bit(early):
    server = early("-no_anti_replay")
    _, *replays = connect(server, "version=1.3", "early=hello", "replay=1", times=4)
    assert [r["early"] for r in replays] == [EARLY_ACCEPTED] * 3


def test_early_data_after_hello_retry(early):
    _, again = connect(early("-groups", "P-256"), "version=1.3", "early=hello")
    assert again["established"] and again["hello_retry"] and again["early"] == EARLY_REJECTED


@pytest.mark.parametrize("binder", range(1, 8))
def test_a_wrong_binder_is_refused(openssl, binder):
    _, again = connect(openssl(), "version=1.3", f"binder={binder}")
    assert again["end"] == "alert" and again["alert"] in (47, 50, 51), again
    assert again["phase"] == "hello"


@pytest.mark.parametrize("binder", (8, 9))
def test_a_binder_that_forgets_the_retry_is_refused(openssl, binder):
    _, again = connect(openssl("-groups", "P-256"), "version=1.3", f"binder={binder}")
    assert again["end"] == "alert" and again["phase"] == "retry", again


def test_psk_without_key_exchange(openssl):
    _, again = connect(openssl("-allow_no_dhe_kex"), "version=1.3", "mode=0")
    assert again["established"] and again["resumed"] and again["psk_without_dh"]
    _, again = connect(openssl(), "version=1.3", "mode=0")
    assert again["established"] and not again["resumed"]


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_a_wrong_finished_is_refused(openssl, version):
    _, again = connect(openssl(), f"version={version}", "finished=1")
    assert again["resumed"] and not again["established"] and again["alert"] == 51, again


def test_a_finished_under_a_foreign_key_is_refused(openssl):
    _, again = connect(openssl("-no_ticket"), "version=1.2", "offer=id", "finished=3")
    assert again["resumed"] and not again["established"] and again["end"] == "alert", again


def test_renegotiation(openssl):
    asked, = connect(openssl("-tls1_2"), "renegotiate=secure", times=1)
    assert asked["renegotiation"] == RENEGOTIATION_REFUSED and asked["alert"] == 100
    asked, = connect(openssl("-tls1_2", "-client_renegotiation"), "renegotiate=secure", times=1)
    assert asked["renegotiation"] == RENEGOTIATION_BEGUN


def test_a_hello_in_many_records(openssl):
    resumes(openssl(), "record=100", "padding=8000")


def test_alpn_and_sni(openssl):
    first, again = resumes(openssl("-alpn", "h2,http/1.1"), "alpn=http/1.1", "name=localhost")
    assert first["alpn"] == again["alpn"] == "http/1.1"


SOME = ("nginx", "haproxy-http", "node", "gnutls-serv", "reprised")
MORE = ("apache", "h2o", "lighttpd", "haproxy-tcp", "hitch", "stunnel", "trafficserver")


@pytest.fixture
def fleet(tmp_path, certificate):
    started = []

    def start(kind):
        started.append(Fleet(tmp_path, kind, certificate, n=1))
        return started[0].addresses[0]

    yield start
    for f in started:
        f.stop()


@pytest.mark.parametrize("kind", (*SOME, *(pytest.param(k, marks=pytest.mark.full) for k in MORE)))
def test_servers_of_the_field(fleet, kind):
    address = fleet(kind)
    first, again = resumes(address, "version=1.3", "name=localhost", REQUEST)
    assert first["sessions"] >= 1 and b"HTTP" in again["received"].encode()
    resumes(address, "version=1.2", "name=localhost", REQUEST)


def test_nobody_is_there():
    nobody, = connect(("127.0.0.1", harness.free_port()), times=1)
    assert nobody["end"] == "unreachable" and nobody["why"] == "Connection refused"


@pytest.mark.parametrize("greeting, end, why", (
    (b"HTTP/1.0 400 Bad Request\r\n\r\n", "garbage", "plain HTTP"),
    (b"220 mail.example ESMTP\r\n", "garbage", "plain text"),
    (b"\x16\x03\x03\xff\xff", "garbage", "65535 bytes"),
    (b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00", "garbage", "malformed ServerHello"),
    (b"\x15\x03\x03\x00\x02\x02\x46", "alert", "protocol_version"),
    (b"", "closed", "phase hello"),
))
def test_who_speaks_no_tls(greeting, end, why):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def answer():
            peer, _ = listening.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        result, = connect(listening.getsockname(), times=1)
        thread.join()
    assert result["end"] == end and why in result["why"], result
