#!/bin/sh
# SPDX-License-Identifier: MIT
# modes.sh - discard keeps the first events and counts the rest; block loses none while a reader comes.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

value() # NAME FILE
{
	awk -v n="$1" '$1 == n { print $2 }' "$2"
}

# Discard, with no reader: the first that fit, and babeltrace2 tells how many more there were.
fasttracefs --mode=discard --subbuf-size=4096 --subbufs=4 "$M" -- \
	"$program" stay "$WORK/counts" 1 5000 &
pid=$!
pids=$pid
until_true 5 test -e "$M/$pid/threads"
sleep 0.3
is "flush" sh -c "echo flush >'$M/$pid/control'"
isnt "active is refused on a full ring" sh -c "echo active >'$M/$pid/control'"
lost=$(value lost_full "$M/$pid/stats") kept=$(value readable "$M/$pid/stats")
same "begun = kept + lost" "$((lost + kept))" 5000
mkdir "$OUT"
cat "$M/$pid"/threads/*/subbuf/* >"$OUT/stream"
cat "$M/$pid/ctf-metadata" >"$OUT/metadata"
events "$OUT" >"$WORK/text"
same "exactly the first events" "$(ticks "$WORK/text")" "0 0 $((kept - 1))"
same "as many as were kept" "$(grep -c test:tick "$WORK/text")" "$kept"
complains "babeltrace2 warns of the rest" "discarded $lost events"
same "mode" "$(cat "$M/$pid/mode")" "overwrite [discard] block"
unmount
murder "$pid"

# Block, with a cat that comes a second late.
export FASTTRACE_BLOCK_TIMEOUT=20s
fasttracefs --mode=block --subbuf-size=4096 --subbufs=4 "$M" -- \
	"$program" stay "$WORK/counts2" 2 200000 &
pid=$!
pids=$pid
until_true 5 test -e "$M/$pid/state"
sleep 1
mkdir "$WORK/block"
cat "$M/$pid/ctf-metadata" >"$WORK/block/metadata"
cats=
for t in "$M/$pid"/threads/*; do
	cat "$t/stream" >"$WORK/block/${t##*/}" &
	cats="$cats $!"
done
pids="$pids $cats"
until_true 60 sh -c "'$program' counts '$WORK/counts2' 2 | awk '\$2 != 200000 { exit 1 }'"
kill "$pid"
wait "$pid" || :
# shellcheck disable=SC2086 # several pids
wait $cats
events "$WORK/block" >"$WORK/text"
is "block: babeltrace2 has no complaint" silent
same "block: no event is lost" "$(ticks "$WORK/text")" "0 0 199999
1 0 199999"
same "block: none was dropped" "$(value lost_full "$M/$pid/stats")" 0
unmount

# The reader is killed: the program goes on after the block timeout.
export FASTTRACE_BLOCK_TIMEOUT=500ms
fasttracefs --mode=block --subbuf-size=4096 --subbufs=4 "$M" -- \
	"$program" write "$WORK/counts3" 1 100000 20 &
pid=$!
pids=$pid
until_true 5 test -e "$M/$pid/threads"
cat "$M/$pid"/threads/*/stream >/dev/null &
reader=$!
pids="$pids $reader"
sleep 0.5
same "with a reader nothing is lost" "$(value lost_full "$M/$pid/stats")" 0
murder "$reader"
is "without it, the program goes on" until_true 5 sh -c \
	"awk '\$1 == \"lost_full\" && \$2 > 1000 { ok = 1 } END { exit !ok }' '$M/$pid/stats'"
murder "$pid"
unmount

# The daemon is killed: the program goes on at once, though it would wait for ever for a reader.
export FASTTRACE_BLOCK_TIMEOUT=inf
fasttracefs --mode=block --subbuf-size=4096 --subbufs=4 "$M" -- \
	"$program" write "$WORK/counts4" 1 &
pid=$!
pids=$pid
until_true 5 test -e "$M/$pid/threads"
sleep 0.3
before=$("$program" counts "$WORK/counts4" 1)
sleep 0.2
same "it waits" "$("$program" counts "$WORK/counts4" 1)" "$before"
# shellcheck disable=SC2012 # the newest of names that we know
kill -KILL "$(sed 's/ .*//' "$(ls -t "$FASTTRACE_DIR"/run-*/.lock | head -n 1)")"
is "it goes on" until_true 5 sh -c "[ \"\$('$program' counts '$WORK/counts4' 1)\" != '$before' ]"
murder "$pid"
fusermount3 -uz "$M"
conclude
