"""A stop after an upgrade: the process before finishes what it has, in the time of a stop."""

import os
import signal
import socket
import ssl

from configs import one_site
from harness import kill, wait_until
from lineage import Lineage

TAKEN = "the new process has taken over"


def connect(address):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls.wrap_socket(socket.create_connection(address, 10), server_hostname="localhost")


def upgraded(running, certificate, backend, **more):
    """A server whose program before still has a connection; that, and the backend's end of it."""
    name = "{}:{}".format(*backend.getsockname())
    server = running(Lineage, one_site(certificate, backend=name, top=more))
    client = connect(server.address)
    client.sendall(b"question")
    serving, _ = backend.accept()
    assert serving.recv(8) == b"question"
    os.kill(server.head(), signal.SIGUSR2)
    server.wait_log(TAKEN)
    return server, client, serving


def stop_all(server):
    """As a service manager does: to every process."""
    for pid in server.everyone():
        kill(pid, signal.SIGTERM)


def test_an_answer_is_not_cut_off(running, certificate):
    with socket.create_server(("127.0.0.1", 0)) as backend:
        server, client, serving = upgraded(running, certificate, backend)
        with client, serving:
            stop_all(server)
            server.wait_log("draining", n=2)
            serving.sendall(b"answer")
            assert client.recv(6) == b"answer"
        wait_until(lambda: not server.everyone(), "all end")


def test_a_stop_has_its_time(running, certificate):
    """That of shutdown_timeout, where worker_shutdown_timeout is longer."""
    with socket.create_server(("127.0.0.1", 0)) as backend:
        server, client, serving = upgraded(
            running, certificate, backend, shutdown_timeout="1s", worker_shutdown_timeout="1h"
        )
        with client, serving:
            stop_all(server)
            server.wait_log("connections broken off", connections=1)
            wait_until(lambda: not server.everyone(), "all end")


def test_a_second_signal_ends_it_at_once(running, certificate):
    with socket.create_server(("127.0.0.1", 0)) as backend:
        server, client, serving = upgraded(running, certificate, backend, shutdown_timeout="1h")
        with client, serving:
            stop_all(server)
            server.wait_log("draining", n=2)
            stop_all(server)
            wait_until(lambda: not server.everyone(), "all end")
