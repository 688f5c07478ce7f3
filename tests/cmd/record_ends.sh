#!/bin/sh
# SPDX-License-Identifier: MIT
# record_ends.sh - fasttrace record at the end of things: a program that ends as the recorder is told to,
# one process of many that cannot be read, two recorders, no room for one chunk more.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

FASTTRACE_MODE=block
FASTTRACE_BLOCK_TIMEOUT=inf
export FASTTRACE_MODE FASTTRACE_BLOCK_TIMEOUT

# Both end at once, as Ctrl-C does to a terminal's processes: what the program wrote last is recorded.
for source in process directory process directory process directory; do
	rm -rf "$OUT"
	begin write 1 1000
	case $source in
	process) record "$pid" -o "$OUT" ;;
	directory) record "$FASTTRACE_DIR" -o "$OUT" ;;
	esac
	until_true 20 reading "$OUT"
	halt "$recorder"
	tell "$pid"
	wait "$pid"
	kill -INT "$recorder"
	kill -CONT "$recorder"
	recorded "both end, by $source" 0
	has "both end, by $source: summary" " 1001 events, "
	same "both end, by $source: events" "$(lines "$OUT")" 1001
	find "$FASTTRACE_DIR" -type f -delete
done

known() # PID: it is recorded
{
	find "$OUT" -path "*-$1-*/metadata" 2>/dev/null | grep -q .
}

# One of a directory is damaged: that is told, and the others go on.
damaged()
{
	grep -q "was truncated while it was read" "$WORK/recorded"
}
rm -rf "$OUT"
begin pace 1 0
bad=$pid
begin pace 1 1000000
good=$pid
record "$FASTTRACE_DIR" -o "$OUT"
until_true 20 known "$bad"
until_true 20 known "$good"
truncate -s 5000 "$(arena_of "$bad")"
is "a truncated arena is told of" until_true 20 damaged
tell "$good"
wait "$good"
begin write 1 1000
tell "$pid"
wait "$pid"
is "who comes later is recorded" until_true 20 known "$pid"

# A second recorder of the same directory has nothing to do.
says 1 "fasttrace record: $FASTTRACE_DIR: is recorded already, by process $recorder: expected to be alone" \
	record "$FASTTRACE_DIR" -o "$OUT.2"
isnt "no folder is left" test -e "$OUT.2"

kill -INT "$recorder"
recorded "one of them was damaged" 1
same "the others are whole" "$(lines "$OUT"/*-"$good"-* "$OUT"/*-"$pid"-*)" 1001002
is "without a word" silent
is "without a gap" ticks "$WORK/events"
murder "$bad"

# One of a directory has another reader already: nothing of it is left in the folder.
find "$FASTTRACE_DIR" -type f -delete
rm -rf "$OUT"
begin write 1 0
record "$pid" -o "$OUT.1"
first=$recorder
until_true 20 reading "$OUT.1"
record "$FASTTRACE_DIR" -o "$OUT"
is "that another one reads it is told" until_true 20 grep -q "another process reads it already" "$WORK/recorded"
kill -INT "$recorder"
recorded "it has another reader" 1
same "nothing of it is left" "$(find "$OUT" -mindepth 1)" ""
murder "$pid"
wait "$first" || :

# Compressed, and killed: what is there expands, for a frame to be skipped ends it at any moment.
compressed()
{
	find "$OUT" -name '[0-9]*.zst' | grep -q .
}

skips() # FILE: frames to be skipped
{
	zstd -l "$1" | awk 'NR == 2 { print $2 }'
}
rm -rf "$OUT"
begin write 1 0
record "$pid" -o "$OUT" --zstd
until_true 20 reading "$OUT"
tell "$pid"
until_true 20 compressed
for i in 1 2 3 4 5; do
	sleep 0.1
	halt "$recorder" "$pid" # or there were no end of it
	is "compressed, it expands while it grows, $i" zstd -q -t "$OUT"/*.zst
	kill -CONT "$recorder" "$pid"
done
murder "$recorder"
murder "$pid"
for file in "$OUT"/*.zst; do
	is "compressed, killed: a frame to be skipped ends it" [ "$(skips "$file")" -ge 1 ]
done
is "compressed, killed: zstd expands it" zstd -q -d --rm "$OUT"/*.zst
is "compressed, killed: there are events" [ "$(lines "$OUT")" -gt 10000 ]
is "compressed, killed: without a word" silent
is "compressed, killed: without a gap" ticks "$WORK/events"

# No room for another chunk: all there are are complete, be it its folder, metadata or a packet that is too much.
chunks_whole() # DIR
{
	for chunk in "$1"/* "$1"/.[!.]*; do
		[ ! -e "$chunk" ] || [ -s "$chunk/metadata" ] || {
			echo "$chunk is half written"
			return 1
		}
	done
}
if [ "$(id -u)" -eq 0 ] && mkdir "$WORK/small" && mount -t tmpfs -o size=6M small "$WORK/small" 2>/dev/null; then
	FASTTRACE_SUBBUF_SIZE=4K
	export FASTTRACE_SUBBUF_SIZE
	for inodes in 30 31 32; do # a chunk takes three
		rm -rf "$WORK/small/out"
		mount -o "remount,nr_inodes=$inodes" "$WORK/small"
		begin write 1 0
		record "$pid" -o "$WORK/small/out" --max-size=4K
		until_true 20 reading "$WORK/small/out"
		tell "$pid"
		recorded "a full disk, chunks, $inodes inodes" 1
		has "a full disk, chunks, $inodes inodes: is told" "No space left on device"
		is "a full disk, chunks, $inodes inodes: none is half written" chunks_whole "$WORK/small/out"
		n=$(sed -n 's/.*: \([0-9]*\) events, .*/\1/p' "$WORK/recorded")
		same "a full disk, chunks, $inodes inodes: events" "$(lines "$WORK/small/out")" "$n"
		is "a full disk, chunks, $inodes inodes: without a word" silent
		fasttrace info "$pid" >"$ERR"
		has "a full disk, chunks, $inodes inodes: nothing else was consumed" " $n consumed,"
		murder "$pid"
	done
	umount "$WORK/small"
fi
conclude
