#!/bin/sh
# SPDX-License-Identifier: MIT
# read.sh - fasttrace read says of a trace what babeltrace2 says: of ours, of LTTng-UST's, of others;
# and of what is no trace, what is wrong with it and where.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/../mount/lib.sh"

here=$(dirname "$0")
fasttrace=$BUILD/fasttrace
export PYTHONDONTWRITEBYTECODE=1

same_as_babeltrace2() # TRACE
{
	prlimit --as=4000000000 python3 "$here/helper_same.py" "$fasttrace" "$1"
}

fails() # TRACE WORDS: with a message that has them, and status 1
{
	code=0
	"$fasttrace" read "$1" >"$WORK/shown" 2>"$ERR" || code=$?
	same "${1##*/}: status" "$code" 1
	has "${1##*/}: $2" "$2"
}

record() # NAME PROGRAM...: what it leaves in a mount
{
	name=$1
	shift
	start "$@" >/dev/null
	wait "$pid"
	until_true 10 grep -q '^exited' "$M/$pid/state"
	cp -r "$M/$pid/snapshot" "$WORK/$name"
	"$fasttrace" read "$WORK/$name" >"$WORK/$name.text"
	"$fasttrace" read "$M/$pid" | sed 's/^ *[^ ]*-/-/' >"$WORK/$name.process"
	sed 1,4d "$M/$pid/trace" >"$WORK/$name.trace"
}

# The types of our own.
FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=16
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS
serve
for p in tests/mount/limits examples/events; do
	record "${p##*/}" "$BUILD/$p"
	is "$p" same_as_babeltrace2 "$WORK/${p##*/}"
	sed 's/^ *[^ ]*-/-/' "$WORK/${p##*/}.text" >"$WORK/copied"
	is "$p: the process says what its snapshot does" diff "$WORK/${p##*/}.process" "$WORK/copied"
	# Times are rounded as babeltrace2 does it: up to a nanosecond before those of trace.
	sed 's/ [0-9]*\.[0-9]*: / /' "$WORK/${p##*/}.text" >"$WORK/a"
	sed 's/ [0-9]*\.[0-9]*: / /' "$WORK/${p##*/}.trace" >"$WORK/b"
	is "$p: lines are those of trace" diff "$WORK/a" "$WORK/b"
done
unmount

# What others could write.
mkdir "$WORK/others"
python3 "$here/helper_traces.py" "$WORK/others"
python3 "$here/helper_features.py" "$WORK/features"
# shellcheck disable=SC2046 # words
python3 "$here/helper_random.py" "$WORK/random" $(seq 24)
for t in "$WORK"/others/* "$WORK"/features/* "$WORK"/random/*; do
	is "a trace of another tracer: ${t##*/}" same_as_babeltrace2 "$t"
	same "and as many are counted" "$("$fasttrace" read --count "$t")" \
		"$("$fasttrace" read "$t" | grep -vc ' LOST ')"
done
"$fasttrace" read "$WORK/others" | sed 's/.*\([0-9]\{10\}\.[0-9]*\): .*/\1/' >"$WORK/times"
is "several at once are in the order of time" sort -c "$WORK/times"
same "and all are there" "$("$fasttrace" read --count "$WORK/others")" "$(for t in "$WORK"/others/*; do
	"$fasttrace" read --count "$t"
done | awk '{ n += $1 } END { print n }')"

# What is asked for: the same as a look at all lines finds.
chosen() # TEXT AWK-CONDITION OPTION...: $t is the time of a line
{
	what=$1 condition=$2
	shift 2
	awk '{ match($0, /[0-9]+\.[0-9]+: /); t = substr($0, RSTART, RLENGTH - 2) "" } '"$condition" \
		"$WORK/limits.text" >"$WORK/a"
	"$fasttrace" read "$@" "$WORK/limits" >"$WORK/b"
	is "$what" [ -s "$WORK/a" ]
	is "$what: the lines" diff "$WORK/a" "$WORK/b"
	same "$what: the count" "$("$fasttrace" read --count "$@" "$WORK/limits")" \
		"$(grep -vc ' LOST ' "$WORK/a")"
}
third=$(sed -n 's/.* \([0-9.]*\): .*/\1/p' "$WORK/limits.text" | sed -n 3p)
sixth=$(sed -n 's/.* \([0-9.]*\): .*/\1/p' "$WORK/limits.text" | sed -n 6p)
date=$(date -u -d "@$third" +%Y-%m-%dT%H:%M:%S)Z
tid=$(sed -n '1s/ *limits-\([0-9]*\) .*/\1/p' "$WORK/limits.text")
chosen "from and to" "t >= \"$third\" && t <= \"$sixth\"" --from="$third" --to="$sixth"
chosen "from a date" "t >= \"${third%.*}\"" --from="$date"
chosen "the last hour" '1' --last=1h
chosen "events by name" '/ limits:i[^:]*:|LOST/' --event='limits:i*'
chosen "events of one side of a span" '/:begin:|LOST/' --event='*:*:begin'
chosen "events but some" '!/ limits:i[^:]*:/' --event='!limits:i*'
chosen "a thread" '1' --tid=7 --tid="$tid"
chosen "a field" '/ zero=0/ && / max=255/ || /LOST/' --where 'zero = 0' --where 'max>254.5' --where max=0xff
chosen "a text" '/ utf8="gr/ || /LOST/' --where 'utf8~gr*'
chosen "both" '/ zero=0/ && / max=255/ || /LOST/' --where 'zero == 0 && max=255'
chosen "either" '/ zero=0/ || / utf8="gr/ || /LOST/' --where 'zero=0||utf8 ~ gr*'
chosen "&& before ||" '/ utf8="gr/ || / zero=0/ && / max=255/ || /LOST/' \
	--where 'utf8 ~ "gr*" || zero = 0 && max = 255'
