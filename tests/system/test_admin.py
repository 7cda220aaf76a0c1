"""The admin server: figures that add up, health that is true, and manners."""

import json
import random
import shutil
import signal
import socket
import subprocess

import pytest
from admin import Admin, counters, total
from checks import KINDS, assert_full, assert_resumed, fresh, offer_for
from configs import config, listener, one_site, site
from harness import (
    DEADLINE, Load, free_port, kill, start_time, wait_seconds, wait_until,
)
from rawtls import TLS12, Connection, Offer, exchange

ADMIN = {"admin": {"listen": "127.0.0.1:0"}}


def with_admin(certificate, top=None, **more):
    return one_site(certificate, top=ADMIN | (top or {}), **more)


def address(admin):
    host, _, port = admin.address.rpartition(":")
    return host, int(port)


def settled(admin, name, value, **labels):
    """The figure, once it is this; a connection's end may be counted a moment after it."""
    wait_until(lambda: admin.figure(name, **labels) == value, f"{name} {labels} is {value}")


# Figures.


@pytest.mark.parametrize("kind", KINDS)
def test_handshakes_add_up(reprised, certificate, kind):
    server = reprised(with_admin(certificate))
    admin = Admin(server)
    full, resumed = 3, 7
    sessions = [fresh(server.address, kind) for _ in range(full)]
    for i in range(resumed):
        assert_resumed(exchange(server.address, sessions[i % full].offer()), kind)
    figures = admin.figures()
    version = "TLSv1.3" if kind == "psk" else "TLSv1.2"
    assert total(figures, "handshakes_total") == full + resumed
    assert total(figures, "handshakes_total", session="full", version=version) == full
    assert total(figures, "handshakes_total", session="resumed", mechanism=kind,
                 version=version) == resumed
    assert total(figures, "verdicts_total") == full + resumed
    assert total(figures, "verdicts_total", verdict="none") == full
    good = [total(figures, "verdicts_total", verdict=v) for v in ("accepted", "accepted-renew")]
    assert sum(good) == resumed
    assert total(figures, "connections_accepted_total") == full + resumed
    assert total(figures, "handshake_duration_seconds_count", session="full") == full
    assert total(figures, "handshake_duration_seconds_count", session="resumed") == resumed
    assert total(figures, "handshake_failures_total") == 0
    assert total(figures, "sessions_issued_total", version=version) >= full
    settled(admin, "connections_open", 0)
    if kind == "session-id":
        settled(admin, "cache_stored_total", full)
        settled(admin, "cache_hits_total", resumed)
        settled(admin, "cache_records", full)


def expired(session):
    wait_seconds(1.2)
    return session.offer()


def flipped(session, at):
    ticket = bytearray(session.ticket)
    ticket[at] ^= 1
    return session.with_ticket(bytes(ticket)).offer()


VERDICTS = {
    "unknown-key": ("ticket", lambda s: flipped(s, 0)),
    "forged": ("ticket", lambda s: flipped(s, len(s.ticket) - 1)),
    "malformed": ("ticket", lambda s: s.with_ticket(s.ticket[:10]).offer()),
    "wrong-sni": ("psk", lambda s: s.offer(sni="other.localhost")),
    "wrong-domain": ("psk", lambda s: s.offer(sni="apart.localhost")),
    "expired": ("ticket", expired),
    "not-cached": ("session-id", lambda s: s.offer()),
    "none": ("psk", lambda s: offer_for("psk")),
}


@pytest.mark.parametrize("verdict", [
    pytest.param(v, marks=pytest.mark.full if v == "not-cached" else ()) for v in VERDICTS])
