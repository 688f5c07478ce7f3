#!/bin/sh
# SPDX-License-Identifier: MIT
# bad.sh - bad input: a clear message or errno, nothing lost elsewhere, no hang.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

# Mount points.
isnt "no such mount point" fasttracefs "$WORK/none"
has "it is named" "$WORK/none"
: >"$WORK/file"
isnt "a mount point that is a file" fasttracefs "$WORK/file"
has "it is named" "$WORK/file"
if [ "$(id -u)" -ne 0 ]; then
	isnt "a mount point that is not ours" fasttracefs /usr
	has "it is named" /usr
fi

# Arena directories.
isnt "an arena directory that is a file" fasttracefs --dir "$WORK/file" "$M"
has "it is named" "$WORK/file"
ln -s "$FASTTRACE_DIR" "$WORK/link"
isnt "one that is a symlink" fasttracefs --dir "$WORK/link" "$M"
has "it is named" "$WORK/link"
mkdir -m 755 "$WORK/open"
isnt "one that others can enter" fasttracefs --dir "$WORK/open" "$M"
has "it is named" "$WORK/open"
isnt "nothing was mounted" mounted
for dir in "$WORK/file" "$WORK/link" "$WORK/open" /; do
	FASTTRACE_DIR=$dir "$program" end exit 5 2>"$ERR" && code=0 || code=$?
	same "a program with FASTTRACE_DIR=$dir runs" "$code" 5
	has "and says that it is not traced" "not traced"
done

# Foreign and truncated files beside a good arena.
export FASTTRACE_SUBBUF_SIZE=4096
start "$program" stay "$WORK/counts" 1 1000
good=$pid
start "$program" stay "$WORK/counts2" 1 1000
bad=$pid
sleep 0.2
echo "not an arena" >"$FASTTRACE_DIR/foreign"
: >"$FASTTRACE_DIR/empty"
head -c 100000 /dev/zero >"$FASTTRACE_DIR/zeros"
mkfifo "$FASTTRACE_DIR/fifo"
mkdir "$FASTTRACE_DIR/folder"
ln -s /etc/passwd "$FASTTRACE_DIR/symlink"
is "mounted all the same" serve
is "the good one is there" test -d "$M/$good/threads"
is "the other, too" test -d "$M/$bad/threads"
same "and nothing else" "$(ls "$M" | grep -cE '^[0-9]')" 2
is "the foreign file is told of" grep -q foreign "$M/README"
truncate -s 5000 "$FASTTRACE_DIR"/*-"$bad"-*
isnt "a truncated arena is an error" cat "$M/$bad/stats"
timeout 10 ls -lR "$M" >/dev/null 2>&1 || :
is "the good one is still served" cat "$M/$good/stats"
cp -r "$M/$good/snapshot" "$OUT"
events "$OUT" >"$WORK/text"
same "whole" "$(ticks "$WORK/text")" "0 0 999"

# Control. (A shell's own echo does not tell the errno.)
switches=$(ls "$M/$good"/threads/*/subbuf | wc -l)
for word in bogus '' 'flush flush' flushed FLUSH 'active!'; do
	isnt "echo '$word' >control" sh -c "env echo '$word' >'$M/$good/control'"
	has "is invalid" "Invalid argument"
done
same "and changed nothing" "$(ls "$M/$good"/threads/*/subbuf | wc -l)" "$switches"
is "white space does not matter" sh -c "printf '  flush \n\n' >'$M/$good/control'"
same "flush did" "$(ls "$M/$good"/threads/*/subbuf | wc -l)" $((switches + 1))
for level in "$M" "$M/$good" "$M/$good"/threads/*; do
	is "flush at $level" sh -c "echo flush >'$level/control'"
	is "reading $level/control lists the words" grep -qx active "$level/control"
done
start "$program" write "$WORK/counts4" 1 0 1000
until_true 5 test -d "$M/$pid/threads"
is "active on the living" sh -c "env echo active >'$M/$pid/control'"
is "above the dead and the living, too" sh -c "env echo active >'$M/control'"
murder "$pid"
murder "$good"
isnt "active on the dead" sh -c "env echo active >'$M/$good/control'"
has "is invalid" "Invalid argument"
is "flush on the dead" sh -c "echo flush >'$M/$good/control'"

# What may not be done.
isnt "create" touch "$M/$good/new"
isnt "mkdir" mkdir "$M/new"
isnt "write to stats" sh -c "echo 1 >'$M/$good/stats'"
isnt "chmod" chmod 777 "$M/README"
isnt "rename" mv "$M/README" "$M/README2"
isnt "rmdir of a fixed folder" rmdir "$M/$good/threads"
isnt "seek in a stream" sh -c "tail -c +5 <'$M/$good'/threads/*/stream | head -c 0; dd skip=1 bs=10 count=1 if='$M/$good'/threads/*/none"
murder "$bad"
is "rmdir of a dead process" rmdir "$M/$good"
isnt "forgets it" test -e "$M/$good"
unmount

# A full filesystem, in a mount namespace of our own.
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	cat >"$WORK/full.sh" <<-X
		mount -t tmpfs -o size=2m,mode=700 tmpfs "$FASTTRACE_DIR" &&
		head -c 4m /dev/zero >"$FASTTRACE_DIR/.fill" 2>/dev/null
		"$program" end exit 3
		code=\$?
		rm "$FASTTRACE_DIR/.fill"
		head -c 1700k /dev/zero >"$FASTTRACE_DIR/.fill"
		"$program" write "$WORK/counts3" 20 1000 || exit 9
		exit \$code
	X
	unshare -m sh "$WORK/full.sh" >"$ERR" 2>&1 && code=0 || code=$?
	same "a program on a full filesystem runs" "$code" 3
	has "and says that it is not traced" "No space left on device"
fi

# No FUSE.
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	cat >"$WORK/nofuse.sh" <<-X
		mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 &&
		fasttracefs --dir "$WORK/arenas" "$M"
	X
	mkdir -m 700 "$WORK/arenas"
	unshare -m sh "$WORK/nofuse.sh" >"$ERR" 2>&1 && code=0 || code=$?
	same "without /dev/fuse: a failure" "$code" 1
	has "that names it" /dev/fuse
fi
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	cat >"$WORK/nofuse.sh" <<-X
		mount -t tmpfs -o mode=755 tmpfs "$WORK/arenas" && cd "$WORK/arenas" &&
		mkdir bin mnt of && cp "$BUILD/fasttracefs" bin && : >closed && chmod 600 closed &&
		mount --bind closed /dev/fuse && chmod 700 of && chown -R 65534 mnt of &&
		chmod 755 "$WORK" && cd / &&
		exec setpriv --reuid=65534 --regid=65534 --clear-groups \
			"$WORK/arenas/bin/fasttracefs" --dir "$WORK/arenas/of" "$WORK/arenas/mnt"
	X
	unshare -m sh "$WORK/nofuse.sh" >"$ERR" 2>&1 && code=0 || code=$?
	same "a /dev/fuse that does not open: a failure" "$code" 1
	has "that says for whom" "/dev/fuse: Permission denied: expected a device that user 65534 may"
fi

# No process to be had: each start says so, and leaves no directory.
if [ "$(id -u)" -ne 0 ] && unshare --user true 2>/dev/null; then
	for n in 1 2; do
		unshare --user prlimit --nproc="$n" fasttracefs "$M" -- true >"$ERR" 2>&1 &&
			code=0 || code=$?
		same "at most $n processes: refused" "$code" 1
		has "and told why" fork
		same "no run directory stays" "$(find "$FASTTRACE_DIR" -name '*run-*')" ''
	done
fi
conclude
