"""
`reprise ticket decode` and `open` on what real servers issue, with the key files that they read, and
on every form in which people have a ticket.
"""

import base64
import os
import re
import subprocess

import pytest
import tickets
from configs import config, listener, site
from fleet import Fleet
from harness import Nginx
from oracle import MECHANISMS, connect
from rawtls import TLS12, TLS13, Offer, exchange

# kind of server: its key file, the order of it that must be told
KEYED = {
    "nginx": ("ticket0.key", "name 16, HMAC 32, AES-256"),
    "nginx-short-key": ("ticket0.key", "name 16, AES-128, HMAC 16"),
    "haproxy-http": ("ticket.keys", "name 16, AES-256, HMAC 32"),
    "apache": ("ticket.key", "name 16, HMAC 16, AES-128"),
    "trafficserver": ("ticket.key", "name 16, HMAC 16, AES-128"),
    "lighttpd": ("stek.bin", "version, activation, expiry, name 16, HMAC 32, AES-256"),
    "h2o": ("tickets.yaml", "YAML; AES, then HMAC"),
    "reprised": ("ticket0.key", "name 16, HMAC 32, AES-256"),
    "node": (None, "name 16, HMAC 16, AES-128"),
}
TICKETS = ("ticket12", "ticket13")
BLANK_MAC = "weak-key"  # some versions of Apache httpd make their MACs with zeroes


@pytest.fixture(scope="module")
def served(tmp_path_factory, certificate):
    """A server of a kind with a key from a file, started once; its key file."""
    started = {}

    def start(kind):
        if kind not in started:
            started[kind] = Fleet(tmp_path_factory.mktemp(kind), kind, certificate, n=1, keys="shared")
        fleet = started[kind]
        name, member = KEYED[kind][0], fleet.members[0]
        if name is None:
            name = "told.key"
            (member.folder / name).write_bytes(member.steks[0].apache())
        return fleet, member.folder / name

    yield start
    for fleet in started.values():
        fleet.stop()


def printed(seen, what):
    found = re.findall(rf"^ +{what} *: *(\S+)", seen.text, re.M)
    return found[-1] if found else None


@pytest.mark.parametrize("mechanism", TICKETS)
@pytest.mark.parametrize("kind", KEYED)
def test_a_server_with_its_key_file(served, kind, mechanism):
    """What s_client printed goes in as it is; the secret that comes out is the one s_client had."""
    fleet, key_file = served(kind)
    seen = connect(*fleet.addresses[0], mechanism)
    assert seen.tickets, seen.text
    decoded = tickets.ticket("decode", "--json", given=seen.text.encode())
    assert decoded.code == 0, decoded.errors
    last = decoded.json["tickets"][-1]
    layout = last["layouts"][0]
    name = fleet.members[0].steks[0].name.hex()
    assert (last["form"], layout["layout"], layout["key_name"]) == ("s_client", "openssl", name)
    assert last["version"] == f"TLS 1.{MECHANISMS[mechanism][0][-1]}"
    assert last["lifetime_s"] == seen.lifetime

    told = tickets.ticket("open", "--key", key_file, "--secrets", "--json", given=seen.text.encode())
    assert told.code == 0, told.text + told.errors
    opened = told.json["tickets"][-1]
    assert opened["opened"] and opened["key_order"] == KEYED[kind][1], opened
    assert opened["mac"] == "HMAC-SHA256" and opened["content"] == "session"
    assert ("mac_warning" in opened) == (BLANK_MAC in tickets.found(tickets.ticket(
        "audit", "--json", given=seen.text.encode()))), opened
    assert opened["version"] == last["version"]
    secret = printed(seen, "Master-Key") or printed(seen, "Resumption PSK")
    assert opened["secret"] == secret.lower()
    hidden = tickets.ticket("open", "--key", key_file, given=seen.text.encode())
    assert hidden.code == 0 and "hidden: --secrets shows it" in hidden.text
    assert secret.lower() not in hidden.text


