#!/bin/sh
# SPDX-License-Identifier: MIT
# unload.sh [TIMES] - an instrumented library is loaded, called and unloaded, TIMES over, in C and
# C++: it really goes, nothing grows, and its events stay readable after it has gone.
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:?the folder of the libraries under test}" "${TMPDIR:?}" "${FASTTRACE_DIR:?}"
times=${1:-100000}
failures=0
FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=4
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

fail()
{
	echo "FAIL $*"
	failures=$((failures + 1))
}

compile() # COMPILER OUT SOURCE ARGUMENT...
{
	compiler=$1 out=$2 source=$3
	shift 3
	"$compiler" -D_GNU_SOURCE -g -O1 -Wall -Wextra -Werror -I"$BUILD/include" "$@" \
		-o "$out" "$here/programs/$source" "$BUILD/libfasttrace.so" -Wl,-rpath,"$BUILD" -ldl
}

# Each of the plugin's events is in the table once, however often it was entered, and decodes.
look_inside() # NAME
{
	for e in loaded unloaded called; do
		[ "$(grep -c "name = \"plugin:$e\"" "$TMPDIR/trace/metadata")" -eq 1 ] ||
			fail "$1: event $e in the table"
	done
	if ! command -v babeltrace2 >/dev/null; then
		echo "     babeltrace2 is not installed"
		return
	fi
	prlimit --as=2000000000 babeltrace2 "$TMPDIR/trace" >"$TMPDIR/text" ||
		fail "$1: babeltrace2"
	tail -n 1 "$TMPDIR/text" | grep -q 'loader:done' || fail "$1: the last event"
	for e in loaded unloaded called; do
		grep -q "plugin:$e:" "$TMPDIR/text" || fail "$1: event $e is not to be read"
	done
}

one() # COMPILER SOURCE TIMES
{
	name=$1-$2
	if ! command -v "$1" >/dev/null; then
		echo "     $1 is not installed"
		return
	fi
	case $2 in
	*.cpp) std=c++17 ;;
	*) std=gnu11 ;;
	esac
	compile "$1" "$TMPDIR/plugin.so" "$2" -std=$std -shared -fPIC || {
		fail "$name does not build"
		return
	}
	rm -rf "$TMPDIR/trace"
	mkdir "$TMPDIR/trace"
	if "$BUILD/tests/life/helper_trace" "$TMPDIR/trace" "$TMPDIR/loader" "$TMPDIR/plugin.so" \
		"$3" >"$TMPDIR/log" 2>&1; then
		look_inside "$name"
		echo "ok   $name, $3 times: $(head -n 1 "$TMPDIR/log")"
	else
		fail "$name: $(cat "$TMPDIR/log")"
	fi
}

compile "${CC:-gcc}" "$TMPDIR/loader" loader.c -std=gnu11 || exit 1
one gcc plugin.c "$times"
one clang plugin.c 1000
one g++ plugin.cpp "$times"
one clang++ plugin.cpp 1000
[ "$failures" -eq 0 ]
