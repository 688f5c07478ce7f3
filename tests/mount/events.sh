#!/bin/sh
# SPDX-License-Identifier: MIT
# events.sh - events/: what is on, turning it on and off while threads run, fields and ids.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

traced=$BUILD/tests/mount/events_program
shared=$WORK/shared
MORE=300 # rounds after a switch: what stood in the ring before is still there
FASTTRACE_SUBBUF_SIZE=32K FASTTRACE_SUBBUFS=4
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

counts() # what stats says, but for rates, which change by themselves
{
	grep -v '_per_second ' "$P/stats"
}

# On and off everywhere: "PATH STATE" by lines.
states()
{
	(cd "$E" && find . -name enable | sort | while read -r f; do echo "${f#./} $(cat "$f")"; done)
}

# FILE WORD: written while all threads run; then MORE rounds. $WORK/over, $WORK/text: the outcome.
turn()
{
	"$traced" turn "$shared" "$MORE" "$@" >"$WORK/over" || echo "turn failed: $*"
	rm -rf "$OUT"
	cp -r "$P/snapshot" "$OUT"
	events --clock-seconds "$OUT" >"$WORK/text"
}

# EVENT: "thread first last count over" for each thread that has one in $WORK/text.
spans()
{
	awk -v e=" $1:" 'FNR == NR { over[$1] = $2; next }
	index($0, e) {
		match($0, /thread = [0-9]+/); t = substr($0, RSTART + 9, RLENGTH - 9)
		match($0, / n = [0-9]+/); n = substr($0, RSTART + 5, RLENGTH - 5) + 0
		if (!(t in first)) first[t] = n
		last[t] = n; count[t]++
	} END { for (t in first) print t, first[t], last[t], count[t], over[t] }' \
		"$WORK/over" "$WORK/text"
}

# None but the event that a thread was in when the write returned. (Its count of rounds may be one
# behind in the processor's store buffer.) Notes in $WORK/seen which threads it could judge.
none_since() # EVENT
{
	spans "$1" >"$WORK/spans"
	cut -d ' ' -f 1 "$WORK/spans" >>"$WORK/seen"
	awk '$3 > $5 + 1 { print; bad = 1 } END { exit bad }' "$WORK/spans"
}

# FILE EVENT: on and off, until events from before the write are there to be judged by.
stops()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		"$traced" turn "$shared" 0 "$1" 1 >/dev/null
		turn "$1" 0
		none_since "$2" || return 1
		[ ! -s "$WORK/spans" ] || return 0
	done
	echo "no $2 at all"
	return 1
}

# From the round that began after the write on, each: without a gap, and as far back as REFERENCE,
# which was on all the time, goes in the ring; but for its first round, which may be cut.
each_since() # EVENT [REFERENCE]
{
	awk -v e=" $1:" -v ref=" ${2:-alpha:two}:" -v more="$MORE" '
	FNR == NR { over[$1] = $2; next }
	index($0, e) || index($0, ref) {
		match($0, /thread = [0-9]+/); t = substr($0, RSTART + 9, RLENGTH - 9)
		match($0, / n = [0-9]+/); n = substr($0, RSTART + 5, RLENGTH - 5) + 0
		if (n <= over[t] + 1) next
		if (index($0, ref) && !(t in begin)) begin[t] = n + 1
		if (!index($0, e)) next
		if (t in last && n != last[t] + 1) { print "gap:", t, last[t], n; bad = 1 }
		if (!(t in last)) first[t] = n
		last[t] = n
	} END {
		for (t = 0; t < 4; t++)
			if (!(t in last) || first[t] > begin[t] || last[t] < over[t] + more - 1) {
				print "thread", t, first[t], last[t], "of", begin[t], over[t] + more - 1
				bad = 1
			}
		exit bad
	}' "$WORK/over" "$WORK/text"
}

# EVENT: microseconds from the return of the write to its last event.
lag()
{
	awk -v e=" $1:" '$1 == "time" { split($2, w, "."); next }
	index($0, e) { match($0, /[0-9]+\.[0-9]+/); split(substr($0, RSTART, RLENGTH), l, ".") }
	END { if (l[1]) printf "%.1f", (l[1] - w[1]) * 1e6 + (l[2] - w[2]) / 1e3 }' \
		"$WORK/over" "$WORK/text"
}

