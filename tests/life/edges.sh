#!/bin/sh
# SPDX-License-Identifier: MIT
# edges.sh - events before main() and after it, of constructors and destructors of every kind and
# order, of threads that have ended: each arrives. In programs and in shared libraries; with the
# static library and the shared one.
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:?the folder of the libraries under test}" "${TMPDIR:?}" "${FASTTRACE_DIR:?}"
source=$here/programs/edges.cpp
failures=0 done=0

compile() # COMPILER OUT ARGUMENT...
{
	compiler=$1 out=$2
	shift 2
	"$compiler" -std=c++17 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Werror \
		-I"$BUILD/include" -o "$out" "$source" "$@" -pthread
}

one() # NAME PROGRAM: as many events as it wrote dots
{
	rm -rf "$TMPDIR/trace"
	mkdir "$TMPDIR/trace"
	if ! "$BUILD/tests/life/helper_trace" "$TMPDIR/trace" "$2" >"$TMPDIR/out" 2>"$TMPDIR/err"; then
		echo "FAIL $1: $(cat "$TMPDIR/err")"
		failures=$((failures + 1))
		return
	fi
	dots=$(tr -dc . <"$TMPDIR/out" | wc -c)
	counts=$(tr -d . <"$TMPDIR/out")
	if [ "$counts" != "$dots $dots" ] || [ "$dots" -lt 20 ] || [ -s "$TMPDIR/err" ]; then
		echo "FAIL $1: $dots events, begun and there: $counts: $(cat "$TMPDIR/err")"
		failures=$((failures + 1))
	else
		echo "ok   $1: $dots events"
	fi
	done=$((done + 1))
}

both() # COMPILER
{
	shared="$BUILD/libfasttrace.so -Wl,-rpath,$BUILD"
	# shellcheck disable=SC2086 # words
	if ! { compile "$1" "$TMPDIR/static" "$BUILD/libfasttrace.a" &&
		compile "$1" "$TMPDIR/shared" $shared &&
		compile "$1" "$TMPDIR/libedges.so" -shared -fPIC -DEDGES_LIBRARY $shared &&
		compile "$1" "$TMPDIR/library" -DEDGES_WITH_LIBRARY "$TMPDIR/libedges.so" $shared \
			-Wl,-rpath,"$TMPDIR"; }; then
		echo "FAIL $1: does not build"
		failures=$((failures + 1))
		return
	fi
	for program in static shared library; do
		one "$1, $program" "$TMPDIR/$program"
	done
}

for cxx in g++ clang++; do
	if command -v $cxx >/dev/null; then
		both $cxx
	else
		echo "     $cxx is not installed"
	fi
done
if [ "$done" -eq 0 ] && [ "$failures" -eq 0 ]; then
	echo "no C++ compiler is installed"
	exit 77
fi
[ "$failures" -eq 0 ]
