#!/bin/sh
# SPDX-License-Identifier: MIT
# check.sh check|torture - every interleaving of the protocol's model (ring.pml), by Spin.
#
# Three things must hold: the model still quotes the code (drift); each configuration is explored to
# its last state without an error, and together they reach every statement of the model (clean); each
# fault that is seeded into the model is found, by the assertion that is there for it (fault).
# `check` takes a minute and 2 GB at most; `torture` explores more, in some 6 minutes and 6 GB.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 2
root=${here%/tests/model}
mode=${1:-check}
work=${MODEL_WORK:-${TMPDIR:-/tmp}/model.$$}

[ "$mode" = torture ] && : "${MEMORY:=8000}"
export MEMORY="${MEMORY:-900}" # MiB, of each of two

for tool in spin cc; do
	command -v $tool >/dev/null || {
		echo "$tool is missing"
		exit 77
	}
done

# The jobs: kind, name, configuration; of a fault also the promise that it breaks.
jobs_of() # check|torture
{
	# A thread with handlers, a reader that gets, flushes and forces switches
	handler='-DEVENTS=3 -DREADER=7'
	reader_killed='-DEVENTS=4 -DNESTED=0 -DREADER=11 -DRKILLS=2'
	writer_killed='-DEVENTS=3 -DREADER=3 -DWKILLS=1'
	lapping='-DEVENTS=1 -DNESTED=4 -DREADER=1 -DWKILLS=1'
	swapped='-DEVENTS=2 -DNESTED=4 -DREADER=1'
	depth2='-DLEVELS=3 -DEVENTS=1 -DNESTED=2 -DNESTED2=2 -DCAP=5 -DREADER=0 -DWKILLS=1 -DRANGES=3'
	overtaken='-DCAP=1 -DEVENTS=2 -DNESTED=3 -DREADER=1'
	discard='-DMODE=1 -DEVENTS=3 -DREADER=7'
	four='-DN=4 -DCAP=1 -DEVENTS=6 -DNESTED=0 -DREADER=1 -DRKILLS=1'
	laps='-DCAP=1 -DEVENTS=6 -DNESTED=0 -DREADER=4'
	cat <<-END
		clean handler $handler -DRETRIES=1
		clean discard $discard
		clean writer-killed $writer_killed
		clean reader-killed $reader_killed
		clean both-killed -DEVENTS=2 -DREADER=15 -DWKILLS=1 -DRKILLS=1
		clean discard-killed -DMODE=1 -DEVENTS=3 -DREADER=3 -DWKILLS=1 -DRKILLS=1
		clean block -DMODE=2 -DEVENTS=3 -DREADER=3 -DRETRIES=1
		clean lapping-handler $lapping
		clean lapping-swapped $swapped
		clean depth-2 $depth2
		clean depth-2-read -DLEVELS=3 -DEVENTS=1 -DNESTED=1 -DNESTED2=1 -DREADER=3 -DWKILLS=1
		clean overtaken $overtaken
		clean laps $laps
		clean four-slots $four
		fault COMMIT_BLIND event_lost $lapping
		fault COMMIT_COMMITTED_FIRST event_lost $lapping
		fault COMMIT_LOOKS_ONCE event_lost $handler
		fault COMMIT_BEFORE_STORE torn_read $handler
		fault RESERVE_PLAIN stray_write $handler
		fault NESTED_PLAIN event_lost $depth2
		fault RANGE_FORGOTTEN event_lost $writer_killed
		fault RANGES_NOT_REUSED event_lost -DEVENTS=3 -DNESTED=2 -DREADER=0 -DWKILLS=1 -DCAP=5
		fault HALF_TURNED event_lost $handler
		fault IN_FLIGHT_IGNORED slot_not_ready $handler
		fault WORD_BEFORE_COMMITTED slot_not_ready $handler
		fault WAITS_FOR_TURN waits_for_others $handler -DRETRIES=1
		fault BEGUN_PLAIN count_wrong $laps
		fault FULL_IGNORED torn_read $discard
		fault DELIVERED_IGNORED stray_write $handler
		fault ANCHOR_LAPPED against_protocol $overtaken
		fault GONE_LATE event_lost $writer_killed
		fault SWAP_UNTAGGED slot_not_ready $handler
		fault CLOSE_NOT_FENCED stray_write $handler
		fault CLOSE_UNSEEN against_protocol $handler
		fault TURN_NOT_FENCED waits_for_others $handler -DRETRIES=1
		fault TURN_UNSEEN waits_for_others $handler -DRETRIES=1
		fault ELECTED_NOT_FENCED stray_write -DEVENTS=4 -DNESTED=0 -DREADER=15 -DRKILLS=2
		fault OPEN_LATE stray_write $swapped
		fault PUBLISHED_MIXED stray_write $lapping
		fault SPARE_ASSUMED page_twice $reader_killed
		fault HOLD_LATE event_lost $reader_killed
		fault HOLD_MIXED put_twice|torn_read $reader_killed
		fault ASIDE_FIRST event_lost $reader_killed
		fault SWAP_BACK_PLAIN slot_not_ready $reader_killed
		fault CONSUMED_SKIPS event_lost $discard
	END
	[ "$1" = torture ] || return 0
	cat <<-END
		clean more-events -DEVENTS=5 -DREADER=7
		clean more-killed -DEVENTS=3 -DREADER=3 -DWKILLS=1 -DRKILLS=2
		clean more-discard -DMODE=1 -DEVENTS=4 -DREADER=15 -DWKILLS=1 -DRKILLS=1
		clean more-depth -DLEVELS=3 -DEVENTS=2 -DNESTED=2 -DNESTED2=2 -DREADER=1 -DWKILLS=1 -DRANGES=3
		clean more-laps -DCAP=1 -DEVENTS=3 -DNESTED=3 -DREADER=3
		clean more-ungets -DEVENTS=3 -DREADER=15 -DWKILLS=1 -DRKILLS=1
	END
}

