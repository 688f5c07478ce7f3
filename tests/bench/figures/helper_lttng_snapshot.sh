#!/bin/sh
# SPDX-License-Identifier: MIT
# helper_lttng_snapshot.sh FOLDER PROGRAM EVENTS - LTTng-UST as a flight recorder of 64 MiB a processor,
# filled by record_speed.c. Says "ready"; for each line of its input it makes a snapshot in FOLDER, and
# says how many ns that took, and how many bytes it has.
. "$(dirname "$0")/../../cmd/lib_lttng.sh"

export LTTNG_UST_REGISTER_TIMEOUT=-1
lttng -q create speed --snapshot --output="$folder/trace" >&2
lttng -q enable-channel -u channel --overwrite --subbuf-size=1M --num-subbuf=64 >&2
lttng -q enable-event -u 'speed:*' -c channel >&2
lttng -q start >&2
"$2" 0 "$3" >"$folder/said" &
pid=$!
until grep -qs ready "$folder/said"; do sleep 0.02; done
kill -USR1 "$pid"
wait "$pid"
pid=
lttng -q stop >&2
echo ready
while read -r _; do
	began=$(date +%s%N)
	lttng -q snapshot record >&2
	echo $(($(date +%s%N) - began)) "$(find "$folder/trace" -name 'channel*' -type f -printf '%s\n' |
		awk '{ n += $1 } END { print n + 0 }')"
	rm -r "$folder/trace"
done
lttng -q destroy speed >&2
