#!/bin/sh
# SPDX-License-Identifier: MIT
# stats.sh - fasttrace stats counts what babeltrace2 shows, and spans are as long as the lines of
# fasttrace read say.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

here=$(dirname "$0")

trace_of() # NAME ARG...: what tests/cmd/stats.c leaves in a mount
{
	name=$1
	shift
	start "$BUILD/tests/cmd/stats" "$@" >/dev/null
	wait "$pid"
	until_true 10 grep -q '^exited' "$M/$pid/state"
	cp -r "$M/$pid/snapshot" "$WORK/$name"
}

spans_of_lines() # of fasttrace read: NAME COUNT TOTAL MAX BEGINS ENDS, times in ns
{
	awk '/ LOST [0-9]+ / { for (s in names) {
			lone_begin[s] += depth[$1, s]
			depth[$1, s] = 0
		}
		next
	}
	{
		if (!match($0, / [0-9]+\.[0-9]+: test:[a-z]*:(begin|end):/)) next
		split(substr($0, RSTART + 1, RLENGTH - 1), part, /[.:]/)
		if (first == "") first = part[1]
		now = (part[1] - first) * 1000000000 + part[2]
		span = "test:" part[4]
		names[span] = 1
		threads[$1] = 1
		if (part[5] == "begin") { open[$1, span, ++depth[$1, span]] = now; next }
		if (!depth[$1, span]) { lone_end[span]++; next }
		took = now - open[$1, span, depth[$1, span]--]
		total[span] += took
		if (!count[span]++ || took > most[span]) most[span] = took
	}
	END { for (s in names) {
		for (t in threads) lone_begin[s] += depth[t, s]
		if (count[s]) most[s] = sprintf("%d", most[s])
		printf "%s %d %d %s %d %d\n", s, count[s], total[s], most[s], lone_begin[s], lone_end[s]
	} }' "$@" | LC_ALL=C sort
}

csv() # KIND COLUMN...: of the file, by Python's reader
{
	python3 -c '
import csv, sys
for row in csv.DictReader(sys.stdin):
    assert None not in row and None not in row.values(), row
    if row["kind"] == sys.argv[1]:
        print(*[row[c] for c in sys.argv[2:]])' "$@" <"$WORK/csv" | LC_ALL=C sort
}

checked() # TEXT TRACE
{
	fasttrace read "$2" >"$WORK/lines"
	fasttrace stats --csv "$2" >"$WORK/csv"
	events --names=none --no-delta "$2" |
		sed 's/^\[[^]]*\] //; s/: {.*//; s/.* //' | LC_ALL=C sort | uniq -c |
		awk '{ print $2, $1 }' >"$WORK/a"
	csv event name count >"$WORK/b"
	is "$1: there are events" [ -s "$WORK/a" ]
	is "$1: as many as babeltrace2 shows, of each" diff "$WORK/a" "$WORK/b"
	spans_of_lines "$WORK/lines" >"$WORK/a"
	csv span name count total_ns max_ns lone_begins lone_ends >"$WORK/b"
	is "$1: spans are as long as lines say" diff "$WORK/a" "$WORK/b"
	same "$1: what is lost is counted" "$(csv lost count | awk '{ n += $1 } END { print n }')" \
		"$(awk '/ LOST / { n += $(NF - 1) } END { print n + 0 }' "$WORK/lines")"
}

near() # A B: within the error of percentiles
{
	awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(d * d <= (b / 250) ^ 2) }'
}

serve
trace_of whole 3 200
checked "nested, in itself, crossing" "$WORK/whole"
fasttrace stats "$WORK/whole" >"$WORK/shown"
for words in 'test:outer: 3 begun without an end' 'test:outer: 3 ended without a begin' \
	'test:inner: 3 ended without a begin'; do
	is "is told: $words" grep -qx "$words" "$WORK/shown"
done
isnt "of crossing ones is nothing to tell" grep -q '^test:cross: ' "$WORK/shown"
same "a table has a row for each event" \
	"$(grep -c '^test:[a-z]*\(:begin\|:end\)\?  *[0-9]' "$WORK/shown")" 13

# Percentiles, beside the sorted durations; and what their places are.
fasttrace read --event="test:cross*" "$WORK/whole" | awk '{ match($0, /\.[0-9]+: /)
	t = substr($0, RSTART - 4, 4) * 1000000000 + substr($0, RSTART + 1, 9)
	if ($0 ~ /:begin:/) begun[$1] = t; else print t - begun[$1] }' | sort -n >"$WORK/sorted"
