#!/bin/sh
# SPDX-License-Identifier: MIT
# diskfull.sh - what is copied does not fit where it goes: nothing is consumed that was not read.
# Sub-buffers are larger than what cp and cat read at once, 1 MB; a smaller one has been read whole
# before its write fails. cat stops then; cp reads the next one.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

export FASTTRACE_SUBBUF_SIZE=2M FASTTRACE_SUBBUFS=8 LC_ALL=C
DISK=$WORK/disk
EVENTS=400000 # some five sub-buffers
ROOM='room for two and a quarter'

subbufs()
{
	ls "$T/subbuf" | wc -l
}

begin()
{
	small "$DISK" 4608k
	serve
	act write "$EVENTS" touch "$WORK/written" stay
	await test -e "$WORK/written"
	T=$M/$pid/threads/$pid
	echo flush >"$T/control"
	all=$(subbufs)
	stat -c %s "$T"/subbuf/* >"$WORK/sizes"
}

no_space() # TEXT COMMAND...
{
	isnt "$@"
	has "and says why" "No space left on device"
	exact "$1" "$EVENTS"
}

# Events in packets, which babeltrace2 reads without complaint.
traced_in() # FILE...
{
	rm -rf "$WORK/kept"
	mkdir "$WORK/kept"
	cat "$M/$pid/ctf-metadata" >"$WORK/kept/metadata"
	cat "$@" >"$WORK/kept/packets"
	events "$WORK/kept" >"$WORK/text"
	is "babeltrace2 has no complaint" silent
	found=$(grep -c test:tick "$WORK/text" || :)
}

# With room again: what is left is whole, and with what was stored it is all there was.
rest() # TEXT FAULT STORED-WHOLE
{
	kept=$3
	same "$1: what was not read whole is still there" "$(subbufs)" $((all - kept))
	is "$1: and read now" sh -c 'cat "$1"/subbuf/* >"$2"' sh "$T" "$WORK/rest"
	traced_in "$WORK/rest"
	rest_events=$found
	is "$1: without a gap" ticks "$WORK/text"
	row "$2" "$all sub-buffers of 2 MB, $ROOM" \
		"those not read to their end are not consumed" \
		"$kept stored whole, $((all - kept)) left; $((stored_events + rest_events)) of $EVENTS events"
	same "$1: nothing is missing" $((stored_events + rest_events)) "$EVENTS"
	exact "$1, in the end" "$EVENTS"
	over_with "$1"
}

over_with() # TEXT
{
	calm "$1"
	murder "$pid"
	rm -rf "$WORK/written" "$WORK/rest"
	umount "$DISK"
	finished
}

# Each file on its own: cp goes on with the next after an error.
begin
no_space "cp onto a full disk fails" sh -c 'cp "$1"/subbuf/* "$2"' sh "$T" "$DISK"
find "$DISK" -type f -size -2048k -delete
# shellcheck disable=SC2046 # numbers
traced_in "$DISK"/0*
stored_events=$found
rest cp "the disk is full in cp of sub-buffers" "$(ls "$DISK" | wc -l)"

# As one stream: its last packet is cut, and comes again, whole.
for file in stream drain; do
	begin
	no_space "cat $file onto a full disk fails" sh -c 'timeout 20 cat "$1" >"$2"' sh "$T/$file" "$DISK/out"
	whole=$((all - $(subbufs)))
	head -c "$(head -n "$whole" "$WORK/sizes" | awk '{ n += $1 } END { print n + 0 }')" "$DISK/out" >"$WORK/out"
	traced_in "$WORK/out"
	stored_events=$found
	rest "$file" "the disk is full in cat of $file" "$whole"
done

# A snapshot consumes nothing at all.
begin
no_space "cp -r of a snapshot onto a full disk fails" cp -r "$M/$pid/snapshot" "$DISK/out"
stored_events=0
rest snapshot "the disk is full in cp -r of a snapshot" 0

# Small ones: the one whose write failed was read.
FASTTRACE_SUBBUF_SIZE=256K FASTTRACE_SUBBUFS=64
begin
no_space "cat of small sub-buffers fails" sh -c 'cat "$1"/subbuf/* >"$2"' sh "$T" "$DISK/out"
consumed=$((all - $(subbufs))) stored=$(stat -c %s "$DISK/out")
same "it had read one more than it could write" "$consumed" $((stored / (256 << 10) + 1))
row "the disk is full in cat of small sub-buffers" "$all sub-buffers of 256 KB" \
	"what was read is consumed, the one that cat could not write as well" \
	"$consumed consumed, $((stored / (256 << 10))) stored, $((all - consumed)) left"
over_with "cat of small ones"

begin
no_space "cp of small sub-buffers fails" sh -c 'cp "$1"/subbuf/* "$2"' sh "$T" "$DISK"
stored=$(find "$DISK" -type f -size 256k | wc -l) left=$(subbufs)
same "it had read all of them" "$left" 0
row "the disk is full in cp of small sub-buffers" "$all sub-buffers of 256 KB" \
	"cp goes on: what it read is consumed, also what it could not write (README)" \
	"$((all - left)) consumed, $stored stored, $left left"
over_with "cp of small ones"
conclude
