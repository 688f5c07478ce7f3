#!/bin/sh
# SPDX-License-Identifier: MIT
# commandline.sh - the command line of fasttracefs: what each one says, where to, and its exit status.
# shellcheck disable=SC2016,SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

LC_ALL=C
export LC_ALL
try="Try 'fasttracefs --help'"
cd "$WORK"

# STATUS TEXT [ARG...]: ends so, and says TEXT, all of it, on stderr, and nothing on stdout.
says()
{
	want=$1 text=$2
	shift 2
	fasttracefs "$@" >"$WORK/stdout" 2>"$WORK/stderr" && code=0 || code=$?
	same "fasttracefs $*: exit status" "$code" "$want"
	same "fasttracefs $*: stderr" "$(cat "$WORK/stderr")" "$text"
	same "fasttracefs $*: stdout" "$(cat "$WORK/stdout")" ""
	isnt "fasttracefs $*: nothing is mounted" mounted
}

misused() # TEXT [ARG...]
{
	text=$1
	shift
	says 2 "fasttracefs: $text
$try" "$@"
}

prints() # PATTERN ARG...: on stdout alone
{
	pattern=$1
	shift
	fasttracefs "$@" >"$WORK/stdout" 2>"$WORK/stderr" && code=0 || code=$?
	same "fasttracefs $*: exit status" "$code" 0
	is "fasttracefs $*: stdout" grep -qE "$pattern" "$WORK/stdout"
	same "fasttracefs $*: stderr" "$(cat "$WORK/stderr")" ""
}

# Help and version, wherever they stand among the options.
for o in --help -h --he; do prints '^Usage: fasttracefs \[OPTION\]\.\.\. MOUNT$' $o; done
for o in --version -V; do prints '^fasttracefs [0-9]+\.[0-9]+\.[0-9]+$' $o; done
prints '^Usage' --help --version
prints '^fasttracefs' -f --mode=block --version /no/such/mount
same "help is for 80 columns" "$(fasttracefs --help | awk 'length($0) > 79')" ""
same "every option is in it" "$(fasttracefs --help | grep -oE -- '--[a-z]+(-[a-z]+)*' | sort -u | tr '\n' ' ')" \
	"--allow-other --dir --events --foreground --help --mode --subbuf-size --subbufs --switch-period --version "
for o in --help --version; do
	fasttracefs $o >/dev/full 2>"$ERR" && code=0 || code=$?
	same "$o to a full disk: exit status" "$code" 1
	has "is told" "fasttracefs: standard output: No space left on device"
done

# Operands.
misused "MOUNT is missing: expected a directory to mount on"
misused "MOUNT is missing: expected a directory to mount on" ""
misused "MOUNT is missing: expected a directory to mount on" -f
misused "MOUNT is missing: expected a directory to mount on" --
misused "PROGRAM is missing after --" "$M" --
after="expected nothing, or -- PROGRAM, after MOUNT; options come before it"
misused "extra: $after" "$M" extra
misused "true: $after" "$M" true --
misused "-f: $after" "$M" -f
misused "--help: $after" "$M" --help
misused "$M: $after" "$M" "$M"

# Options.
misused "unrecognized option '--bogus'" --bogus "$M"
misused "invalid option -- 'x'" -x "$M"
misused "invalid option -- 'x'" -fx "$M"
misused "option '--sub' is ambiguous; possibilities: '--subbuf-size' '--subbufs'" --sub "$M"
misused "option '--foreground' doesn't allow an argument" --foreground=1 "$M"
misused "option '--help' doesn't allow an argument" --help=me
for o in mode subbuf-size subbufs events dir switch-period; do
	misused "option '--$o' requires an argument" "--$o"
done
misused "--dir=: expected a directory" --dir= "$M"
for v in '' bogus Block 'block '; do
	misused "--mode=$v: expected overwrite, discard or block" "--mode=$v" "$M" -- true
done
for v in '' 2K 32M 5000 -4096 4KB 4.0K 99999999999999999999; do
	misused "--subbuf-size=$v: expected a power of two from 4K to 16M" "--subbuf-size=$v" "$M" -- true
done
for v in '' 1 3 8192 8x; do
	misused "--subbufs=$v: expected a power of two from 2 to 4096" "--subbufs=$v" "$M" -- true
done
misused "--events=a:b:c: expected globs of PROVIDER:EVENT with * and ?, separated by commas, !GLOB to exclude" \
	--events a:b:c "$M" -- true
for v in '' x -1 1s 86401 nan; do
	misused "--switch-period=$v: expected seconds from 0, which is never, to 86400" "--switch-period=$v" "$M"
done
for o in --mode=block --subbuf-size=4K --subbufs=4 --events=a; do
	misused "${o%%=*}: is for PROGRAM, and there is none; expected MOUNT -- PROGRAM" $o "$M"
done
misused "--foreground: expected no PROGRAM, which takes the foreground itself" -f "$M" -- true

# Mount points, and directories of arenas.
: >file
says 1 "fasttracefs: $WORK/none: No such directory: expected a directory to mount on" none
says 1 "fasttracefs: $WORK/none/x: No such directory: expected a directory to mount on" none/x
says 1 "fasttracefs: $WORK/file: Not a directory: expected a directory to mount on" "$WORK/file"
says 1 "fasttracefs: $WORK/file: Not a directory: expected a directory to mount on" file -- true
same "what cannot be mounted leaves no directory behind" "$(find "$FASTTRACE_DIR" -name '*run-*')" ""
[ "$(id -u)" -eq 0 ] || says 1 "fasttracefs: /usr: Permission denied: expected a directory that user $(id -u) may write to" /usr
says 1 "fasttracefs: $WORK/file: Not a directory: expected a directory of arenas, and no symbolic link" --dir file "$M"
says 1 "fasttracefs: /none/of/these: cannot make this directory: No such file or directory" --dir /none/of/these "$M"

