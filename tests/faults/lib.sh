# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# lib.sh - what the fault tests share: lib.sh of the mount tests, a program that does what it is told,
# small filesystems, and what must hold after each fault.
#
#   act ...            helper_program.c, in the background; its pid in $pid
#   await CMD...       until it succeeds; if that takes a minute, the test ends
#   small DIR SIZE     DIR becomes a tmpfs of SIZE
#   stat_of NAME       of process $pid, of all its threads
#   exact TEXT N       its counts add up, and N events had begun
#   read_back          how many of its events babeltrace2 reads in its snapshot
#   calm TEXT          nobody is stuck, no request waits; to be asked while mounted
#   finished           unmount, and forget all arenas
#   left_nothing TEXT  after unmount: no mount, no file but the lock, in /dev/shm neither
if [ "$(id -u)" -ne 0 ]; then
	exec unshare --user --map-root-user --mount "$0" "$@"
fi
. "$(dirname "$0")/../mount/lib.sh"
act=$BUILD/tests/faults/helper_program

act()
{
	start "$act" "$@"
}

await()
{
	until_true 60 "$@" && return
	count 'not ok' "awaited for a minute: $*"
	exit 1
}

small()
{
	mkdir -p "$1"
	if ! mount -t tmpfs -o "size=$2,mode=0700" fasttrace-faults "$1"; then
		echo "a tmpfs cannot be mounted here"
		exit 77
	fi
}

stat_of()
{
	awk -v n="$1" '$1 == n { print $2 }' "$M/$pid/stats"
}

exact()
{
	# shellcheck disable=SC2016 # of awk
	is "$1: counts add up" awk '$1 == "begun" { b = $2 }
		$1 ~ /^(consumed|overwritten|readable|in_flight|lost_)/ { s += $2 }
		END { exit b != s }' "$M/$pid/stats"
	same "$1: each event is counted" "$(stat_of begun)" "$2"
}

read_back()
{
	rm -rf "$OUT"
	cp -r "$M/$pid/snapshot" "$OUT" && events "$OUT" >"$WORK/text"
	grep -c test:tick "$WORK/text" || :
}

# Where the kernel's own numbers of a mount are: requests that nobody has answered.
waiting()
{
	control=$WORK/connections
	[ -d "$control" ] || mkdir "$control"
	mountpoint -q "$control" || mount -t fusectl fusectl "$control" 2>/dev/null
	minor=$(awk -v d="$M" '$5 == d { sub(".*:", "", $3); print $3 }' /proc/self/mountinfo)
	cat "$control/$minor/waiting"
}

none_waits()
{
	[ "$(waiting)" = 0 ]
}

ours() # pids that this test started, and what came of them
{
	grep -lzxF "TMPDIR=${TMPDIR-}" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n'
}

none_stuck()
{
	for p in $(ours); do
		! grep -q '^State:[[:space:]]*D' "/proc/$p/task"/*/status 2>/dev/null || return 1
	done
}

calm()
{
	is "$1: nobody is stuck" until_true 60 none_stuck
	! mounted || is "$1: no request waits" until_true 60 none_waits
}

descriptors() # of the daemon
{
	find "/proc/$(daemon_pid)/fd" -mindepth 1 | wc -l
}

finished() # with a fault: the next one begins with nothing
{
	unmount
	find "$FASTTRACE_DIR" -mindepth 1 -delete
}

left_nothing()
{
	isnt "$1: no mount is left" mounted
	same "$1: no file is left" "$(find "$FASTTRACE_DIR" -mindepth 1 ! -name .lock | head -n 3)" ""
	same "$1: no process" "$(ours | grep -vx "$$" | xargs -r ps -o comm= -p | grep fasttracefs || :)" ""
}
