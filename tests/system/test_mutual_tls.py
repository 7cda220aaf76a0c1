"""Real clients with certificates: they resume as who they were, and the log says so."""

import shutil
import subprocess
from pathlib import Path

import pytest
from client_authority import ClientAuthority
from clients import REQUEST, one_page, pages, run
from configs import config, listener, site
from rawtls import Offer, exchange
from static_keys import check_config

HERE = Path(__file__).resolve().parent
N = 20


def openssl(port, mechanism, n, folder, client):
    kept = folder / "session.pem"
    kind = {"psk": ["-tls1_3"], "ticket": ["-tls1_2"], "session-id": ["-tls1_2", "-no_ticket"]}
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost"]
    argv += ["-cert", client.chain, "-key", client.key, "-ign_eof", "-sess_out", kept]
    out = []
    for i in range(n + 1):
        again = ["-sess_in", kept] if i else []
        out.append(one_page(run(argv + kind[mechanism] + again, REQUEST)))
    return out


def curl(port, mechanism, n, _, client):
    """It asks for no tickets in TLS 1.2."""
    version = "1.3" if mechanism == "psk" else "1.2"
    argv = ["curl", "-sk4", f"--tlsv{version}", "--tls-max", version, "--cert", client.chain]
    argv += ["--key", client.key, f"https://localhost:{port}/session.json?[0-{n}]"]
    return pages(run(argv))


def gnutls(port, mechanism, n, _, client):
    version = "1.3" if mechanism == "psk" else "1.2"
    priority = f"NORMAL:-VERS-ALL:+VERS-TLS{version}"
    if mechanism == "session-id":
        priority += ":%NO_TICKETS"
    argv = ["gnutls-cli", "--resume", "--insecure", "--port", port, "localhost"]
    argv += ["--x509certfile", client.chain, "--x509keyfile", client.key, "--priority", priority]
    argv += ["--waitresumption"] if mechanism == "psk" else []
    first = [{"session": "New", "client": "CN=alice"}]  # it asks only after it has resumed
    return first + [one_page(run(argv, REQUEST)) for _ in range(n)]


def node(port, mechanism, n, _, client):
    version = "TLSv1.3" if mechanism == "psk" else "TLSv1.2"
    argv = ["node", HERE / "node_client.js", port, version, n, client.chain, client.key]
    return pages(run(argv))


EVERY = ("psk", "ticket", "session-id")
CLIENTS = {
    "openssl": (openssl, EVERY), "curl": (curl, ("psk", "session-id")),
    "gnutls-cli": (gnutls, EVERY), "node": (node, ("psk", "ticket")),
}
CASES = [(name, mechanism) for name, (_, kinds) in CLIENTS.items() for mechanism in kinds]


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return ClientAuthority(tmp_path_factory.mktemp("clients"))


def closed(certificate, *cas, **more):
    made = {"client_verify": "required", "client_ca": [c.path for c in cas]} | more
    return config(listener(site(certificate, "localhost", **made)), workers=4)


@pytest.mark.parametrize("program,mechanism", CASES)
def test_resumes(reprised, certificate, ca, tmp_path, program, mechanism):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    server = reprised(closed(certificate, ca, crl=ca.crl()))
    found = CLIENTS[program][0](server.port, mechanism, N, tmp_path, ca.client("alice"))
    assert [page["session"] for page in found] == ["New"] + N * ["Reused"]
    assert {page["client"] for page in found} == {"CN=alice"}
    assert {page["mechanism"] for page in found[1:]} == {mechanism}
    server.wait_log("connection", n=N, client="CN=alice", session="Reused")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_clients_are_told_whose_certificates_are_taken(
    reprised, certificate, ca, tmp_path, version
):
    """RFC 8446 section 4.2.4: each authority's name, once, though its certificate is there twice."""
    other = ClientAuthority(tmp_path, "Other CA")
    server = reprised(closed(certificate, ca, other, ca.renewed()))
    said = run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", version], b"")
    names = said.partition(b"Acceptable client certificate CA names\n")[2].splitlines()[:3]
    assert names[:2] == [b"CN = Client CA", b"CN = Other CA"], said
    assert not names[2].startswith(b"CN"), said


def test_an_odd_name(reprised, certificate, ca):
    """It is the client's own choice, within what its authority signs: quoted, never a line."""
    name = 'a"b\\, \n<b>=1'
    server = reprised(closed(certificate, ca))
    client = ca.client(name, file="odd")
    outcome = exchange(server.address, Offer(client=client))
    assert outcome.page["client"] == 'CN=a\\"b\\\\\\, \\0A\\<b\\>=1'
    server.wait_log("connection", client=outcome.page["client"])


def pem(path, text):
    path.write_bytes(text)
    return path


def wrong_files(ca, folder):
    """What is wrong with client_ca and crl, and what is said of it."""
    other = ClientAuthority(folder, "Other CA")
    leaf = ca.client("leaf")
    empty = pem(folder / "empty.pem", b"")
    broken = pem(folder / "broken.pem", ca.pem() + b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    bad_list = pem(folder / "bad.crl", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    forged = ca.crl(key=other.key)
    return [
        ({"client_ca": folder / "nowhere.pem"}, "cannot be opened (No such file or directory)"),
        ({"client_ca": folder}, "is not a regular file"),
        ({"client_ca": empty}, "empty.pem: there is no certificate in it"),
        ({"client_ca": broken}, "broken.pem: a certificate in it is malformed"),
        ({"client_ca": leaf.key}, "there is no certificate in it"),
        ({"client_ca": leaf.chain}, "CN=leaf is not the certificate of a CA"),
        ({"crl": folder / "nowhere.crl"}, "nowhere.crl: cannot be opened"),
        ({"crl": empty}, "empty.pem: there is no list of revoked certificates in it"),
        ({"crl": bad_list}, "bad.crl: a list in it is malformed"),
        ({"crl": other.crl()}, "its list is of CN=Other CA, which is not in client_ca"),
        ({"crl": forged}, "its list of CN=Client CA is not signed with that CA's key in client_ca"),
        ({"client_ca": [ca.path, other.path], "crl": ca.crl()},
         "there is no list of CN=Other CA, whose clients would all be refused; add it"),
    ]


def test_wrong_files(certificate, ca, tmp_path):
    """Each is one clear sentence, at the place of the directive."""
    for more, sentence in wrong_files(ca, tmp_path):
        code, said = check_config(tmp_path, closed(certificate, ca, **more))
        assert code == 1 and sentence in said, (more, said)
        assert "checked.yaml:" in said and said.count("\n") == 1, said


def test_one_file_may_have_everything(certificate, ca, tmp_path):
    """A bundle, and a file of several lists, with words between."""
    other = ClientAuthority(tmp_path, "Other CA")
    bundle = pem(tmp_path / "all.pem", b"# two of them\n" + ca.pem() + b"\n" + other.pem())
    lists = pem(tmp_path / "all.crl", ca.crl().read_bytes() + other.crl().read_bytes())
    code, said = check_config(tmp_path, closed(certificate, ca, client_ca=bundle, crl=lists))
    assert code == 0, said
