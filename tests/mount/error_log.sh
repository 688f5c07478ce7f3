#!/bin/sh
# SPDX-License-Identifier: MIT
# error_log.sh - error_log: what was refused, why, and where; and what of a process cannot be changed.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

log() # FILE: without times
{
	sed 's/^\[[0-9]*\.[0-9]\{6\}\] //' "$1"
}

# FILE COMMAND ERRNO-TEXT ERROR CARET: is refused so, and the caret stands in column CARET of it.
refused()
{
	printf '%b' "$2" >"$WORK/command"
	: >"$M/error_log"
	isnt "${1#"$M/"}: \"$(printf '%b' "$2" | tr -c ' -~' .)\" is refused" \
		dd if="$WORK/command" of="$1" bs=4096 conv=notrunc status=none
	has "$3" "$3"
	same "and explained" "$(log "$M/error_log" | tail -n 3)" "$(printf '%s: error: %s\n  Command: %s\n%*s^' \
		"${1#"$M/"}" "$4" "$(printf '%b' "${6-$2}" | sed 's/^ *//')" $((11 + $5)) "")"
}

serve
same "empty" "$(cat "$M/error_log")" ""
start "$program" flight
P=$M/$pid
in_flight "$pid"
T=$P/threads/$pid
same "empty" "$(cat "$P/error_log")" ""
same "the owner's alone" "$(stat -c %a "$P/error_log" "$M/error_log" "$P/mode" | tr '\n' ' ')" "600 600 600 "

invalid="Invalid argument"
words="expected one of: flush, active, clear, start, stop"
refused "$M/control" flushed "$invalid" "$words" 0
refused "$P/control" '  flush now\n' "$invalid" "expected nothing after flush" 6 'flush now'
refused "$T/control" stop "$invalid" "expected one of: flush, active, clear" 0
refused "$P/tracing_on" '1  2' "$invalid" "expected nothing after 1" 3
refused "$M/tracing_on" on "$invalid" "expected one of: 0, 1" 0
refused "$P/events/enable" X "$invalid" "expected one of: 0, 1" 0
refused "$P/events/test/enable" '\n' "$invalid" "expected one of: 0, 1" 0 ''
refused "$P/events/test/tick/enable" '0\t1 1' "$invalid" "expected nothing after 0" 2 '0.1 1'
refused "$P/control" '\033[2Jx\000y' "$invalid" "$words" 0 '.[2Jx\0357\0277\0275y'
refused "$P/control" 'flush gr\0303\0274n \0377' "$invalid" "expected nothing after flush" 6 'flush gr\0303\0274n \0357\0277\0275'
refused "$T/control" active "temporarily unavailable" "an event is in flight, or the ring is full: try again" 0
same "a thread's are its process's" "$(log "$P/error_log" | grep -c "^$pid/threads/$pid/control: ")" 2

# What was chosen at the start.
same "mode" "$(cat "$P/mode")" "[overwrite] discard block"
is "clock, and why" sh -c "head -n 1 '$P/clock' | grep -qE '^(\[tsc\] monotonic|tsc \[monotonic\])$' && sed 1d '$P/clock' | grep -qE '^(tsc [0-9]+ Hz|monotonic): [a-z]'"
is "what is chosen may be chosen" sh -c "env echo overwrite >'$P/mode'"
refused "$P/mode" discard "not permitted" "the mode is chosen when the program starts: --mode, FASTTRACE_MODE" 0
refused "$P/mode" stop "$invalid" "expected one of: overwrite, discard, block" 0
other=$(sed -n '1s/\[.*\]//; 1s/ //gp' "$P/clock")
refused "$P/clock" "$other" "not permitted" "the clock is chosen when the program starts, by what the machine has" 0
same "it stays" "$(cat "$P/mode")" "[overwrite] discard block"

# The last eight.
: >"$M/error_log"
same "truncation clears" "$(cat "$M/error_log")" ""
same "its own alone" "$(log "$P/error_log" | grep -c error:)" 8
for n in 1 2 3 4 5 6 7 8 9 10; do echo "bad$n" 2>"$ERR" >>"$P/control" || :; done
for f in "$M/error_log" "$P/error_log"; do
	same "the last eight" "$(log "$f" | awk '/Command/ { print $2 }' | tr '\n' ' ')" \
		"bad3 bad4 bad5 bad6 bad7 bad8 bad9 bad10 "
done
is "in order of time" sh -c "grep -o '^\[[0-9.]*' '$M/error_log' | sort -c"
is "of now" awk -v now="$(date +%s)" -F '[][.]' '/error:/ { if ($2 > now + 1 || $2 < now - 60) exit 1 }' "$M/error_log"
echo nothing >>"$P/error_log"
same "what is appended is nothing" "$(log "$P/error_log" | grep -c error:)" 8
truncate -s 0 "$P/error_log"
same "truncate" "$(cat "$P/error_log")" ""
same "the root's is still there" "$(log "$M/error_log" | grep -c error:)" 8
echo x >"$M/error_log"
same "as any truncation" "$(cat "$M/error_log")" ""
is "what succeeds is not noted" sh -c "env echo 1 >'$P/tracing_on' && [ ! -s '$P/error_log' ] && [ -z \"\$(cat '$P/error_log')\" ]"
head -c 300000 /dev/zero | tr '\0' x >"$WORK/long"
isnt "a long command" dd if="$WORK/long" of="$P/control" bs=300000 conv=notrunc status=none
same "is cut" "$(awk '/Command/ { print length($2) }' "$P/error_log")" 256
kill -USR1 "$pid"
murder "$pid"
refused "$P/control" active "$invalid" "active is for the living: flush a dead one" 0
is "it can be forgotten" rmdir "$P"
forgotten=$pid
same "and the root's log keeps what it was" "$(log "$M/error_log" | grep -c "^$forgotten/control")" 1

# A thread whose ring has become another one's by then has no name any more.
FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=4 FASTTRACE_MAX_MEMORY=256K start \
	"$BUILD/tests/faults/helper_program" threads 1 write 10 join touch "$WORK/one" \
	await "$WORK/two" threads 40 write 10 join touch "$WORK/three" stay
until_true 20 test -e "$WORK/one"
gone=$(ls "$M/$pid/threads")
exec 5>"$M/$pid/threads/$gone/control"
: >"$WORK/two"
until_true 20 test -e "$WORK/three"
isnt "its ring is another one's" test -e "$M/$pid/threads/$gone"
isnt "a write to it is refused" sh -c "echo bogus >&5"
same "and explained, for nobody" "$(log "$M/$pid/error_log" | grep -c "^$pid/threads/?/control: error:")" 1
exec 5>&-
unmount
conclude
