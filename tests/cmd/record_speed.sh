#!/bin/sh
# SPDX-License-Identifier: MIT
# record_speed.sh [strict] - fasttrace record loses nothing of a program that writes at full speed, and
# is faster by far than LTTng-UST where that loses nothing either: the same events, to tmpfs, by turns,
# from the first one until all are in the file. `strict` holds it against what is aimed at, on a machine
# that has nothing else to do, and goes through a mount as well (where two threads, who read and the
# daemon share two processors, it is no aim); without, a test among others notices what has become half
# as fast.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

here=$(dirname "$0")
export FASTTRACE_MODE=block FASTTRACE_BLOCK_TIMEOUT=inf
export FASTTRACE_SUBBUF_SIZE=512K FASTTRACE_SUBBUFS=8 # as helper_lttng_speed.sh has it
if [ "${1-}" = strict ]; then
	ROUNDS=5 EVENTS=20000000 LEAST=30 WAYS='lttng record mount'
else
	ROUNDS=3 EVENTS=4000000 LEAST=15 WAYS='lttng record'
fi # LEAST: tenths
trace=$FASTTRACE_DIR/trace # in tmpfs, and removed with it
as=
[ "$(id -u)" -ne 0 ] || as='setpriv --reuid=65534 --regid=65534 --clear-groups'

# A page that nobody had for long costs a virtual machine ten times as much.
warm()
{
	dd if=/dev/zero of="$trace" bs=1M count=$((EVENTS * 24 >> 20)) status=none
	rm "$trace"
}

with_lttng() # THREADS EVENTS
{
	chmod 711 "$FASTTRACE_DIR"
	mkdir "$trace"
	[ -z "$as" ] || chown 65534:65534 "$trace"
	# shellcheck disable=SC2086 # words
	is "LTTng records" $as "$here/helper_lttng_speed.sh" "$trace" "$WORK/lttng" "$1" "$2"
	chmod 700 "$FASTTRACE_DIR"
	cp "$trace/said" "$WORK/said"
}

with_record() # THREADS EVENTS
{
	"$BUILD/tests/cmd/record_speed" "$1" "$2" >"$WORK/said" &
	pid=$!
	pids="$pids $pid"
	until_true 20 grep -q ready "$WORK/said"
	record "$pid" -o "$trace"
	until_true 20 reading "$trace"
	tell "$pid"
	wait "$pid"
	recorded "fasttrace records" 0
	has "fasttrace records: says it" "; 0 events lost"
}

with_mount()
{
	serve
	with_record "$@"
	unmount
}

# Thousands of events a second, from when the program began to the last write to a stream.
rate() # EVENTS
{
	find "$trace" -type f ! -path '*/home/*' ! -name 'metadata*' ! -name '*.idx' ! -name said \
		! -name sessiond -printf '%T@\n' | sort -n | tail -n 1 |
		awk -v began="$(tail -n 1 "$WORK/said")" -v n="$1" \
			'{ printf "%d\n", n / ($1 - began / 1e9) / 1000 }'
}

median() # FILE
{
	sort -n "$1" | sed -n "$(((ROUNDS + 1) / 2))p"
}

count_with_babeltrace2()
{
	babeltrace2 "$trace" -c sink.utils.counter 2>&1 | awk '/ Event message/ { n = $1 } END { print n }'
}

round() # WAY THREADS
{
	warm
	"with_$1" "$2" $((EVENTS / $2))
	rate "$EVENTS" >>"$WORK/$1.$2"
	same "$1, $2 threads: all is there" "$("$BUILD/fasttrace" read --count "$trace")" $((EVENTS + 1))
	if [ "$EVENTS" -le 4000000 ] && [ ! -e "$WORK/counted.$1" ]; then
		same "$1: babeltrace2 counts as many" "$(count_with_babeltrace2)" $((EVENTS + 1))
		: >"$WORK/counted.$1"
	fi
	rm -rf "$trace"
}

mega() # NUMBER: thousands as millions
{
	awk -v n="$1" 'BEGIN { printf "%.1f M/s", n / 1000 }'
}

if ! cc -O2 -DLTTNG -I"$here/lttng" -o "$WORK/lttng" "$here/record_speed.c" \
	-llttng-ust -ldl -pthread 2>"$ERR"; then
	count 'not ok' "LTTng-UST is missing: $(cat "$ERR")"
	conclude
fi
chmod 711 "$WORK" "${TMPDIR:-/tmp}"
for threads in 1 2; do
	for _ in $(seq "$ROUNDS"); do
		for way in $WAYS; do round "$way" "$threads"; done
	done
	lttng=$(median "$WORK/lttng.$threads")
	for way in $WAYS; do
		[ "$way" != lttng ] || continue
		ours=$(median "$WORK/$way.$threads")
		text="$way, $threads threads: $(mega "$ours"); LTTng-UST $(mega "$lttng")"
		least=$LEAST
		[ "$way $threads" != 'mount 2' ] || least=10
		is "at least $((least / 10)).$((least % 10)) times as fast: $text" \
			[ $((ours * 10)) -ge $((lttng * least)) ]
		row "recorded at full speed: $way, $threads threads" "median of $ROUNDS" \
			"nothing lost; 3 times LTTng-UST's lossless rate" \
			"$(mega "$ours"); LTTng-UST $(mega "$lttng")"
	done
done
conclude
