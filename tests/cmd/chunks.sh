#!/bin/sh
# SPDX-License-Identifier: MIT
# chunks.sh - fasttrace record in chunks, compressed, of a directory, through a mount, and on a full
# disk.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

FASTTRACE_MODE=block
FASTTRACE_BLOCK_TIMEOUT=inf
export FASTTRACE_MODE FASTTRACE_BLOCK_TIMEOUT

sum() # DIR...: of the events in each, which opens by itself
{
	total=0
	for chunk; do
		total=$((total + $(lines "$chunk")))
		silent >&2 || echo "# $chunk: babeltrace2 complains"
	done
	echo $total
}

begin write 3 60000
record "$pid" -o "$OUT" --max-size=1M
until_true 20 reading "$OUT"
tell "$pid"
recorded "chunks by size" 0
is "there are many" test "$(find "$OUT" -mindepth 1 -maxdepth 1 | wc -l)" -gt 4
same "their events" "$(sum "$OUT"/*)" 180001
big=0
for chunk in "$OUT"/*; do
	bytes=$(find "$chunk" -type f ! -name metadata -exec cat {} + | wc -c)
	[ "$bytes" -le 1048576 ] || big=$((big + 1))
done
same "chunks that are larger than asked for" $big 0
same "all of them are one trace" "$(lines "$OUT")" 180001
is "without a word" silent
is "without a gap" ticks "$WORK/events"

rm -rf "$OUT"
begin write 1 0
record "$pid" -o "$OUT" --max-time=0.1
until_true 20 reading "$OUT"
tell "$pid"
until_true 20 test -d "$OUT/000003"
murder "$pid"
recorded "chunks by time" 0
n=$(sed 's/.*: \([0-9]*\) events, .*/\1/' "$ERR")
same "their events" "$(sum "$OUT"/*)" "$n"