# What is right: options before MOUNT, their values beside or behind them, links, names that look like options.
serves() # TEXT PATH ARG...: PATH is mounted then
{
	text=$1 path=$2
	shift 2
	fasttracefs "$@" >"$ERR" 2>&1 && code=0 || code=$?
	same "$text: exit status" "$code" 0
	same "$text: it says nothing" "$(cat "$ERR")" ""
	is "$text: it is served" test -e "$path/README"
	fusermount3 -u "$path"
	until_true 20 unserved
}
mkdir ./-x ./-- "with space" full real
: >full/inside
ln -s real link
serves "a relative path" "$WORK/with space" "with space"
serves "slashes at the end" "$WORK/real" real///
serves "a symbolic link" "$WORK/real" link
serves "a directory that is not empty" "$WORK/full" full
is "and has its file again" test -e full/inside
serves "-- before a name like an option" "$WORK/-x" -- -x
serves "-- before --" "$WORK/--" -- --
serves "an option's value behind it" "$M" --switch-period 0.5 --dir "$FASTTRACE_DIR" "$M"
serves "an abbreviated option" "$M" --switch=1 "$M"
mkdir -m 700 other
arenas=$FASTTRACE_DIR FASTTRACE_DIR=$WORK/none
serves "--dir is stronger than FASTTRACE_DIR" "$M" --dir other "$M"
is "there it is" test -e other/.lock
until_true 20 "$program" unlocked other/.lock
FASTTRACE_DIR=$arenas

# Served already.
serve
same "the source of the mount is the directory of arenas" \
	"$(sed -n "s|.* $M .* - fuse.fasttracefs \([^ ]*\) .*|\1|p" /proc/self/mountinfo)" "$FASTTRACE_DIR"
fasttracefs "$M" 2>"$ERR" && code=0 || code=$?
same "the same again: exit status" "$code" 0
same "is no fault" "$(cat "$ERR")" "fasttracefs: $M: is mounted already, by process $(daemon_pid)"
fasttracefs real 2>"$ERR" && code=0 || code=$?
same "elsewhere: exit status" "$code" 1
same "is told" "$(cat "$ERR")" "fasttracefs: $FASTTRACE_DIR: is served already, at $M by process $(daemon_pid): use that, or unmount it, or give another --dir"
for args in "--dir=other $M" "$M -- true"; do
	# shellcheck disable=SC2086 # words
	fasttracefs $args 2>"$ERR" && code=0 || code=$?
	same "another's mount point, $args: exit status" "$code" 1
	same "is told" "$(cat "$ERR")" "fasttracefs: $M: is mounted already: expected a directory that is free, or unmount it first"
done
unmount

# PROGRAM: its own exit status; 126 and 127 as env has them; 128 + n is what a shell makes of a signal.
runs() # STATUS TEXT ARG...: PROGRAM's
{
	want=$1 text=$2
	shift 2
	fasttracefs "$M" -- "$@" >"$WORK/stdout" 2>"$WORK/stderr" && code=0 || code=$?
	same "-- $*: exit status" "$code" "$want"
	env "$@" >/dev/null 2>&1 && code=0 || code=$?
	same "-- $*: is that of env" "$code" "$want"
	# (Of who was killed, this shell tells as well.)
	same "-- $*: stderr" "$(sed '/^Terminated\|^Killed/d' "$WORK/stderr")" "$text"
	! mounted || fusermount3 -u "$M"
	until_true 20 no_runs
}
no_runs()
{
	[ -z "$(find "$FASTTRACE_DIR" -name 'run-*')" ]
}
PATH=$BUILD:/usr/bin:/bin # a folder that is closed to us would be "Permission denied"
cd "$WORK"
mkdir folder
printf '#!/no/such/interpreter\n' >script
chmod 755 script
runs 0 "" true
runs 1 "" false
runs 7 "" sh -c 'exit 7'
runs 2 "" sh -c 'exit 2'
runs 143 "" sh -c 'kill $$'
runs 137 "" sh -c 'kill -9 $$'
runs 127 "fasttracefs: nosuchprogram: cannot be executed: No such file or directory" nosuchprogram
runs 127 "fasttracefs: ./none: cannot be executed: No such file or directory" ./none
runs 127 "fasttracefs: ./script: cannot be executed: No such file or directory" ./script
runs 126 "fasttracefs: ./file: cannot be executed: Permission denied" ./file
runs 126 "fasttracefs: ./folder: cannot be executed: Permission denied" ./folder
fasttracefs --switch-period=1 --mode=block --subbufs=4K --subbuf-size=4k "$M" -- sh -c \
	'echo "$@" "$FASTTRACE_MODE" "$FASTTRACE_SUBBUFS" "$FASTTRACE_SUBBUF_SIZE"' -- -f --help -- x >"$WORK/stdout"
same "what stands behind -- PROGRAM is its own" "$(cat "$WORK/stdout")" "-f --help -- x block 4K 4k"
fusermount3 -u "$M"
until_true 20 no_runs
conclude
