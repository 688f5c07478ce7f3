#!/bin/sh
# SPDX-License-Identifier: MIT
# terminal.sh - fasttrace read on a terminal: colours, and a pager.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

here=$(realpath "$(dirname "$0")")
unset PAGER FASTTRACE_PAGER NO_COLOR LESS
export TERM=xterm

shown() # KEYS ARG...: what fasttrace read shows on a terminal, in $WORK/shown; its status in $code
{
	keys=$1
	shift
	timeout 20 python3 "$here/helper_terminal.py" "$keys" fasttrace read "$@" >"$WORK/shown" &&
		code=0 || code=$?
}

plain() # without what colours a line, and what less says to the terminal
{
	sed "s/$(printf '\033')\[[0-9;?]*[a-zA-Z]//g; s/$(printf '\033')[=>]//g; s/$(printf '\r')//g" "$WORK/shown"
}

coloured()
{
	grep -q "$(printf '\033')\[36mtest:tick$(printf '\033')\[0m: thread=0" "$WORK/shown"
}

as_piped() # TEXT: it shows all, and only that
{
	same "$1: exit status" "$code" 0
	plain >"$WORK/a"
	is "$1: what a pipe has" diff "$WORK/a" "$WORK/all"
}

serve
until_true 20 test -d "$M"
begin write 1 300
tell "$pid"
wait "$pid"
cp -r "$M/$pid/snapshot" "$WORK/trace"
cd "$WORK"
fasttrace read trace >all
fasttrace read -e '*:begin' trace >few

# Colours.
shown '' --no-pager trace
is "a terminal has colours" coloured
as_piped "colours"
isnt "a pipe has none" grep -q "$(printf '\033')" all
same "as asked for in a pipe" "$(fasttrace read --color=always trace | tee shown | wc -l)" 301
is "there they are" coloured
as_piped "asked for in a pipe"
for e in NO_COLOR=1 TERM=dumb TERM=; do
	export "${e?}"
	shown '' --no-pager trace
	isnt "$e: none" coloured
	as_piped "$e"
	shown '' --no-pager --color=always trace
	is "$e: --color=always says otherwise" coloured
	unset NO_COLOR
	export TERM=xterm
done
shown '' --no-pager --color=never trace
is "--color=never" diff shown all
NO_COLOR='' shown '' --no-pager trace
is "an empty NO_COLOR is none" coloured
shown '' --no-pager --json trace
is "JSON has none" sh -c 'fasttrace read --json trace | diff - shown'
says 2 "fasttrace read: --color=blue: expected auto, always or never
Try 'fasttrace read --help'" read --color=blue trace

# A pager of one's own; what it has is coloured, as it is on a terminal that the pager writes to.
paged() # TEXT: all of it, by way of the pager
{
	same "$1: exit status" "$code" 0
	plain | sed 's/^paged://; t; s/^/not paged: /' >"$WORK/a"
	is "$1: all is paged" diff "$WORK/a" "$WORK/all"
}
mark="sed s/^/paged:/"
FASTTRACE_PAGER=$mark PAGER=false shown '' trace
paged "FASTTRACE_PAGER"
is "what is paged is coloured" coloured
PAGER=$mark shown '' trace
paged "PAGER"
PAGER="cat | $mark" shown '' trace
paged "a pipe of them"
PAGER='' FASTTRACE_PAGER=$mark shown '' --json trace
same "JSON is paged" "$(grep -c '^paged:{' shown)" 301
for o in --no-pager --follow --count; do
	PAGER=$mark shown '' "$o" "$([ "$o" = --follow ] && cat arena || echo trace)"
	same "$o: exit status" "$code" 0
	is "$o: there is something" test -s shown
	isnt "$o: is not paged" grep -q paged shown
done
for none in '' cat; do
	FASTTRACE_PAGER=$none PAGER=$mark shown '' trace
	as_piped "FASTTRACE_PAGER='$none'"
done
PAGER=$mark fasttrace read trace >shown
is "a pipe is not paged" diff shown all
PAGER='head -n 1' shown '' trace
same "one that has had enough: exit status" "$code" 0
same "one that has had enough" "$(plain)" "$(head -n 1 all)"
PAGER=nosuchpager shown '' trace
same "one that is not there: exit status" "$code" 0
plain >a
is "one that is not there" grep -q '^fasttrace read: PAGER=nosuchpager: .*nosuchpager.*: expected a program to read with, or cat$' a
is "and what there is is shown" sh -c 'sed 1d a | diff - all'
PAGER=$mark shown '' trace nosuchtrace
same "something failed: exit status" "$code" 1

# less.
if command -v less >/dev/null; then
	shown '' -e '*:begin' trace
	same "what fits on the screen: exit status" "$code" 0
	plain >a
	is "what fits on the screen is shown" diff a few
	shown q trace
	same "what is longer: exit status" "$code" 0
	is "is coloured" coloured
	is "is shown as far as it was looked at" test "$(plain | grep -c ' test:tick: ')" -lt 60
	shown Gq trace
	is "up to its end" grep -q 'n=299' shown
else
	echo "# less is missing"
fi
conclude
