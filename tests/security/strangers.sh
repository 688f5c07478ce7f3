#!/bin/sh
# SPDX-License-Identifier: MIT
# strangers.sh - what alice traces and mounts, in the usual way, is hers: bob cannot list, stat, read,
# write, lock, watch or attach; nor root at the mount. And what is refused to bob does work for her.
. "$(dirname "$0")/lib.sh"

WRITER=0x4000000000000000 READER=0x4000000000000001 # bytes that are locked (ft-layout.h)

# The loosest umask there is: the modes are right by themselves.
umask 0
become alice program stay "$STAGE/alice/counts" 1 1000 &
traced=$!
until_true 10 sh -c "ls $DIR/program-* >/dev/null"
umask 022
arena=$(echo "$DIR"/program-*)
is "alice mounts" as alice fasttracefs "$M"
daemon=$(sed 's/ .*//' "$DIR/.lock")
same "her process is there" "$(as alice ls "$M" | grep -E '^[0-9]+$')" "$traced"
thread=$(as alice ls "$M/$traced/threads")
t=$M/$traced/threads/$thread

for file in "$DIR" "$arena" "$DIR/.lock"; do
	is "under umask 0 $file is hers alone" \
		sh -c "stat -c '%a %u' $file | grep -qxE '[67]00 $ALICE'"
done

# The mount: the kernel lets nobody in but its user, root neither.
for who in bob root; do
	for path in "$M" "$M/$traced" "$M/$traced/events" "$M/$traced/snapshot" "$t" "$t/subbuf"; do
		for op in list cd inotify chmod chown; do
			# The kernel knows that root may change the mode of anything: it is not asked.
			refused 'EACCES EPERM' "$who" "$op" "$path"
		done
	done
	for file in "$M/README" "$M/control" "$M/$traced/comm" "$M/$traced/cmdline" \
		"$M/$traced/stats" "$M/$traced/trace" "$M/$traced/trace_pipe" "$M/$traced/ctf-metadata" "$M/$traced/snapshot/metadata" \
		"$M/$traced/events/enable" "$t/stream" "$t/drain"; do
		for op in stat read map inotify; do
			refused EACCES "$who" "$op" "$file"
		done
	done
	for file in "$M/control" "$M/$traced/control" "$t/control"; do
		refused EACCES "$who" write "$file" flush
	done
	refused EACCES "$who" write "$M/$traced/events/enable" 0
	refused EACCES "$who" write "$M/$traced/marker" hello
	refused EACCES "$who" rmdir "$M/$traced"
	refused EACCES "$who" unlink "$t/subbuf/00000000000000000000"
	refused EACCES "$who" create "$M/file"
	refused EACCES "$who" mkdir "$M/folder"
	refused EACCES "$who" rename "$M/$traced" "$M/0"
done
if as bob unshare --user --map-root-user true 2>/dev/null; then
	isnt "nor does bob as root of a user namespace" \
		as bob unshare --user --map-root-user ls "$M"
	isnt "nor read her directory so" as bob unshare --user --map-root-user ls "$DIR"
	attempts=$((attempts + 2))
fi
isnt "bob's fasttracefs at her mount" as bob fasttracefs --dir "$STAGE/bob/arenas" "$M"
has "says why not" "$M: Permission denied: expected a directory to mount on"
attempts=$((attempts + 1))
refused 'EPERM EACCES' bob umount "$M"
refused 'EPERM EACCES' bob mount-over "$M" "$STAGE/bob"
mount_attempts=$attempts mount_breaches=$breaches

# The arena directory, and what is in it by its full name.
for op in list cd inotify read; do
	refused EACCES bob "$op" "$DIR"
	refused EACCES member "$op" "$DIR"
done
for op in chmod chown; do
	refused EPERM bob "$op" "$DIR"
done
for file in "$arena" "$DIR/.lock"; do
	for op in stat read map inotify chmod chown setxattr unlink; do
		refused EACCES bob "$op" "$file"
		refused EACCES member "$op" "$file"
	done
	refused EACCES bob write "$file" bob
	refused EACCES bob link "$file" "$STAGE/bob/link"
	refused EACCES bob rename "$file" "$STAGE/bob/moved"
