#!/bin/sh
# SPDX-License-Identifier: MIT
# others.sh - --allow-other: all see which processes there are; each user and root enter his. Whose
# they are says the owner of the arena's file, not what is written in it. The kernel refuses by the
# modes, the daemon by the caller.
# shellcheck disable=SC2010 # ls is what users do
. "$(dirname "$0")/lib.sh"

COLLECTED=$STAGE/collected R=$STAGE/mnt # root's: arenas of all, and where he mounts them

crash() # USER: leaves an arena; its pid in $pid
{
	as "$1" sh -c "ulimit -c 0; exec program end abort" 2>/dev/null || :
	newest=$(find "/dev/shm/fasttrace-$2" -name 'program-*' -printf '%T@ %p\n' | sort -n |
		tail -n 1 | cut -d' ' -f2)
	pid=$(basename "$newest" | cut -d- -f2)
}

# Everything in a process's folder that one can try.
all_refused() # USER MOUNT PID
{
	who=$1 p=$2/$3
	for op in list chmod chown; do refused 'EACCES EPERM' "$who" "$op" "$p"; done
	# The kernel decides these alone: with a capability one gets that far, and no further.
	if [ "$who" != powerful ]; then
		for op in cd inotify; do refused EACCES "$who" "$op" "$p"; done
	fi
	for name in comm cmdline exe state mode subbuf_size subbufs clock stats trace trace_pipe \
		ctf-metadata control tracing_on error_log marker events events/enable \
		snapshot snapshot/metadata threads threads/"$3" threads/"$3"/stream; do
		for op in stat read; do refused EACCES "$who" "$op" "$p/$name"; done
	done
	refused EACCES "$who" write "$p/control" flush
	refused EACCES "$who" write "$p/threads/$3/control" flush
	refused EACCES "$who" write "$p/events/enable" 0
	refused EACCES "$who" write "$p/trace" 0
	refused EACCES "$who" write "$p/tracing_on" 0
	refused EACCES "$who" write "$p/marker" hello
	refused EACCES "$who" write "$p/mode" overwrite
	refused EACCES "$who" write "$p/subbuf_size" 4096
	refused EACCES "$who" write "$p/subbufs" 8
	refused EACCES "$who" write "$p/error_log" nothing
	refused EACCES "$who" unlink "$p/threads/$3/subbuf/00000000000000000000"
	refused EACCES "$who" unlink "$p/comm"
	refused EACCES "$who" mkdir "$p/folder"
}

# The same for who may.
all_allowed() # USER MOUNT PID
{
	who=$1 p=$2/$3
	for name in "" events snapshot threads threads/"$3" threads/"$3"/subbuf; do
		allowed "$who" list "$p/$name"
	done
	for name in comm cmdline exe state mode subbuf_size subbufs clock stats trace ctf-metadata \
		tracing_on error_log events/enable snapshot/metadata; do
		allowed "$who" read "$p/$name"
	done
	allowed "$who" write "$p/control" flush
	allowed "$who" write "$p/events/enable" 1
	allowed "$who" read "$p/threads/$3/drain"
}

# What nobody but the mount's owner and root may.
root_of_mount_refused() # USER MOUNT PID...
{
	who=$1 mount=$2
	shift 2
	refused EACCES "$who" read "$mount/control"
	refused EACCES "$who" write "$mount/control" flush
	refused EACCES "$who" write "$mount/tracing_on" 0
	refused EACCES "$who" read "$mount/error_log"
	refused EACCES "$who" read "$mount/README"
	refused 'EACCES EPERM' "$who" create "$mount/file"
	refused 'EACCES EPERM' "$who" mkdir "$mount/folder"
	for pid; do
		refused EACCES "$who" rmdir "$mount/$pid"
		refused 'EACCES EPERM' "$who" rename "$mount/$pid" "$mount/0"
	done
}

# 1. alice's own mount. First without her system's leave, then with it.
crash alice "$ALICE"
hers=$pid
: >"$STAGE/etc/fuse.conf"
isnt "without user_allow_other in fuse.conf" as alice fasttracefs --allow-other "$M"
has "she is told of it" "user_allow_other"
isnt "and nothing is mounted" mounted
until_true 10 as alice user lock "$DIR/.lock" 0 >/dev/null
echo user_allow_other >"$STAGE/etc/fuse.conf"
is "with it" as alice fasttracefs --allow-other "$M"
same "bob sees which processes there are" "$(as bob ls "$M" | grep -E '^[0-9]')" "$hers"
same "and whose" "$(as bob stat -c '%u %a' "$M/$hers")" "$ALICE 500"
allowed bob cd "$M"
for who in bob member powerful; do
	all_refused "$who" "$M" "$hers"
	root_of_mount_refused "$who" "$M" "$hers"
