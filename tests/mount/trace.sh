#!/bin/sh
# SPDX-License-Identifier: MIT
# trace.sh - trace: the same events as babeltrace2 shows, in order; it consumes nothing; > clears.
# shellcheck disable=SC2016,SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

traced=$BUILD/tests/mount/events_program
FASTTRACE_SUBBUF_SIZE=16K FASTTRACE_SUBBUFS=4
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

# "tid time event: fields" of each event, a thread after the other.
of_trace() # FILE
{
	awk '!/^#/ && !/ LOST [0-9]+ EVENTS$/ {
		match($0, /-[0-9]+ +[0-9]+\.[0-9]+: /)
		split(substr($0, RSTART + 1, RLENGTH - 3), who, " ")
		print who[1], who[2], substr($0, RSTART + RLENGTH)
	}' "$1" | sort -s -n -k 1,1
}

of_babeltrace() # FILE
{
	awk '{
		match($0, /tid = [0-9]+/); tid = substr($0, RSTART + 6, RLENGTH - 6)
		match($0, /^\[[0-9.]+\]/); time = substr($0, 2, RLENGTH - 2)
		match($0, /\([0-9]+\) .*: \{ tid = [0-9]+ \}/)
		event = substr($0, RSTART, RLENGTH)
		fields = substr($0, RSTART + RLENGTH)
		sub(/^\([0-9]+\) /, "", event); sub(/ \{ tid.*/, "", event)
		sub(/^, \{ /, " ", fields); sub(/ \}$/, "", fields)
		gsub(/ = /, "=", fields); gsub(/, /, " ", fields)
		print tid, time, event fields
	}' "$1" | sort -s -n -k 1,1
}

# Same lines but for the time, which babeltrace2 rounds: some ns. Prints how many.
equal() # A B
{
	cut -d ' ' -f 1,3- "$1" >"$1.what" && cut -d ' ' -f 1,3- "$2" >"$2.what" &&
		cmp "$1.what" "$2.what" >&2 &&
		paste -d ' ' "$1" "$2" | awk '{
			for (i = 3; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]+$/) break
			split($2, a, "."); split($i, b, ".")
			d = (a[1] - b[1]) * 1000000000 + a[2] - b[2]
			if (d > 3 || d < -3) { print "time:", $0; bad = 1 }
		} END { print NR; exit bad }'
}

ordered() # FILE
{
	awk '!/^#/ { match($0, /[0-9]+\.[0-9]+: /); t = substr($0, RSTART, RLENGTH - 2)
		split(t, n, ".")
		if (n[1] < s || (n[1] == s && n[2] < ns)) { print "goes back:", $0; exit 1 }
		s = n[1]; ns = n[2] }' "$1"
}

# What babeltrace2 makes of the snapshot, and trace: $WORK/ours, $WORK/theirs.
compare() # TEXT DIR
{
	rm -rf "$OUT"
	cat "$2/trace" >"$WORK/trace"
	cp -r "$2/snapshot" "$OUT"
	events --clock-seconds "$OUT" >"$WORK/text"
	of_trace "$WORK/trace" >"$WORK/ours"
	of_babeltrace "$WORK/text" >"$WORK/theirs"
	n=$(equal "$WORK/ours" "$WORK/theirs") || n="$n, not equal"
	same "$1: events of all threads as babeltrace2 shows them" "$n" "$(wc -l <"$WORK/text")"
	is "$1: in the order of time" ordered "$WORK/trace"
}

# Threads at full speed, killed: the rings were overwritten many times.
serve
start "$traced" run "$WORK/shared" 3000
until_true 10 test -e "$M/$pid/events/delta/span"
sleep 0.2
murder "$pid"
P=$M/$pid
compare "killed" "$P"
is "there are many" test "$(wc -l <"$WORK/ours")" -gt 1000
is "of several threads" test "$(cut -d ' ' -f 1 "$WORK/ours" | uniq | wc -l)" -gt 3
cat "$P/stats" >"$WORK/stats"
same "the head counts those shown and those overwritten" \
	"$(sed -n 's/^# events: \([0-9]*\) below, \([0-9]*\) overwritten.*/\1 \2/p' "$WORK/trace")" \
	"$(awk '{ n[$1] = $2 } END { print n["readable"], n["overwritten"] }' "$WORK/stats")"

# Reading it, in any way, is harmless and gives one and the same text.
for look in "cat" "dd bs=1000 status=none if=" "tail -c +1" "head -n -0" "sed -n p" "grep ''"; do
	case $look in
	*=) command="$look$P/trace" ;;
	*) command="$look $P/trace" ;;
	esac
	is "$look" sh -c "$command | cmp - '$WORK/trace'"
done
cp "$P/trace" "$WORK/copy"
is "cp" cmp "$WORK/copy" "$WORK/trace"
is "diff" diff "$P/trace" "$WORK/trace"
same "tail" "$(tail -n 1 "$P/trace")" "$(tail -n 1 "$WORK/trace")"
same "grep -c" "$(grep -c beta:two "$P/trace")" "$(grep -c beta:two "$WORK/trace")"
is "less" sh -c "less '$P/trace' </dev/null | cmp - '$WORK/trace'"
size=$(wc -c <"$WORK/trace")
is "seeking: back, ahead, beyond the end" "$program" seek "$P/trace" "$WORK/trace"
same "the size is not known before" "$(stat -c %s "$P/trace")" 0
is "nothing was consumed" sh -c "cat '$P/stats' | cmp - '$WORK/stats'"