@pytest.mark.parametrize("mechanism", TICKETS)
def test_metadata_of_reprised(served, mechanism):
    fleet, key_file = served("reprised")
    seen = connect(*fleet.addresses[0], mechanism)
    told = tickets.ticket("open", "--key", key_file, "--json", given=seen.text.encode())
    meta = told.json["tickets"][-1]["reprise_metadata"][0]
    assert meta["sealed_ms"] >= meta["origin_ms"] >= 0 and len(meta["binding"]) == 32


def test_a_client_certificate_is_named(reprised, certificate, authority, tmp_path):
    client = authority.issue("alice")
    key = tmp_path / "ticket.key"
    key.write_bytes(os.urandom(80))
    one = site(certificate, "localhost", client_ca=authority.path, client_verify="required")
    server = reprised(config(listener(one), session_ticket_key=[str(key)]))
    out = tmp_path / "session.pem"
    subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "localhost",
         "-tls1_2", "-cert", client.chain, "-key", client.key, "-sess_out", out],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=True)
    told = tickets.ticket("open", "--key", key, "--json", out)
    opened = told.json["tickets"][0]
    assert opened["form"] == "session-file" and "alice" in opened["client_certificate"]
    assert opened["client_certificate_ends"].endswith("UTC") and opened["verify_result"] == "ok"
    assert opened["extended_master_secret"] is True


def test_gnutls_is_recognised(tmp_path, certificate):
    fleet = Fleet(tmp_path, "gnutls-serv", certificate, n=1, keys="separate")
    try:
        for mechanism in TICKETS:
            seen = connect(*fleet.addresses[0], mechanism)
            assert seen.tickets, seen.text
            told = tickets.ticket("decode", "--json", given=seen.text.encode())
            for ticket in told.json["tickets"]:
                assert [(v["layout"], v["fit"]) for v in ticket["layouts"]] == [("gnutls", "certain")]
            assert tickets.ticket("audit", given=seen.text.encode()).code == 0
    finally:
        fleet.stop()


@pytest.fixture
def nginx(running, certificate, tmp_path):
    def start(key):
        path = tmp_path / "nginx.key"
        path.write_bytes(key)
        server = running(Nginx, certificate, f"ssl_session_ticket_key {path}; ssl_session_cache none;")
        return server, path

    return start


def test_random_keys_of_nginx_give_no_finding(nginx):
    """200 tickets under one key."""
    server, _ = nginx(os.urandom(80))
    issued = []
    while len(issued) < 200:
        for version in (TLS12, TLS13):
            outcome = exchange(server.address, Offer(versions=(version,)), path="/")
            issued += [s.ticket for s in outcome.sessions]
    told = tickets.audit(*issued[:200])
    assert told.code == 0 and told.json["findings"] == [], told.text
    assert told.json["different"] == 200 and told.json["pairs"] == 19900


@pytest.mark.parametrize("size", [48, 80])
@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_an_nginx_with_a_zero_key_is_found(nginx, size, version):
    server, _ = nginx(os.urandom(16) + bytes(size - 16))
    issued = exchange(server.address, Offer(versions=(version,)), path="/").sessions
    told = tickets.audit(*(s.ticket for s in issued))
    assert told.code == 4 and tickets.found(told) == {"weak-key"}, told.text
    assert "all bytes 00" in told.text and "IV at byte 16" in told.text


MADE = {"aes": os.urandom(32), "mac": os.urandom(32), "name": os.urandom(16)}


def made(**changes):
    return tickets.openssl(MADE["aes"], MADE["mac"], name=MADE["name"], **changes)


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "k"
    path.write_bytes(MADE["name"] + MADE["mac"] + MADE["aes"])
    return path


