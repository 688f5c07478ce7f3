#!/bin/sh
# SPDX-License-Identifier: MIT
# planted.sh - what is no arena of alice's lies in her arena directory, from a time when it was open
# to all: links, fifos, bob's arenas and run folders. Her daemon shows her own and touches no other.
. "$(dirname "$0")/lib.sh"

PRECIOUS=$STAGE/alice/precious
BOBS=$STAGE/bob/run
planted=0

plant() # CMD...
{
	planted=$((planted + 1))
	"$@"
}

give() # FILE: to bob, who lets all in
{
	chown -R "$BOB" "$1"
	chmod -R a+rwX "$1"
}

as alice mkdir -m 700 "$DIR"
as alice sh -c "echo precious >'$PRECIOUS'; chmod 600 '$PRECIOUS'"
as alice sh -c "ulimit -c 0; exec program end abort" 2>/dev/null || :
good=$(echo "$DIR"/program-*)
pid=$(basename "$good" | cut -d- -f2)

# Arenas: whole ones, that claim to be hers.
mkdir "$BOBS"
cp "$good" "$BOBS/bobs-1-0"
: >"$BOBS/.lock"
user claim "$BOBS/bobs-1-0" "$ALICE"
give "$BOBS"
plant cp -p "$BOBS/bobs-1-0" "$DIR/bobs-2-0"
plant ln "$BOBS/bobs-1-0" "$DIR/bobs-3-0"
plant as alice ln -s "$BOBS/bobs-1-0" "$DIR/link-4-0"
plant as alice ln -s "$PRECIOUS" "$DIR/link-5-0"
plant as alice ln "$PRECIOUS" "$DIR/link-6-0"
plant as alice mkfifo "$DIR/fifo-7-0"
plant as alice mkdir "$DIR/folder-8-0"

# Run folders, which a daemon takes over with all that is in them.
plant as alice ln -s "$BOBS" "$DIR/run-link"
plant as alice mkfifo "$DIR/run-pipe"
plant cp -rp "$BOBS" "$DIR/run-bob"
plant cp -r "$BOBS" "$DIR/run-open"
chown -R "$ALICE" "$DIR/run-open"
chmod -R a+rwX "$DIR/run-open"
for name in hard soft fifo; do
	plant as alice mkdir -m 700 "$DIR/run-$name"
	as alice cp "$good" "$DIR/run-$name/program-9-0"
done
as alice ln "$PRECIOUS" "$DIR/run-hard/.lock"
as alice ln -s "$PRECIOUS" "$DIR/run-soft/.lock"
as alice mkfifo "$DIR/run-fifo/.lock"

state()
{
	find "$STAGE/bob" "$STAGE/alice" "$DIR" -path "$M" -prune -o -path "$DIR/.lock" -prune -o \
		! -path "$DIR" ! -path "$STAGE/alice" -printf '%p %y %m %U %s %n %l\n' | sort
	cat "$PRECIOUS"
}
before=$(state)

is "mounted all the same" as alice timeout 20 fasttracefs "$M"
same "the good one is shown alone" "$(as alice ls "$M" | grep -E '^[0-9]' | tr '\n' ' ')" "$pid "
shown=$(as alice ls "$M" | grep -cE '^[0-9]')
is "and whole" as alice grep -q "begun" "$M/$pid/stats"
for name in bobs-2-0 bobs-3-0; do
	is "$name is told of" as alice grep -q "$name: belongs to another user" "$M/README"
done
daemon=$(sed 's/ .*//' "$DIR/.lock")
opened=$(find "/proc/$daemon/fd" -lname "$STAGE/*" -o -lname "$DIR/*-0" -o -lname "$DIR/run-*")
same "the daemon keeps nothing else open" "$opened" ''
is "a program that starts meanwhile is not disturbed" as alice program end exit 0
as alice kill "$daemon"
until_true 10 as alice user lock "$DIR/.lock" 0 >/dev/null
after=$(state)
same "nothing was written to or removed" "$after" "$before"

row "planted in the arena directory: links, fifos, another user's arenas and run folders" \
	"$planted planted" "her own arena is shown, nothing else is opened" \
	"$shown shown, $(echo "$opened" | grep -c .) others open"
conclude
