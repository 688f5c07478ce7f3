#!/bin/sh
# SPDX-License-Identifier: MIT
# instructions.sh - how many instructions an event takes, start-up and loop apart, as valgrind counts
# them: the same number each time, so that one more is seen. Fails if it is over what it was, which
# is stated for gcc 12 -O2; of another compiler an eighth more is let pass. And fails if one has a lock.
#
# A loop is run twice, with different numbers of events (instructions.c): the difference is exact. A
# sub-buffer's switch is what a run over many of them takes beyond its events.
set -eu

work=${TMPDIR:-/tmp}/instructions.$$
program=${BUILD:?the folder of the programs under test}/tests/bench/instructions
FASTTRACE_DIR=${FASTTRACE_DIR:-$work}
export FASTTRACE_DIR FASTTRACE_EVENTS='!count_off'
failures=0 loops='none off u64 four literal string sixteen scope'
command -v valgrind >/dev/null || {
	echo "valgrind is not installed"
	exit 77
}
mkdir -m 700 "$work"
trap 'rm -rf "$work"' EXIT

collect() # EVENTS EVENTS: what each loop took with either, as LOOP_1 and LOOP_2
{
	rm -f "$work"/out*
	marks=
	for l in $loops; do marks="$marks --zero-before=loop_$l --dump-after=loop_$l"; done
	# shellcheck disable=SC2086 # words
	valgrind -q --tool=callgrind --callgrind-out-file="$work/out" $marks "$program" "$@" \
		>"$work/said" 2>&1 || {
		code=$?
		cat "$work/said"
		exit "$code"
	}
	awk '/^part:/ { part = $2 } /^desc: Trigger: --dump-after=/ { sub(/.*=loop_/, ""); name = $0 }
		/^totals:/ && name { total[name, part] = $2; name = "" }
		END { for (i in total) { split(i, a, SUBSEP); print a[2], a[1], total[i] } }' \
		"$work"/out.* | sort -n | awk '{ n[$2]++; if (n[$2] > 1) print $2 "_" n[$2] - 1, $3 }' \
		>"$work/counts"
}

fails() # TEXT
{
	echo "not ok - $1"
	failures=$((failures + 1))
}

count_of() # LOOP_RUN
{
	awk -v l="$1" '$1 == l { print $2 }' "$work/counts"
}

more() # LOOP: instructions that its second run took more
{
	echo $(($(count_of "$1_2") - $(count_of "$1_1")))
}

limit() # COUNT: with the compiler that was used
{
	case $(readelf -p .comment "$program") in
	*clang*) echo $(($1 * 9 / 8)) ;;
	*'GCC: ('*') 12.'*) echo "$1" ;;
	*) echo $(($1 * 9 / 8)) ;;
	esac
}

expect() # WHAT COUNT LIMIT
{
	printf '%-40s %5d\n' "$1" "$2"
	if [ "$2" -lt 1 ] || [ "$2" -gt "$3" ]; then
		fails "$1: $2 instructions, expected 1 to $3"
	fi
}

event() # LOOP LIMIT WHAT: so many for each of 1000
{
	took=$(($(more "$1") - $(more none)))
	[ "$1" = string ] || [ $((took % 1000)) -eq 0 ] || # libc looks at where pages end
		fails "$3: $took instructions for 1000 events: not as many for each"
	expect "$3" $((took / 1000)) "$(limit "$2")"
}

# One instruction with a lock takes as long as twenty without.
locked()
{
	objdump -d --no-show-raw-insn "$program" |
		awk '/^$/ { loop = 0 } /<loop_[a-z0-9]*>:$/ { loop = 1; found++ } loop && /[ \t](lock|xchg) .*\(/
			END { exit !found }'
}

# No sub-buffer ends.
export FASTTRACE_SUBBUF_SIZE=4M FASTTRACE_SUBBUFS=2
collect 1000 2000
event off 4 'an event that is off'
event u64 47 'an event with one u64'
event four 52 'an event with four integers'
event literal 48 'an event with a literal of 16 bytes'
event string 114 'an event with a string of 16 bytes' # libc's strlen() takes its part
event sixteen 90 'an event with sixteen u64'
event scope 89 'a SCOPE, which is two events'
each=$((($(more u64) - $(more none)) / 1000))

# 128 KiB less the header hold 8186 events of 16 bytes.
export FASTTRACE_SUBBUF_SIZE=128K FASTTRACE_SUBBUFS=8
in=8186 switches=16
collect $((in * switches)) $((in * switches * 2))
took=$(($(more u64) - $(more none) - each * in * switches))
expect 'a switch of sub-buffers' $((took / switches)) "$(limit 579)"
echo "$each $((took / switches)) $in" | awk '{ printf "an event with its part in switches  %.3f\n", $1 + $2 / $3 }'
# The page that explains each of them.
page=$(dirname "$0")/../../docs/performance.md
rows=$(grep -c '^| [0-9]* | `' "$page")
[ "$rows" -eq "$each" ] || [ "$(limit 8)" -ne 8 ] || fails "$page explains $rows instructions of an event"
case $(uname -m) in
x86_64) [ -z "$(locked)" ] || fails "the straight path has a locked instruction: $(locked)" ;;
esac
[ "$failures" -eq 0 ]
