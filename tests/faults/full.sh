#!/bin/sh
# SPDX-License-Identifier: MIT
# full.sh - the filesystem of arenas is full: at the start, at the hundredth thread, for the daemon;
# and it gets room again. The bound on all arenas holds, however many processes come at once.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

free_bytes() # of the small filesystem
{
	stat -f -c '%a %S' "$FASTTRACE_DIR" | awk '{ printf "%d", $1 * $2 }'
}

used_bytes() # by arenas
{
	find "$FASTTRACE_DIR" -type f -printf '%b\n' 2>/dev/null | awk '{ n += $1 * 512 } END { printf "%d", n }'
}

fill()
{
	fallocate -l "$(free_bytes)" "$SMALL/ballast"
}

empty()
{
	finished
	rm -f "$SMALL/ballast"
}

full_start()
{
	fill
	is "a daemon starts where there is no room" serve
	act write 5000 touch "$WORK/full" await "$WORK/room" write 5000 touch "$WORK/written" stay \
		2>"$WORK/said"
	await test -e "$WORK/full"
	is "a program runs on there" kill -0 "$pid"
	same "and says so once" "$(grep -c 'No space left on device' "$WORK/said")" 1
	"$act" write 10 exit 7 2>/dev/null && code=0 || code=$?
	same "its exit status is its own" "$code" 7
	same "nothing is left of it" "$(find "$FASTTRACE_DIR" -mindepth 1 ! -name .lock)" ""
	rm "$SMALL/ballast"
	: >"$WORK/room"
	await test -e "$WORK/written"
	is "when there is room, it is recorded" test -d "$M/$pid/threads"
	exact "full at the start" 10000
	lost=$(stat_of lost_no_buffer)
	is "from the next time on that it asks" test "${lost:-10000}" -lt 6100
	same "what was not lost or overwritten is read" "$(read_back)" "$(stat_of readable)"
	same "it said nothing more" "$(wc -l <"$WORK/said")" 1
	row "the filesystem of arenas is full when a program begins" "10000 events, half of them then" \
		"runs on; lost events are counted; records when there is room" \
		"$lost lost and counted, $(stat_of readable) read, $(stat_of overwritten) overwritten"
	calm "full at the start"
	murder "$pid"
	empty
}

# 99 threads have a ring; there is no room for another, then there is again.
full_thread()
{
	serve
	act threads 99 write 50 touch "$WORK/99" await "$WORK/go" threads 51 write 50 touch "$WORK/150" \
		await "$WORK/again" write 2000 touch "$WORK/all" stay 2>"$WORK/said"
	await test -e "$WORK/99"
	fill
	: >"$WORK/go"
	await test -e "$WORK/150"
	had=$(find "$M/$pid/threads" -mindepth 1 -maxdepth 1 | wc -l)
	lost=$(stat_of lost_no_buffer)
	exact "full at the hundredth thread" $((99 * 50 + 150 * 50))
	same "the 99 lose nothing, the others all, and it is counted" "${lost:-0}" $(((150 - had) * 50))
	is "those who came first go on" test "$had" -ge 99
	same "what is not lost is read" "$(read_back)" $((99 * 50 + had * 50))
	rm "$SMALL/ballast"
	: >"$WORK/again"
	await test -e "$WORK/all"
	now=$(find "$M/$pid/threads" -mindepth 1 -maxdepth 1 | wc -l)
	same "with room again every thread has a ring" "$now" 150
	exact "room again" $((99 * 50 + 150 * 2050))
	row "the filesystem of arenas is full at the hundredth thread" "150 threads, $((150 - had)) refused" \
		"others lose nothing; what is lost is counted; recovers" \
		"$lost events of refused threads lost and counted, later $now threads recorded"
	calm "full at the hundredth thread"
	murder "$pid"
	empty
}