# Clearing what is dead; who has it open goes on with what he has.
exec 5<"$P/trace"
head -c 1000 <&5 >"$WORK/kept"
# shellcheck disable=SC2188
>"$P/trace"
same "> clears" "$(grep -vc '^#' "$P/trace")" 0
same "and is counted as consumed" "$(awk '$1 == "readable" { print $2 }' "$P/stats")" 0
cat <&5 >>"$WORK/kept"
exec 5<&-
same "what is open stays as it was, in bytes" "$(wc -c <"$WORK/kept")" "$size"
is "babeltrace2 finds nothing either" sh -c "[ \"\$(ls '$P/snapshot')\" = metadata ]"

# A program that lives: what is being written is shown, nothing is switched; then it is cleared.
start "$program" stay "$WORK/counts" 2 100
until_true 5 test -e "$M/$pid/events/test/tick"
until_true 5 sh -c "[ \$(grep -c test:tick '$M/$pid/trace') = 200 ]"
compare "alive" "$M/$pid"
same "nothing is switched" "$(cat "$M/$pid"/threads/*/stats | awk '$1 == "subbufs_produced" {
	n += $2 } END { print n }')" 0
for clear in "echo >" "echo 0 >" ": >" "truncate -s 0" "cp /dev/null"; do
	murder "$pid"
	start "$program" stay "$WORK/counts" 2 100
	until_true 5 sh -c "[ \$(grep -c test:tick '$M/$pid/trace') = 200 ]"
	sh -c ": >>'$M/$pid/trace'"
	same "appending clears nothing" "$(grep -c test:tick "$M/$pid/trace")" 200
	is "$clear" sh -c "$clear '$M/$pid/trace'"
	same "clears it" "$(grep -c test:tick "$M/$pid/trace")" 0
done
is "nobody but its user may" sh -c "[ \$(stat -c %a '$M/$pid/trace') = 600 ]"

# Somebody has a sub-buffer in hand: it is his, and clearing says so.
murder "$pid"
start "$program" stay "$WORK/counts" 1 5000
until_true 5 sh -c "ls '$M/$pid'/threads/*/subbuf | grep -q ."
T=$(echo "$M/$pid"/threads/*)
exec 5<"$T/stream"
dd bs=100 count=1 status=none <&5 >"$WORK/part"
isnt "clearing while a sub-buffer is being read" sh -c ": >'$M/$pid/trace'"
has "says so" "Device or resource busy"
exec 5<&-
is "and works when it is not" sh -c ": >'$M/$pid/trace'"
same "cleared" "$(grep -c test:tick "$M/$pid/trace")" 0
murder "$pid"

# Events that are lost: told where.
FASTTRACE_MODE=discard start "$program" stay "$WORK/counts" 1 20000
until_true 5 sh -c "[ \$(awk '\$1 == \"lost_full\" { print \$2 }' '$M/$pid/stats') -gt 0 ]"
until_true 5 sh -c "[ \$(awk '\$1 == \"begun\" { print \$2 }' '$M/$pid/stats') -eq 20000 ]"
lost=$(awk '$1 == "lost_full" { print $2 }' "$M/$pid/stats")
compare "discard" "$M/$pid"
same "a line says how many" "$(awk '/ EVENTS$/ { print $(NF - 2), $(NF - 1), $NF }' "$WORK/trace")" \
	"LOST $lost EVENTS"
has_head()
{
	grep -q "^# events: .* $lost lost," "$WORK/trace"
}
is "the head, too" has_head
murder "$pid"

# Names and values that no tracer would write: one event is one line, and nothing but text.
start "$traced" hostile "$WORK/ready"
until_true 5 test -e "$WORK/ready"
cat "$M/$pid/trace" >"$WORK/trace"
same "a line for each event" "$(grep -vc '^#' "$WORK/trace")" "$(awk '$1 == "readable" { print $2 }' \
	"$M/$pid/stats")"
is "no control character" sh -c "! LC_ALL=C grep -q '[[:cntrl:]]' '$WORK/trace'"
is "valid UTF-8" sh -c "iconv -f UTF-8 -t UTF-8 '$WORK/trace' | cmp - '$WORK/trace'"
has_hostile()
{
	grep -F 'hostile:text: text="two\nlines \"\\ \x1b[2J \xc2\x9b \xff end"' "$WORK/trace"
}
is "escaped" has_hostile
murder "$pid"

# A lot of it: the daemon does not hold the text, and answers others meanwhile.
unmount
unset FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS
FASTTRACE_SUBBUF_SIZE=1M FASTTRACE_SUBBUFS=16 start "$program" stay "$WORK/counts" 4 1000000
serve
until_true 30 sh -c "[ \$(awk '\$1 == \"begun\" { print \$2 }' '$M/$pid/stats') -ge 4000000 ]"
daemon=$(daemon_pid)
resident()
{
	awk '/^VmHWM:/ { print int($2 / 1024) }' "/proc/$daemon/status"
}
head -n 1 "$M/$pid/trace" >"$WORK/head"
before=$(resident)
is "the end of the text is found" sh -c "tail -n 1 '$M/$pid/trace' | grep -q test:tick"
bytes=$(wc -c <"$M/$pid/trace")
is "$((bytes >> 20)) MiB of text take $(($(resident) - before)) MiB" \
	test $(($(resident) - before)) -lt $((bytes >> 22))
is "a read beyond its end" timeout 60 dd if="$M/$pid/trace" bs=1M skip=100000 count=1 status=none
murder "$pid"
unmount
conclude
