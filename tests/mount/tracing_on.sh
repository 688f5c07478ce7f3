#!/bin/sh
# SPDX-License-Identifier: MIT
# tracing_on.sh - tracing_on, and the words of control: stop, start, clear.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

traced=$BUILD/tests/mount/events_program
shared=$WORK/shared
FASTTRACE_SUBBUF_SIZE=32K FASTTRACE_SUBBUFS=4
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

value() # NAME FILE
{
	awk -v n="$1" '$1 == n { print $2 }' "$2"
}

states()
{
	(cd "$P/events" && find . -name enable | sort | while read -r f; do echo "$f $(cat "$f")"; done)
}

# The program goes 300 rounds more: does it record?
records()
{
	begun=$(value begun "$P/stats")
	"$traced" turn "$shared" 300 >/dev/null
	[ "$(value begun "$P/stats")" != "$begun" ]
}

adds_up() # PROCESS
{
	awk '$1 ~ /^(consumed|readable|overwritten|in_flight|lost_.*)$/ { sum += $2 }
		$1 == "begun" { begun = $2 } END { exit sum != begun }' "$1/stats"
}

serve
same "with nobody there, all trace" "$(cat "$M/tracing_on")" 1
start "$traced" run "$shared"
P=$M/$pid
until_true 10 test -e "$P/events/delta/span"
same "it is the owner's alone" "$(stat -c %a "$P/tracing_on" "$M/tracing_on" | tr '\n' ' ')" "600 600 "
same "on" "$(cat "$P/tracing_on")" 1
is "it records" records
echo 0 >"$P/events/alpha/two/enable"
states >"$WORK/before"

# Off: nothing is recorded, and nothing else changes.
echo 0 >"$P/tracing_on"
same "off" "$(cat "$P/tracing_on" "$M/tracing_on" | tr '\n' ' ')" "0 0 "
"$traced" turn "$shared" 1 >/dev/null # an event that had begun before the write
isnt "it records nothing" records
states >"$WORK/after"
is "the switches say what they said" cmp "$WORK/before" "$WORK/after"
cp -r "$P/snapshot" "$OUT"
events "$OUT" >"$WORK/text"
is "what was recorded is readable" test -s "$WORK/text"
is "babeltrace2 has no complaint" silent
"$traced" late "$shared"

# A forked child is as its parent. (It appears in the tree with the first event that its parent has
# not met: so it is the first to reach this one.)
child=$("$traced" fork "$shared")
pids="$pids $child"
until_true 5 test -d "$M/$child/events/gamma/late"
same "a forked child begins stopped" "$(cat "$M/$child/tracing_on")" 0
same "and records nothing" "$(value begun "$M/$child/stats")" 0
same "with its parent's switches" "$(cat "$M/$child/events/alpha/two/enable" "$M/$child/events/alpha/one/enable" | tr '\n' ' ')" "0 1 "
"$traced" turn "$shared" 1 >/dev/null
is "an event that is reached now is listed" until_true 5 test -d "$P/events/gamma/late"
isnt "and not recorded either" records

# Switches can be changed meanwhile, and count afterwards.
echo 0 >"$P/events/beta/enable"
echo 1 >"$P/events/alpha/two/enable"
same "they show it" "$(cat "$P/events/beta/enable" "$P/events/alpha/two/enable" | tr '\n' ' ')" "0 1 "
isnt "still nothing is recorded" records
states >"$WORK/before"

