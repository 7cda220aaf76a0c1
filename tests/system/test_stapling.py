"""OCSP responses from files: sent to who asks, with a full handshake, while they are good."""

import datetime
import signal
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from checks import KINDS, assert_resumed, offer_for
from client_authority import ClientAuthority
from configs import config, listener, site
from harness import wait_seconds
from rawtls import exchange
from static_keys import check_config

STATUS_REQUEST = ((5, b"\x01\0\0\0\0"),)


def response(authority, certificate, path, until=datetime.timedelta(days=7), good=True):
    """A file with what the authority says of the certificate."""
    now = datetime.datetime.utcnow().replace(microsecond=0)
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=x509.load_der_x509_certificate(certificate.der),
        issuer=authority.certificate,
        algorithm=hashes.SHA1(),
        cert_status=ocsp.OCSPCertStatus.GOOD if good else ocsp.OCSPCertStatus.REVOKED,
        this_update=now - datetime.timedelta(days=1),
        next_update=now + until,
        revocation_time=None if good else now - datetime.timedelta(days=1),
        revocation_reason=None,
    ).responder_id(ocsp.OCSPResponderEncoding.HASH, authority.certificate)
    made = builder.sign(authority.key, hashes.SHA256())
    path.write_bytes(made.public_bytes(serialization.Encoding.DER))
    return path


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    """Any authority will do: what signs clients signs servers."""
    return ClientAuthority(tmp_path_factory.mktemp("stapling"), "Server CA")


@pytest.fixture(scope="module")
def server_certificate(ca):
    return ca.client("localhost")


def stapled(address, *options):
    """Whether openssl's client gets a response, and what it says."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{address.port}", "-status", *options],
        input=b"", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False,
    ).stdout.decode(errors="replace")
    assert ("OCSP Response Status: successful" in done) != ("no response sent" in done), done
    return done if "no response sent" not in done else None


def serve(reprised, certificate, *files):
    return reprised(config(listener(site(certificate, "localhost", stapling_file=list(files)))))


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sent_to_who_asks(reprised, ca, server_certificate, tmp_path, version):
    path = response(ca, server_certificate, tmp_path / "good.ocsp")
    address = serve(reprised, server_certificate, path).address
    assert "Cert Status: good" in stapled(address, version)
    plain = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{address.port}", version], input=b"",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False,
    ).stdout
    assert b"OCSP" not in plain


@pytest.mark.parametrize("kind", KINDS)
def test_not_on_resumption(reprised, ca, server_certificate, tmp_path, kind):
    path = response(ca, server_certificate, tmp_path / "good.ocsp")
    address = serve(reprised, server_certificate, path).address
    outcome = exchange(address, offer_for(kind, extra=STATUS_REQUEST))
    if kind != "psk":  # under TLS 1.3 it is inside the certificate message
        assert "certificate_status" in outcome.trace
    again = exchange(address, outcome.session.offer(extra=STATUS_REQUEST))
    assert_resumed(again, kind)
    assert "certificate_status" not in again.trace and 5 not in again.extensions


def test_each_certificate_has_its_own(reprised, ca, tmp_path):
    """RSA and ECDSA together; files in any order; one without response."""
    other = ClientAuthority(tmp_path, "RSA CA")
    from certificates import Authority

    rsa = Authority(tmp_path).issue("localhost", kind="rsa")
    ec = other.client("localhost")
    made = {"name": "localhost", "certificate": [rsa.chain, ec.chain], "key": [rsa.key, ec.key]}
    path = response(other, ec, tmp_path / "ec.ocsp")
    address = reprised(config(listener(made | {"stapling_file": path}))).address
    assert stapled(address, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert not stapled(address, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")


def test_not_when_it_is_out_of_date(reprised, ca, server_certificate, tmp_path):
    """Neither when read, of which is warned, nor later."""
    soon = datetime.timedelta(seconds=4)
    path = response(ca, server_certificate, tmp_path / "soon.ocsp", until=soon)
    address = serve(reprised, server_certificate, path).address
    assert stapled(address)
    wait_seconds(5)
    assert not stapled(address)
    server = serve(reprised, server_certificate, path)
    assert not stapled(server.address)
    assert any("out of date" in entry["reason"] for entry in server.logs("configuration"))


def test_a_reload_reads_it_again(reprised, ca, server_certificate, tmp_path):
    path = response(ca, server_certificate, tmp_path / "the.ocsp")
    server = serve(reprised, server_certificate, path)
    assert "Cert Status: good" in stapled(server.address)
    response(ca, server_certificate, path, good=False)
    since = server.mark()
    server.signal(signal.SIGHUP)
    server.wait_log("reloaded", since=since)
    assert "Cert Status: revoked" in stapled(server.address)


def test_a_revoked_one_is_warned_of(reprised, ca, server_certificate, tmp_path):
    path = response(ca, server_certificate, tmp_path / "revoked.ocsp", good=False)
    server = serve(reprised, server_certificate, path)
    assert "Cert Status: revoked" in stapled(server.address)
    assert any("revoked" in entry["reason"] for entry in server.logs("configuration"))


def test_wrong_files(ca, server_certificate, tmp_path):
    """Each is one clear sentence at its place."""
    good = response(ca, server_certificate, tmp_path / "good.ocsp")
    stranger = response(ca, ca.client("other"), tmp_path / "other.ocsp")
    late = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    (tmp_path / "late.ocsp").write_bytes(late.public_bytes(serialization.Encoding.DER))
    (tmp_path / "cut.ocsp").write_bytes(good.read_bytes()[:-1])
    wrong = {
        tmp_path / "nowhere.ocsp": "cannot be opened (No such file or directory)",
        tmp_path: "is not a regular file",
        server_certificate.chain: "there is no OCSP response in it, in DER",
        tmp_path / "cut.ocsp": "there is no OCSP response in it, in DER",
        tmp_path / "late.ocsp": "the OCSP responder had no answer, but an error: trylater",
        stranger: "its OCSP response is not about a certificate of the site localhost",
        (good, good): "there is another OCSP response for that certificate",
    }
    for path, sentence in wrong.items():
        files = list(path) if isinstance(path, tuple) else [path]
        made = config(listener(site(server_certificate, "localhost", stapling_file=files)))
        code, said = check_config(tmp_path, made)
        assert code == 1 and sentence in said and "checked.yaml:" in said, (path, said)


