#!/bin/sh
# SPDX-License-Identifier: MIT
# musl.sh - the library built for another C library, in a static program: it traces, and the reader
# reads its arena.
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:?the folder of the programs under test}" "${TMPDIR:?}" "${FASTTRACE_DIR:?}"
tracer=$here/../../tracer include=$here/../../include
FASTTRACE_MAX_MEMORY=8M FASTTRACE_SUBBUF_SIZE=16K FASTTRACE_SUBBUFS=4
export FASTTRACE_MAX_MEMORY FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

if ! command -v musl-gcc >/dev/null; then
	echo "musl-gcc is not installed"
	exit 77
fi
if [ ! -e "$tracer/process.c" ]; then
	echo "the library's sources are not here"
	exit 77
fi

# The kernel's headers, without those of the system's own C library beside them.
kernel=$TMPDIR/kernel
mkdir "$kernel"
for dir in linux asm-generic; do
	ln -s "/usr/include/$dir" "$kernel/$dir"
done
asm=/usr/include/$(gcc -print-multiarch)/asm
[ -d "$asm" ] || asm=/usr/include/asm
ln -s "$asm" "$kernel/asm"

compile()
{
	musl-gcc -std=gnu11 -D_GNU_SOURCE -DFASTTRACE_VERSION='"musl"' -O2 -g -Wall -Wextra -Werror \
		-I"$include" -idirafter "$kernel" "$@"
}

mkdir "$TMPDIR/objects" "$TMPDIR/trace"
for source in "$tracer"/*.c; do
	compile -c -o "$TMPDIR/objects/$(basename "$source").o" "$source" || exit 1
done
ar rcs "$TMPDIR/libfasttrace.a" "$TMPDIR"/objects/*.o || exit 1
compile -static -o "$TMPDIR/many" "$here/programs/many.c" "$TMPDIR/libfasttrace.a" -pthread ||
	exit 1
counts=$("$BUILD/tests/life/helper_trace" "$TMPDIR/trace" "$TMPDIR/many" die) || exit 1
echo "begun and readable: $counts"
# 4 creators, 500 threads each, 200 events each; a signal
[ "${counts% *}" -eq 400001 ] && [ "${counts#* }" -gt 1000 ] || exit 1
[ "$(grep -c 'name = "many:number"' "$TMPDIR/trace/metadata")" -eq 1 ] || exit 1
if command -v babeltrace2 >/dev/null; then
	lines=$(prlimit --as=2000000000 babeltrace2 "$TMPDIR/trace" | grep -c 'some text')
	echo "decoded: $lines"
	[ "$lines" -gt 1000 ]
fi