# A large ring's memory is had at its first event, though its pages are faulted in later.
full_ring()
{
	FASTTRACE_SUBBUF_SIZE=128K FASTTRACE_SUBBUFS=32
	serve
	act write 1 touch "$WORK/one" await "$WORK/on" write 400000 touch "$WORK/lapped" stay
	FASTTRACE_SUBBUF_SIZE=16K FASTTRACE_SUBBUFS=4
	await test -e "$WORK/one"
	fill
	: >"$WORK/on"
	await test -e "$WORK/lapped"
	is "a program goes through its ring of 4 MiB" kill -0 "$pid"
	is "which is that large" test "$(stat_of readable)" -gt 150000
	exact "full behind a large ring's first event" 400001
	same "none is lost" "$(awk '/^lost_/ { n += $2 } END { print n + 0 }' "$M/$pid/stats")" 0
	same "what was not overwritten is read" "$(read_back)" "$(stat_of readable)"
	row "the filesystem of arenas is full behind the first event of a ring of 4 MiB" "400001 events" \
		"none is lost" "$(stat_of readable) read, $(stat_of overwritten) overwritten"
	calm "full behind a large ring's first event"
	murder "$pid"
	empty
}

# The first marker takes memory, those behind it none; and the daemon lives without.
full_marker()
{
	serve
	act write 50 touch "$WORK/before" stay
	await test -e "$WORK/before"
	fill
	isnt "a marker for which there is no memory" sh -c "env echo hello >'$M/$pid/marker'"
	has "is refused" "No space left on device"
	exact "full at the first marker" 50
	rm "$SMALL/ballast"
	is "with room it is recorded" sh -c "env echo hello >'$M/$pid/marker'"
	fill
	is "the next needs none" sh -c "i=0; while [ \$i -lt 3000 ]; do i=\$((i + 1)); echo \$i; done >'$M/$pid/marker'"
	exact "full behind it" 3051
	calm "full at the first marker"
	murder "$pid"
	empty
}

# Living processes, many at once: none may go, and together they keep to the bound.
full_bound()
{
	bound=$(stat -f -c '%b %S' "$FASTTRACE_DIR" | awk '{ printf "%d", $1 * $2 / 4 }')
	processes=300 most=0
	act swarm "$processes" "$WORK/begun" "$WORK/end" reap 2>"$WORK/said"
	until [ "$(stat -c %s "$WORK/begun" 2>/dev/null)" = "$processes" ]; do
		used=$(used_bytes)
		[ "$used" -le "$most" ] || most=$used
	done
	used=$(used_bytes)
	[ "$used" -le "$most" ] || most=$used
	is "$processes processes at once keep to a quarter of the filesystem" test "$used" -le "$bound"
	is "and did not take twice as much meanwhile" test "$most" -le $((2 * bound))
	same "those that were refused say why" "$(grep -vc 'quarter of its filesystem' "$WORK/said")" 0
	row "$processes processes at once in a filesystem of 64 MB" "$processes processes" \
		"all arenas together take a quarter of it" \
		"$((used >> 10)) of $((bound >> 10)) KB, for a moment $((most >> 10)); $(wc -l <"$WORK/said") refused"
	: >"$WORK/end"
	wait "$pid"
	left_nothing "after $processes processes"
	empty
}

# What a process that was killed while it made its arena leaves counts, and goes when room is needed.
full_new()
{
	: >"$FASTTRACE_DIR/.new-1-1"
	fallocate -l 15m "$FASTTRACE_DIR/.new-1-1"
	cp --sparse=never "$FASTTRACE_DIR/.new-1-1" "$FASTTRACE_DIR/.new-1-2"
	touch -d '2 minutes ago' "$FASTTRACE_DIR/.new-1-1"
	"$act" write 10 2>"$WORK/said"
	isnt "an arena that was never finished makes room" test -e "$FASTTRACE_DIR/.new-1-1"
	is "one that may be under way does not" test -e "$FASTTRACE_DIR/.new-1-2"
	same "and the program is recorded" "$(wc -c <"$WORK/said")" 0
	empty
}

SMALL=$WORK/small
small "$SMALL" 64m
FASTTRACE_DIR=$SMALL/arenas FASTTRACE_SUBBUF_SIZE=16K FASTTRACE_SUBBUFS=4
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS
mkdir -m 700 "$FASTTRACE_DIR"
full_start
full_thread
full_ring
full_marker
full_bound
full_new
conclude
