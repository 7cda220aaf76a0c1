"""
The table fault x finding, as it should be, for docs/LABORATORY.md, and as it came out; and that of
the sound servers.
"""

import faults
import sound

HEAD = ("fault", "what it is", "where", "the prober says")


def words(of):
    return ", ".join(f"`{w}`" for w in sorted(of)) or "nothing"


def expected(fault):
    out = words((*fault.findings, *fault.causes))
    if fault.also:
        out += f" (and perhaps {words(fault.also)})"
    return out


def _markdown(rows):
    rows = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def text(results=None):
    """Markdown. results: what the prober said of each fault; without, what it has to say."""
    rows = [HEAD]
    for fault in faults.FAULTS:
        said = expected(fault) if results is None else words(results.get(fault.name, ()))
        rows.append((f"`{fault.name}`", fault.says, fault.where(), said))
    return _markdown(rows)


def sound_text():
    rows = [("server", "what is noted of it")]
    for server in sound.SERVERS:
        name = f"the laboratory's, without `{server.name}`" if server in sound.LAB else server.name
        rows.append((name, words(server.notes)))
    return _markdown(rows)


if __name__ == "__main__":
    print(text())
    print(sound_text(), end="")
