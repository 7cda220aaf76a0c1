#!/usr/bin/python3
"""
A server of the laboratory: one port on some loopback addresses, with one fault or none.

    lab_server.py --fault NAME | --base NAME | --list
                  [--addresses N] [--folder DIR]

--base is the fault's sound counterpart: the same settings, done right. It writes one line of JSON
when it listens and ends when its standard input does.
"""

import argparse
import json
import os
import socket
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "system")]

import faults  # noqa: E402
from certificates import Authority  # noqa: E402
from labtls import Fleet, Host, serve  # noqa: E402
from labtls.host import Site  # noqa: E402
from labtls.sites import Identity  # noqa: E402

# The first is what unknown names and none at all get.
NAMES = ("default.lab.test", "a.lab.test", "b.lab.test", "secure.lab.test")
SECURE = "secure.lab.test"
MOST_CONNECTIONS = 200


def make_sites(authority, kind):
    out = []
    for name in NAMES:
        made = authority.issue(name, kind=kind)
        trusted = None
        if name == SECURE:
            trusted = Identity.load(made.chain, made.key).chain[1]
        out.append(Site((name,), Identity.load(made.chain, made.key), trusted))
    return out


def listen(n):
    """One port on 127.0.0.1 and what follows it."""
    for _ in range(100):
        sockets = []
        try:
            for i in range(n):
                s = socket.socket()
                sockets.append(s)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((f"127.0.0.{i + 1}", sockets[0].getsockname()[1] if i else 0))
                s.listen(512)
            return sockets
        except OSError:
            for s in sockets:
                s.close()
    raise SystemExit("lab_server: no port is free on all addresses")


def accept(host, sock, room):
    def one(connection):
        try:
            serve(host, connection)
        finally:
            room.release()

    while True:
        connection, _ = sock.accept()
        room.acquire()
        threading.Thread(target=one, args=(connection,), daemon=True).start()


def make_hosts(fleet, fault, n, sound):
    base, faulty = fault.policies()
    out = []
    for i in range(n):
        wrong = not sound and (fault.hosts is None or i in fault.hosts)
        out.append(
            Host(
                fleet, i, base, faulty if wrong else base, fault.one_in if wrong else 1,
                fault.processes if wrong else (),
            )
        )
    return out


def parse():
    parser = argparse.ArgumentParser(description="A server with one fault.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--fault", choices=sorted(faults.BY_NAME))
    which.add_argument("--base", choices=sorted(faults.BY_NAME))
    which.add_argument("--list", action="store_true")
    parser.add_argument("--addresses", type=int, default=0, help="default: as the fault has them")
    parser.add_argument("--folder", help="where certificates go; default: a temporary one")
    return parser.parse_args()


def main():
    args = parse()
    if args.list:
        for fault in faults.FAULTS:
            print(f"{fault.name:28} {fault.says}")
        return
    fault = faults.BY_NAME[args.fault or args.base]
    folder = args.folder or tempfile.mkdtemp(prefix="lab")
    authority = Authority(folder)
    sites = make_sites(authority, fault.kind)
    fleet = Fleet(sites, make_sites(authority, fault.kind) if fault.own_certificates() else sites)
    sockets = listen(args.addresses or fault.addresses)
    hosts = make_hosts(fleet, fault, len(sockets), args.base is not None)
    for host, sock in zip(hosts, sockets):
        room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        threading.Thread(target=accept, args=(host, sock, room), daemon=True).start()
    client = authority.issue("client", kind="ecdsa")
    ready = {
        "port": sockets[0].getsockname()[1],
        "addresses": [s.getsockname()[0] for s in sockets],
        "authority": str(authority.path), "client": [str(client.chain), str(client.key)],
        "args": list(fault.args),
    }
    print(json.dumps(ready), flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # threads of open connections are of no interest


if __name__ == "__main__":
    main()
