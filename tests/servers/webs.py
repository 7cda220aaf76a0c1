"""
How each server that answers by itself is told what one member of a fleet is to do: configuration in
the member's folder, nothing of the machine's own, in the foreground.
"""

import json
import os
from pathlib import Path

import stek

HERE = Path(__file__).resolve().parent
APACHE = Path("/usr/lib/apache2/modules")
APACHE_MODULES = tuple(
    APACHE / f"mod_{name}.so"
    for name in ("mpm_event", "authz_core", "alias", "socache_shmcb", "ssl"))
LIGHTTPD_TLS = Path("/usr/lib/lighttpd/mod_openssl.so")


def _written(member, name, text):
    path = member.folder / name
    path.write_text(text)
    return path


def _nginx(member, short=False, workers=0, cache="shared:s:1m"):
    listens = "".join(f"listen {host}:{port} ssl; " for host, port in member.listen)
    if member.fed:
        directives = f"include {member.fed}/*.conf;"
    else:
        keys = stek.write_nginx(member.folder, member.steks, short)
        directives = "".join(f"ssl_session_ticket_key {path}; " for path in keys)
    path = _written(member, "nginx.conf", f"""
daemon off; error_log stderr info; pid {member.folder}/pid;
master_process {"on" if workers else "off"}; worker_processes {workers or 1};
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {member.folder}/b; proxy_temp_path {member.folder}/p;
  fastcgi_temp_path {member.folder}/f; uwsgi_temp_path {member.folder}/u;
  scgi_temp_path {member.folder}/s;
  server {{
    {listens} server_name localhost;
    ssl_certificate {member.certificate.chain}; ssl_certificate_key {member.certificate.key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache {cache};
    ssl_session_tickets {"on" if member.tickets else "off"}; {directives}
    location / {{ return 200 "a page\\n"; }}
    location = /large {{ root {member.folder}; }}
  }}
}}
""")
    return [member.program, "-p", member.folder, "-c", path, "-e", "stderr"]


def nginx(member):
    return _nginx(member)


def nginx_fed(member):
    """As it runs anywhere, with a master: only that can be told to reload."""
    return _nginx(member, workers=2)


def nginx_short(member):
    return _nginx(member, short=True)


def nginx_workers(member):
    """Two workers, and a cache that each has for itself."""
    return _nginx(member, workers=2, cache="builtin:1000")


def apache(member):
    modules = "".join(f"LoadModule {p.stem[4:]}_module {p}\n" for p in APACHE_MODULES)
    listens = "".join(f"Listen {host}:{port}\n" for host, port in member.listen)
    user = f"User {member.user}\nGroup nogroup\n" if member.user else ""
    key = ""
    if member.fed:
        key = f"SSLSessionTicketKeyFile {member.fed}"
    elif member.steks:
        key = f"SSLSessionTicketKeyFile {stek.write_apache(member.folder, member.steks[0])}"
    path = _written(member, "apache.conf", f"""
ServerRoot {member.folder}
ServerName {member.name}
DefaultRuntimeDir {member.folder}
PidFile {member.folder}/pid
ErrorLog /dev/stderr
{modules}{listens}{user}
StartServers 1
ServerLimit 16
MaxRequestWorkers 25
SSLSessionCache shmcb:{member.folder}/cache(512000)
SSLSessionTickets {"on" if member.tickets else "off"}
SSLEngine on
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCertificateFile {member.certificate.chain}
SSLCertificateKeyFile {member.certificate.key}
{key}
DocumentRoot {member.folder}
RedirectMatch 204 ^/$
""")
    return [member.program, "-f", path, "-DFOREGROUND"]


def h2o(member):
    listens = "".join(f"""
listen:
  host: {host}
  port: {port}
  ssl:
    certificate-file: {member.certificate.chain}
    key-file: {member.certificate.key}
""" for host, port in member.listen)
    tickets = ""
    if member.fed or member.steks:
        file = member.fed or stek.write_h2o(member.folder, member.steks[0])
        tickets = f"ticket-store: file\n  ticket-file: {file}"
    path = _written(member, "h2o.conf", f"""
num-threads: 2
{f"user: {member.becomes}" if member.user else ""}
ssl-session-resumption:
  mode: {"all" if member.tickets else "cache"}
  {tickets}
{listens}
hosts:
  default:
    paths:
      /:
        file.dir: {member.folder}
""")
    return [member.program, "-c", path]


def lighttpd(member):
    first, *more = member.listen
    keyed = ""
    if member.fed or member.steks:
        file = member.fed or stek.write_lighttpd(member.folder, member.steks[0])
        keyed = f'ssl.stek-file = "{file}"'
    tls = f"""
  ssl.engine = "enable"
  ssl.pemfile = "{member.certificate.chain}"
  ssl.privkey = "{member.certificate.key}"
  ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.2",
                              "Options" => "{"" if member.tickets else "-"}SessionTicket")
"""
    others = "".join(
        f'$SERVER["socket"] == "{host}:{port}" {{ {tls} }}\n' for host, port in more)
    path = _written(member, "lighttpd.conf", f"""
server.modules = ("mod_openssl")
server.bind = "{first[0]}"
server.port = {first[1]}
server.document-root = "{member.folder}"
index-file.names = ("index.html")
{keyed}
{tls}
{others}
""")
    return [member.program, "-D", "-f", path]


def _node(member, *arguments):
    settings = {
        "cert": str(member.certificate.chain), "key": str(member.certificate.key),
        "listen": [list(pair) for pair in member.listen], "tickets": member.tickets,
        "ticketKeys": member.steks[0].apache().hex() if member.steks else None,
    }
    _written(member, "settings.json", json.dumps(settings))
    return [member.program, HERE / "node_server.js", *arguments]


def node(member):
    return _node(member)


def node_told_by_argument(member):
    """Its session ID context is a hash of its command line, which now differs."""
    return _node(member, member.folder / "settings.json")


def s_server(member):
    (host, port), = member.listen
    return [member.program, "s_server", "-accept", f"{host}:{port}", "-www", "-cert",
            member.certificate.chain, "-key", member.certificate.key,
            *([] if member.tickets else ["-no_ticket"])]


def gnutls(member):
    (_, port), = member.listen
    return [member.program, "--http", "--quiet", "--disable-client-cert", "--port", str(port),
            "--x509certfile", member.certificate.chain, "--x509keyfile", member.certificate.key,
            *([] if member.tickets else ["--noticket"])]
