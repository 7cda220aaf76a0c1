"""The tables, and the same as JSON."""

import json
import os
import statistics
import subprocess
from pathlib import Path

OURS = "reprised"
ROWS = {
    "full12": "full, TLS 1.2", "full13": "full, TLS 1.3", "id": "session ID, TLS 1.2",
    "ticket": "ticket, TLS 1.2", "psk": "PSK, TLS 1.3",
    "down": "to the client", "up": "from the client",
    "idle12": "TLS 1.2", "idle13": "TLS 1.3",
}
GOALS = {"full12": 1.0, "full13": 1.0, "id": 0.9, "ticket": 0.9, "psk": 0.9, "down": 1.0,
         "up": 1.0}


def machine():
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((x.split(":")[1].strip() for x in cpuinfo if x.startswith("model name")), "?")
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=False)
    uname = os.uname()
    return {"cpu": model, "cores": os.cpu_count(), "kernel": f"{uname.sysname} {uname.release}",
            "openssl": openssl.stdout.strip(), "load_average": os.getloadavg()}


def _median(samples, key):
    values = [s[key] for s in samples if s.get(key) is not None]
    return statistics.median(values) if values else None


def _spread(samples, key):
    """Half of the distance between the quartiles, as a share of the median."""
    values = sorted(s[key] for s in samples)
    middle = statistics.median(values)
    if len(values) < 4 or not middle:
        return None
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / 2 / middle


def _low(samples, key):
    """The lower quartile: others who use the machine only ever add, so this is nearer to what a
    quiet machine would show."""
    values = sorted(s[key] for s in samples)
    return values[len(values) // 4]


def summary(rounds, servers, kind, key):
    """Of one row: medians by server, and ours beside the best peer's, round by round.

    rounds is a list of {server: sample}, one for each round. Within a round servers were measured
    right after each other, so the median of the rounds' ratios moves less with the machine than the
    ratio of the medians.
    """
    out = {"kind": kind, "servers": {}}
    for server in servers:
        samples = [r[server] for r in rounds if server in r]
        if samples:
            keys = samples[0].keys()
            out["servers"][server] = {k: _median(samples, k) for k in keys}
            out["servers"][server]["rounds"] = len(samples)
            out["servers"][server]["spread"] = _spread(samples, key)
            out["servers"][server]["low"] = _low(samples, key)
    peers = {s: v[key] for s, v in out["servers"].items() if s != OURS}
    if OURS in out["servers"] and peers:
        out["best"] = best = min(peers, key=peers.get)
        ratios = [r[OURS][key] / r[best][key] for r in rounds if OURS in r and best in r]
        out["ratio"] = statistics.median(ratios) if ratios else None
        out["ratio_low"] = (out["servers"][OURS]["low"] /
                            min(out["servers"][p]["low"] for p in peers))
        if kind in GOALS:
            out["goal"] = GOALS[kind]
    return out


def _cell(row, server, key, digits):
    found = row["servers"].get(server)
    return "-" if found is None else f"{found[key]:,.{digits}f}"


def _verdict(row):
    if row.get("ratio") is None:
        return "", ""
    if "goal" not in row:
        return f"{row['ratio']:.2f}", ""
    # A level is a level within what this measurement can tell.
    margin = 0.02 if row["goal"] == 1.0 else 0.0
    return f"{row['ratio']:.2f}", "met" if row["ratio"] <= row["goal"] + margin else "missed"


def _table(title, rows, servers, key, digits, extra=()):
    heads = ["", *servers, "ratio", "goal", *[e[0] for e in extra]]
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        ratio, verdict = _verdict(row)
        lines.append([ROWS[row["kind"]], *[_cell(row, s, key, digits) for s in servers], ratio,
                      verdict, *[e[1](row) for e in extra]])
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    text = "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths)) + " |"
                     for line in lines)
    return f"{title}\n\n{text}\n"


def _held(row):
    """Connections a second that one core would hold."""
    return f"{1e6 / row['servers'][OURS]['us']:,.0f}" if OURS in row["servers"] else "-"


def _user(row):
    found = row["servers"].get(OURS, {}).get("user_share")
    return f"{found * 100:.0f} %" if found is not None else "-"


def _ratio_low(row):
    return f"{row['ratio_low']:.2f}" if "ratio_low" in row else ""


def _others(row):
    """What others took of a core meanwhile, the most of all servers' medians."""
    return f"{max(v.get('foreign', 0) for v in row['servers'].values()) * 100:.0f} %"


def _rate(row):
    return " / ".join(_cell(row, s, "per_second", 2) for s in row["servers"])


def text(result):
    servers = result["servers"]
    parts = [f"{result['machine']['cpu']}, {result['machine']['cores']} cores, "
             f"{result['machine']['kernel']}, {result['machine']['openssl']}",
             *[f"{s}: {v}" for s, v in result["versions"].items()], ""]
    for backend, rows in result["handshakes"].items():
        parts.append(_table(
            f"Server's CPU, microseconds a connection, {backend} backend "
            f"(ratio: {OURS} to the best peer)", rows, servers, "us", 1,
            (("ratio of lower quartiles", _ratio_low), ("a core holds, /s", _held), ("user", _user), ("disturbed", _others))))
    for backend, rows in result["bulk"].items():
        parts.append(_table(
            f"Server's CPU, microseconds a gigabyte, {backend} backend", rows, servers, "us", 0,
            (("GB/s reached, in that order", _rate), ("disturbed", _others))))
    if result["idle"]:
        parts.append(_table("Memory of an idle connection, kB of PSS", result["idle"], servers,
                            "kb", 1))
    for line in result["skipped"]:
        parts.append(f"skipped: {line}")
    for line in result["unexpected"]:
        parts.append(f"does not count: {line}")
    return "\n".join(parts)


def write_json(result, path):
    Path(path).write_text(json.dumps(result, indent=1) + "\n")
