#!/usr/bin/python3
"""Puts a web page into the program.

embed.py NAME PAGE STYLE... SCRIPT SOURCE HEADER writes the C source and the header of the constant
NAME_html: the page with its styles, as one, and its script where it names them (<link
rel="stylesheet" href="..."> and <script src="..."></script>), and the hashes by which a
Content-Security-Policy allows these and nothing else. SCRIPT is - for a page without one.
"""

import base64
import hashlib
import os
import sys


def csp_hash(text):
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def replace_once(page, what, by):
    if page.count(what) != 1:
        sys.exit(f"embed.py: {what} must be in the page once")
    return page.replace(what, by)


def array(data, width=16):
    """As character constants: a string literal of this size is longer than C promises."""
    rows = []
    for i in range(0, len(data), width):
        rows.append("    " + ", ".join(f"'\\x{byte:02x}'" for byte in data[i:i + width]) + ",")
    return "\n".join(rows)


def main():
    name, page_path, *style_paths, script_path, source, header = sys.argv[1:]
    style = "\n".join(map(read, style_paths))
    links = [f'<link rel="stylesheet" href="{os.path.basename(path)}">' for path in style_paths]
    page = replace_once(read(page_path), "\n".join(links), f"<style>{style}</style>")
    hashes = [("STYLE", csp_hash(style))]
    if script_path != "-":
        script = read(script_path)
        page = replace_once(page, f'<script src="{os.path.basename(script_path)}"></script>',
                            f"<script>{script}</script>")
        hashes.append(("SCRIPT", csp_hash(script)))
    upper = name.upper()
    defines = "\n".join(f'#define {upper}_{what}_HASH "{digest}"' for what, digest in hashes)
    with open(header, "w", encoding="utf-8") as file:
        file.write(f"""/* Made by embed.py from {os.path.basename(page_path)}. */
#ifndef {upper}_H
#define {upper}_H

{defines}

extern const char {name}_html[]; /* NUL-terminated */

#endif
""")
    with open(source, "w", encoding="utf-8") as file:
        file.write(f"""/* Made by embed.py from {os.path.basename(page_path)}. */
#include "{os.path.basename(header)}"

const char {name}_html[] = {{
{array(page.encode())}
    '\\0',
}};
""")


if __name__ == "__main__":
    main()