held() # all threads stand at their limit
{
	"$traced" turn "$shared" 0 >/dev/null
}

# Where the program's threads stand still, from here on $P is the process and $E its events.
begin() # COMMAND...: starts the program
{
	rm -f "$shared"
	start "$@" "$traced" run "$shared"
	P=$M/$pid E=$M/$pid/events
	until_true 10 test -e "$E/delta/span"
}

serve
begin env
same "providers" "$(ls "$E" | tr '\n' ' ')" "alpha beta delta enable enable_ "
same "events" "$(ls "$E/alpha" | tr '\n' ' ')" "enable one two "
same "an event called enable" "$(ls "$E/enable_" | tr '\n' ' ')" "enable enable_ "
same "what an event has" "$(ls -l "$E/alpha/one" | awk 'NR > 1 { print $1, $NF }')" \
	"-rw------- enable
-r-------- format
-r-------- id"
same "all is on" "$(states | awk '{ print $2 }' | sort -u)" 1

# Looking changes nothing and waits for nothing.
held
inodes()
{
	find "$E" -printf '%P %i %m\n' | sort
}
all_of_it()
{
	counts && states && inodes
}
inodes >"$WORK/inodes"
all_of_it >"$WORK/before"
for look in "ls -lR '$E'" "find '$E'" "grep -r . '$E'" "grep -rn enable '$E'" "cat '$E'/*/*/*" \
	"tar -cf - -C '$E' ." "du -a '$E'" "head -c 1 '$E/enable'" "tail -n 1 '$E/alpha/one/format'"; do
	is "$look" timeout 20 sh -c "$look"
done
if command -v bash >/dev/null; then
	same "tab completion" "$(bash -c "compgen -f '$E/al'")" "$E/alpha"
fi
all_of_it >"$WORK/after"
is "changed nothing" cmp "$WORK/before" "$WORK/after"
same "inode numbers in the list are those of the files" \
	"$(ls -ai "$E/alpha" | awk '$2 !~ /^\./' | tr -s ' ' | sed 's/^ *//')" \
	"$(cd "$E/alpha" && stat -c '%i %n' enable one two)"

# While four threads run at full speed.
: >"$WORK/seen"
off=0 on=0 others=0 lags=
for _ in 1 2 3 4 5 6 7 8 9 10; do
	turn "$E/alpha/one/enable" 0
	none_since alpha:one && off=$((off + 1))
	each_since alpha:two && each_since beta:one && each_since beta:two && others=$((others + 1))
	lags="$lags $(lag alpha:one)"
	turn "$E/alpha/one/enable" 1
	each_since alpha:one && on=$((on + 1))
done
same "0: at most the event that a thread was in, in rounds" "$off" 10
same "others go on, in rounds" "$others" 10
same "1: it is back at once, in rounds" "$on" 10
is "it was judged for each thread" sh -c "[ \$(sort -u '$WORK/seen' | wc -l) -eq 4 ]"
is "and in most rounds" test "$(wc -l <"$WORK/seen")" -gt 20
echo "# last event of alpha:one, us after the write had returned:$lags"

turn "$E/alpha/one/enable" 0
"$traced" turn "$shared" 3000 >/dev/null # nothing from before is in the ring any more
turn
same "off is off: none at all" "$(grep -c alpha:one "$WORK/text")" 0
same "mixed" "$(states | tr '\n' ' ')" "alpha/enable X alpha/one/enable 0 alpha/two/enable 1 \
beta/answer/enable 1 beta/asked/enable 1 beta/enable 1 beta/one/enable 1 beta/two/enable 1 \
delta/enable 1 delta/span/enable 1 enable X enable_/enable 1 enable_/enable_/enable 1 "
is "a guard that is off leaves out what it guards" stops "$E/beta/asked/enable" beta:answer
is "and nothing else" each_since beta:one
turn "$E/beta/asked/enable" 1
is "on again" each_since beta:answer
is "a span: no begin" stops "$E/delta/span/enable" delta:span:begin
"$traced" turn "$shared" 3000 >/dev/null
turn
same "and no end" "$(grep -c delta:span "$WORK/text")" 0
is "a provider's switch" stops "$E/beta/enable" beta:one
is "is for each of its events" none_since beta:two
is "and for no other's" each_since alpha:two
same "mixed still" "$(cat "$E/enable")" X
is "all off" stops "$E/enable" alpha:two
same "all off" "$(states | awk '{ print $2 }' | sort -u)" 0
turn
same "nothing is recorded any more" "$("$traced" turn "$shared" "$MORE" >/dev/null; counts)" \
	"$(counts)"

