#!/bin/sh
# SPDX-License-Identifier: MIT
# examples.sh - what babeltrace2 makes of the examples' events is what the files beside them say.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

examples=$(dirname "$0")/../../examples

# An event a line: name and fields; without its time, host, process, and where things are in memory.
lines()
{
	sed 's/^\[.*) [^ ]* \([^ ]*:\) { tid = [0-9]* }, /\1 /; s/\(from = \)0x[0-9A-F]\{6,\}/\1ADDRESS/'
}

snapshot() # EXAMPLE: its process's, once it has ended
{
	serve
	start "$BUILD/examples/$1"
	wait "$pid" || count 'not ok' "$1 fails"
	until_true 10 grep -q '^exited 0' "$M/$pid/state"
	events "$M/$pid/snapshot" >"$WORK/$1.raw"
	is "$1: babeltrace2 has no complaint" silent
	lines <"$WORK/$1.raw" >"$WORK/$1.txt"
	unmount
}

for example in events events_cxx; do
	if [ "$example" = events_cxx ] && [ ! -e "$BUILD/examples/$example" ]; then
		echo "SKIP $example is not built where there is no C++ compiler"
		continue
	fi
	snapshot "$example"
	is "$example: every event, as in $example.txt" diff "$examples/$example.txt" "$WORK/$example.txt"
done
conclude
