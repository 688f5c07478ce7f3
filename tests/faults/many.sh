#!/bin/sh
# SPDX-License-Identifier: MIT
# many.sh - 1,000 threads, 200 processes at once, a storm of forks: all events are accounted for, and
# neither files nor descriptors nor memory pile up.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

shown() # processes in the tree
{
	find "$M" -mindepth 1 -maxdepth 1 -name '[0-9]*' | wc -l
}

remembered() # KB of the daemon
{
	awk '$1 == "RssAnon:" { print $2 }' "/proc/$(daemon_pid)/status"
}

forget_all()
{
	find "$M" -mindepth 1 -maxdepth 1 -name '[0-9]*' -exec rmdir {} + 2>/dev/null || :
	[ "$(shown)" = 0 ]
}

threads() # N
{
	serve
	before=$(descriptors)
	act threads "$1" write 20 touch "$WORK/once" await "$WORK/on" join threads "$1" write 20 join \
		touch "$WORK/twice" stay
	await test -e "$WORK/once"
	exact "$1 threads" $((20 * $1))
	same "$1 threads: each has its folder" "$(ls "$M/$pid/threads" | wc -l)" "$1"
	same "$1 threads: nothing is lost" "$(stat_of readable)" $((20 * $1))
	same "$1 threads: babeltrace2 reads all" "$(read_back)" $((20 * $1))
	is "$1 threads: without complaint" silent
	is "$1 threads: in order" ticks "$WORK/text"
	events_once=$(grep -c test:tick "$WORK/text")
	: >"$WORK/on"
	await test -e "$WORK/twice"
	exact "$1 more after them" $((40 * $1))
	row "$1 threads in one process, and $1 more after them" "$((2 * $1)) threads" \
		"each event is accounted for" \
		"$events_once of $((20 * $1)) read; then $(stat_of readable) readable, $(stat_of overwritten) overwritten of $((40 * $1))"
	calm "$1 threads"
	murder "$pid"
	await forget_all
	same "$1 threads: the daemon's descriptors are as before" "$(descriptors)" "$before"
	finished
}

processes() # N
{
	serve
	before=$(descriptors)
	act swarm "$1" "$WORK/begun" "$WORK/end" reap
	await sh -c "[ \$(stat -c %s '$WORK/begun') = $1 ]"
	begin=$(date +%s%N)
	count=$(shown)
	took=$((($(date +%s%N) - begin) / 1000000))
	same "$1 processes at once are shown" "$count" "$1"
	whole=$(cat "$M"/*/stats | awk '$1 == "begun" && $2 == 1 { b++ } $1 == "readable" && $2 == 1 { r++ } END { print b + 0, r + 0 }')
	same "each with its event" "$whole" "$1 $1"
	calm "$1 processes"
	: >"$WORK/end"
	wait "$pid"
	ended=$(cat "$M"/[0-9]*/state | grep -c 'exited 0')
	same "and how it ended" "$ended" "$1"
	row "$1 processes at once" "$1 processes" "each is shown with its event, and how it ended" \
		"$count shown in $took ms, $ended ended well"
	await forget_all
	same "the daemon's descriptors are as before" "$(descriptors)" "$before"
	finished
}

arenas() # files of all, but the lock
{
	find "$FASTTRACE_DIR" -mindepth 1 ! -name .lock -printf '%b %p\n' >"$WORK/arenas"
	awk '{ n += $1 * 512 } END { printf "%d", n }' "$WORK/arenas"
}

# FORKS children, one after another, end in each way. WITH a daemon, or not.
storm() # with|without FORKS
{
	forks=$2
	[ "$1" = without ] || serve
	[ "$1" = without ] || before=$(descriptors) had=$(remembered)
	: >"$WORK/said"
	"$act" fork "$forks" exit 2>>"$WORK/said"
	[ "$1" = with ] || same "without a daemon: of exit nothing is left" "$(arenas)" 0
	start "$act" write 1 fork "$forks" _exit fork "$forks" kill fork "$forks" exec touch "$WORK/storm" stay 2>>"$WORK/said"
	await test -e "$WORK/storm"
	[ "$1" = without ] || ls "$M" >/dev/null
	left=$(arenas)
	refused=$(wc -l <"$WORK/said")
	is "$1 a daemon: dead arenas make room" test "$refused" -le $((forks / 4))
	is "$1 a daemon: what is left keeps to the bound" test "$left" -le "$bound"
	files=$(wc -l <"$WORK/arenas")
	if [ "$1" = without ]; then
		is "a daemon that comes later" serve # and makes room for others
		left=$(arenas) files=$(wc -l <"$WORK/arenas")
		calm "storm"
	else
		is "the daemon keeps a descriptor for each at most" test "$(descriptors)" -le $((before + files + 2))
		is "and 64 MB at most" test "$(($(remembered) - had))" -le 65536
	fi
	same "shows what is left" "$(shown)" "$files"
	exact "the parent, $1 a daemon" 1
	same "which is read, as is each that is left" \
		"$(cat "$M"/[0-9]*/stats | awk '$1 == "readable" { n += $2 } END { print n }')" "$files"
	row "a storm of forks $1 a daemon, ended by exit, _exit, kill and exec" "$((4 * forks)) children" \
		"arenas keep to a quarter of the filesystem; clean exits leave none where no daemon is" \
		"$files arenas of $((left >> 10)) of $((bound >> 10)) KB, each readable; $refused children refused"
	calm "storm, $1 a daemon"
	murder "$pid"
	await forget_all
	[ "$1" = without ] || same "the daemon's descriptors are as before" "$(descriptors)" "$before"
	unmount
	left_nothing "storm, $1 a daemon"
	rm -f "$WORK/storm"
}

threads 1000
processes 200
SMALL=$WORK/small
small "$SMALL" 64m
export FASTTRACE_DIR="$SMALL/arenas" FASTTRACE_SUBBUF_SIZE=16K FASTTRACE_SUBBUFS=4
mkdir -m 700 "$FASTTRACE_DIR"
bound=$((64 << 20 >> 2))
storm without 500
storm with 500
conclude
