"""
How each server that stands in front of another is told what one member of a fleet is to do:
configuration in the member's folder, nothing of the machine's own, in the foreground.
"""

import json
from pathlib import Path

import stek
from harness import reprised_path


def _written(member, name, text):
    path = member.folder / name
    path.write_text(text)
    return path


def _haproxy(member, mode, behind):
    binds = ",".join(f"{host}:{port}" for host, port in member.listen)
    keyed = socket = ""
    if member.fed:
        keyed = f"tls-ticket-keys {member.fed}"
        owner = f" user {member.feeder}" if member.feeder else ""
        socket = f"stats socket {member.socket} mode 600 level {member.level}{owner}"
    elif member.steks:
        keyed = f"tls-ticket-keys {stek.write_haproxy(member.folder, member.steks[0])}"
    if not member.tickets:
        keyed = "no-tls-tickets"
    path = _written(member, "haproxy.cfg", f"""
global
    nbthread 2
    {socket}
defaults
    mode {mode}
    timeout connect 10s
    timeout client 10s
    timeout server 10s
frontend front
    bind {binds} ssl crt {member.both} ssl-min-ver TLSv1.2 {keyed}
    {behind}
""")
    return [member.program, "-db", "-f", path]


def haproxy_http(member):
    answer = 'http-request return status 200 content-type text/plain string "a page"'
    return _haproxy(member, "http", answer)


def haproxy_tcp(member):
    return _haproxy(member, "tcp", f"""default_backend back
backend back
    server one 127.0.0.1:{member.backend}""")


def hitch(member):
    frontends = "".join(f'frontend = "[{host}]:{port}"\n' for host, port in member.listen)
    user = f'user = "{member.user}"\ngroup = "nogroup"\n' if member.user else ""
    path = _written(member, "hitch.conf", f"""
{frontends}
backend = "[127.0.0.1]:{member.backend}"
pem-file = "{member.both}"
workers = 2
daemon = off
quiet = on
tls-protos = TLSv1.2 TLSv1.3
ocsp-dir = ""
{user}
""")
    return [member.program, f"--config={path}"]


def stunnel(member):
    keyed = ""
    if member.steks:
        key = member.steks[0]
        keyed = f"ticketKeySecret = {key.aes[:16].hex()}\nticketMacSecret = {key.hmac[:16].hex()}"
    if not member.tickets:
        keyed = "options = NO_TICKET"
    services = "".join(f"""
[service{i}]
accept = {host}:{port}
connect = 127.0.0.1:{member.backend}
cert = {member.certificate.chain}
key = {member.certificate.key}
sslVersionMin = TLSv1.2
{keyed}
""" for i, (host, port) in enumerate(member.listen))
    path = _written(member, "stunnel.conf", f"foreground = yes\npid =\nsyslog = no\n{services}")
    return [member.program, path]


def trafficserver(member):
    for name in ("etc", "run", "log", "cache", "share"):
        (member.folder / name).mkdir()
    keyed = ""
    if member.fed or member.steks:
        file = member.fed or stek.write_apache(member.folder, member.steks[0])
        keyed = f"CONFIG proxy.config.ssl.server.ticket_key.filename STRING {file}"
    ports = " ".join(f"{port}:ip-in={host}:ssl" for host, port in member.listen)
    _written(member, "etc/records.config", f"""
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 2
CONFIG proxy.config.http.server_ports STRING {ports}
CONFIG proxy.config.http.cache.http INT 0
CONFIG proxy.config.cache.ram_cache.size INT 1048576
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.diags.output.error STRING E
CONFIG proxy.config.diags.output.warning STRING E
CONFIG proxy.config.log.logging_enabled INT 0
{keyed}
""")
    _written(member, "etc/ssl_multicert.config",
             f"dest_ip=* ssl_cert_name={member.certificate.chain} "
             f"ssl_key_name={member.certificate.key}"
             f"{'' if member.tickets else ' ssl_ticket_enabled=0'}\n")
    _written(member, "etc/remap.config", f"map / http://127.0.0.1:{member.backend}/\n")
    _written(member, "etc/storage.config", f"{member.folder}/cache 16M\n")
    _written(member, "etc/ip_allow.yaml", "ip_allow:\n- apply: in\n  ip_addrs: 0/0\n"
             "  action: allow\n  methods: ALL\n")
    root = _written(member, "runroot.yaml", "\n".join([
        "prefix: /usr", "exec_prefix: /usr", "bindir: /usr/bin", "sbindir: /usr/sbin",
        "includedir: /usr/include", "libdir: /usr/lib/trafficserver",
        "libexecdir: /usr/lib/trafficserver/modules",
        f"sysconfdir: {member.folder}/etc", f"datadir: {member.folder}/share",
        f"localstatedir: {member.folder}", f"runtimedir: {member.folder}/run",
        f"logdir: {member.folder}/log", f"cachedir: {member.folder}/cache"]) + "\n")
    return [member.program, f"--run-root={root}"]


def trafficserver_managed(member):
    """Under its manager: only that can be told to reload."""
    _, run_root = trafficserver(member)
    return [Path(member.program).with_name("traffic_manager"), "--nosyslog", run_root]


def reprised(member):
    top = {"session_ticket_key": [str(p) for p in stek.write_nginx(member.folder, member.steks)]}
    site = {"name": "localhost", "certificate": str(member.certificate.chain),
            "key": str(member.certificate.key), "domain": "one"}
    listens = [{"address": f"{host}:{port}", "backend": f"127.0.0.1:{member.backend}",
                "session_tickets": "on" if member.tickets else "off", "sites": [site]}
               for host, port in member.listen]
    settings = (top if member.steks else {}) | {"workers": 2, "listen": listens}
    path = _written(member, "reprised.yaml", json.dumps(settings))
    return [reprised_path(), "-c", path]