rm -rf "$OUT"
begin write 2 50000
record "$pid" -o "$OUT" --zstd
until_true 20 reading "$OUT"
tell "$pid"
recorded "compressed" 0
bytes=$(cat "$OUT"/*.zst | wc -c)
is "it is smaller" test "$bytes" -lt 1500000
is "zstd expands it" zstd -q -d --rm "$OUT"/*.zst
same "its events" "$(lines "$OUT")" 100001
is "without a word" silent
is "without a gap" ticks "$WORK/events"

no_arenas()
{
	[ -z "$(find "$FASTTRACE_DIR" -type f ! -name .lock)" ]
}
find "$FASTTRACE_DIR" -type f -delete # of those that were killed

# A directory: who comes later waits for us in block mode, from its first event on.
rm -rf "$OUT"
begin write 1 50000
record "$FASTTRACE_DIR" -o "$OUT"
until_true 20 reading "$OUT"
tell "$pid"
for threads in 1 2 3; do
	begin write $threads 50000
	tell "$pid"
	wait "$pid"
done
fasttracefs "$M" 2>"$ERR" && code=0 || code=$?
same "a daemon beside it: exit status" "$code" 1
same "a daemon beside it" "$(cat "$ERR")" \
	"fasttracefs: $FASTTRACE_DIR: is served already, by process $recorder, fasttrace record: end that first"
for threads in 1 2 1 2 1 2; do
	FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=2 "$program" write "$WORK/counts" $threads 20000
done
until_true 20 no_arenas
kill -INT "$recorder"
recorded "a directory" 0
has "a directory: ten processes" "of 10 processes"
same "a directory: events" "$(lines "$OUT")" 530004
is "a directory: no complaint" silent
is "a directory: who exited leaves no arena" no_arenas

# A terminal is told how it goes.
if command -v script >/dev/null; then
	rm -rf "$OUT"
	begin pace 1 1500000
	tell "$pid"
	script -qec "fasttrace record $pid -o $OUT" "$WORK/terminal" </dev/null >/dev/null
	tr '\r' '\n' <"$WORK/terminal" >"$WORK/shown"
	is "progress on a terminal" grep -qE '^[0-9.]+ s  [0-9]+ events, [0-9]+/s  [0-9.]+ MB, [0-9.]+ MB/s  [0-9]+ lost' "$WORK/shown"
	is "and a summary" grep -q " streams of 1 process" "$WORK/shown"
	rm -rf "$OUT"
	begin pace 1 1500000
	tell "$pid"
	script -qec "stty cols 30; fasttrace record $pid -o $OUT" "$WORK/terminal" </dev/null >/dev/null
	sed 's/\r/\n/g; s/\x1b\[K//g' "$WORK/terminal" | grep '^[0-9.]* s  ' >"$WORK/shown"
	is "on a narrow one" test -s "$WORK/shown"
	isnt "no line is too long for it" grep -E '.{30}' "$WORK/shown"
fi

# Served by a daemon: through its mount, whatever SOURCE is.
serve
for how in pid folder root; do
	rm -rf "$OUT"
	begin write 3 50000
	until_true 20 test -d "$M/$pid"
	case $how in
	pid) record "$pid" -o "$OUT" ;;
	folder) record "$M/$pid" -o "$OUT" ;;
	root) record "$M" -o "$OUT" ;;
	esac
	until_true 20 reading "$OUT"
	tell "$pid"
	wait "$pid"
	if [ $how = root ]; then
		sleep 1
		kill -INT "$recorder"
	fi
	recorded "a mount, by $how" 0
	same "a mount, by $how: events" "$(lines "$OUT")" 150001
	is "a mount, by $how: no complaint" silent
	rmdir "$M/$pid"
done
rm -rf "$OUT"
begin write 1 0
until_true 20 test -d "$M/$pid"
tell "$pid"
record "$pid" -o "$OUT"
sleep 0.2
kill -INT "$recorder"
recorded "a mount, interrupted" 0
murder "$pid"
n=$(sed 's/.*: \([0-9]*\) events, .*/\1/' "$ERR")
same "a mount, interrupted: events" "$(lines "$OUT")" "$n"
is "a mount, interrupted: no complaint" silent
unmount

# No room: by a limit on files, and for root by a full filesystem.
stops() # TEXT WORDS DIR: it has stopped with a message, and what is there is a trace
{
	recorded "$1" 1
	has "$1: is told" "$2"
	n=$(sed -n 's/.*: \([0-9]*\) events, .*/\1/p' "$ERR")
	is "$1: events were written" test "$n" -gt 1000
	same "$1: and are a trace" "$(lines "$3")" "$n"
	is "$1: without a word" silent
	is "$1: without a gap" ticks "$WORK/events"
	fasttrace info "$pid" >"$ERR"
	has "$1: nothing else was consumed" " $n consumed,"
}
rm -rf "$OUT"
begin write 1 0
(
	ulimit -f 16000 # of 512 bytes
	exec fasttrace record "$pid" -o "$OUT" 2>"$WORK/recorded"
) &
recorder=$! pids="$pids $!"
until_true 20 reading "$OUT"
tell "$pid"
stops "a file at its limit" "File too large" "$OUT"
murder "$pid"
if [ "$(id -u)" -eq 0 ] && mkdir "$WORK/small" && mount -t tmpfs -o size=6M small "$WORK/small" 2>/dev/null; then
	begin write 1 0
	record "$pid" -o "$WORK/small/out"
	until_true 20 reading "$WORK/small/out"
	tell "$pid"
	stops "a full disk" "No space left on device" "$WORK/small/out"
	murder "$pid"
	begin write 1 1000
	cp "$(arena_of "$pid")" "$WORK/dead"
	murder "$pid"
	dd if=/dev/zero of="$WORK/small/fill" bs=4k 2>/dev/null || :
	fasttrace snapshot "$WORK/dead" -o "$WORK/small/snap" 2>"$ERR" && code=0 || code=$?
	same "a snapshot on a full disk: exit status" "$code" 1
	has "is told" "No space left on device"
	same "and leaves nothing" "$(find "$WORK/small" -name '*snap*')" ""
	umount "$WORK/small"
fi
conclude
