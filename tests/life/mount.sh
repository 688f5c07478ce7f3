#!/bin/sh
# SPDX-License-Identifier: MIT
# mount.sh - FASTTRACE_MOUNT with 50 processes is one mount and one daemon: children that a server
# forks, and programs that start at the same time.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
if ! (: <>/dev/fuse) 2>/dev/null; then
	echo "SKIP: /dev/fuse does not open"
	exit 77
fi
. "$(dirname "$0")/../mount/lib.sh"
server=$BUILD/tests/life/mount

mounts()
{
	grep -c " $M fuse" /proc/self/mounts
}

daemons() # processes that are fasttracefs with our mount
{
	grep -lzxF -e "$M" /proc/[0-9]*/cmdline 2>/dev/null | while read -r f; do
		[ "$(tr '\0' '\n' 2>/dev/null <"$f" | head -n 1)" != fasttracefs ] || echo "$f"
	done | wc -l
}

processes()
{
	find "$M" -mindepth 1 -maxdepth 1 -name '[0-9]*' | wc -l
}

# Child i has i events; the server has one.
events_of_all()
{
	for p in "$M"/[0-9]*; do sed -n 's/^recorded //p; s/^begun //p' "$p/stats" | head -n 1; done |
		sort -n | tr '\n' ' '
}

all_are_there()
{
	[ "$(processes)" -eq "$1" ]
}

start env FASTTRACE_MOUNT="$M" "$server" 50 "$WORK/ready"
one=$pid
is "all children have traced" until_true 20 test -e "$WORK/ready"
is "the server and its 50 children are there" until_true 10 all_are_there 51
same "in one mount" "$(mounts)" 1
same "of one daemon" "$(daemons)" 1
same "child i has i events" "$(events_of_all)" "1 $(seq 50 | tr '\n' ' ')"
murder "$one"
is "the mount outlives them" test -e "$M/README"
unmount
find "$FASTTRACE_DIR" -mindepth 1 -delete

i=0
while [ $i -lt 50 ]; do
	start env FASTTRACE_MOUNT="$M" "$program" stay "$WORK/many" 1 3
	echo "$pid" >>"$WORK/programs"
	i=$((i + 1))
done
is "50 programs that start at once are there" until_true 40 all_are_there 50
same "in one mount" "$(mounts)" 1
same "of one daemon" "$(daemons)" 1
while read -r p; do murder "$p"; done <"$WORK/programs"
unmount
conclude
