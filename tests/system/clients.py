"""
Real clients, each made to connect n + 1 times, keeping its session from one to the next.

A driver returns what the server said of each connection: the pages that /session.json gave.
"""

import json
import re
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from browser import Browser

HERE = Path(__file__).resolve().parent
REQUEST = b"GET /session.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
TIMEOUT = 60


def pages(text):
    """Every page in what a client printed."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return [json.loads(found) for found in re.findall(r'\{"session".*?\}', text)]


def run(argv, given=None):
    done = subprocess.run(
        [str(a) for a in argv], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=TIMEOUT, check=False,
    )
    return done.stdout


def one_page(output):
    found = pages(output)
    assert len(found) == 1, output.decode(errors="replace")[-2000:]
    return found[0]


def openssl(port, mechanism, n, folder):
    kept = Path(folder) / "session.pem"
    kind = {"psk": ["-tls1_3"], "ticket": ["-tls1_2"], "session-id": ["-tls1_2", "-no_ticket"]}
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost"]
    argv += kind[mechanism] + ["-ign_eof", "-sess_out", kept]
    out = []
    for i in range(n + 1):
        output = run(argv + (["-sess_in", kept] if i else []), REQUEST)
        page = one_page(output)
        assert (b"\nReused, " in output) == (page["session"] == "Reused"), output
        out.append(page)
    return out


def curl(port, mechanism, n, folder):
    """It asks for no tickets in TLS 1.2."""
    version = "1.3" if mechanism == "psk" else "1.2"
    url = f"https://localhost:{port}/session.json?[0-{n}]"
    return pages(run(["curl", "-sk4", f"--tlsv{version}", "--tls-max", version, url]))


def gnutls(port, mechanism, n, folder):
    version = "1.3" if mechanism == "psk" else "1.2"
    argv = ["gnutls-cli", "--resume", "--insecure", "--port", port, "localhost"]
    priority = f"NORMAL:-VERS-ALL:+VERS-TLS{version}"
    if mechanism == "session-id":
        priority += ":%NO_TICKETS"
    argv += ["--priority", priority] + (["--waitresumption"] if mechanism == "psk" else [])
    out = [{"session": "New"}]  # gnutls-cli asks only after it has resumed
    for _ in range(n):
        output = run(argv, REQUEST)
        page = one_page(output)
        assert (b"This is a resumed session" in output) == (page["session"] == "Reused"), output
        out.append(page)
    return out


def nss(port, mechanism, n, folder):
    request = Path(folder) / "request"
    request.write_bytes(REQUEST)
    version = "tls1.3" if mechanism == "psk" else "tls1.2"
    argv = ["tstclnt", "-h", "localhost", "-4", "-p", port, "-D", "-o", "-G", "-f"]
    argv += ["-V", f"{version}:{version}", "-L", n + 1, "-A", request]
    return pages(run(argv + (["-u"] if mechanism == "ticket" else [])))


def python(port, mechanism, n, folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    version = ssl.TLSVersion.TLSv1_3 if mechanism == "psk" else ssl.TLSVersion.TLSv1_2
    context.minimum_version = context.maximum_version = version
    if mechanism == "session-id":
        context.options |= ssl.OP_NO_TICKET
    session, out = None, []
    for _ in range(n + 1):
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
                tls.sendall(REQUEST)
                answer = b""
                while part := tls.recv(4096):
                    answer += part
                session = tls.session
                page = one_page(answer)
                assert tls.session_reused == (page["session"] == "Reused")
        out.append(page)
    return out


def node(port, mechanism, n, folder):
    version = "TLSv1.3" if mechanism == "psk" else "TLSv1.2"
    return pages(run(["node", HERE / "node_client.js", port, version, n]))


def chromium(port, mechanism, n, folder):
    """Its first two connections may both be New; they are left out."""
    limit = [] if mechanism == "psk" else ["--ssl-version-max=tls1.2"]
    with Browser(folder, limit) as browser:
        browser.open(f"https://localhost:{port}/")
        texts = browser.evaluate(
            f"""(async () => {{
                const out = [];
                for (let i = 0; i < {n + 2}; i++) {{
                    out.push(await (await fetch("/session.json", {{cache: "no-store"}})).text());
                }}
                return out;
            }})()"""
        )
    return [{"session": "New"}] + pages("\n".join(texts))[2:]


@dataclass(frozen=True)
class Client:
    name: str
    program: str
    drive: object
    mechanisms: tuple

    def missing(self):
        return self.program is not None and shutil.which(self.program) is None


EVERY = ("psk", "ticket", "session-id")
CLIENTS = (
    Client("openssl", "openssl", openssl, EVERY),
    Client("curl", "curl", curl, ("psk", "session-id")),
    Client("gnutls-cli", "gnutls-cli", gnutls, EVERY),
    Client("nss", "tstclnt", nss, EVERY),
    Client("python", None, python, EVERY),
    Client("node", "node", node, ("psk", "ticket")),
    Client("chromium", "chromium", chromium, ("psk", "ticket")),
)
CASES = [(client, mechanism) for client in CLIENTS for mechanism in client.mechanisms]
CASE_IDS = [f"{client.name}-{mechanism}" for client, mechanism in CASES]