def test_another_key(key, tmp_path):
    other, more = tmp_path / "other", tmp_path / "more"
    other.write_bytes(os.urandom(80))
    more.write_bytes(os.urandom(48))
    told = tickets.ticket("open", "--key", other, "--key", more, given=made().hex().encode())
    assert told.code == 1
    assert (f"the ticket's key name is {MADE['name'].hex()}, the files have "
            f"{other.read_bytes()[:16].hex()} ({other}), {more.read_bytes()[:16].hex()} ({more})"
            ) in told.text
    other.write_bytes(MADE["name"] + os.urandom(64))
    told = tickets.ticket("open", "--key", other, given=made().hex().encode())
    assert told.code == 1
    assert f"the key name is that of {other}, but the MAC does not come out" in told.text
    assert tickets.ticket("open", "--key", other, "--key", key, given=made().hex().encode()).code == 0


@pytest.mark.parametrize("change", ["bit", "cut", "longer"])
def test_a_changed_ticket_does_not_open(key, change):
    ticket = bytearray(made())
    if change == "bit":
        ticket[60] ^= 1
    ticket = {"bit": ticket, "cut": ticket[:-1], "longer": ticket + b"\0"}[change]
    told = tickets.ticket("open", "--key", key, "--json", given=ticket.hex().encode())
    assert told.code == 1 and not told.json["tickets"][0]["opened"], told.text


def message12(ticket, hint=300):
    body = hint.to_bytes(4, "big") + len(ticket).to_bytes(2, "big") + ticket
    return b"\x04" + len(body).to_bytes(3, "big") + body


def message13(ticket, lifetime=7200, early=True, nonce=b"\0\1"):
    extensions = b"\0\x2a\0\4\0\0\x40\0" if early else b""
    body = lifetime.to_bytes(4, "big") + b"\1\2\3\4" + bytes([len(nonce)]) + nonce
    body += len(ticket).to_bytes(2, "big") + ticket + len(extensions).to_bytes(2, "big") + extensions
    return b"\x04" + len(body).to_bytes(3, "big") + body