def test_every_verdict_is_counted_under_its_name(reprised, certificate, verdict):
    kind, offer = VERDICTS[verdict]
    sites = [site(certificate, "localhost", domain="one"),
             site(certificate, "other.localhost", domain="one"),
             site(certificate, "apart.localhost", domain="two")]
    more = {"expired": {"session_timeout": "1s"}, "not-cached": {"session_cache": "64kb"}}
    server = reprised(config(listener(*sites, **more.get(verdict, {})), **ADMIN))
    admin = Admin(server)
    session = fresh(server.address, kind)
    if verdict == "not-cached":
        for _ in range(1000):
            exchange(server.address, offer_for(kind), path=None)
        settled(admin, "handshakes_total", 1001)
    before = admin.figures()
    assert_full(exchange(server.address, offer(session)), verdict)
    after = admin.figures()
    gained = {key[1][0][1]: after[key] - before[key] for key in after
              if key[0] == "reprise_verdicts_total"}
    assert {name for name, n in gained.items() if n} == {verdict}
    assert gained[verdict] == 1


def plain(server, data):
    with socket.create_connection(server, DEADLINE) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        while s.recv(4096):
            pass


FAILURES = {
    "not-tls": lambda a: plain(a, b"GET / HTTP/1.0\r\n\r\n"),
    "closed": lambda a: plain(a, b"\x16\x03\x01"),
    "name": lambda a: exchange(a, Offer(sni="nobody.example")),
    "nothing-in-common": lambda a: exchange(a, Offer(versions=(TLS12,), suites=(0x009C,))),
}


@pytest.mark.parametrize("reason", FAILURES)
def test_every_failure_is_counted_under_its_name(reprised, certificate, reason):
    server = reprised(with_admin(certificate, strict_sni=True))
    admin = Admin(server)
    FAILURES[reason](server.address)
    settled(admin, "handshake_failures_total", 1, reason=reason)
    figures = admin.figures()
    assert total(figures, "handshake_failures_total") == 1
    assert total(figures, "handshakes_total") == 0
    settled(admin, "connections_open", 0)


def test_connections_bytes_and_backend(reprised, certificate):
    port = free_port()
    server = reprised(with_admin(certificate, backend=f"127.0.0.1:{port}"))
    admin = Admin(server)
    exchange(server.address, Offer())
    settled(admin, "backend_failures_total", 1, reason="unreachable")
    with socket.create_server(("127.0.0.1", port)) as backend:
        with Connection(server.address, Offer()) as c:
            assert c.handshake().done
            c.records.write(23, b"x" * 1000)
            inner, _ = backend.accept()
            with inner:
                inner.settimeout(DEADLINE)
                assert len(inner.recv(1000, socket.MSG_WAITALL)) == 1000
                inner.sendall(b"y" * 300)
                settled(admin, "relayed_bytes_total", 300, direction="to_client")
            figures = admin.figures()
            assert total(figures, "connections_open") == 1
            assert total(figures, "relayed_bytes_total", direction="to_backend") == 1000
            assert total(figures, "backend_connects_total") >= 1
    settled(admin, "connections_open", 0)


def test_keys_by_name_role_and_age(reprised, certificate):
    fleet = {"rotate": "2s", "accept": "4s"}
    server = reprised(with_admin(certificate, fleet=fleet))
    admin = Admin(server)
    name = fresh(server.address, "ticket").ticket[:4].hex()

    def rows():
        return {dict(key[1])["key"]: (dict(key[1])["role"], value)
                for key, value in admin.figures().items() if key[0] == "reprise_key_age_seconds"}

    assert rows()[name][0] == "seals" and rows()[name][1] < 4
    wait_until(lambda: rows().get(name, ("", 0))[0] == "opens", "it only opens")
    assert 2 <= rows()[name][1] < 5
    assert admin.figure("epoch") >= 1
    roles = [role for role, _ in rows().values()]
    assert roles.count("seals") == 1 and roles.count("next") == 1
    wait_until(lambda: name not in rows(), "it is gone")