# It survives the daemon.
kill -KILL "$(daemon_pid)"
until_true 5 unserved
isnt "with no daemon it stays off" sh -c "'$traced' turn '$shared' 1 >/dev/null && fasttracefs '$M' &&
	[ \"\$(cat '$P/tracing_on')\" != 0 ]"
isnt "and with the next one" records
states >"$WORK/after"
is "nor are the switches forgotten" cmp "$WORK/before" "$WORK/after"

# On again; control's words; the root.
echo 1 >"$P/tracing_on"
same "on; some are not" "$(cat "$P/tracing_on" "$M/$child/tracing_on" "$M/tracing_on" | tr '\n' ' ')" "1 0 X "
is "it records again" records
rm -rf "$OUT" && cp -r "$P/snapshot" "$OUT"
events "$OUT" | sed 's/.*) [^ ]* \([a-z]*:[a-z]*\):.*/\1/' | sort -u >"$WORK/seen"
is "what was switched meanwhile, too" grep -qx gamma:late "$WORK/seen"
isnt "what was turned off is off" sh -c "echo stop >'$P/control'; echo start >'$P/control'
	'$traced' turn '$shared' 3000 >/dev/null; cp -r '$P/snapshot' '$WORK/off'; babeltrace2 '$WORK/off' | grep beta:"
echo 1 >"$M/tracing_on"
same "the root's is for all" "$(cat "$P/tracing_on" "$M/$child/tracing_on" "$M/tracing_on" | tr '\n' ' ')" "1 1 1 "
echo stop >"$M/control"
same "stop is the same as 0" "$(cat "$P/tracing_on" "$M/$child/tracing_on" "$M/tracing_on" | tr '\n' ' ')" "0 0 0 "
"$traced" turn "$shared" 1 >/dev/null
isnt "none records" records
echo start >"$P/control"
same "start is the same as 1" "$(cat "$P/tracing_on" "$M/$child/tracing_on" | tr '\n' ' ')" "1 0 "
is "and it records" records
for word in 2 '' on X '0 1' 00 -1; do
	for f in "$P/tracing_on" "$M/tracing_on"; do
		isnt "\"$word\" is refused" sh -c "env echo '$word' >'$f'"
		has "as invalid" "Invalid argument"
	done
done
same "and changes nothing" "$(cat "$P/tracing_on" "$M/$child/tracing_on" | tr '\n' ' ')" "1 0 "
same "the words" "$(tr '\n' ' ' <"$P/control")" "flush active clear start stop "
same "those of a thread" "$(cat "$P"/threads/*/control | sort -u | tr '\n' ' ')" "active clear flush "
for t in "$P"/threads/*; do
	isnt "a thread cannot be stopped" sh -c "env echo stop >'$t/control'"
	has "that is invalid" "Invalid argument"
done
same "and goes on" "$(cat "$P/tracing_on")" 1
kill -KILL "$child"

# clear: all that was recorded is gone, and what comes is not.
"$traced" turn "$shared" 0 >/dev/null # its threads stand still
is "there is something to clear" test "$(value readable "$P/stats")" -gt 0
overwritten=$(value overwritten "$P/stats") readable=$(value readable "$P/stats") consumed=$(value consumed "$P/stats")
one=$(ls "$P/threads" | head -n 1)
is "a thread" sh -c "env echo clear >'$P/threads/$one/control'"
same "is empty" "$(value readable "$P/threads/$one/stats")" 0
is "the others are not" test "$(value readable "$P/stats")" -gt 0
is "a process" sh -c "env echo clear >'$P/control'"
same "is empty" "$(value readable "$P/stats") $(ls "$P"/threads/*/subbuf | grep -c '^0')" "0 0"
same "it counts as consumed" "$(value consumed "$P/stats")" $((consumed + readable))
same "and as nothing else" "$(value overwritten "$P/stats")" "$overwritten"
rm -rf "$OUT" && cp -r "$P/snapshot" "$OUT"
same "nothing is in the snapshot" "$(ls "$OUT")" metadata
is "the program goes on" records
is "counts add up" adds_up "$P"
one=$(ls "$P/threads" | tail -n 1)
mkfifo "$WORK/full"
sleep 60 <>"$WORK/full" &
pids="$pids $!"
start cat "$P/threads/$one/stream" >"$WORK/full" # it holds the thread, and soon waits for the pipe
reader=$pid pid=${P##*/}
for _ in 1 2 3 4; do "$traced" turn "$shared" 3000 >/dev/null; done
isnt "what somebody reads is not dropped under his hands" sh -c "env echo clear >'$P/control'"
has "that is busy" "resource busy"
is "his is left" test "$(value readable "$P/threads/$one/stats")" -gt 0
same "the others' are not" "$(cat "$P"/threads/*/stats | awk '$1 == "readable" && $2 > 0' | wc -l)" 1
murder "$reader"
murder "$pid"
is "the dead can be cleared" sh -c "env echo clear >'$M/control'"
same "and are empty" "$(value readable "$P/stats")" 0
is "counts add up" adds_up "$P"
is "a write to the tracing_on of the dead does no harm" sh -c "env echo 0 >'$P/tracing_on'"
same "and the root does not count them" "$(cat "$M/tracing_on")" 1
is "it can be forgotten" rmdir "$P"

# An event in flight: clear waits for it as flush does.
start "$program" flight
P=$M/$pid
in_flight "$pid"
isnt "clear while an event is in flight" sh -c "env echo clear >'$P/control'"
has "says try again" "temporarily unavailable"
kill -USR1 "$pid"
is "afterwards it is dropped" until_true 5 sh -c "env echo clear >'$P/control'"
same "with all" "$(value readable "$P/stats")" 0
unmount
conclude
