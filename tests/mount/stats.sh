#!/bin/sh
# SPDX-License-Identifier: MIT
# stats.sh - stats: what it says of times, rates and bytes is what babeltrace2 and the files say.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

FASTTRACE_SUBBUF_SIZE=8K FASTTRACE_SUBBUFS=4
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

value() # NAME FILE
{
	awk -v n="$1" '$1 == n { print $2 }' "$2"
}

near() # TEXT A B: two times, in seconds, are the same within a microsecond
{
	is "$1" awk -v a="$2" -v b="$3" 'BEGIN {
		split(a, x, "."); split(b, y, "."); d = (x[1] - y[1]) * 1e9 + x[2] - y[2]
		print a, b; exit d < -1000 || d > 1000 }'
}

# Rates are what stands beside them; of the dead, who have no now.
rates_fit() # FILE...
{
	cat "$@" | awk '{ v[$1] = $2 } $1 == "subbufs" {
		split(v["oldest"], x, "."); split(v["newest"], y, ".")
		s = y[1] - x[1] + (y[2] - x[2]) / 1e9
		e = s > 0 ? v["readable"] / s : 0; b = s > 0 ? v["bytes_readable"] / s : 0
		print e, v["events_per_second"], b, v["bytes_per_second"]
		if (e - v["events_per_second"] > e / 1e5 + 1 || v["events_per_second"] - e > e / 1e5 + 1 ||
			b - v["bytes_per_second"] > b / 1e5 + 1 || v["bytes_per_second"] - b > b / 1e5 + 1) bad = 1
	} END { exit bad }'
}

serve
start "$program" stay "$WORK/counts" 3 2000
P=$M/$pid
until_true 20 sh -c "[ \"\$(awk '\$1 == \"begun\" { print \$2 }' '$P/stats')\" = 6000 ]"
is "each line is a name and a value" awk 'NF != 2 || $1 !~ /^[a-z_]+$/ || $2 !~ /^[0-9.]+$/ { print; exit 1 }' \
	"$P/stats" "$P"/threads/*/stats
same "no name twice" "$(cut -d ' ' -f 1 "$P/stats" | sort | uniq -d)" ""
cp -r "$P/snapshot" "$OUT"
events --clock-seconds "$OUT" | sed 's/^\[\([0-9.]*\)\].*thread = \([0-9]*\).*/\1 \2/' >"$WORK/text"
is "babeltrace2 has no complaint" silent
near "oldest is babeltrace2's first" "$(value oldest "$P/stats")" "$(head -n 1 "$WORK/text" | cut -d ' ' -f 1)"
near "newest its last" "$(value newest "$P/stats")" "$(tail -n 1 "$WORK/text" | cut -d ' ' -f 1)"
same "a thread's oldest is its first" "$(for t in "$P"/threads/*; do value oldest "$t/stats"; done | sort | cut -c -16)" \
	"$(sort -k 2,2n -s "$WORK/text" | awk 'NR == 1 || $2 != last { print $1 } { last = $2 }' | sort | cut -c -16)"
same "a thread's ring" "$(cat "$P"/threads/*/stats | grep -cE '^(subbuf_size 8192|subbufs 4)$')" 6
same "rings" "$(value buffers "$P/stats")" "$(ls "$P/threads" | wc -l)"
bytes=$(cat "$P"/threads/*/stats | awk '$1 == "bytes_produced" { sum += $2 } END { print sum }')
same "bytes of the threads are those of the process" "$(value bytes_produced "$P/stats")" "$bytes"
is "they are those of the sub-buffers gone through, and of one more in each ring" awk -v b="$bytes" \
	-v n="$(value subbufs_produced "$P/stats")" 'BEGIN { print b, n; exit b < n * 8192 || b > (n + 3) * 8192 }'
murder "$pid"
same "the rates of the dead stand" "$(value events_per_second "$P/stats")" "$(sleep 0.1; value events_per_second "$P/stats")"
is "they are what was written in the time between oldest and newest" rates_fit "$P"/threads/*/stats
same "a process's is the sum" "$(value events_per_second "$P/stats")" \
	"$(cat "$P"/threads/*/stats | awk '$1 == "events_per_second" { sum += $2 } END { print sum }')"
echo flush >"$P/control"
same "bytes_readable is what can be read" "$(value bytes_readable "$P/stats")" "$(cat "$P"/threads/*/subbuf/* | wc -c)"
same "with nothing left there are no times" \
	"$(grep -E '^(oldest|newest|.*_per_second) ' "$P/stats" | cut -d ' ' -f 2 | tr '\n' ' ')" \
	"0.000000000 0.000000000 0 0 "

# Of a thread that lives it is the rate until now.
start "$program" flight
until_true 5 test -d "$M/$pid/threads/$pid"
T=$M/$pid/threads/$pid
until_true 5 sh -c "[ \"\$(awk '\$1 == \"readable\" { print \$2 }' '$T/stats')\" = 1 ]"
rate=$(value bytes_per_second "$T/stats")
sleep 0.2
is "who writes no more gets slower" test "$(value bytes_per_second "$T/stats")" -lt "$rate"
is "but not at once" test "$(value bytes_per_second "$T/stats")" -gt 0
unmount
conclude
