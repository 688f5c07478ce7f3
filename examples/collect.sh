#!/bin/sh
# SPDX-License-Identifier: MIT
# collect.sh MOUNT/PID OUT - streams all sub-buffers of one process into a CTF folder, until the
# process is gone and everything is read.
#
#     fasttracefs /tmp/m
#     examples/collect.sh /tmp/m/1234 trace &
#     ...
#     babeltrace2 trace
#
# One `cat stream` for each thread, one file of OUT for each stream. Reading consumes: with
# FASTTRACE_MODE=block nothing is lost while this runs. Interrupt or terminate it to stop early.
set -eu

if [ $# -ne 2 ]; then
	echo "usage: collect.sh MOUNT/PID OUT" >&2
	exit 2
fi
if ! [ -r "$1/ctf-metadata" ]; then
	echo "collect: $1: expected the folder of a process in a fasttracefs mount" >&2
	exit 2
fi
mkdir -p "$2"
out=$(cd "$2" && pwd)
if [ -n "$(ls "$out")" ]; then
	echo "collect: $2: expected a new or an empty folder" >&2
	exit 2
fi
# From here on we stand in the folder: it stays this process's, even if its pid is used again.
process=$1
cd "$process"

pids='' # of our cats
seen=' ' # inode numbers of the thread folders that have one
stopped=

# Reached by the trap.
# shellcheck disable=SC2317,SC2329
stop()
{
	stopped=1
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
}
trap stop INT TERM HUP

save_metadata()
{
	# Readers of CTF ignore hidden files.
	if cat ctf-metadata >"$out/.metadata" 2>/dev/null; then
		mv "$out/.metadata" "$out/metadata"
	else
		rm -f "$out/.metadata"
	fi
}

# Starts a cat in the current folder, that of thread $1.
start_cat()
{
	file=$1 n=0
	while [ -e "$out/$file" ]; do
		n=$((n + 1))
		file=$1-$n
	done
	cat stream >"$out/$file" &
	pids="$pids $!"
}

# Threads come and go, and thread ids are used again: an old holder of 77 becomes 77.1. What stays
# is the folder's inode number. So: enter it, see which one it is, and open what is in it.
scan()
{
	for thread in threads/*; do
		cd "$thread" 2>/dev/null || continue
		# shellcheck disable=SC2012 # the name is a dot
		id=$(ls -di . | tr -dc 0-9)
		case $seen in
		*" $id "*) ;;
		*)
			seen="$seen$id "
			thread=${thread#threads/}
			start_cat "${thread%%.*}"
			;;
		esac
		cd -P ../..
	done
}

# When we were stopped a cat may have been cut off in the middle of a packet, which would make the
# trace unreadable. Cuts such a packet off. Its size in bits stands 56 bytes after its beginning.
trim()
{
	size=$(($(wc -c <"$1"))) at=0
	while [ $((at + 64)) -le "$size" ]; do
		bits=$(od -A n -t u8 -j $((at + 56)) -N 8 "$1" | tr -d ' ')
		[ $((at + bits / 8)) -le "$size" ] || break
		at=$((at + bits / 8))
	done
	[ "$at" -eq "$size" ] || dd if=/dev/null of="$1" bs=1 seek="$at" 2>/dev/null
}

save_metadata
state=running
while [ -z "$stopped" ] && [ "$state" = running ]; do
	state=$(cat state 2>/dev/null) || state=gone
	scan
	[ "$state" != running ] || sleep 1
done
if [ -z "$stopped" ] && [ "$state" != gone ]; then
	echo flush >control || : # what its threads left half full
fi

failed=0
for pid in $pids; do
	code=0
	wait "$pid" || code=$?
	if [ -n "$stopped" ] && kill -0 "$pid" 2>/dev/null; then
		kill "$pid" 2>/dev/null || : # the trap interrupted our wait, not the cat
		wait "$pid" || :
	fi
	[ "$code" -eq 0 ] || [ -n "$stopped" ] || failed=$((failed + 1))
done
save_metadata
streams=0 bytes=0
for file in "$out"/*; do
	[ "${file##*/}" != metadata ] || continue
	[ -z "$stopped" ] || trim "$file"
	streams=$((streams + 1))
	bytes=$((bytes + $(wc -c <"$file")))
done
echo "collect: $process: ${stopped:+stopped, }$state; $bytes bytes of $streams streams in $2"
if [ "$failed" -gt 0 ]; then
	echo "collect: $failed streams could not be read to their end" >&2
	exit 1
fi
