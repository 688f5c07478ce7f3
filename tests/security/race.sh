#!/bin/sh
# SPDX-License-Identifier: MIT
# race.sh - bob exchanges alice's arena directory with something of his, all the time, while her
# programs and daemons start: what was checked must be what is used. None of her files ever appears
# in his places, nor in another directory of hers.
# shellcheck disable=SC2010 # ls is what users do
. "$(dirname "$0")/lib.sh"

PROGRAMS=${TEST_RACES:-100} DAEMONS=$((PROGRAMS / 4)) # of each kind
WORLD=$STAGE/bob/world
export FASTTRACE_DIR="$WORLD/arenas"
recorded=0 not_traced=0 ended=0 started=0 refused_starts=0 strays=0 open_strays=0

as bob mkdir -m 777 "$WORLD" "$STAGE/bob/trap"
chmod 777 "$WORLD" "$STAGE/bob/trap"
as alice mkdir -m 700 "$STAGE/alice/mail"

# alice's loops, each a single process: a start takes less than bob's next exchange.
# shellcheck disable=SC2016 # for the inner shell
programs='ulimit -c 0; i=0
while [ $i -lt "$1" ]; do
	program end abort 2>>"$2" >/dev/null
	echo $?
	i=$((i + 1))
done'
# shellcheck disable=SC2016
daemons='i=0
while [ $i -lt "$1" ]; do
	fasttracefs "$2" -- program end exit 7 2>>"$3" >/dev/null
	echo $?
	fusermount3 -qu "$2" 2>/dev/null
	i=$((i + 1))
done'

race() # WHAT TARGET: it is at $WORLD/other
{
	what=$1
	as alice mkdir -m 700 "$WORLD/arenas"
	become root user watch "$STAGE/bob/trap" "$STAGE/alice/mail" "$2" >"$WORK/strays" &
	watcher=$!
	until_true 10 grep -q watching "$WORK/strays"
	become bob user swap "$WORLD/arenas" "$WORLD/other" &
	swapper=$!
	: >"$WORK/said"
	chmod 666 "$WORK/said"
	as alice sh -c "$programs" sh "$PROGRAMS" "$WORK/said" >"$WORK/ended" 2>/dev/null
	untraced=$(grep -c "not traced" "$WORK/said" || :)
	aborts=$(grep -cx 134 "$WORK/ended")
	same "$what: every program ends as it does" "$aborts" "$PROGRAMS"
	same "$what: at most a line of each" "$(grep -c fasttrace "$WORK/said" || :)" "$untraced"
	: >"$WORK/said"
	as alice sh -c "$daemons" sh "$DAEMONS" "$M" "$WORK/said" >"$WORK/codes" 2>/dev/null
	is "$what: they were exchanged all the time" kill -0 "$swapper"
	murder "$swapper" 2>/dev/null
	same "$what: fasttracefs becomes the program, or is refused" \
		"$(grep -vcxE '7|1' "$WORK/codes" || :)" 0
	murder "$watcher" 2>/dev/null
	real=$(find "$WORLD" -mindepth 1 -maxdepth 1 -type d -user "$ALICE")
	arenas=$(find "$real" -maxdepth 1 -name 'program-*' | wc -l)
	same "$what: each program is recorded or says that it is not" \
		$((arenas + untraced)) "$PROGRAMS"
	# A run folder that a program finds missing it makes anew: it is hers, and nobody else enters.
	files=$(grep -vcE '^(watching|folder run-.*)$' "$WORK/strays" || :)
	same "$what: nothing of hers appeared elsewhere" "$files" 0
	loose=$(find "$STAGE/bob" -user "$ALICE" -perm /077 | wc -l)
	same "$what: nothing of hers there is open to others" "$loose" 0
	recorded=$((recorded + arenas)) not_traced=$((not_traced + untraced))
	ended=$((ended + aborts)) strays=$((strays + files)) open_strays=$((open_strays + loose))
	started=$((started + $(grep -cx 7 "$WORK/codes" || :)))
	refused_starts=$((refused_starts + $(grep -cx 1 "$WORK/codes" || :)))
	rm -rf "$WORLD/arenas" "$WORLD/other"
}

as bob ln -s "$STAGE/bob/trap" "$WORLD/other"
race "a link to bob's directory" "$STAGE/bob"
as bob mkdir -m 777 "$WORLD/other"
chmod 777 "$WORLD/other"
race "bob's directory" "$WORLD/other"
as bob ln -s "$STAGE/alice/mail" "$WORLD/other"
race "a link to another directory of hers" "$STAGE/alice"

# A daemon that has started meanwhile serves the directory that it has checked, and no other: it
# learns of a program that starts later.
watched=0 shown=0
for i in 1 2 3 4 5 6 7 8; do
	as bob mkdir -m 755 "$WORLD/other" # she may watch it
	as alice mkdir -m 700 "$WORLD/arenas"
	become bob user swap "$WORLD/arenas" "$WORLD/other" &
	swapper=$!
	is "start $i" until_true 10 as alice fasttracefs "$M"
	murder "$swapper" 2>/dev/null
	real=$(find "$WORLD" -mindepth 1 -maxdepth 1 -type d -user "$ALICE")
	same "start $i: it is empty" "$(as alice ls "$M" | grep -cE '^[0-9]')" 0
	as alice env FASTTRACE_DIR="$real" sh -c "ulimit -c 0; exec program end abort" 2>/dev/null || :
	seen=$(as alice ls "$M" | grep -cE '^[0-9]' || :)
	same "start $i: shows the program that starts later" "$seen" 1
	watched=$((watched + 1)) shown=$((shown + seen))
	as alice fusermount3 -u "$M"
	until_true 10 as alice user lock "$real/.lock" 0 >/dev/null
	rm -rf "$WORLD/arenas" "$WORLD/other"
done

# It was a race.
is "programs met both" test "$recorded" -gt 0 -a "$not_traced" -gt 0
is "so did fasttracefs" test "$started" -gt 0 -a "$refused_starts" -gt 0

row "another user exchanges the arena directory for his, for a link to his or to another of ours" \
	"$((recorded + not_traced)) programs, $((started + refused_starts)) daemons" \
	"nothing goes there; the program ends as it would" \
	"$strays strays there, $open_strays open to others; $recorded recorded, $not_traced refused, $ended ended as they would"
row "the same while a daemon starts that is to stay" "$watched starts" \
	"it serves the directory that it has checked" "$shown show the program that starts later"
conclude
