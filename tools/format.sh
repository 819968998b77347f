#!/bin/sh
# Formats the tree's C++ with clang-format 14, so that everyone gets the same result (others differ in detail).
# Without arguments it rewrites the files; with --check it changes nothing, names the files and exits with 1.
set -eu
cd "$(dirname "$0")/.."
tool=${CLANG_FORMAT:-clang-format-14}
command -v "$tool" >/dev/null || {
    echo "format: $tool is not installed (Debian: clang-format-14)" >&2
    exit 2
}
case ${1:-} in
    "") options="-i" ;;
    --check) options="--dry-run --Werror" ;;
    *)
        echo "usage: tools/format.sh [--check]" >&2
        exit 2
        ;;
esac
for folder in src include emulator tests bench examples; do
    [ ! -d "$folder" ] || find "$folder" \( -name '*.h' -o -name '*.cpp' \) -print0
done | xargs -0 -r "$tool" --style=file $options || exit 1
