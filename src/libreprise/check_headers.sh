#!/bin/sh
# Each public header compiles alone, in C and in C++, without a warning.
# usage: check_headers.sh INCLUDE_DIR CC CXX
set -eu
dir=$1 cc=$2 cxx=$3
failed=0

check() {
    printf '#include <reprise/%s>\nextern int checked;\n' "$1" |
        "$2" -x "$3" -std="$4" -D_GNU_SOURCE -I "$dir" -Wall -Wextra -Wpedantic -Werror \
            -fsyntax-only - || failed=1
}

for path in "$dir"/reprise/*.h; do
    header=$(basename "$path")
    check "$header" "$cc" c c17
    if command -v "$cxx" >/dev/null; then
        check "$header" "$cxx" c++ c++17
    fi
done
exit $failed
