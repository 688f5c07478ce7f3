#!/bin/sh
# SPDX-License-Identifier: MIT
# record.sh - fasttrace record loses nothing, whoever ends first and however, and its folder is a
# trace that babeltrace2 opens without a word.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

FASTTRACE_MODE=block
FASTTRACE_BLOCK_TIMEOUT=inf
export FASTTRACE_MODE FASTTRACE_BLOCK_TIMEOUT

whole() # TEXT DIR EVENTS: so many, without a gap, and not a word of complaint
{
	same "$1: events" "$(lines "$2")" "$3"
	is "$1: babeltrace2 has no complaint" silent
	is "$1: no gap" ticks "$WORK/events"
}

grown() # DIR: by some packets
{
	[ "$(du -s "$1" | cut -f 1)" -gt 2000 ]
}

one() # TEXT EVENTS ARG...: the traced program is recorded, from SIGUSR1 to its end
{
	text=$1 want=$2
	shift 2
	rm -rf "$OUT"
	record "$pid" -o "$OUT" "$@"
	until_true 20 reading "$OUT"
	tell "$pid"
	recorded "$text" 0
	has "$text: summary" " $want events, "
	has "$text: summary" "; 0 events lost"
}

# Full speed, one thread, ten threads, threads that come and go.
begin write 1 500000
one "one thread" 500001
whole "one thread" "$OUT" 500001
begin write 10 30000
one "ten threads" 300001
whole "ten threads" "$OUT" 300001
same "a file for each thread" "$(find "$OUT" -type f ! -name metadata | wc -l)" 11
begin churn 200 500
one "threads that come and go" 100001
whole "threads that come and go" "$OUT" 100001
same "nothing hidden is left" "$(find "$OUT" -name '.*' | wc -l)" 0

# Small sub-buffers: a header never crosses a page, so there are gaps.
FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=4 begin write 2 50000
one "small sub-buffers" 100001
whole "small sub-buffers" "$OUT" 100001

# Classes that come while it is read: what is there opens at any moment.
begin classes
rm -rf "$OUT"
record "$pid" -o "$OUT"
until_true 20 reading "$OUT"
tell "$pid"
sleep 0.1
lines "$OUT" >"$WORK/n"
is "an empty trace opens" silent
recorded "new classes" 0
same "new classes: events" "$(lines "$OUT")" 4
is "new classes: no complaint" silent

# Interrupted, while the writer is at full speed: all that was there until then, and a trace.
for signal in INT TERM; do
	begin pace 2 0
	rm -rf "$OUT"
	record "$pid" -o "$OUT"
	until_true 20 reading "$OUT"
	tell "$pid"
	until_true 20 grown "$OUT"
	cp -r "$OUT" "$OUT.$signal"
	kill -"$signal" "$recorder"
	recorded "SIG$signal" 0
	murder "$pid"
	n=$(sed 's/.*: \([0-9]*\) events, .*/\1/' "$ERR")
	whole "SIG$signal" "$OUT" "$n"
	is "SIG$signal: there were events before" test "$(lines "$OUT.$signal")" -gt 1000
	is "SIG$signal: it opens while it grows" silent
done