# Off holds for what comes later; on, too.
"$traced" late "$shared"
turn
is "an event that is reached later appears" test -d "$E/gamma/late"
same "off" "$(cat "$E/gamma/enable")" 0
same "without a trace" "$(grep -c gamma:late "$WORK/text")" 0
turn "$E/gamma/late/enable" 1
is "until it is turned on" each_since gamma:late gamma:late
turn "$E/enable" 1
is "all on" each_since alpha:one
same "all on" "$(states | awk '{ print $2 }' | sort -u)" 1
inodes | grep -v ^gamma >"$WORK/after"
is "inode numbers stay" cmp "$WORK/inodes" "$WORK/after"

# Every way to write.
F=$E/alpha/one/enable
written() # TEXT STATE
{
	same "$1" "$(cat "$F")" "$2"
}
echo 0 >"$F"
written "echo >" 0
echo 1 >>"$F"
written "echo >>" 1
printf 0 >"$F"
written "without an end of line" 0
printf ' \t1 \n\n' >"$F"
written "white space" 1
echo 0 | tee "$F" >/dev/null
written tee 0
echo 1 | tee -a "$F" >/dev/null
written "tee -a" 1
echo 0 | dd of="$F" status=none
written dd 0
echo 1 | dd of="$F" conv=notrunc status=none
written "dd without truncation" 1
echo 0 >"$WORK/word"
cp "$WORK/word" "$F"
written cp 0
truncate -s 0 "$F"
: >"$F"
written "truncation alone changes nothing" 0
exec 3<>"$F"
echo 1 >&3
read -r state <"$F"
same "read, the shell's own" "$state" 1
echo 0 >&3
exec 3>&-
written "several through one open file" 0
for word in 2 '' on off '0 1' 00 01 -1 0x0 X '1 1' '1,' true; do
	states >"$WORK/before"
	for f in "$F" "$E/alpha/enable" "$E/enable"; do
		if env echo "$word" 2>"$ERR" >"$f" || ! grep -q 'Invalid argument' "$ERR"; then
			echo "$f: \"$word\" was not refused"
		fi
	done >"$WORK/refused"
	same "\"$word\" is refused" "$(cat "$WORK/refused")" ""
	states >"$WORK/after"
	is "and changes nothing" cmp "$WORK/before" "$WORK/after"
done
isnt "format is not written" sh -c "echo 1 >'$E/alpha/one/format'"
isnt "no event is made" mkdir "$E/alpha/new"
isnt "or removed" rmdir "$E/alpha/one"
isnt "there is no other" test -e "$E/alpha/none"

# Switches outlive the daemon: they are in the arena.
echo 0 >"$E/alpha/two/enable"
states >"$WORK/before"
kill -KILL "$(daemon_pid)"
until_true 5 unserved
serve
states >"$WORK/after"
is "the next daemon finds them as they were" cmp "$WORK/before" "$WORK/after"
is "and can switch" sh -c "echo 1 >'$F' && echo 1 >'$E/alpha/two/enable'"
same "all on" "$(cat "$E/enable")" 1

# Fields and ids agree with the trace's own description.
turn
for f in "$E"/*/*/format; do
	d=${f%/format}
	awk -v p="$(basename "$(dirname "$d")")" '
		$1 == "name:" { name = p ":" $2 }
		$1 == "ID:" { id = $2 }
		$1 == "kind:" && $2 != "event" { name = name ":" $2 }
		$1 == "format:" { print name, id; next }
		/^\tfield:/ { sub(/;.*/, ""); print name, id, $NF }' "$f"
