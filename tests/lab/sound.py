"""Servers with which nothing is wrong, of several kinds: a prober must find nothing."""

import json
import socket
import ssl
import threading
from dataclasses import dataclass

from fleet import Fleet, hosts, port_free_on
from laboratory import Laboratory


class PythonServer:
    """Python's ssl, with one context on all of its addresses."""

    def __init__(self, certificate, n):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.chain, certificate.key)
        self.hosts, self.port = hosts(n), port_free_on(hosts(n))
        self._sockets = [socket.create_server((name, self.port)) for name in self.hosts]
        for s in self._sockets:
            threading.Thread(target=self._accept, args=(s,), daemon=True).start()

    def _accept(self, listening):
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.settimeout(10)
            with self._context.wrap_socket(connection, server_side=True) as tls:
                while b"\r\n\r\n" not in (tls.recv(4096) or b"\r\n\r\n"):
                    pass
                body = json.dumps({"reused": tls.session_reused})
                tls.sendall(
                    "HTTP/1.1 200 OK\r\nServer: python\r\nConnection: close\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
                )
                tls.unwrap()
        except OSError:
            pass

    def stop(self):
        for s in self._sockets:
            s.shutdown(socket.SHUT_RDWR)
            s.close()


@dataclass(frozen=True)
class Sound:
    name: str
    kind: str  # of tests/servers; or what stands in start()
    name_asked: str = "localhost"
    keys: str = "one"
    addresses: int = 3
    args: tuple = ()  # for the prober
    notes: tuple = ()  # findings of severity note: true of it, and no fault

    def start(self, folder, certificate, addresses=0):
        """On as many addresses as it should have, or on so many."""
        n = addresses or self.addresses
        if self.kind == "python":
            return PythonServer(certificate, n)
        if self.kind == "lab":
            return Laboratory(folder, self.name, sound=True, addresses=n)
        return Fleet(folder, self.kind, certificate, n=n, keys=self.keys)


# OpenSSL forgets a session that failed to resume, and tells caches that it is given to do so, too.
OPENSSL = ("session-killed",)

# A server of the laboratory is named for the fault that it is without.
LAB = tuple(
    Sound(name, "lab", "a.lab.test", addresses=0)  # as the fault
    for name in ("sni-blind", "early-replay", "endless-chain", "key-lagging", "zero-key-on-one",
                 "sni-blind-12")
)
OTHERS = (
    # It serves one connection at a time and answers nothing but GET.
    Sound("OpenSSL s_server", "s_server", args=("--method", "GET"), notes=OPENSSL),
    Sound("Python", "python", notes=OPENSSL),
    Sound("nginx", "nginx", notes=OPENSSL),
    Sound("nginx, keys shared", "nginx", keys="shared", notes=OPENSSL),
    Sound("HAProxy", "haproxy-http", notes=OPENSSL),
    Sound("Apache httpd", "apache", notes=OPENSSL),
    Sound("Node.js", "node", notes=("renegotiation",)),
    Sound("gnutls-serv", "gnutls-serv", notes=("renegotiation", "ticket-extended")),
    Sound("reprised", "reprised"),
)
SERVERS = LAB + OTHERS
SHORT_RUN = ("early-replay", "Python", "nginx")
