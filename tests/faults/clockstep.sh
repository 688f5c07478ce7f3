#!/bin/sh
# SPDX-License-Identifier: MIT
# clockstep.sh - clocks that step: CLOCK_MONOTONIC of a program is another than the daemon's, as in a
# container that was moved.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

unshare --time --monotonic 1 --boottime 1 true 2>/dev/null || {
	echo "time namespaces cannot be made here"
	exit 77
}

# Seconds since 1970 of the first event of an arena.
began() # PID
{
	rm -rf "$OUT"
	cp -r "$M/$1/snapshot" "$OUT"
	events --clock-seconds "$OUT" | sed -n '1s/^\[\([0-9]*\).*/\1/p'
}

in_step() # A B: at most a few seconds apart
{
	[ "$(($1 - $2))" -lt 30 ] && [ "$(($2 - $1))" -lt 30 ]
}

serve
steps=0 right=0 told=0
for offset in 100000 7776000 -1; do
	rm -f "$WORK/written"
	if [ "$offset" -lt 0 ]; then # backwards, as far as it goes
		offset=-$(awk '{ printf "%d", $1 / 2 }' /proc/uptime)
	fi
	start unshare --time --monotonic "$offset" --boottime "$offset" "$act" write 1000 touch "$WORK/written" stay
	await test -e "$WORK/written"
	steps=$((steps + 1)) now=$(date +%s)
	is "monotonic time $offset s off: it is shown, running" grep -qx running "$M/$pid/state"
	exact "$offset s off" 1000
	same "no step is counted" "$(stat_of clock_steps)" 0
	at=$(began "$pid")
	is "$offset s off: its events have the time of day" in_step "$at" "$now"
	! in_step "$at" "$now" || right=$((right + 1))
	murder "$pid"
	same "$offset s off: and how it ended is known" "$(cat "$M/$pid/state")" "killed 9"
	[ "$(cat "$M/$pid/state")" != "killed 9" ] || told=$((told + 1))
done
unmount
is "a daemon that is 5000 s off" unshare --time --monotonic 5000 --boottime 5000 fasttracefs "$M"
act write 1000 stay
await test -d "$M/$pid/threads"
murder "$pid"
same "knows how others end" "$(cat "$M/$pid/state")" "killed 9"
row "monotonic time of a program is ahead of or behind the daemon's (time namespace)" \
	"$steps programs, 1000 events each" "events have the time of day; how it ends is known" \
	"$right of $steps in step, the end of $told known"
calm "clocks"
finished
left_nothing "clocks"
conclude