done | sort >"$WORK/formats"
awk '/^event \{/ { in_event = 1 }
	in_event && $1 == "name" { gsub(/[";]/, "", $3); name = $3 }
	in_event && $1 == "id" { id = $3 + 0; print name, id }
	in_event && /^\t\t/ { sub(/;$/, ""); sub(/\[.*/, "", $NF); sub(/^_/, "", $NF); print name, id, $NF }
	/^\};/ { in_event = 0 }' "$P/ctf-metadata" | sed 's/^enable:enable /enable_:enable /' |
	sort >"$WORK/described"
is "formats are those of ctf-metadata" cmp "$WORK/formats" "$WORK/described"
is "there are some" test "$(wc -l <"$WORK/formats")" -gt 15
for d in "$E"/*/*/; do
	p=${d%/*/} e=$(sed -n 's/^name: //p' "$d/format" | sort -u)
	sed "s/^/${p##*/}:$e /" "$d/id"
done | sed '/:span /d'  | sort >"$WORK/ids"
awk 'NF == 2 && !/:span:/' "$WORK/formats" >"$WORK/with-id"
is "and so are the ids" cmp "$WORK/ids" "$WORK/with-id"
same "one id for each call site that differs" "$(wc -l <"$E/alpha/one/id")" 2
grep -h alpha:one "$WORK/text" | sed 's/.*{ \(thread.*\) }/\1/; s/ = [^,]*//g; s/,//g' | sort -u >"$WORK/seen"
awk '$1 == "format:" { if (line) print line; line = "" }
	/^\tfield:/ { sub(/;.*/, ""); line = line (line ? " " : "") $NF }
	END { print line }' "$E/alpha/one/format" | sort >"$WORK/told"
is "babeltrace2 shows the same fields" cmp "$WORK/seen" "$WORK/told"
is "a type and a size" grep -qx "	field:i16 even;	size:2;" "$E/alpha/one/format"
is "a string's size varies" grep -qx "	field:string text;	size:varies;" "$E/beta/two/format"
is "a level" grep -qx "level: debug" "$E/alpha/two/format"
is "a kind" grep -qx "kind: event" "$E/alpha/two/format"
is "the clock, and why" grep -qE '^(tsc [0-9]+ Hz|monotonic): [a-z]' "$P/clock"

# A forked child begins with what its parent had.
echo 0 >"$E/alpha/one/enable"
child=$("$traced" fork "$shared")
pids="$pids $child"
C=$M/$child/events
until_true 5 test -d "$C/delta/span"
same "a forked child inherits what is off" "$(cat "$C/alpha/one/enable")" 0
same "and what is on" "$(cat "$C/alpha/two/enable" "$C/beta/enable" | sort -u)" 1
echo 1 >"$E/alpha/one/enable"
same "afterwards it has switches of its own" "$(cat "$C/alpha/one/enable")" 0
kill -KILL "$child"

# The dead have events, too.
murder "$pid"
is "the dead: listed" test -e "$E/alpha/one/enable"
is "described" grep -q 'name: one' "$E/alpha/one/format"
is "a write does no harm" sh -c "env echo 0 >'$E/enable'"
is "nor a wrong one" sh -c "! env echo 2 >'$E/enable'"
rm -rf "$OUT"
cp -r "$P/snapshot" "$OUT"
events "$OUT" >"$WORK/after"
is "babeltrace2 has no complaint" silent
same "all is there" "$(wc -l <"$WORK/after")" "$(wc -l <"$WORK/text")"
is "it can be forgotten" rmdir "$P"

# What is on from the beginning.
begin env FASTTRACE_EVENTS='alpha,!alpha:t?o'
same "FASTTRACE_EVENTS" "$(states | tr '\n' ' ')" "alpha/enable X alpha/one/enable 1 alpha/two/enable 0 \
beta/asked/enable 0 beta/enable 0 beta/one/enable 0 beta/two/enable 0 delta/enable 0 delta/span/enable 0 \
enable X enable_/enable 0 enable_/enable_/enable 0 "
"$traced" late "$shared"
turn
same "is for later events, too" "$(cat "$E/gamma/late/enable")" 0
is "what is on is recorded" each_since alpha:one alpha:one
same "and nothing else" "$(grep -c -v alpha:one "$WORK/text")" 0
turn "$E/beta/enable" 1
is "the mount's word is the last" each_since beta:one alpha:one
murder "$pid"
begin env FASTTRACE_EVENTS='!b*'
same "the first excludes: the rest is on" "$(states | awk '{ print $2 }' | tr '\n' ' ')" "1 1 1 0 0 0 0 1 1 X 1 1 "
murder "$pid"
begin env FASTTRACE_EVENTS='a/b,alpha' 2>"$WORK/complaint"
same "a bad value is told of, in a line" "$(cat "$WORK/complaint")" \
	"fasttrace: FASTTRACE_EVENTS=a/b,alpha: expected globs of PROVIDER:EVENT with * and ?, separated by commas, !GLOB to exclude"
same "and the program runs, all on" "$(cat "$E/enable")" 1
murder "$pid"

# Kinds, and names that are none.
start "$traced" odd "$WORK/ready"
until_true 5 test -e "$WORK/ready"
P=$M/$pid E=$M/$pid/events
is "odd names: find finds no fault" sh -c "find '$E' >'$WORK/names'"
same "nothing leads out of the tree, or plays with the terminal" \
	"$(LC_ALL=C grep -c '[[:cntrl:]]' "$WORK/names")" 0
same "each is there, but those whose names are others' already" "$(find "$E" -mindepth 2 -maxdepth 2 -type d | wc -l)" 12
is "each can be read" grep -r . "$E"
for f in "$E/b-c/enable" "$E/b-c/d e/enable"; do
	isnt "no rule can name $f" sh -c "env echo 0 >'$f'"
	has "so it is refused" "Invalid argument"
done
same "enable and enable_: the first has the name" "$(ls "$E/enable_" | tr '\n' ' ')" "enable first "
same "a span: begin and end, and no guard" "$(grep -h kind "$E/kinds/span/format" | tr '\n' ' ')" "kind: begin kind: end "
same "ids of the two" "$(tr '\n' ' ' <"$E/kinds/span/id")" "1 2 "
same "a counter" "$(grep -h -e kind -e field "$E/kinds/length/format" | tr '\n\t' '  ')" \
	"kind: counter  field:u64 value; size:8; "
same "a guard has a switch" "$(cat "$E/kinds/asked/enable")" 1
same "and nothing else" "$(cat "$E/kinds/asked/format" "$E/kinds/asked/id")" ""
echo 0 >"$E/kinds/asked/enable"
same "which counts" "$(cat "$E/kinds/enable" "$E/kinds/span/enable" "$E/enable" | tr '\n' ' ')" "X 1 X "
echo 0 >"$E/enable"
same "all off, the odd ones too" "$(states | awk '$NF != 0')" ""
murder "$pid"

# Ten thousand events: a look costs the daemon what ten looks at a thousand do.
"$traced" many 1000 &
few=$!
"$traced" many 10000 &
lots=$!
pids="$pids $few $lots"
until_true 60 test -e "$M/$few/events/last"
until_true 60 test -e "$M/$lots/events/last"
same "each of 10,000 is there" "$(ls "$M/$lots/events/many" | wc -l)" 10001
took() # COUNT PID: clock ticks of the daemon's own for COUNT looks at everything
{
	before=$(cut -d ' ' -f 14 "/proc/$(daemon_pid)/stat")
	for _ in $(seq "$1"); do grep -r . "$M/$2/events" >"$WORK/lines"; done
	echo $(($(cut -d ' ' -f 14 "/proc/$(daemon_pid)/stat") - before))
}
few_ticks=$(took 10 "$few") lots_ticks=$(took 1 "$lots")
same "and can be read" "$(wc -l <"$WORK/lines")" 80010
echo "# ticks: ten times 1,000 events $few_ticks, 10,000 $lots_ticks"
is "it takes no square" test "$lots_ticks" -lt $((few_ticks * 4 + 20))
murder "$few"
murder "$lots"
unmount

# The option.
rm -f "$shared"
fasttracefs --events='beta:one,g*' "$M" -- "$traced" run "$shared" &
pid=$!
pids=$pid
P=$M/$pid E=$M/$pid/events
until_true 10 test -e "$E/delta/span"
same "--events" "$(states | awk '$2 != 0' | tr '\n' ' ')" "beta/enable X beta/one/enable 1 enable X "
murder "$pid"
unmount
for bad in a/b 'a:b:c' '!' 'a b-c'; do
	fasttracefs "--events=$bad" "$M" -- true 2>"$ERR" && code=0 || code=$?
	same "--events=$bad: usage error" "$code" 2
	has "with what is accepted" "--events=$bad: expected globs of PROVIDER:EVENT"
done
fasttracefs --events=x "$M" 2>"$ERR" && code=0 || code=$?
same "--events without PROGRAM: usage error" "$code" 2
has "which says so" "--events: is for PROGRAM"
conclude
