#!/bin/sh
# SPDX-License-Identifier: MIT
# daemon.sh - the daemon is killed, the program, both; fasttracefs M again shows all that there is.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

value() # NAME FILE
{
	awk -v n="$1" '$1 == n { print $2 }' "$2"
}

export FASTTRACE_SUBBUF_SIZE=4096
serve
start "$program" write "$WORK/counts" 2 0 300
writer=$pid
until_true 5 sh -c "find '$M/$writer/threads' -name '0*' | grep -q ."

# Killed while a reader is half-way through a sub-buffer.
first=$(find "$M/$writer/threads" -name '0*' | sort | head -n 1)
# shellcheck disable=SC2016
start sh -c 'exec <"$1" && read -r _ && : >"$2" && while :; do :; done' sh "$first" "$WORK/taken"
half=$pid
until_true 5 test -e "$WORK/taken"
kill -KILL "$(daemon_pid)"
until_true 5 unserved
isnt "the mount is dead" ls "$M"
has "and says so" "not connected"
kill "$half" 2>/dev/null || :
before=$("$program" counts "$WORK/counts" 1)
sleep 0.1
isnt "the program goes on" test "$("$program" counts "$WORK/counts" 1)" = "$before"
is "fasttracefs replaces the stale mount" serve
same "the program is there, running" "$(cat "$M/$writer/state")" running
is "the half-read sub-buffer is there again" test -e "$first"
is "and whole" cp "$first" "$WORK/whole"
murder "$writer"
same "its death is told" "$(cat "$M/$writer/state")" "killed 9"
cp -r "$M/$writer/snapshot" "$OUT"
events "$OUT" >"$WORK/text"
is "babeltrace2 has no complaint" silent
ticks "$WORK/text" | awk '{ print $1, $3 + 1 }' >"$WORK/ends"
is "every event that had returned is there" sh -c "'$program' counts '$WORK/counts' 2 |
	join - '$WORK/ends' | awk '{ n++ } \$3 < \$2 { bad = 1 } END { exit bad || n != 2 }'"
unmount

# Both killed.
serve
start "$program" write "$WORK/counts2" 2 0 10
writer=$pid
until_true 5 test -e "$M/$writer/threads"
sleep 0.2
kill -KILL "$(daemon_pid)" "$writer"
wait "$writer" || :
until_true 5 unserved
is "again" serve
is "both dead: it ended somehow" grep -qE '^(ended|killed 9)$' "$M/$writer/state"
rm -rf "$OUT"
cp -r "$M/$writer/snapshot" "$OUT"
events "$OUT" >"$WORK/text"
is "babeltrace2 has no complaint" silent
ticks "$WORK/text" | awk '{ print $1, $3 + 1 }' >"$WORK/ends"
is "every event that had returned is there" sh -c "'$program' counts '$WORK/counts2' 2 |
	join - '$WORK/ends' | awk '{ n++ } \$3 < \$2 { bad = 1 } END { exit bad || n != 2 }'"
echo flush >"$M/control"
is "flushed, it is also in subbuf/" sh -c "cat '$M/$writer'/threads/*/subbuf/* >'$WORK/rest' && test -s '$WORK/rest'"
same "and then there is nothing left" "$(value readable "$M/$writer/stats")" 0
is "counts add up" awk '
	$1 == "begun" { b = $2 } $1 ~ /^(consumed|overwritten|readable|in_flight|lost_)/ { s += $2 }
	END { exit !(b > 0 && b == s) }' "$M/$writer/stats"

# The end of the daemon by signal: nothing stays mounted.
kill -TERM "$(daemon_pid)"
is "SIGTERM unmounts" until_true 5 sh -c "! awk -v d='$M' '\$5 == d { f = 1 } END { exit !f }' /proc/self/mountinfo"
until_true 5 unserved
conclude