for p in 50 90 99; do
	is "p$p" near "$(csv span name p${p}_ns | sed -n 's/test:cross //p')" \
		"$(sed -n "$((($(wc -l <"$WORK/sorted") * p + 99) / 100))p" "$WORK/sorted")"
done

# Histograms: each value in one row.
counted() # NAME ARG...: the sum of its rows
{
	fasttrace stats --histogram "$@" "$WORK/whole" >"$WORK/shown"
	awk -v name="$1" '$0 == name { on = 1 }
		on && /\|/ { sub(/ \|.*/, ""); n += $NF }
		END { print n + 0 }' "$WORK/shown"
}
same "a histogram of a span" "$(counted test:outer)" 600
same "of a number with a sign" "$(counted test:value.sign)" 600
same "its row for -64 to -127" "$(sed -n 's/^  (-128, -64\]  *\([0-9]*\) |#.*/\1/p' "$WORK/shown")" 192
same "its row for 0" "$(sed -n 's/^  0  *\([0-9]*\) |#.*/\1/p' "$WORK/shown")" 3
same "of a real one" "$(counted test:value.real)" 600
same "its row for 16 to 32" "$(sed -n 's/^  \[16, 32)  *\([0-9]*\) |#.*/\1/p' "$WORK/shown")" 192
same "of events that are chosen" "$(counted test:value.sign --where 'sign>=0')" \
	"$(fasttrace read --event=test:value --where 'sign>=0' --count "$WORK/whole")"
fasttrace stats --histogram test:outer --histogram test:value.sign "$WORK/whole" >"$WORK/shown"
same "no line is longer than a terminal's" "$(grep -c '^.\{81\}' "$WORK/shown")" 0
is "and bars use that" grep -q '^.\{79\}#$' "$WORK/shown"
for n in 'test:value.text: expected a field that is a number' \
	'test:value.none: the event has no such field' \
	'none: no such event: expected EVENT.FIELD, or a span, as in the tables'; do
	fasttrace stats --histogram="${n%%: *}" "$WORK/whole" >/dev/null 2>"$ERR" && code=0 || code=$?
	same "--histogram=${n%%: *}: status" "$code" 1
	has "is told" "fasttrace stats: --histogram=$n"
done
says 2 "fasttrace stats: --csv, --histogram: expected one of them
Try 'fasttrace stats --help'" stats --csv --histogram=a "$WORK/whole"
says 2 "fasttrace stats: SOURCE is missing: expected a trace or a process
Try 'fasttrace stats --help'" stats

# Where there is little.
cp -r "$WORK/whole" "$WORK/empty"
find "$WORK/empty" -type f ! -name metadata -delete
fasttrace stats "$WORK/empty" >"$WORK/shown"
is "no events" grep -qx '0 events in 0.000000000 s' "$WORK/shown"
same "nor in csv" "$(fasttrace stats --csv "$WORK/empty" | grep -c '^event\|^span')" 0
unmount

# Where much was lost.
FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=2 FASTTRACE_MODE=discard
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS FASTTRACE_MODE
serve
trace_of discard 2 2000
checked "discarded events" "$WORK/discard"
FASTTRACE_MODE=overwrite
trace_of overwrite 2 2000
checked "overwritten events" "$WORK/overwrite"
FASTTRACE_SUBBUFS=64
trace_of cut 2 500
unmount
packet_cut() # FILE: takes its third packet out; a packet's size is at byte 56, in bits
{
	python3 -c '
import sys
with open(sys.argv[1], "r+b") as f:
    data, at = f.read(), [0]
    while at[-1] < len(data):
        at.append(at[-1] + int.from_bytes(data[at[-1] + 56:at[-1] + 64], "little") // 8)
    f.seek(0)
    f.write(data[:at[2]] + data[at[3]:])
    f.truncate()' "$1"
}
chmod u+w "$WORK"/cut/*
for f in "$WORK"/cut/[0-9]*; do
	[ "$(stat -c %s "$f")" -lt 16384 ] || packet_cut "$f"
done
checked "a gap" "$WORK/cut"
same "the gap is told of" "$(csv lost name count | sed -n 's/packets //p')" 2

# Names that are no words.
mkdir "$WORK/others"
python3 "$here/helper_traces.py" "$WORK/others"
fasttrace stats --csv "$WORK/others/le" >"$WORK/csv"
same "a name with quotes in csv" "$(csv event name | head -n 1)" 'a "name": odd'
same "all of a foreign trace" "$(csv event count | awk '{ n += $1 } END { print n }')" \
	"$(fasttrace read --count "$WORK/others/le")"
conclude
