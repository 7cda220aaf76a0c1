"""The table fault x finding: as it should be, for docs/LABORATORY.md, and as it came out."""

import faults

HEAD = ("fault", "what it is", "where", "the prober says")


def words(of):
    return ", ".join(f"`{w}`" for w in sorted(of)) or "nothing"


def expected(fault):
    out = words((*fault.findings, *fault.causes))
    if fault.also:
        out += f" (and perhaps {words(fault.also)})"
    return out


def text(results=None):
    """Markdown. results: what the prober said of each fault; without, what it has to say."""
    rows = [HEAD, ("---",) * len(HEAD)]
    for fault in faults.FAULTS:
        said = expected(fault) if results is None else words(results.get(fault.name, ()))
        rows.append((f"`{fault.name}`", fault.says, fault.where(), said))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


if __name__ == "__main__":
    print(text(), end="")
