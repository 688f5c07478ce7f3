#!/bin/sh
# SPDX-License-Identifier: MIT
# copies.sh - several copies of libfasttrace in one process: one arena, hooks once, no harm by
# unloading. The copies are those of plugins that carry libfasttrace.a, visible or not.
set -eu

: "${BUILD:?the folder of the programs under test}" "${FASTTRACE_DIR:?}" "${TMPDIR:?}"
here=$(cd "$(dirname "$0")" && pwd)
CC=${CC:-cc}
a=$BUILD/libfasttrace.a
host=$BUILD/tests/life/copies
failures=0
cd "$TMPDIR"

plugin() # NAME LIBRARY [FLAG...]: NAME.so
{
	name=$1 lib=$2
	shift 2
	$CC -std=gnu11 -D_GNU_SOURCE -O2 -fPIC -pthread -shared -DPLUGIN="$name" \
		-I"$here/../../include" -o "$name.so" "$here/copies.c" "$lib" "$@"
}

check() # TEXT STATUS OUTPUT COMMAND...: and nothing is left but what has a status of 0
{
	text=$1 status=$2 expected=$3
	shift 3
	code=0
	got=$(timeout 60 "$@" 2>&1) || code=$?
	left=$(find "$FASTTRACE_DIR" -mindepth 1 | wc -l)
	find "$FASTTRACE_DIR" -mindepth 1 -delete
	if [ "$got" = "$expected" ] && [ "$code" -eq "$status" ] && [ "$left" -eq "${leave:-0}" ]; then
		echo "ok - $text"
		return
	fi
	echo "not ok - $text: \"$got\" ($code, $left left), expected \"$expected\" ($status)"
	failures=$((failures + 1))
}

for p in one two three; do plugin $p "$a" -Wl,--exclude-libs,ALL; done
for p in red blue; do plugin $p "$a"; done
for p in high low; do plugin $p "$a" -Wl,-Bsymbolic; done
plugin shared "$BUILD/libfasttrace.so" -Wl,-rpath,"$BUILD"
for traced in so a; do
	# shellcheck disable=SC2046 # words
	$CC -std=gnu11 -D_GNU_SOURCE -O2 -pthread -DTRACED -I"$here/.." -I"$here/../../include" \
		-o "host-$traced" "$here/copies.c" "$BUILD/tests/unit/fixture.o" \
		"$BUILD/libfasttrace-reader.a" "$BUILD/libfasttrace.$traced" -Wl,-rpath,"$BUILD" \
		$(pkg-config --cflags --libs cmocka glib-2.0) -ldl -lm
done

check "hidden copies: one arena" 42 "arenas 1 buffers 3 begun 6 readable 6" \
	"$host" local ./one.so ./two.so ./three.so
check "visible copies: the linker merges them" 42 "arenas 1 buffers 1 begun 4 readable 4" \
	"$host" global ./red.so ./blue.so
check "visible copies, each in a scope of its own" 42 "arenas 1 buffers 2 begun 4 readable 4" \
	"$host" local ./red.so ./blue.so
check "bound to themselves" 42 "arenas 1 buffers 2 begun 4 readable 4" \
	"$host" global ./high.so ./low.so
check "a shared and a static one" 42 "arenas 1 buffers 2 begun 4 readable 4" \
	"$host" local ./shared.so ./one.so
check "a static and a shared one" 42 "arenas 1 buffers 2 begun 4 readable 4" \
	"$host" local ./one.so ./shared.so
check "a program with the shared one, static plugins" 42 "arenas 1 buffers 3 begun 5 readable 5" \
	./host-so local ./one.so ./two.so
check "a program with the static one, static plugins" 42 "arenas 1 buffers 3 begun 5 readable 5" \
	./host-a local ./one.so ./two.so
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	check "first events at one time, $i" 42 "arenas 1 buffers 4 begun 4 readable 4" \
		"$host" race ./one.so ./two.so ./red.so ./shared.so
done
# One arena of the program, with an event; three of children and three of theirs, with three each.
leave=6 check "forked children, copies silent until then" 42 \
	"arenas 7 buffers 19 begun 19 readable 19" "$host" forks ./one.so ./two.so ./red.so
check "200 forks leak nothing" 42 "= =
arenas 1 buffers 2 begun 4 readable 4" "$host" loop ./one.so ./two.so
for p in one red high shared; do
	check "closed, then the thread's end, fork and exit: $p" 42 \
		"arenas 1 buffers 2 begun 4 readable 4" "$host" closing ./$p.so
	check "100 times loaded and closed: $p" 42 "= =
arenas 1 buffers 1 begun 200 readable 200" "$host" reloading ./$p.so
done
for program in "$host" ./host-so ./host-a; do
	leave=2 check "the status of exit(), ${program##*/}" 0 "exited 42" "$program" served ./one.so ./shared.so
done
leave=1 check "an arena that stays is one" 0 "arenas 1 buffers 2 begun 4 readable 4" \
	"$host" leave ./one.so ./two.so
echo "$failures failed"
exit $((failures != 0))
