#!/bin/sh
# SPDX-License-Identifier: MIT
# races.sh - tracer and reader, built with ThreadSanitizer and run in one process on one mapping
# (programs/races.c), in each mode: not one report. With an order taken away there is one.
#
# What it cannot see: what fences order, for the sanitizer does not know them (tests/model/litmus.sh
# has these); a snapshot's copy and the text of the rules, which are looked at again afterwards and
# are left out by name (include/ft-tsan.h); handlers at any instruction, for it holds them back
# until the next call.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${TMPDIR:?}"
export FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=4 FASTTRACE_MAX_MEMORY=400K
export FASTTRACE_BLOCK_TIMEOUT=50ms
seconds=${RACES_SECONDS:-2}
failures=0 events=0 reports=0 weak=0 seen=0 running=
trap '[ -z "$running" ] || kill "$running" 2>/dev/null; exit 143' TERM INT HUP

compile() # SOURCES OBJECT...: "reader/walk" from SOURCES/reader/walk.c, to here
{
	sources=$1
	shift
	for object; do
		case $object in
		races) source=$here/programs/races.c ;;
		*) source=$sources/$object.c ;;
		esac
		mkdir -p "$(dirname "$object")"
		# shellcheck disable=SC2046 # words
		gcc -std=gnu11 -D_GNU_SOURCE -DFASTTRACE_VERSION='"0"' -O1 -g -Wno-tsan \
			-fsanitize=thread -I"$sources/include" -I"$sources/tracer" \
			-I"$sources/reader" -I"$root/tests" $(pkg-config --cflags glib-2.0) \
			-c "$source" -o "$object.o" || return
	done
	# shellcheck disable=SC2046
	gcc -fsanitize=thread -o races races.o tracer/*.o reader/*.o \
		$(pkg-config --libs glib-2.0) -pthread
}

run() # MODE OPTIONS: exit status 66 when the sanitizer reported
{
	FASTTRACE_MODE=$1 TSAN_OPTIONS=exitcode=66:$2 ./races "$seconds" >"$TMPDIR/log" 2>&1 &
	running=$!
	wait "$running"
	code=$?
	running=
}

fail() # TEXT
{
	failures=$((failures + 1))
	echo "FAIL $1"
	head -n 80 "$TMPDIR/log"
}

clean() # MODE
{
	run "$1" ''
	tail -n 3 "$TMPDIR/log"
	[ "$code" -eq 0 ] || fail "$1: exit status $code"
	begun=$(sed -n 's/^begun \([0-9]*\) .*/\1/p' "$TMPDIR/log")
	events=$((events + ${begun:-0}))
	reports=$((reports + $(grep -c 'WARNING: ThreadSanitizer' "$TMPDIR/log")))
}

# In a copy, FROM, which stands in FILE once, becomes TO; OBJECTS are made anew. A report must come.
weaker() # NAME MODE "OBJECT..." FILE FROM TO
{
	weak=$((weak + 1))
	rm -rf "$TMPDIR/weak"
	cp -r "$TMPDIR/strong" "$TMPDIR/weak" && cd "$TMPDIR/weak" && mkdir sources &&
		cp -r "$root/include" "$root/tracer" "$root/reader" sources/
	: >"$TMPDIR/log"
	# shellcheck disable=SC2086 # objects are words
	if ! FROM=$5 TO=$6 perl -0777 -i -pe \
		'$n = s/\Q$ENV{FROM}\E/$ENV{TO}/g; END { exit($n != 1) }' "sources/$4"; then
		fail "$1: does not apply to $4"
	elif ! compile "$TMPDIR/weak/sources" $3; then
		fail "$1: does not build"
	else
		run "$2" halt_on_error=1
		if [ "$code" -eq 66 ]; then
			echo "ok   $1: reported"
			seen=$((seen + 1))
		else
			fail "$1: the sanitizer says nothing"
		fi
	fi
}

echo 'int main(void) { return 0; }' >"$TMPDIR/empty.c"
if ! gcc -fsanitize=thread -o "$TMPDIR/empty" "$TMPDIR/empty.c" 2>/dev/null ||
	! "$TMPDIR/empty" 2>/dev/null; then
	echo "gcc -fsanitize=thread does not run here"
	exit 77
fi
mkdir -p "$TMPDIR/strong" && cd "$TMPDIR/strong" || exit 2
# shellcheck disable=SC2046 # no file name has a space
compile "$root" races $(cd "$root" && printf '%s\n' tracer/*.c reader/*.c | sed 's/\.c$//') || exit 1
for mode in overwrite discard block; do
	clean "$mode"
done

weaker commit:W overwrite races include/fasttrace-abi.h \
	'r->after, __ATOMIC_RELEASE); /* commit:W */' 'r->after, __ATOMIC_RELAXED);'
weaker deliver:R overwrite reader/consume reader/consume.c \
	'ft_load_acquire(&slot->committed); /* deliver:R */' 'ft_load_relaxed(&slot->committed);'
weaker swap:W overwrite reader/consume include/ft-atomic.h \
	'(new), 0, __ATOMIC_ACQ_REL,' '(new), 0, __ATOMIC_ACQUIRE,'
weaker event:W overwrite tracer/event include/ft-atomic.h \
	'(new), 0, __ATOMIC_ACQ_REL,' '(new), 0, __ATOMIC_ACQUIRE,'
weaker attach:W overwrite tracer/buffer tracer/buffer.c \
	'ft_store_release(&place_of(a, *index)->ready, 1); /* attach:W */' \
	'ft_store_relaxed(&place_of(a, *index)->ready, 1);'

printf 'row\t%s\t%s\t%s\t%s\n' "writer and reader on one mapping under ThreadSanitizer" \
	"$events events, 3 modes; $weak orders taken away" "no data race; each missing order reported" \
	"$reports reports; $seen of $weak reported"
[ "$failures" -eq 0 ]
