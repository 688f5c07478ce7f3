#!/bin/sh
# SPDX-License-Identifier: MIT
# unmount.sh - root mounts in a directory of bob's, who exchanges it for a link all the time: at her
# daemon's end what is unmounted is her own mount, and never what his link leads to.
# shellcheck disable=SC2317,SC2329 # until_true calls functions
. "$(dirname "$0")/lib.sh"

ROUNDS=${TEST_RACES:-25}
WORLD=$STAGE/bob/world PRECIOUS=$STAGE/precious
export FASTTRACE_DIR="$WORK/arenas"
rounds=0 kept=0

as bob mkdir -p "$WORLD/place/m"
as bob ln -s "$PRECIOUS" "$WORLD/other"
mkdir -p "$PRECIOUS/m"
mkdir -m 700 "$FASTTRACE_DIR"

# A list of mounts that takes its time to be read, so that his exchanges fall in between.
i=0
while [ "$i" -lt 300 ]; do
	mkdir "$STAGE/many.$i"
	mount --bind "$STAGE/many.$i" "$STAGE/many.$i"
	i=$((i + 1))
done

precious()
{
	grep -q " - tmpfs precious " /proc/self/mountinfo
}

ours() # the uppermost mount of fasttracefs
{
	awk '/ - fuse.fasttracefs / { m = $5 } END { print m }' /proc/self/mountinfo
}

exchanged() # since begin
{
	[ -n "$(find "$WORLD" -maxdepth 0 -newer "$WORK/begun")" ]
}

begin()
{
	precious || mount -t tmpfs precious "$PRECIOUS/m"
	real=$WORLD/place
	[ ! -L "$real" ] || real=$WORLD/other
	fasttracefs "$real/m"
	: >"$WORK/begun"
	become bob user swap "$WORLD/place" "$WORLD/other" &
	swapper=$!
	pids="$pids $swapper"
	until_true 20 exchanged
}

end()
{
	murder "$swapper" 2>/dev/null
	while [ -n "$(ours)" ]; do umount -l "$(ours)"; done
}

while [ "$rounds" -lt "$ROUNDS" ]; do
	begin
	kill -TERM "$(daemon_pid)"
	until_true 20 unserved
	rounds=$((rounds + 1))
	! precious || kept=$((kept + 1))
	end
done
same "what the mount was exchanged for stays mounted" "$kept" "$rounds"
row "another user exchanges the place of root's mount for a link to another mount" \
	"$rounds ends of the daemon" "what the link leads to is not unmounted" \
	"still mounted $kept times"
conclude
