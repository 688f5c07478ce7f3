#!/bin/sh
# SPDX-License-Identifier: MIT
# full.sh - the filesystem of arenas is full: at the start, at the hundredth thread, for the daemon;
# and it gets room again.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

free_bytes() # of the small filesystem
{
	stat -f -c '%a %S' "$FASTTRACE_DIR" | awk '{ print $1 * $2 }'
}

fill() # but BYTES
{
	fallocate -l $(($(free_bytes) - ${1:-0})) "$SMALL/ballast"
}

SMALL=$WORK/small
small "$SMALL" 64m
FASTTRACE_DIR=$SMALL/arenas
mkdir -m 700 "$FASTTRACE_DIR"

# 1. Full from the start; later there is room.
fill
serve
act write 5000 touch "$WORK/full" await "$WORK/room" write 5000 touch "$WORK/written" stay 2>"$WORK/said"
until_true 10 test -e "$WORK/full"
is "a program runs on where there is no room" kill -0 "$pid"
same "and says so once" "$(grep -c 'No space left on device' "$WORK/said")" 1
"$act" write 10 exit 7 2>/dev/null && code=0 || code=$?
same "its exit status is its own" "$code" 7
same "nothing is left of it" "$(find "$FASTTRACE_DIR" -mindepth 1 ! -name .lock)" ""
rm "$SMALL/ballast"
: >"$WORK/room"
until_true 10 test -e "$WORK/written"
is "when there is room, it is recorded" test -d "$M/$pid/threads"
exact "full at the start" 10000
lost=$(stat_of lost_no_buffer)
is "from the next time on that it asks" test "${lost:-10000}" -lt 6100
same "what is not lost is read" "$(read_back)" $((10000 - lost))
same "it said nothing more" "$(wc -l <"$WORK/said")" 1
row "the filesystem of arenas is full when a program begins" "10000 events, half of them then" \
	"runs on; lost events are counted; records when there is room" \
	"$lost lost and counted, $((10000 - lost)) read"
murder "$pid"
calm "full at the start"
unmount
find "$FASTTRACE_DIR" -mindepth 1 -delete
conclude
