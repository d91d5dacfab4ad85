#!/usr/bin/env bash
# Compiles and links all of csrc/ that knows no Python for aarch64, with the generic kernels.
# Needs Debian's g++-aarch64-linux-gnu. CXX names another compiler.
set -euo pipefail
cd "$(dirname "$0")/.."

compiler="${CXX:-aarch64-linux-gnu-g++}"
command -v "$compiler" >/dev/null || {
  echo "$compiler is not installed: apt-get install g++-aarch64-linux-gnu" >&2
  exit 1
}
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT

# The choice of files is CMakeLists.txt's for a processor that is not x86-64.
find csrc/core csrc/program csrc/cpu -maxdepth 1 -name '*.cpp' ! -name '*x86*' >"$out/sources"
find csrc/cpu/gemm csrc/cpu/generic -name '*.cpp' >>"$out/sources"
xargs -P "$(nproc)" -I{} sh -c \
  '"$0" -c -std=c++20 -O2 -fPIC -Wall -Wextra -Werror -ffp-contract=off -Icsrc "$1" \
    -o "$2/$(echo "$1" | tr / _).o"' "$compiler" {} "$out" <"$out/sources"
# Linked without undefined symbols, so that no file relies on one that only x86-64 has.
"$compiler" -shared -Wl,--no-undefined -o "$out/core.so" "$out"/*.o -pthread
echo "$(wc -l <"$out/sources") files compiled and linked for $("$compiler" -dumpmachine)"