FORMS = {
    "hex": (lambda b: b.hex(), "hex"),
    "hex in capitals": (lambda b: b.hex().upper() + "\n", "hex"),
    "hex with colons": (lambda b: b.hex(":"), "hex"),
    "hex with spaces": (lambda b: b.hex(" ") + "\n", "hex"),
    "hex over lines": (lambda b: "\n".join(re.findall("..?.?.?", b.hex(" ", 2))), "hex"),
    "hex of C": (lambda b: ", ".join(f"0x{c:02x}" for c in b) + ",\n", "hex"),
    "base64": (lambda b: base64.b64encode(b).decode(), "base64"),
    "base64 for addresses": (lambda b: base64.urlsafe_b64encode(b).decode().rstrip("="), "base64"),
    "base64 over lines": (lambda b: base64.encodebytes(b).decode(), "base64"),
    "bytes": (lambda b: b, "raw"),
}
WRAPS = {
    "ticket": lambda t: t,
    "message": message13,
    "message-body": lambda t: message12(t)[4:],
    "record": lambda t: b"\x16\x03\x03" + len(message12(t)).to_bytes(2, "big") + message12(t),
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("form", FORMS)
def test_forms(form, wrap, tmp_path):
    ticket = made()
    write, word = FORMS[form]
    text = write(WRAPS[wrap](ticket))
    path = tmp_path / "given"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for told in (tickets.ticket("decode", "--json", path),
                 tickets.ticket("decode", "--json", "-", given=path.read_bytes())):
        assert told.code == 0, told.errors
        (read,) = told.json["tickets"]
        assert (read["form"], read["wrap"], read["length"]) == (word, wrap, len(ticket))
        assert read["layouts"][0]["key_name"] == MADE["name"].hex()


def test_fields_of_tls13():
    told = tickets.ticket("decode", "--json", given=message13(made(), 604801).hex().encode())
    read = told.json["tickets"][0]
    assert read["version"] == "TLS 1.3" and read["lifetime_s"] == 604801
    assert read["age_add"] == 0x01020304 and read["nonce"] == "0001"
    assert read["max_early_data"] == 16384
    assert [(e["type"], e["name"]) for e in read["extensions"]] == [(42, "early_data")]
    assert ["over 7 days" in w["text"] for w in read["warnings"]] == [True]
    told = tickets.ticket("decode", given=message13(made(), 0, early=False).hex().encode())
    assert "to be discarded at once" in told.text and "early data" not in told.text


def test_fields_of_tls12():
    told = tickets.ticket("decode", given=message12(made(), 0).hex().encode())
    assert "left to the client" in told.text
    told = tickets.ticket("decode", "--json", given=message12(made(), 300).hex().encode())
    assert told.json["tickets"][0]["lifetime_s"] == 300 and not told.json["tickets"][0]["warnings"]
    told = tickets.ticket("decode", "--json", given=message12(b"").hex().encode())
    assert told.json["tickets"][0]["length"] == 0


def test_several_in_one_input_and_several_inputs(tmp_path):
    paths = []
    for i in range(3):
        paths.append(tmp_path / f"{i}")
        text = f"# of host {i}\n{made().hex()}\n{made().hex()}\n\n{base64.b64encode(made()).decode()}\n"
        paths[-1].write_text(text)
    told = tickets.ticket("decode", "--json", *paths)
    report = told.json
    assert [(t["source"], t["line"]) for t in report["tickets"]] == [
        (str(p), line) for p in paths for line in (2, 3, 5)]
    assert report["together"][0]["key_names"] == [{"name": MADE["name"].hex(), "tickets": 9}]
    assert report["together"][0]["shared_prefix"] == 16


UNREADABLE = {
    "nothing": (b"", ": no ticket in it"),
    "words": (b"\n\nno ticket here, this is text\n", ":3: neither hexadecimal nor base64"),
    "too short": (b"deadbeef\n", ":1: only 4 bytes"),
    "an odd digit": (b"abc " * 60 + b"f!", ":1: neither"),
    "a dump with a gap": (b"    0000 - " + b"00 " * 15 + b"00\n    0020 - 00\n", ":2: a line of the hex"),
    "a session file cut": (b"-----BEGIN SSL SESSION PARAMETERS-----\nMII\n", ":1: the session file has no end"),
    "no ticket from s_client": (b"CONNECTED(00000003)\n---\nSSL-Session:\n", "but no ticket"),
}


@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize("action", ["decode", "audit"])
def test_unreadable_input(what, action, tmp_path):
    path = tmp_path / "given"
    path.write_bytes(UNREADABLE[what][0])
    told = tickets.ticket(action, path)
    assert told.code == 2 and not told.text
    assert told.errors.startswith(f"reprise ticket: {path}") and told.errors.count("\n") == 1
    assert UNREADABLE[what][1] in told.errors, told.errors


USAGE = {
    "no action": ([], "decode, open or audit"),
    "another action": (["eat"], 'unknown action "eat"'),
    "open without a key": (["open"], "--key FILE"),
    "a key for decode": (["decode", "--key", "x"], "for open alone"),
    "an unknown option": (["decode", "--fast"], "unknown option --fast"),
    "an option without its value": (["open", "--key"], "--key needs a value"),
    "a key file that is missing": (["open", "--key", "/nonexistent"], "/nonexistent: No such file"),
    "a key file that is none": (["open", "--key", "/etc/hostname"], "no session ticket key file"),
    "an input that is missing": (["decode", "/nonexistent"], "/nonexistent: No such file"),
}


@pytest.mark.parametrize("what", USAGE)
def test_usage(what):
    arguments, message = USAGE[what]
    told = tickets.ticket(*arguments)
    assert told.code == 2 and not told.text
    assert message in told.errors and told.errors.count("\n") == 1, told.errors
