#!/bin/sh
# SPDX-License-Identifier: MIT
# sanitized.sh - programs built with the sanitizers, linked with the ordinary library, static and
# shared: many short threads that hand on their buffers, a fork; not one report.
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:?the folder of the libraries under test}" "${TMPDIR:?}"
FASTTRACE_MAX_MEMORY=1M FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=2
export FASTTRACE_MAX_MEMORY FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS
failures=0 done=0

library() # static|shared: what to link with
{
	if [ "$1" = static ]; then
		echo "$BUILD/libfasttrace.a"
	else
		echo "$BUILD/libfasttrace.so -Wl,-rpath,$BUILD"
	fi
}

one() # COMPILER SANITIZER static|shared
{
	name=many-$1-$2-$3
	# shellcheck disable=SC2046 # words
	if ! "$1" -std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize="$2" -I"$BUILD/include" \
		-o "$TMPDIR/$name" "$here/programs/many.c" $(library "$3") -pthread; then
		echo "FAIL $name: does not build"
		failures=$((failures + 1))
		return
	fi
	"$TMPDIR/$name" >"$TMPDIR/log" 2>&1
	code=$?
	done=$((done + 1))
	if [ "$code" -ne 0 ] || [ -s "$TMPDIR/log" ]; then
		echo "FAIL $name: exit status $code"
		head -n 60 "$TMPDIR/log"
		failures=$((failures + 1))
	else
		echo "ok   $name"
	fi
}

runs() # COMPILER SANITIZER: does a program of it run here at all?
{
	echo 'int main(void) { return 0; }' >"$TMPDIR/empty.c"
	"$1" -fsanitize="$2" -o "$TMPDIR/empty" "$TMPDIR/empty.c" 2>/dev/null &&
		"$TMPDIR/empty" 2>/dev/null
}

for cc in gcc clang; do
	for san in address undefined thread; do
		if ! runs $cc $san; then
			echo "     $cc -fsanitize=$san does not run here"
			continue
		fi
		one $cc $san static
		one $cc $san shared
	done
done
if [ "$done" -eq 0 ] && [ "$failures" -eq 0 ]; then
	echo "no sanitizer runs here"
	exit 77
fi
[ "$failures" -eq 0 ]