done
for byte in "$READER" "$WRITER"; do
	refused EACCES bob lock "$arena" "$byte"
	refused EACCES bob lock-read "$arena" "$byte"
done
refused EACCES bob lock "$DIR/.lock" 0
refused EACCES bob lock-read "$DIR/.lock" 0
for name in run-bob program-1-0 .new; do
	refused EACCES bob create "$DIR/$name"
	refused EACCES bob mkdir "$DIR/$name"
	refused EACCES bob link "$STAGE/bin/user" "$DIR/$name"
done
refused 'EPERM EACCES' bob rename "$DIR" "$STAGE/bob/dir"
refused 'EPERM EACCES' bob rmdir "$DIR"
isnt "bob's fasttracefs on her directory" as bob fasttracefs --dir "$DIR" "$STAGE/bob"
has "says what it wants" "$DIR: Permission denied: expected a directory of arenas"
isnt "root's fasttracefs on her directory" fasttracefs --dir "$DIR" "$STAGE/bob"
has "says whose it is" "$DIR: belongs to user $ALICE: expected a directory of user 0"
attempts=$((attempts + 2))
for who in bob member root; do
	FASTTRACE_DIR=$DIR as "$who" program end exit 7 2>"$ERR" && code=0 || code=$?
	same "$who's program with her directory runs" "$code" 7
	has "untraced" "not traced"
	same "and says so in one line" "$(wc -l <"$ERR")" 1
	attempts=$((attempts + 1))
done
same "none of them left anything in it" "$(find "$DIR" ! -user "$ALICE" | wc -l)" 0

# The processes.
for pid in "$daemon" "$traced"; do
	refused EPERM bob kill "$pid"
	for op in ptrace pidfd-getfd vm-read prlimit; do
		refused EPERM bob "$op" "$pid"
	done
	for file in environ mem maps io; do
		refused EACCES bob read "/proc/$pid/$file"
	done
	refused EACCES bob list "/proc/$pid/fd"
	refused EACCES bob list "/proc/$pid/map_files"
	for file in cwd root exe; do
		refused EACCES bob readlink "/proc/$pid/$file"
	done
done
dir_attempts=$((attempts - mount_attempts)) dir_breaches=$((breaches - mount_breaches))

# The same by alice: the tests above can succeed. First what only looks.
for op in list cd inotify; do
	allowed alice "$op" "$M"
	allowed alice "$op" "$DIR"
done
for file in "$M/README" "$M/$traced/stats" "$M/$traced/snapshot/metadata" "$arena" "$DIR/.lock"; do
	for op in stat read inotify; do
		allowed alice "$op" "$file"
	done
done
allowed alice write "$M/$traced/control" flush
allowed alice map "$arena"
allowed alice lock-read "$arena" 0
for pid in "$daemon" "$traced"; do
	allowed alice read "/proc/$pid/environ"
	allowed alice list "/proc/$pid/fd"
	allowed alice prlimit "$pid"
done
same "the events are all there" \
	"$(as alice sh -c "cp -r $M/$traced/snapshot $STAGE/alice/out" && events "$STAGE/alice/out" |
		grep -c test:tick)" 1000

same "the daemon stands in /" "$(readlink "/proc/$daemon/cwd")" /
allowed alice kill "$traced"
allowed alice kill "$daemon"

# The tightest umask, and a directory that it makes.
rm -rf "$DIR"
isnt "a program under umask 077 ends as it does" \
	as alice sh -c "umask 077; ulimit -c 0; exec program end abort"
same "its arena has the same mode" "$(stat -c '%a %u' "$DIR" "$DIR"/program-* | tr '\n' ' ')" \
	"700 $ALICE 600 $ALICE "

row "another user at the mount, and root without --allow-other" "$mount_attempts attempts" \
	"refused by the kernel" "$mount_breaches not refused"
row "another user at the arena directory, its locks, the daemon and the program" \
	"$dir_attempts attempts" "refused; files are 0600 under umask 0 and 077" "$dir_breaches not refused"
conclude