done
allowed powerful read "$STAGE/etc/fuse.conf"
as alice sh -c "echo x >$STAGE/alice/secret; chmod 600 $STAGE/alice/secret"
allowed powerful read "$STAGE/alice/secret"
for who in root alice; do
	all_allowed "$who" "$M" "$hers"
	allowed "$who" read "$M/README"
	allowed "$who" write "$M/control" flush
done

# A descriptor is a right that its owner hands over: what it is open for, and no more.
same "bob reads from a descriptor that alice opened for him" \
	"$(as alice sh -c "cat <&3" 3<"$M/$hers/comm")" program
same "bob reads from one that root opened" "$(as bob cat 3<"$M/$hers/comm" <&3)" program
refused EACCES bob read /proc/self/fd/3 3<"$M/$hers/stats"
refused EACCES bob list /proc/self/fd/3 3<"$M/$hers"
refused EACCES bob read /proc/self/fd/3/comm 3<"$M/$hers"
allowed alice rmdir "$M/$hers"
as alice fusermount3 -u "$M"
own_attempts=$attempts own_breaches=$breaches

# 2. root's collection of everybody's. The headers of two of them lie.
crash alice "$ALICE"
hers=$pid
cp -p "$newest" /dev/shm/hers
crash bob "$BOB"
his=$pid
cp -p "$newest" /dev/shm/his
crash bob "$BOB"
liar=$pid
cp -p "$newest" /dev/shm/liar
user claim /dev/shm/liar "$ALICE"
crash alice "$ALICE"
victim=$pid
cp -p "$newest" /dev/shm/victim
user claim /dev/shm/victim "$BOB"
crash bob "$BOB"
pretender=$pid
cp -p "$newest" /dev/shm/pretender
user claim /dev/shm/pretender 0
mkdir -m 700 "$COLLECTED"
for name in hers his liar victim pretender; do
	cp -p "/dev/shm/$name" "$COLLECTED/"
	rm "/dev/shm/$name"
done
mkdir "$R"
is "root mounts what he collected" fasttracefs --allow-other --dir "$COLLECTED" "$R"
for who in alice bob powerful root; do
	same "$who sees which processes there are" "$(as "$who" ls "$R" | grep -cE '^[0-9]')" 5
done
for pid in "$hers" "$victim"; do
	same "$pid is alice's" "$(stat -c %u "$R/$pid")" "$ALICE"
	all_refused bob "$R" "$pid"
	all_refused powerful "$R" "$pid"
	all_allowed alice "$R" "$pid"
done
for pid in "$his" "$liar" "$pretender"; do
	same "$pid is bob's" "$(stat -c %u "$R/$pid")" "$BOB"
	all_refused alice "$R" "$pid"
	all_allowed bob "$R" "$pid"
	all_allowed root "$R" "$pid"
done
for who in alice bob powerful; do
	root_of_mount_refused "$who" "$R" "$hers" "$his"
done
is "bob copies his" as bob cp -r "$R/$his/snapshot" "$STAGE/bob/out"
is "and it is whole" sh -c "babeltrace2 $STAGE/bob/out | grep -q test:end"
allowed root write "$R/control" flush
allowed root rmdir "$R/$his"
fusermount3 -u "$R"

# 3. A program of root's, in run mode.
as root fasttracefs --allow-other "$R" -- program end exit 7 && code=0 || code=$?
same "the program of root's ends as it does" "$code" 7
pid=$(ls "$R" | grep -E '^[0-9]')
for who in alice powerful; do
	all_refused "$who" "$R" "$pid"
	root_of_mount_refused "$who" "$R" "$pid"
done
all_allowed root "$R" "$pid"
fusermount3 -u "$R"

row "--allow-other: another user in a process's folder, at its owner's mount" \
	"$own_attempts attempts" "refused, also to who may override modes" "$own_breaches not refused"
row "--allow-other: arenas of three users at root's mount, three with a false user in them" \
	"$((attempts - own_attempts)) attempts" "each enters what his files hold, root all" \
	"$((breaches - own_breaches)) not refused"
conclude
