#!/bin/sh
# SPDX-License-Identifier: MIT
# commandline.sh - the command line of fasttrace: what each one says, where to, and its exit status; and
# that the manual pages tell of it.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

LC_ALL=C
export LC_ALL
root=$(realpath "$(dirname "$0")/../..")
cd "$WORK"

misused() # COMMAND TEXT [ARG...]
{
	command=$1 text=$2
	shift 2
	says 2 "fasttrace${command:+ $command}: $text
Try 'fasttrace${command:+ $command} --help'" ${command:+"$command"} "$@"
}

prints() # PATTERN ARG...: on stdout alone
{
	pattern=$1
	shift
	fasttrace "$@" >"$WORK/stdout" 2>"$WORK/stderr" && code=0 || code=$?
	same "fasttrace $*: exit status" "$code" 0
	is "fasttrace $*: stdout" grep -qE "$pattern" "$WORK/stdout"
	same "fasttrace $*: stderr" "$(cat "$WORK/stderr")" ""
}

options() # of a text: the long ones
{
	sed 's/\\-/-/g; s/\\f.//g' "$1" | grep -oE -- '--[a-z]+(-[a-z]+)*' | grep -vx -- --rm | sort -u
}

# Help and version.
commands=$(fasttrace --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
for c in ls info read stats export merge cut control snapshot record; do
	is "$c is a command" test "${commands#*"$c"}" != "$commands"
done
for o in --help -h; do prints '^Usage: fasttrace COMMAND \[OPTION\]\.\.\. SOURCE\.\.\.$' $o; done
for o in --version -V; do prints '^fasttrace [0-9]+\.[0-9]+\.[0-9]+$' $o; done
for c in $commands; do
	for o in --help -h; do prints "^Usage: fasttrace $c " "$c" $o; done
	same "$c: help is for 84 columns" "$(fasttrace "$c" --help | awk 'length($0) > 84')" ""
	fasttrace "$c" --help >/dev/full 2>"$ERR" && code=0 || code=$?
	same "$c --help to a full disk: exit status" "$code" 1
	has "is told" "fasttrace $c: standard output: No space left on device"
	misused "$c" "unknown option --bogus" --bogus
	misused "$c" "unknown option -x" -x
done
fasttrace 2>"$ERR" && code=0 || code=$?
same "nothing: exit status" "$code" 2
has "nothing: help" "Usage: fasttrace COMMAND"
misused "" "bogus: expected a command: see the list in --help" bogus
misused "" "'': expected a command: see the list in --help" ""
misused "" "--bogus: expected a command: see the list in --help" --bogus

for c in $commands; do
	same "help $c" "$(fasttrace help "$c")" "$(fasttrace "$c" --help)"
done
same "help" "$(fasttrace help)" "$(fasttrace --help)"
misused "" "bogus: expected a command: see the list in --help" help bogus

# The manual pages: one of all, one of each.
complaints() # PAGE: of groff, of man
{
	! command -v groff >/dev/null || groff -man -ww -Tutf8 -z "$1"
	! command -v man >/dev/null || man -l --warnings "$1" >/dev/null
}
for c in "" $commands; do
	page=$root/reader/cmd/fasttrace-$c.1
	[ "$c" ] || page=$root/docs/fasttrace.1
	same "${page##*/}: groff and man have no complaint" "$(complaints "$page" 2>&1)" ""
	[ "$c" ] || continue
	fasttrace "$c" --help >"$WORK/help"
	same "${page##*/}: its options are those of --help" "$(options "$page")" "$(options "$WORK/help")"
	is "the page of all tells of $c" grep -qF "fasttrace\\-$c (1)" "$root/docs/fasttrace.1"
	is "${page##*/}: says it in the words of help" \
		grep -qF -- "\\- $(fasttrace --help | sed -n "s/^  $c  *//p")" "$page"
done

# Operands and values.
misused info "SOURCE is missing: expected a process"
misused info "b: expected one SOURCE" a b
misused snapshot "SOURCE is missing: expected a process"
misused snapshot "b: expected one SOURCE" a b
misused snapshot "--output is missing: expected -o DIR, a folder to be made" a
misused snapshot "--output is missing: expected -o DIR, a folder to be made" a -o ''
misused snapshot "missing argument for -o" a -o
misused record "SOURCE is missing: expected a process, or a directory of them"
misused record "b: expected one SOURCE" a b
misused record "--output is missing: expected -o DIR, a folder to be made" a
for v in '' 0 x -1 1T 1.5M; do
	misused record "--max-size=$v: expected bytes, or with K, M or G behind" a -o x "--max-size=$v"
done
for v in '' 0 x -1 1s nan inf; do
	misused record "--max-time=$v: expected seconds, more than 0" a -o x "--max-time=$v"
done
misused ls "b: expected one SOURCE at most" a b
misused ls "--sort=x: expected pid, size, age, rate or last" --sort=x
words="expected flush, active, clear, start, stop, events on GLOB.. or events off GLOB.."
misused control "SOURCE is missing: expected a process"
misused control "what to do with 1 is missing: $words" 1
misused control "frob: $words" 1 frob
misused control "now: expected nothing after flush" 1 flush now
misused control "events : expected events on GLOB.. or events off GLOB.." 1 events
misused control "events maybe: expected events on GLOB.. or events off GLOB.." 1 events maybe
misused control "events on: GLOB is missing: expected globs of PROVIDER:EVENT with * and ?, separated by commas, !GLOB to exclude" 1 events on
for g in a:b:c '!a' a/b ''; do
	misused control "events off $g: expected PROVIDER or PROVIDER:EVENT, in which * stands for any characters and ? for one" 1 events off "$g"
done

# Sources.
begin write 1 1000
serve
until_true 20 test -d "$M/$pid"
process="expected a process id, the file of an arena or the folder of a process in a mount (MOUNT/PID)"
: >empty
mkfifo fifo
mkdir ctf
: >ctf/metadata
says 1 "fasttrace info: none: No such file or directory: $process" info none
says 1 "fasttrace info: '': No such file or directory: $process" info ''
says 1 "fasttrace info: fifo: is neither a file nor a folder: $process" info fifo
says 1 "fasttrace info: ctf: is a CTF trace: $process" info ctf
says 1 "fasttrace info: $M: is the root of a mount: $process" info "$M"
says 1 "fasttrace info: $M/$pid/threads: lies inside of a mount: $process" info "$M/$pid/threads"
says 1 "fasttrace info: $M/$pid/trace: lies inside of a mount: $process" info "$M/$pid/trace"
says 1 "fasttrace info: $FASTTRACE_DIR: is a folder without CTF metadata: $process" info "$FASTTRACE_DIR"
for n in 0 4194305 99999999999999999999; do
	says 1 "fasttrace info: $n: no arena of such a process in $FASTTRACE_DIR: \`fasttrace ls\` lists those there are, FASTTRACE_DIR says where" info $n
done
fasttrace info empty 2>"$ERR" && code=0 || code=$?
same "an empty file: exit status" "$code" 1
has "is told" "empty: "
has "is told what is expected" ": expected the file of an arena, as libfasttrace makes it"
says 1 "fasttrace ls: none: No such file or directory: expected the root of a mount or a directory of arenas" ls none
FASTTRACE_DIR=$WORK/none says 1 \
	"fasttrace ls: $WORK/none: No such file or directory: expected a directory of arenas, as FASTTRACE_DIR" ls
fasttrace info "$M/$pid" >by-folder
fasttrace info "$(cat arena)" >by-file
fasttrace info "$pid" >by-pid
is "a folder of a mount is its arena" cmp by-folder by-pid
is "a file is" cmp by-file by-pid
dead()
{
	[ ! -e "$M/$pid" ]
}
kill -KILL "$(daemon_pid)"
until_true 20 dead
says 1 "fasttrace info: $M/$pid: the daemon of this mount is dead: $process" info "$M/$pid"
murder "$pid"
conclude