# One job, in a folder of its own. Its verdict is the last line it prints.
one() # KIND NAME [PROMISE] -D...
{
	kind=$1 name=$2 fault='' promise=''
	shift 2
	[ "$kind" = clean ] || { fault=-DFAULT_$name promise=$1 && shift; }
	mkdir -p "$work/$name" && cd "$work/$name" || exit 2
	optimize=-O0 hash=22
	[ "$kind" = fault ] || { optimize=-O2 hash=24; }
	# shellcheck disable=SC2086 # no fault: no word
	spin -a $fault "$@" "$here/ring.pml" >spin.out 2>&1 &&
		cc $optimize -w -DSAFETY -DNOREDUCE -DMEMLIM="$MEMORY" -DCOLLAPSE \
			-o pan pan.c >cc.out 2>&1 &&
		./pan -m100000 -w$hash >out 2>&1
	[ -s out ] || cat spin.out cc.out >out
	if "verdict_$kind" "$promise" >verdict; then
		echo "ok - $(cat verdict)"
	else
		echo "not ok - $(cat verdict)"
		tail -n 40 out
	fi
	rm -f pan pan.? ring.pml.trail
}

states() # that the run in this folder explored
{
	sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' out
}

verdict_clean() # PROMISE: all of it explored, and no error
{
	echo "$name: $(states) states"
	grep -q 'Full statespace search' out && grep -q 'errors: 0$' out &&
		grep -q 'invalid end states	+' out && grep -q 'unreached in proctype Writer' out &&
		! grep -qE 'max search depth|out of memory|not completed|assertion violated' out
}

verdict_fault() # PROMISE: the fault is found by the assertion that names what it breaks
{
	echo "fault $name breaks $(sed -n 's/^pan.*assertion violated (*\([a-z_]*\).*/\1/p' out)," \
		"$promise expected"
	grep -qE "assertion violated \(*($promise)\|\|" out
}

if [ "$mode" = one ]; then
	shift
	one "$@"
	exit 0
fi