chosen "( before both" '/ max=255/ && (/ utf8="gr/ || / zero=0/) || /LOST/' \
	--where "(utf8 ~ 'gr*' || zero = 0) && max = 255"
chosen "not" '!/ zero=0/ || /LOST/' --where '!zero=0'
chosen "not of both" '!(/ zero=0/ && / max=255/) || /LOST/' --where '!(zero = 0 && max = 255)'
chosen "not not" '/ zero=0/ || /LOST/' --where '!!(((zero = 0)))'
chosen "what is no number is none of them" '/ min=nan/ || /LOST/' --where '!(min <= 0 || min > 0) && min != 0'
same "what is quoted is no number" "$("$fasttrace" read --count --where 'zero = "0"' "$WORK/limits")" 0
same "nor a glob of =" "$("$fasttrace" read --count --where 'utf8 = "gr*"' "$WORK/limits")" 0
cat >"$WORK/wrong" <<'END'
total > && a=1;a value;total > && a=1;        ^
total > x;a number;total > x;        ^
zero = 0 &&;a field, ! or (;zero = 0 &&;           ^
(zero = 0;&&, || or );(zero = 0;         ^
zero = 0);&&, || or the end;zero = 0);        ^
a = x y;&&, || or the end;a = x y;      ^
a = "x;a quote at the end of what begins with one;a = "x;    ^
grüß # 1;one of = == != < <= > >= ~;grüß # 1;     ^
END
while IFS=';' read -r expr expected line caret; do
	LC_ALL=C.UTF-8 "$fasttrace" read --where "$expr" "$WORK/limits" >"$WORK/shown" 2>"$ERR" && code=0 || code=$?
	same "$expr: status" "$code" 2
	same "$expr: what is expected, and where" "$(cat "$ERR")" \
		"fasttrace read: --where=$expr: expected $expected
  $line
  $caret
Try 'fasttrace read --help'"
done <"$WORK/wrong"
deep=$(printf '%65s' '' | tr ' ' '!')
"$fasttrace" read --where "${deep}a=1" "$WORK/limits" 2>"$ERR" && code=0 || code=$?
same "too deep: status" "$code" 2
has "too deep" "expected at most 64 of ! and ( within each other"
same "a thread that is none" "$("$fasttrace" read --tid=1 "$WORK/limits" | wc -l)" 0
same "a level that none has" "$("$fasttrace" read --count --level=err "$WORK/limits")" 0
is "times of UTC" sh -c "\"$fasttrace\" read --utc \"$WORK/limits\" | sed -n 3p | grep -q \" ${date%Z}\.${third#*.}Z: \""
for o in --from=noon --to=1x --last=5y --event=! --level=loud --tid=x --where=a --where='a<b'; do
	"$fasttrace" read "$o" "$WORK/limits" >"$WORK/shown" 2>"$ERR" || code=$?
	same "$o: status" "$code" 2
	has "$o: what is expected" "${o%%=*}=${o#*=}: expected"
done

# Fields: those that all fields hold of these names, whatever is in them.
only() # NAMES: of JSON lines; "": all
{
	python3 -c '
import json, sys
names = sys.argv[1].split(",")
for line in sys.stdin:
    event = json.loads(line)
    for scope in ("context", "fields"):
        if scope in event:
            event[scope] = {k: v for k, v in event[scope].items() if k in names or names == [""]}
    print(json.dumps(event, separators=(",", ":"), ensure_ascii=False))' "$1"
}
for t in le be; do
	for f in kind,chosen,native,odd outer,pairs,one matrix,texts,text half; do
		"$fasttrace" read --json "$WORK/others/$t" | only "$f" >"$WORK/a"
		"$fasttrace" read --json --fields="$f" "$WORK/others/$t" | only "" >"$WORK/b"
		is "$t: fields $f: there are some" grep -q "\"${f##*,}\":" "$WORK/a"
		is "$t: fields $f" diff "$WORK/a" "$WORK/b"
	done