def test_status_json_says_the_same(reprised, certificate):
    server = reprised(with_admin(certificate))
    admin = Admin(server)
    fresh(server.address, "psk")
    settled(admin, "connections_open", 0)
    status, figures = admin.status(), admin.figures()
    assert status["health"] == {"ok": True, "message": "ok"}
    assert status["connections"]["accepted"] == 1
    for verdict, n in status["verdicts"].items():
        assert total(figures, "verdicts_total", verdict=verdict) == n
    shown = {row["key"] for row in status["keyring"]["keys"]}
    assert shown == {dict(k[1])["key"] for k in figures if k[0] == "reprise_key_age_seconds"}
    assert sum(row["count"] for row in status["handshakes"]) == 1


def test_promtool_agrees(reprised, certificate):
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool (Debian's prometheus) is not installed")
    server = reprised(with_admin(certificate))
    fresh(server.address, "psk")
    done = subprocess.run([program, "check", "metrics"], input=Admin(server).text().encode(),
                          capture_output=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()


# Processes.


@pytest.mark.parametrize("role", ["keeper", "worker 0", "courier"])
def test_a_killed_process_is_counted(reprised, certificate, role):
    server = reprised(with_admin(certificate))
    admin = Admin(server)
    fresh(server.address, "psk")
    wait_until(lambda: admin.figure("handshakes_total") == 1, "it is counted")
    before = admin.figures()
    pid = wait_until(lambda: server.family().get(role), f"a {role}")
    kill(pid, signal.SIGKILL)
    wait_until(lambda: start_time(pid) is None, f"the end of {role}")
    server.wait_log("a process is back", process=role)
    after = wait_until(lambda: retry(admin), "figures")
    assert total(after, "restarts_total") == 1
    assert total(after, "restarts_total", role=role.split()[0]) == 1
    for key, value in counters(before).items():
        assert after[key] >= value, key
    assert total(after, "handshakes_total") == 1
    wait_until(lambda: admin.health() == (200, "ok"), "all is well again")


def retry(admin):
    """None while the courier is being replaced."""
    try:
        return admin.figures()
    except OSError:
        return None


@pytest.mark.deadline(90)
def test_totals_never_go_back(reprised, certificate):
    """However workers die: what they counted stays, and what clients saw done was counted."""
    server = reprised(with_admin(certificate, workers=2))
    admin = Admin(server)
    source = random.Random(3)

    def one():
        assert exchange(server.address, Offer(versions=(TLS12,)), path=None).done

    last = admin.figures()
    with Load(one, threads=2) as load:
        for _ in range(20):
            workers = wait_until(lambda: list(server.workers().values()), "a worker")
            kill(source.choice(workers), signal.SIGKILL)
            wait_seconds(0.1)
            now = admin.figures()
            for key, value in counters(last).items():
                assert now[key] >= value, key
            last = now
        done, _ = load.stop()
    wait_until(lambda: admin.health()[0] == 200, "all is well again")
    now = admin.figures()
    assert total(now, "handshakes_total") >= len(done) - 3, "but for some killed before they counted"
    assert total(now, "restarts_total", role="worker") >= 10
    settled(admin, "connections_open", 0)


def test_health_while_a_worker_is_replaced(reprised, certificate):
    server = reprised(with_admin(certificate))
    admin = Admin(server)
    assert admin.health() == (200, "ok")
    seen = set()
    for _ in range(3):  # the second in a row comes back after a pause
        kill(server.workers()["worker 1"], signal.SIGKILL)
        seen.add(wait_until(lambda: (admin.health() != (200, "ok") and admin.health()) or None,
                            "one is missing", step=0.001))
        wait_until(lambda: admin.health() == (200, "ok"), "it is back")
    assert any(status == 503 for status, _ in seen), seen


def test_health_while_draining(reprised, certificate):
    server = reprised(with_admin(certificate))
    admin = Admin(server)
    with Connection(server.address, Offer(versions=(TLS12,))) as c:
        assert c.handshake().done
        server.signal(signal.SIGTERM)
        wait_until(lambda: admin.health() == (503, "draining"), "it says so")
        assert admin.figure("connections_open") == 1
        wait_until(lambda: admin.figure("workers", state="draining") == 1, "the other has ended")
    assert server.wait() == 0


# Where it listens.


def test_a_unix_socket(reprised, certificate, tmp_path):
    path = tmp_path / "admin.sock"
    server = reprised(one_site(certificate, top={"admin": {"listen": f"unix:{path}"}}))
    admin = Admin(server)
    assert admin.address == f"unix:{path}"
    assert admin.health() == (200, "ok")
    server.stop()
    assert not path.exists()


def test_a_stale_socket_is_replaced_and_a_file_is_not(reprised, certificate, tmp_path):
    path = tmp_path / "admin.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
    settings = one_site(certificate, top={"admin": {"listen": f"unix:{path}"}})
    server = reprised(settings)
    assert Admin(server).health() == (200, "ok")
    server.stop()
    path.write_text("precious")
    broken = reprised(settings, ready=False)
    assert broken.wait() == 1
    assert f"admin cannot listen on unix:{path}: File exists" in "\n".join(broken.output.lines)
    assert path.read_text() == "precious"


def test_an_address_in_use(reprised, certificate):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = reprised(one_site(certificate, top={"admin": {"listen": f"127.0.0.1:{port}"}}),
                          ready=False)
        assert server.wait() == 1
        assert "admin cannot listen on" in "\n".join(server.output.lines)


def test_an_open_address_is_warned_of(reprised, certificate):
    server = reprised(one_site(certificate, top={"admin": {"listen": "0.0.0.0:0"}}))
    warning = server.wait_log(
        "the admin address is no loopback address: whoever can reach it reads the figures, "
        "unencrypted")
    assert warning["level"] == "warning"


def test_without_admin_there_is_no_courier(reprised, certificate):
    server = reprised(one_site(certificate))
    assert "courier" not in server.family()


def test_reload_adds_keeps_and_removes_it(reprised, certificate, tmp_path):
    path = f"unix:{tmp_path}/a.sock"
    server = reprised(one_site(certificate))
    mark = server.mark()

    def reload(top):
        nonlocal mark
        server.write_config(one_site(certificate, top=top))
        mark = server.mark()
        server.signal(signal.SIGHUP)
        server.wait_log("reloaded", since=mark)

    reload({"admin": {"listen": path}})
    admin = Admin(server)
    wait_until(lambda: admin.health() == (200, "ok"), "it is there")
    assert admin.figure("reloads_total", result="ok") == 1
    fresh(server.address, "psk")
    reload({"admin": {"listen": [path, "127.0.0.1:0"]}})
    other = Admin(server, server.wait_log("admin listening", since=mark)["address"])
    assert not server.logs("admin listening", since=mark, address=path), "it was there already"
    for each in (admin, other):
        assert each.figure("reloads_total", result="ok") == 2
        assert each.figure("handshakes_total") == 1
    server.write_config("nonsense")
    server.signal(signal.SIGHUP)
    settled(admin, "reloads_total", 1, result="failed")
    reload({})
    wait_until(lambda: "courier" not in server.family(), "it is gone")
    assert not (tmp_path / "a.sock").exists()
    with pytest.raises(OSError):
        other.health()


# Manners.


@pytest.mark.parametrize(
    "request_bytes,status",
    [
        (b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", 200),
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 405),
        (b"DELETE /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    ],
)
def test_requests(reprised, certificate, request_bytes, status):
    admin = Admin(reprised(with_admin(certificate)))
    with socket.create_connection(address(admin), DEADLINE) as s:
        s.sendall(request_bytes)
        answer = b""
        while part := s.recv(65536):  # it closes by itself
            answer += part
    assert int(answer.split(b" ")[1]) == status
    assert b"connection: close" in answer.lower()
    if status == 405:
        assert b"\r\nallow: get, head\r\n" in answer.lower()


def test_head(reprised, certificate):
    admin = Admin(reprised(with_admin(certificate)))
    status, headers, body = admin.ask("/metrics", "HEAD")
    assert status == 200 and not body and int(headers["Content-Length"]) > 1000
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.deadline(90)
def test_garbage(reprised, certificate):
    """Whatever comes, the courier lives and answers the next."""
    server = reprised(with_admin(certificate))
    admin = Admin(server)
    courier = wait_until(lambda: server.family().get("courier"), "a courier")
    source = random.Random(4)
    seeds = [b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0" * 64,
             b"GET " + b"/" * 70000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000,
             b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
             b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"\r\n" * 1000]
    for i in range(300):
        data = bytearray(seeds[i % len(seeds)])
        for _ in range(source.randrange(4)):
            data[source.randrange(len(data))] = source.randrange(256)
        with socket.create_connection(address(admin), DEADLINE) as s:
            s.settimeout(0.02)
            try:
                s.sendall(data[: source.randrange(1, len(data) + 1)])
                if source.random() < 0.5:
                    s.shutdown(socket.SHUT_WR)
                    s.recv(100)
            except OSError:
                pass  # refused, or waited for more
    wait_until(lambda: retry(admin), "an answer")
    assert admin.health() == (200, "ok")
    assert server.family()["courier"] == courier


@pytest.mark.deadline(90)
def test_silent_visitors_are_shown_out(reprised, certificate):
    admin = Admin(reprised(with_admin(certificate)))
    silent = [socket.create_connection(address(admin), DEADLINE) for _ in range(80)]
    assert admin.health() == (200, "ok"), "they take the places for a few seconds"
    for s in silent:
        s.close()


@pytest.mark.full
def test_a_trickle_ends(reprised, certificate):
    """A byte now and then does not hold a place for ever."""
    admin = Admin(reprised(with_admin(certificate)))
    with socket.create_connection(address(admin), DEADLINE) as s:
        s.settimeout(0.5)
        for _ in range(40):
            try:
                s.sendall(b"G")
                if not s.recv(1):
                    return
            except TimeoutError:
                continue
            except OSError:
                return
    pytest.fail("it still listens")


def test_the_courier_has_nothing(reprised, certificate):
    """No keyring, no cache, no count of addresses: of what is shared, only figures, to read."""
    server = reprised(with_admin(certificate))
    pid = wait_until(lambda: server.family().get("courier"), "a courier")
    server.wait_log("ready")

    def shared():
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
            rows = [line.split() for line in maps]
        return [row[1:2] + row[5:6] for row in rows if row[1].endswith("s")]

    wait_until(lambda: shared() == [["r--s", "/memfd:reprised:metrics"]], "it has freed the rest")


def test_json(reprised, certificate):
    _, headers, body = Admin(reprised(with_admin(certificate))).ask("/status.json")
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["processes"]["keeper_ready"]


def test_an_upgrade_keeps_its_addresses(reprised, certificate, tmp_path):
    """Also of one that fails: then the old process goes on showing its own figures."""
    path, port = f"unix:{tmp_path}/a.sock", free_port()
    top = {"admin": {"listen": [path, f"127.0.0.1:{port}"]}}
    server = reprised(one_site(certificate, top=top))
    by_path, by_port = Admin(server, path), Admin(server, f"127.0.0.1:{port}")
    fresh(server.address, "psk")
    settled(by_path, "handshakes_total", 1)
    good = server.config_path.read_text()
    server.write_config("nonsense")
    server.signal(signal.SIGUSR2)
    settled(by_path, "upgrades_failed_total", 1)
    settled(by_port, "handshakes_total", 1)
    server.write_config(good)
    mark = server.mark()
    server.signal(signal.SIGUSR2)
    pid = server.wait_log("ready", since=mark)["pid"]
    try:
        server.wait()
        for admin in (by_path, by_port):
            wait_until(lambda: retry(admin), "an answer")
            assert admin.health() == (200, "ok")
            assert admin.figure("handshakes_total") == 0, "these are the new process's"
    finally:
        kill(pid, signal.SIGTERM)
        wait_until(lambda: start_time(pid) is None, "its end")
