"""docs/OPERATIONS.md and the man pages name what the program has: they cannot fall behind."""

import re
import urllib.request

from harness import ROOT
from hosts import Hosts

OPERATIONS = (ROOT / "docs/OPERATIONS.md").read_text()
SOURCES = sorted((ROOT / "src").rglob("*.[ch]"))


def section(title):
    """The text below a heading, up to the next of its rank."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", OPERATIONS, re.M | re.S)
    assert found, f"no section {title}"
    return found[1]


def code(text):
    """What stands in backquotes outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def names_of(header, x_macro):
    """The texts in an X macro: RP_VERDICT_MAP and its like."""
    text = (ROOT / header).read_text()
    body = re.search(rf"#define {x_macro}\(X\)((?:.*\\\n)+.*)", text)[1]
    return re.findall(r'X\(\w+, "([^"]+)"\)', body)


def arguments(text, start):
    """Those of a call whose parenthesis opens at start, as written."""
    out, depth, at, quoted = [""], 0, start, False
    while True:
        c = text[at]
        if quoted and c == "\\":
            out[-1] += c
            at += 1
            c = text[at]
        elif c == '"':
            quoted = not quoted
        elif not quoted and c in "({":
            depth += 1
            if depth == 1:
                at += 1
                continue
        elif not quoted and c in ")}":
            depth -= 1
            if depth == 0:
                return [a.strip() for a in out]
        elif not quoted and c == "," and depth == 1:
            out.append("")
            at += 1
            continue
        out[-1] += c
        at += 1


def literals(expression, text):
    """The strings that an argument may be: a literal, a choice of two, or a constant's name."""
    if re.fullmatch(r"\w+", expression):
        constant = re.search(rf"static const char {expression}\[\] =\s*([^;]+);", text)
        expression = constant[1] if constant else expression
    joined = re.sub(r'"\s*"', "", expression)
    return re.findall(r'"((?:[^"\\]|\\.)*)"', joined)


def messages():
    """Every message that the programs log."""
    out = set()
    for path in SOURCES:
        text = path.read_text()
        if path.name in ("log.h", "limiter.h"):
            continue  # declarations
        for call in re.finditer(r"\b(LOG_LINE|log_line|limiter_init)\(", text):
            message = literals(arguments(text, call.end() - 1)[3 if call[1] == "limiter_init" else 2],
                               text)
            own = path.name in ("log.c", "limiter.c")  # where the message is a parameter
            assert message or own, f"{path}: {call[0]}: which message?"
            out.update(message)
    return out


def matches(pattern, message):
    """A code span of the document; ... stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("..."))).strip(), message)


def test_the_messages_are_found():
    found = messages()
    assert len(found) > 50
    assert {"ready", "handshake failed", "epoch", "the configuration stays as it was"} <= found


def test_each_log_line_is_explained():
    spans = [s.replace("... ", "...").replace(" ...", "...")
             for s in code(section("What each log line means"))]
    missing = [m for m in sorted(messages()) if not any(matches(s, m) for s in spans)]
    assert not missing, missing


def test_each_explained_log_line_exists():
    first = [row.split("|")[1] for row in section("What each log line means").splitlines()
             if row.startswith("| `")]
    log = (ROOT / "src/daemon/log.c").read_text()
    known = messages()
    gone = [s for row in first for s in code(row)
            if s not in log
            and not any(matches(s.replace("... ", "...").replace(" ...", "..."), m) for m in known)]
    assert not gone, gone


def test_each_metric_is_explained(open_folder, reprised, certificate):
    feed = {"nodejs": {"file": f"{open_folder}/fed/keys", "keys_may_reach_disk": True}}
    server = reprised(Hosts(reprised, certificate, open_folder).config(1) | {"feeds": [feed]})
    server.wait_log("fed")
    address = server.logs("admin listening")[0]["address"]
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    exposed = set(re.findall(r"^# TYPE reprise_(\w+)", text, re.M))
    named = set(code(section("What each metric means")))
    assert len(exposed) > 30
    assert exposed <= named, exposed - named
    rows = [row.split("|")[1] for row in section("What each metric means").splitlines()
            if re.match(r"\| `\w+_\w+`|\| `(epoch|keys|workers|draining)`", row)]
    explained = {name for row in rows for name in code(row)}
    assert explained <= exposed, explained - exposed
    labels = set(re.findall(r"[{,](\w+)=\"", text)) - {"le"}
    assert labels <= named, labels - named
    for text in (OPERATIONS, (ROOT / "packaging/reprise.rules.yml").read_text()):
        used = set(re.findall(r"\breprise_(\w+)(?=[{}\[` ])", text))
        assert used and used <= exposed, used - exposed


def test_each_label_is_explained():
    metrics = set(code(section("What each metric means")))
    header = "src/daemon/metrics.h"
    for macro in ("METRICS_REFUSAL_MAP", "METRICS_FAILURE_MAP", "METRICS_ROLE_MAP",
                  "METRICS_FLEET_EVENT_MAP"):
        names = set(names_of(header, macro))
        assert names and names <= metrics, names - metrics
    verdicts = set(names_of("include/reprise/verdict.h", "RP_VERDICT_MAP"))
    assert len(verdicts) > 10
    for title in ("What each metric means", "When sessions do not resume"):
        named = set(code(section(title)))
        assert verdicts <= named, (title, verdicts - named)


def test_each_directive_has_its_entry():
    page = (ROOT / "man/reprised.conf.5").read_text().replace("\\-", "-")
    entries = set(re.findall(r"^\.TP\n\.BR? (\w+)", page, re.M))
    directives = {name for path in SOURCES if path.name.startswith("config_")
                  for name in re.findall(r'\.name = "(\w+)"', path.read_text())}
    assert len(directives) > 40
    assert directives <= entries, directives - entries


def test_each_link_leads_somewhere():
    headings = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-")
                for h in re.findall(r"^## (.+)$", OPERATIONS, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", OPERATIONS):
        if target.startswith("#"):
            assert target[1:] in headings, target
        else:
            assert (ROOT / "docs" / target).exists(), target
    assert headings <= set(re.findall(r"\]\(#([^)]+)\)", OPERATIONS))


def test_each_verdict_is_in_the_manual():
    page = (ROOT / "man/reprised.8").read_text().replace("\\-", "-")
    for verdict in names_of("include/reprise/verdict.h", "RP_VERDICT_MAP"):
        assert verdict in page, verdict