done
sed 's/: \(limits:[^ ]*:\).*\( zero=[^ ]*\).*/: \1\2/; t; s/: \([a-z]*:[^ ]*:\).*/: \1/' \
	"$WORK/limits.text" >"$WORK/a"
"$fasttrace" read -f zero "$WORK/limits" >"$WORK/b"
is "a field in lines" diff "$WORK/a" "$WORK/b"
same "and --where sees the others" "$("$fasttrace" read -f zero --where max=255 "$WORK/limits" | grep -vc LOST)" \
	"$("$fasttrace" read --count --where max=255 "$WORK/limits")"
"$fasttrace" read --fields=zero,nowhere "$WORK/limits" 2>"$ERR" >"$WORK/shown" && code=0 || code=$?
same "a field that is none: status" "$code" 1
has "a field that is none" "fasttrace read: --fields=zero,nowhere: no event has a field 'nowhere'"
is "the others are shown" diff "$WORK/a" "$WORK/shown"

# What is wrong is told of, and the rest is read.
cp -r "$WORK/others/le" "$WORK/le"
all=$("$fasttrace" read --count "$WORK/le")
truncate -s -5 "$WORK/le/stream0"
fails "$WORK/le" "stream0: byte $(stat -c %s "$WORK/le/stream0"): expected the rest of a packet"
is "what stands before the cut is read" [ "$(wc -l <"$WORK/shown")" -gt $((all / 2)) ]
echo 'no packet' >"$WORK/le/stream1"
fails "$WORK/le" "stream1: byte 0: expected a packet's magic, 0xc1fc1fc1"
printf '\050\265\057\375' >"$WORK/le/stream1"
fails "$WORK/le" "stream1: byte 0: expected the rest of a zstd frame"
sed -i 's/freq = /freq := struct /' "$WORK/le/metadata"
fails "$WORK/le" 'metadata:11: byte 485: '
fails "$WORK" 'metadata:11: byte 485: '
: >"$WORK/le/metadata"
fails "$WORK/le" 'le/metadata: byte 0: expected a file that says what the trace holds'
mkdir "$WORK/nothing"
fails "$WORK/nothing" 'nothing: no trace: expected a folder that holds the file "metadata"'
cp -r "$WORK/others/be" "$WORK/strange"
mkfifo "$WORK/strange/fifo"
mkdir "$WORK/strange/index"
echo index >"$WORK/strange/index/stream.idx"
echo hidden >"$WORK/strange/.hidden"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$WORK/strange/socket"
is "what is no file of packets is passed over" same_as_babeltrace2 "$WORK/strange"
echo 'Read me.' >"$WORK/strange/README"
fails "$WORK/strange" "README: byte 0: expected a packet's magic, 0xc1fc1fc1"
"$fasttrace" read "$WORK/others/be" >"$WORK/a"
is "the others are read" diff "$WORK/shown" "$WORK/a"
rm "$WORK"/strange/stream* "$WORK/strange/README"
same "no packets, no events" "$("$fasttrace" read --count "$WORK/strange")" 0
same "a reader that has had enough" "$({ "$fasttrace" read "$WORK/others/be" 2>"$ERR" ||
	cat "$ERR" >&2; } | head -n 1 | wc -l)" 1

# LTTng-UST itself.
if command -v lttng-sessiond >/dev/null && cc -I"$here/lttng" -o "$WORK/lt" \
	"$here/lttng/program.c" -llttng-ust -ldl -pthread 2>"$ERR"; then
	mkdir "$WORK/lttng"
	chmod 711 "$WORK" "${TMPDIR:-/tmp}"
	as=
	[ "$(id -u)" -ne 0 ] || as='setpriv --reuid=65534 --regid=65534 --clear-groups'
	[ -z "$as" ] || chown 65534:65534 "$WORK/lttng"
	# shellcheck disable=SC2086 # words
	is "LTTng records" $as sh "$here/helper_lttng.sh" "$WORK/lttng" "$WORK/lt"
	for t in uid pid lost overwrite ids files; do
		is "LTTng: $t" same_as_babeltrace2 "$WORK/lttng/$t"
	done
	"$fasttrace" read "$WORK/lttng/lost" >"$WORK/shown"
	is "what LTTng lost is told of" grep -q ' LOST [0-9]* EVENTS$' "$WORK/shown"
	"$fasttrace" read "$WORK/lttng/overwrite" >"$WORK/shown"
	is "what LTTng overwrote is told of" grep -q ' LOST [0-9]* PACKETS$' "$WORK/shown"
	is "contexts are there" sh -c "\"$fasttrace\" read --json \"$WORK/lttng/ids\" | grep -q '\"mnt_ns\":.*\"vegid\":'"
else
	count 'not ok' "LTTng-UST is missing: $(cat "$ERR")"
fi
conclude
