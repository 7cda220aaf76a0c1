#!/bin/sh
# The shared library exports what the public headers declare, and nothing else.
# usage: check_symbols.sh LIBRARY INCLUDE_DIR
set -eu
exported=$(nm -D --defined-only "$1" | awk '{ print $NF }' | sort -u)
stray=$(printf '%s\n' "$exported" | grep -v '^rp_' || true)
declared=$(sed -n 's/^RP_API.*[ *]\(rp_[a-z0-9_]*\)(.*/\1/p' "$2"/reprise/*.h | sort -u)
failed=0

if [ -n "$stray" ]; then
    echo "exported without the rp_ prefix:" $stray
    failed=1
fi
if [ -z "$declared" ] || [ "$exported" != "$declared" ]; then
    echo "exported:" $exported
    echo "declared:" $declared
    failed=1
fi
exit $failed
