#!/bin/sh
# SPDX-License-Identifier: MIT
# writers.sh - every tool that writes does what it says, or says that it cannot and changes nothing.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; commands are for eval
. "$(dirname "$0")/lib.sh"

python=$(command -v /usr/bin/python3 || command -v python3)
written() # FILE TEXT
{
	$python -ISc 'import sys
with open(sys.argv[1], "w") as f: f.write(sys.argv[2])' "$1" "$2"
}
updated() # FILE TEXT
{
	$python -ISc 'import sys
with open(sys.argv[1], "r+") as f: f.truncate(); f.write(sys.argv[2])' "$1" "$2"
}

# NAME COMMAND: writes the word of $w, with or without a newline, to file $1; the file $s has it.
WRITERS='
echo          echo $w >"$1"
append        echo $w >>"$1"
clobber       echo $w >|"$1"
both          echo $w 1<>"$1"
printf        printf $w >"$1"
space         printf "  $w\t\n\n" >"$1"
cat           cat "$s" >"$1"
cp            cp "$s" "$1"
tee           tee "$1" <"$s"
tee-a         tee -a "$1" <"$s"
dd            dd if="$s" of="$1" status=none
dd-notrunc    dd if="$s" of="$1" conv=notrunc status=none
dd-bs         dd if="$s" of="$1" bs=1M oflag=sync status=none
dd-append     dd if="$s" of="$1" oflag=append conv=notrunc,fsync status=none
python        written "$1" $w
python-r+     updated "$1" $w
rsync         rsync --inplace --no-perms --no-times "$s" "$1"
awk           awk "{ print >F }" F="$1" "$s"
sed           sed -n "w $1" "$s"
'
# The same of what makes a new file and gives it the name.
MAKERS='
mv            mv -f "$s" "$1"
cp-remove     cp --remove-destination "$s" "$1"
install       install "$s" "$1"
ln            ln -f "$s" "$1"
ln-s          ln -sf "$s" "$1"
sed-i         sed -i s/.*/$w/ "$1"
rsync-new     rsync "$s" "$1"
touch-new     touch "$1.new"
mkdir         mkdir "$1.new"
'
# What empties it, or says that it does.
CLEARERS='
redirect      : >"$1"
truncate      truncate -s 0 "$1"
cp-null       cp /dev/null "$1"
dd-null       dd if=/dev/null of="$1" status=none
tee-null      tee "$1" </dev/null
echo          echo >"$1"
python        written "$1" ""
python-r+     updated "$1" ""
'

each() # TABLE FUNCTION
{
	printf %s "$1" | grep . >"$WORK/rows"
	while read -r name command <&3; do "$2"; done 3<"$WORK/rows"
}

serve
start "$program" write "$WORK/counts" 1 0 500
until_true 10 test -d "$M/$pid/events/test"
P=$M/$pid
s=$WORK/source
FILES="$P/tracing_on $M/tracing_on $P/subbuf_size $P/subbufs $P/events/enable $P/events/test/enable $P/events/test/tick/enable"
: >"$M/error_log"

run() # FILE: with $w
{
	echo "$w" >"$s"
	eval "$command"
}

writes()
{
	for f in $FILES; do
		for w in $(words "$f"); do
			is "$name writes $w" run "$f"
			same "it is" "$(cat "$f")" "$w"
		done
	done
}
words() # FILE: two that can be written to it
{
	case $1 in
	*/subbuf_size) echo 8192 16384 ;;
	*/subbufs) echo 8 4 ;;
	*) echo 0 1 ;;
	esac
}
each "$WRITERS" writes
same "none of that was refused" "$(cat "$M/error_log")" ""

# Each write becomes a marker. rsync and python's r+ want to read as well, as does the shell's <>.
marks()
{
	w=word-of-$name
	is "$name writes a marker" run "$P/marker"
	same "it is one event" "$(grep -c "fasttrace:marker: text=\"[ ]*${w}[\\\\tn]*\"\$" "$P/trace")" 1
}
echo 0 >"$P/events/enable"
each "$(printf %s "$WRITERS" | grep -v '^rsync\|^python-r+\|^both')" marks
echo 1 >"$P/events/enable"

makes()
{
	for f in $FILES; do
		w=$(words "$f") was=$(cat "$f")
		w=${w%% *}
		isnt "$name says that it cannot" run "$f"
		same "and changes nothing" "$(cat "$f")" "$was"
	done
}
each "$MAKERS" makes

# What is no word is refused by each writer, and error_log tells.
refused()
{
	w=nonsense
	: >"$M/error_log"
	isnt "$name fails with what is no word" run "$P/tracing_on"
	same "and says so" "$(grep -oE "Invalid argument|I/O error" "$ERR" | head -n 1 | wc -l)" 1 # dash: I/O
	is "and error_log why" grep -q 'expected one of: 0, 1' "$M/error_log"
}
each "$(printf %s "$WRITERS" | grep -v "^awk\|^sed\|^rsync")" refused

consumed()
{
	sed -n 's/^consumed //p' "$P/stats"
}
grown() # since $before
{
	[ "$(consumed)" -gt "$before" ]
}
clears()
{
	before=$(consumed)
	until_true 10 grep -q '^readable [1-9]' "$P/stats"
	is "$name clears trace" run "$P/trace"
	is "all that was there" grown
	echo nonsense 2>"$ERR" >"$P/control" || :
	is "there is something in error_log" test -n "$(cat "$P/error_log")"
	is "$name clears error_log" run "$P/error_log"
	same "all of it" "$(cat "$P/error_log")" ""
}
each "$CLEARERS" clears
unmount
conclude
