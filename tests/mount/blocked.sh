#!/bin/sh
# SPDX-License-Identifier: MIT
# blocked.sh - readers that wait, and one that is stopped, keep nobody else waiting; one that is killed
# dies at once.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

STATS=1000
speed=$BUILD/tests/mount/speed_program

state_of() # PID
{
	sed 's/.*) \(.\).*/\1/' "/proc/$1/stat"
}

sleeps() # PID: it waits for an answer
{
	[ "$(state_of "$1")" = S ]
}

gone() # PID
{
	[ ! -e "/proc/$1" ] || [ "$(state_of "$1")" = Z ]
}

all_wait() # PID...
{
	for reader; do sleeps "$reader" || return 1; done
}

# What one takes that the daemon answers, in us: median and worst, of the best of some rounds, for the
# machine has other work that delays.
stat_costs()
{
	for _ in 1 2 3 4 5; do
		for file in "$P/control" "$P/error_log" "$M"; do "$speed" stat "$file" "$STATS"; done |
			awk '{ m = $1 > m ? $1 : m; w = $2 > w ? $2 : w } END { print m, w }'
	done | sort -n -k 2 | head -n 1
}

serve
start "$program" stay "$WORK/counts" 1 10
P=$M/$pid
until_true 20 [ -e "$P/trace_pipe" ]
alone=$(stat_costs)

# Of a thread that lives and writes no more.
reader() # FILE: in the folder of its process
{
	start "$program" write "$WORK/counts.$readers" 1 0 10000
	until_true 20 [ -e "$M/$pid/trace_pipe" ]
	halt "$pid"
	file=$M/$pid/$(echo "$1" | sed "s/TID/$(ls "$M/$pid/threads")/")
	start cat "$file" >/dev/null
	readers=$((readers + 1))
	is "a reader of $1 waits" until_true 10 sleeps "$pid"
}

readers=0 waiting=''
for kind in trace_pipe threads/TID/stream trace_pipe threads/TID/stream trace_pipe threads/TID/stream; do
	reader "$kind"
	waiting="$waiting $pid"
done
reader threads/TID/stream
stopped=$pid
kill -STOP "$stopped"
is "one more is stopped" until_true 10 grep -q '^State:.T' "/proc/$stopped/status"

beside=$(stat_costs)
row "stat beside six blocked readers and a stopped one" "$((15 * STATS)) of them" "none takes 10 ms" \
	"$(echo "$beside" | awk '{ print $1, "us, at worst", $2, "us" }')"
is "none takes 10 ms more than without them: median and worst $beside us, without $alone us" \
	[ "${beside#* }" -le $((10000 + ${alone#* })) ]

# shellcheck disable=SC2086
is "they wait still" all_wait $waiting
for reader in $waiting; do
	kill -KILL "$reader"
	is "a killed one is gone" until_true 2 gone "$reader"
	wait "$reader" || :
done
kill -KILL "$stopped"
is "the stopped one, too" until_true 2 gone "$stopped"
unmount
conclude