come() # by themselves; if they do not: what there is to know of it
{
	until_true 20 test -e "$OUT/$pid" || {
		ls -la "$OUT"
		cat "$WORK/recorded"
		fasttrace info "$pid"
		grep -H . "/proc/$recorder/task"/*/wchan "/proc/$pid/wchan" "/proc/$recorder/schedstat" /proc/pressure/*
		return 1
	}
}

# A writer that is slow: its events come by themselves, and at once where we are told to stop.
begin write 1 1
rm -rf "$OUT"
record "$pid" -o "$OUT"
until_true 20 reading "$OUT"
is "a slow writer's events come" come
kill -INT "$recorder"
recorded "a slow writer" 0
same "a slow writer: events" "$(lines "$OUT")" 1
murder "$pid"
begin write 1 1
rm -rf "$OUT"
record "$pid" -o "$OUT"
until_true 20 reading "$OUT"
kill -INT "$recorder"
recorded "told to stop at once" 0
same "told to stop at once: events" "$(lines "$OUT")" 1
murder "$pid"

begin classes
rm -rf "$OUT"
record "$pid" -o "$OUT"
until_true 20 reading "$OUT"
tell "$pid"
sleep 0.1
kill -INT "$recorder"
recorded "a class that is new when we are told to stop" 0
murder "$pid"
n=$(lines "$OUT")
has "it is in the trace, as is said" ": $n events, "
is "all of them" test "$n" -ge 2
is "without a word" silent

# The program is killed: what had returned is recorded.
begin pace 2 0
rm -rf "$OUT"
record "$pid" -o "$OUT"
until_true 20 reading "$OUT"
tell "$pid"
until_true 20 grown "$OUT"
murder "$pid"
recorded "the program is killed" 0
n=$(sed 's/.*: \([0-9]*\) events, .*/\1/' "$ERR")
whole "the program is killed" "$OUT" "$n"
fasttrace info "$pid" >"$ERR"
has "the program is killed: nothing is left" ": 0 readable, $n consumed,"

# The recorder is killed, in the middle of a write: a trace, and a second one gets the rest. A packet
# that was written and not yet given back comes in both: it is the same one, and babeltrace2 drops it.
for i in 1 2 3; do
	begin write 1 0
	rm -rf "$OUT" "$OUT.2"
	record "$pid" -o "$OUT"
	until_true 20 reading "$OUT"
	tell "$pid"
	until_true 20 grown "$OUT"
	halt "$pid" # it would go on, and lose events, with nobody to wait for
	murder "$recorder"
	lines "$OUT" >"$WORK/n"
	is "kill -9 $i: it opens" silent
	is "kill -9 $i: no gap" ticks "$WORK/events"
	record "$pid" -o "$OUT.2"
	until_true 20 reading "$OUT.2"
	kill -CONT "$pid"
	until_true 20 grown "$OUT.2"
	murder "$pid"
	recorded "kill -9 $i: the next one" 0
	lines "$OUT.2" >"$WORK/n"
	is "kill -9 $i: the rest opens" silent
	is "kill -9 $i: no gap in it" ticks "$WORK/events"
	fasttrace info "$pid" >"$ERR"
	has "kill -9 $i: nothing is left" ": 0 readable, "
	has "kill -9 $i: nothing was lost" "lost         0 full, "
	events "$OUT" "$OUT.2" >"$WORK/events"
	is "kill -9 $i: both open together" silent
	is "kill -9 $i: no gap between them" ticks "$WORK/events"
	is "kill -9 $i: from the first event on" grep -q "n = 0 " "$WORK/events"
done

# A dead process, and one that is recorded already.
begin write 1 1000
cp "$(arena_of "$pid")" "$WORK/copy"
murder "$pid"
rm -rf "$OUT"
record "$WORK/copy" -o "$OUT"
recorded "a dead one" 0
same "a dead one: events" "$(lines "$OUT")" 1
begin write 1 0
rm -rf "$OUT" "$OUT.2"
record "$pid" -o "$OUT"
until_true 20 reading "$OUT"
says 1 "fasttrace record: $(cat "$WORK/arena"): another process reads it already: expected to be alone" \
	record "$pid" -o "$OUT.2"
isnt "no folder is left" test -e "$OUT.2"
murder "$pid"
recorded "it ends with its process" 0

# What is there already.
mkdir -p "$OUT.2"
: >"$OUT.2/x"
begin write 1 1
says 1 "fasttrace record: $OUT.2: is not empty: expected a new or an empty folder" record "$pid" -o "$OUT.2"
says 1 "fasttrace record: $OUT.2/x: exists: expected a new or an empty folder" record "$pid" -o "$OUT.2/x"
says 1 \
	"fasttrace record: /none/x: lies in no folder: expected a new one in a folder that exists" \
	record "$pid" -o /none/x
murder "$pid"
conclude