# Statements of the model that no configuration reached, but for those that say they never are.
unreached()
{
	set -- "$work"/*/verdict
	cleans=0 outs=''
	for verdict; do
		grep -q '^fault' "$verdict" && continue
		cleans=$((cleans + 1)) outs="$outs ${verdict%verdict}out"
	done
	# shellcheck disable=SC2086 # files
	awk -v all="$cleans" '
		FNR == 1 { process = "" }
		/^unreached in proctype/ { process = $4 }
		/^unreached in init|^pan: / { process = "" }
		/"\((writer|reader)_dead\)"$/ { next } # of an `unless`, in front of each statement
		process != "" && match($0, /pml:[0-9]+, state [0-9]+/) {
			key = process " " substr($0, RSTART + 4, RLENGTH - 4)
			if (seen[key] != FILENAME && ++count[key] == all)
				print key substr($0, RSTART + RLENGTH)
			seen[key] = FILENAME
		}' $outs >"$work/unreached"
	# The file that Spin names is wrong for an inline in another file, the line is right.
	while read -r process line text; do
		sed -s -n "${line%,}p" "$here"/ring*.pml | grep -q "never in $process" ||
			echo "$process, line $line $text"
	done <"$work/unreached"
}

# A function's text, without comments, space, and the points where other tests kill a process.
text_of() # FILE FUNCTION
{
	awk -v name="$2" '
		!on && $0 ~ "^[a-zA-Z].*[ *]" name "\\(" { on = 1; text = "" }
		on { text = text $0 "\n" }
		on && /;$/ && text !~ /{/ { on = 0 }
		on && /^}/ { printf "%s", text; exit }' "$root/$1" |
		sed 's/FASTTRACE_POINT([a-z_]*);//' | tr -d '[:space:]' |
		sed 's#/\*[^*]*\*\**\([^/*][^*]*\*\**\)*/##g'
}

sum_of() # FILE FUNCTION
{
	text_of "$1" "$2" | cksum | cut -d ' ' -f 1
}

# The head comment of ring.pml has a sum of each function, and quotes its accesses in their order.
drift()
{
	sed -n 's/^ \* \([@|]\) */\1 /p' "$here/ring.pml" >"$work/quotes"
	while read -r kind one two rest; do
		if [ "$kind" = @ ]; then
			file=$one function=${two%()}
			text=$(text_of "$file" "$function")
			[ "${rest%% *}" = "$(sum_of "$file" "$function")" ] ||
				echo "$file: $function() has changed since the model was compared with it"
			continue
		fi
		quote=$(echo "$one $two $rest" | tr -d '[:space:]')
		case $text in
		*"$quote"*) text=${text#*"$quote"} ;;
		*) echo "$file: $function() does not have, or not in this order: $one $two $rest" ;;
		esac
	done <"$work/quotes"
}

# Take the sums as they are now.
sums()
{
	sed -n 's/^ \* @//p' "$here/ring.pml" | while read -r file function sum rest; do
		new=$(sum_of "$file" "${function%()}")
		sed -i "s#^\( \* @$file $function\) $sum #\1 $new #" "$here/ring.pml"
	done
}

if [ "$mode" = sums ]; then
	sums
	exit 0
fi
begin=$(date +%s)
mkdir -p "$work" || exit 2
[ -n "${MODEL_KEEP-}" ] || trap 'rm -rf "$work"' EXIT
trap 'kill $runner 2>/dev/null; wait; exit 143' TERM INT HUP
export MODEL_WORK="$work"
none() # PROMISE COMPLAINT LINES: there are none
{
	if [ -z "$3" ]; then
		echo "ok - $1"
		passed=$((passed + 1))
	else
		echo "not ok - $2"
		echo "$3"
		failed=$((failed + 1))
	fi
}

drifted=$(drift)
jobs_of "$mode" | xargs -P 2 -L 1 "$here/check.sh" one >"$work/log" &
runner=$!
wait "$runner"
sort "$work/log"
passed=$(grep -c '^ok' "$work/log") failed=$(grep -c '^not ok' "$work/log")
none "the model quotes the code as it is" \
	"the code has changed: compare it with the model, then tests/model/check.sh sums" "$drifted"
none "every statement of the model is reached" "statements of the model that nothing reaches:" \
	"$(unreached)"
echo "took $(($(date +%s) - begin)) s"
verdicts() # EXPRESSION: how many jobs' verdicts match
{
	grep -cE "$1" "$work/log"
}
clean=$(verdicts '^(not )?ok - .* states$')
faults=$(verdicts '^(not )?ok - fault')
explored=$(sed -n 's/^ok - .*: \([0-9]*\) states$/\1/p' "$work/log" | awk '{ sum += $1 } END { print sum + 0 }')
printf 'row\t%s\t%s\t%s\t%s\n' "model: either side killed at any step, signals, laps; every interleaving" \
	"$clean configurations, $explored states" "the promises of the model's head comment" \
	"$((clean - $(verdicts '^ok - .* states$'))) broken"
printf 'row\t%s\t%s\t%s\t%s\n' "model: a fault seeded into the protocol" \
	"$faults faults" "found, by the assertion that names what it breaks" "$(verdicts '^ok - fault') found"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
