#!/bin/sh
# SPDX-License-Identifier: MIT
# limits.sh - values at their limits, written and read: babeltrace2 shows what the program meant.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

FASTTRACE_SUBBUF_SIZE=4K
FASTTRACE_SUBBUFS=16
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

counted() # NAME of stats
{
	awk -v name="$1" '$1 == name { print $2 }' "$M/$pid/stats"
}

serve
start "$BUILD/tests/mount/limits" >"$WORK/meant"
is "the program ends well" wait "$pid"
until_true 10 grep -q '^exited 0' "$M/$pid/state"
events "$M/$pid/snapshot" >"$WORK/raw"
isnt "babeltrace2 has no complaint but of what had no room" \
	grep -v '^WARNING: Tracer discarded' "$COMPLAINTS"
sed 's/^\[.*) [^ ]* \([^ ]*:\) { tid = [0-9]* }, /\1 /' "$WORK/raw" >"$WORK/shown"
is "every value is as it was written" diff "$WORK/meant" "$WORK/shown"
same "what has no room is counted" "$(counted lost_too_big)" 4
same "and nothing else is lost" "$(awk '$1 ~ /^lost/ { n += $2 } END { print n }' "$M/$pid/stats")" 4
is "classes have names" grep -q 'name = "limits:twice"' "$M/$pid/snapshot/metadata"
same "a name with two sets of fields has two classes" \
	"$(grep -c 'name = "limits:twice"' "$M/$pid/snapshot/metadata")" 2
isnt "a guard is no event" grep -q guarded "$M/$pid/snapshot/metadata" "$WORK/raw"
unmount
conclude
