"""The servers that a fleet can be made of."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import proxies
import webs

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
OWN = ("separate", "one", "none")
ALL = ("shared", *OWN)


@dataclass(frozen=True)
class Kind:
    program: str
    prepare: Callable  # writes what a member is to do into its folder; returns a command
    keys: tuple
    backend: bool = False  # needs a server behind it
    relay: tuple | None = None  # cannot listen on several addresses: options of relay.py
    apart: bool = False  # not even on one
    needs: tuple = ()  # files that are packaged apart from the program
    certificates: bool = False  # one for each member

    def missing(self):
        return ", ".join(f for f in self.needs if not Path(f).exists())

    def relays(self, hosts):
        return self.relay is not None and (self.apart or len(hosts) > 1)


KINDS = {
    "nginx": Kind("nginx", webs.nginx, (*ALL, "lagging")),
    "nginx-short-key": Kind("nginx", webs.nginx_short, ("shared",)),
    "nginx-certificates": Kind("nginx", webs.nginx, ("shared",), certificates=True),
    "nginx-workers": Kind("nginx", webs.nginx_workers, ("separate",)),
    "apache": Kind("apache2", webs.apache, ALL, needs=webs.APACHE_MODULES),
    "h2o": Kind("h2o", webs.h2o, ALL),
    "lighttpd": Kind("lighttpd", webs.lighttpd, ALL, needs=(webs.LIGHTTPD_TLS,)),
    "node": Kind("node", webs.node, ALL),
    "node-told-by-argument": Kind("node", webs.node_told_by_argument, ("shared",)),
    "s_server": Kind("openssl", webs.s_server, OWN, relay=()),
    "gnutls-serv": Kind("gnutls-serv", webs.gnutls, OWN, relay=("--apart",), apart=True),
    "haproxy-http": Kind("haproxy", proxies.haproxy_http, ALL),
    "haproxy-tcp": Kind("haproxy", proxies.haproxy_tcp, ALL, backend=True),
    "hitch": Kind("hitch", proxies.hitch, ("separate", "one"), backend=True),
    "stunnel": Kind("stunnel4", proxies.stunnel, ALL, backend=True),
    "trafficserver": Kind("traffic_server", proxies.trafficserver, ALL, backend=True),
    "trafficserver-certificates": Kind(
        "traffic_server", proxies.trafficserver, ("shared",), backend=True, certificates=True),
    "reprised": Kind("env", proxies.reprised, ALL, backend=True),
}
