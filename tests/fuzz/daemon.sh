#!/bin/sh
# SPDX-License-Identifier: MIT
# daemon.sh - the daemon, sanitized, serves lying arenas beside those of living processes: lies at
# rest, words that change while they are read, files that shrink, grow, and become something else;
# and somebody walks through all of it. The daemon stays, small and answering, and what the living
# trace is exact.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
# shellcheck source-path=SCRIPTDIR/../mount
. "$(dirname "$0")/../mount/lib.sh"

WALK_MS=8000	 # to walk through everything again and again, once at least
MOST_KB=400000	 # of the daemon's own memory, under the address sanitizer
MOST_SECONDS=30	 # of the daemon's processor time, for an answer about a living process
MOST_FILE=100000 # bytes of one hostile file, and entries of one folder, that the walker looks at
STEP_SECONDS=0.5 # for one look at one hostile folder

root=$(cd "$(dirname "$0")/../.." && pwd)
sanitized=$root/build/address-undefined
export ASAN_OPTIONS="log_path=$WORK/sanitizer:quarantine_size_mb=16:malloc_context_size=5"
export UBSAN_OPTIONS="log_path=$WORK/sanitizer:print_stacktrace=1"
# libfuse frees its copy of the path only if it unmounts by itself.
echo leak:fuse_session_mount >"$WORK/known"
export LSAN_OPTIONS="suppressions=$WORK/known:print_suppressions=0"
unset MAKEFLAGS MFLAGS MAKELEVEL
(unset BUILD && make -C "$root" -j "$(nproc)" CC=gcc SAN=address,undefined WERROR=1 \
	BUILD=build/address-undefined build/address-undefined/fasttracefs) >"$WORK/make" 2>&1 || {
	cat "$WORK/make"
	exit 1
}
hostile=$WORK/hostile
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -I"$root/include" -o "$hostile" \
	"$root/tests/fuzz/daemon.c" "$BUILD/libfasttrace.a" -pthread

# The living: their text shows where it has no business to be. There is room for a minute of it.
mark=only-in-what-lives-$$
for i in 1 2; do
	FASTTRACE_MODE=discard FASTTRACE_SUBBUFS=16 start "$hostile" valid "$mark-$i" "$WORK/counts-$i"
	eval "valid$i=$pid"
done
until_true 10 test -s "$WORK/counts-2"
# shellcheck disable=SC2154 # set by eval
living="$valid1 $valid2"
start sleep 1000
bystander=$pid

# The lies: of strangers, of the first process there is, of a living one, of a bystander.
export FASTTRACE_SUBBUF_SIZE=16384
mkdir -m 700 "$WORK/base"
FASTTRACE_DIR=$WORK/base "$hostile" base >"$ERR" 2>&1 || :
base=$(echo "$WORK"/base/hostile-*)
put() # NAME LIE PID
{
	cp --sparse=always "$base" "$FASTTRACE_DIR/$1"
	"$hostile" lie "$2" "$FASTTRACE_DIR/$1" "$3"
}
lies=0 strange=4190000
for lie in $("$hostile" lies); do
	put "lie-$lie" "$lie" $((strange + lies))
	lies=$((lies + 1))
done
for claimed in 1 "$valid1" "$bystander" 0 4294967295; do
	put "claims-$claimed" none "$claimed"
	lies=$((lies + 1))
done
for i in $(seq 10); do
	put "words-$i" words $((strange + 100 + i))
	lies=$((lies + 1))
done
for i in 1 2 3; do # each alone would be small enough
	put "providers-$i" providers $((strange + 120 + i))
	lies=$((lies + 1))
done
for i in 1 2 3; do put "flip-$i" none $((strange + 200 + i)); done
for i in 1 2; do put "resize-$i" none $((strange + 300 + i)); done
put churn-1 none $((strange + 400))
for i in 2 3 4; do put "churn-$i" words $((strange + 400 + i)); done

# The daemon; one arena claims to be its.
PATH=$sanitized:$PATH
serve
daemon=$(daemon_pid)
put claims-daemon none "$daemon"
changing=
change() # ARGUMENT...: at full speed, but not faster than the daemon
{
	start nice -n 19 "$hostile" "$@"
	changing="$changing $pid"
}
for i in 1 2 3; do change flip "$FASTTRACE_DIR/flip-$i"; done
for i in 1 2; do change resize "$FASTTRACE_DIR/resize-$i"; done
change churn "$FASTTRACE_DIR" "$base" churn-1 churn-2 churn-3 churn-4

own() # KIND: kB of the daemon's memory
{
	awk -v k="$1:" '$1 == k { print $2 }' "/proc/$daemon/status"
}

worked_ms() # the daemon, since it began: what else the machine does is not its fault
{
	awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / tick }' "/proc/$daemon/stat" 2>/dev/null ||
		echo 0
}

now_ms()
{
	echo $(($(date +%s%N) / 1000000))
}

folder_of() # MARK: of the process that lives, however many claim its pid
{
	grep -laF "$1" "$M"/*/cmdline 2>/dev/null | head -n 1 | sed 's|/cmdline$||'
}

# What those who watch do, until they are told to stop.
watch()
{
	slowest=0 asked=0 most=0
	while [ ! -e "$WORK/stop" ]; do
		before=$(worked_ms)
		timeout 180 cat "$M/$valid2/stats" "$M/$valid2/state" >"$WORK/watched" || {
			echo "no answer" >"$WORK/unanswered"
			[ -e "/proc/$daemon" ] || break
		}
		took=$(($(worked_ms) - before)) asked=$((asked + 1))
		[ "$took" -le "$slowest" ] || slowest=$took
		kb=$(own RssAnon)
		[ "${kb:-0}" -le "$most" ] || most=$kb
		echo "$slowest $asked $most" >"$WORK/watch.new"
		mv "$WORK/watch.new" "$WORK/watch"
		sleep 0.05
	done
}

# Takes what the living have traced, so that none of it is lost.
collect()
{
	for i in 1 2; do
		folder=$(folder_of "$mark-$i")
		for thread in "$folder"/threads/*; do
			timeout 60 cat "$thread/drain" >>"$WORK/ctf-$i/${thread##*/}"
		done
	done
}

collector()
{
	while [ ! -e "$WORK/stop" ]; do
		collect
		sleep 1
	done
}

# Everything there is in one folder, as far as the bounds go.
look()
{
	timeout "$STEP_SECONDS" find "$1" 2>/dev/null | head -n "$MOST_FILE" >>"$WORK/names"
	timeout "$STEP_SECONDS" find "$1" -type f ! -name stream ! -name enable ! -path '*/snapshot/*' \
		-exec head -qc "$MOST_FILE" {} + 2>/dev/null | head -c 20000000 >>"$WORK/read"
	for stream in "$1"/threads/*1/stream; do
		timeout 0.2 head -c "$MOST_FILE" "$stream" >>"$WORK/read" 2>/dev/null || :
	done
	timeout "$STEP_SECONDS" cp -r "$1/snapshot" "$WORK/snapshot" 2>/dev/null || :
	cat "$WORK/snapshot"/* 2>/dev/null | head -c 20000000 >>"$WORK/read"
	rm -rf "$WORK/snapshot"
	for word in flush active bogus; do
		echo "$word" 2>/dev/null >"$1/control" || :
	done
	echo 0 2>/dev/null >"$1/events/enable" || :
	echo 1 2>/dev/null >"$1/events/enable" || :
}

walk() # sets $looked
{
	timeout "$STEP_SECONDS" ls -lR "$M" >/dev/null 2>&1 || :
	cat "$M/README" >>"$WORK/readme"
	for folder in "$M"/[0-9]*; do
		! grep -qaF "$mark" "$folder/cmdline" 2>/dev/null || continue
		look "$folder"
		looked=$((looked + 1))
	done
}

mkdir "$WORK/ctf-1" "$WORK/ctf-2"
watch 2>"$WORK/watch-err" &
watcher=$!
collector 2>"$WORK/collector-err" &
collecting=$!
pids="$pids $watcher $collecting"
looked=0
: >"$WORK/read"
: >"$WORK/names"
begin=$(now_ms)
while [ "$looked" -eq 0 ] || [ "$(($(now_ms) - begin))" -lt "$WALK_MS" ]; do
	[ -e "/proc/$daemon" ] || break
	walk
done
: >"$WORK/stop"
wait "$watcher" "$collecting" || :
read -r slowest asked most <"$WORK/watch"
for p in $changing; do
	is "files were changed until now" kill -0 "$p"
	murder "$p"
done

# The daemon is the same, was always there, and small.
is "the daemon lives" kill -0 "$daemon"
same "and no other serves" "$(daemon_pid)" "$daemon"
is "no finding of a sanitizer" sh -c "! cat '$WORK'/sanitizer* 2>/dev/null | grep ."
isnt "every question was answered" test -e "$WORK/unanswered"
is "within $MOST_SECONDS s of its work ($slowest ms)" test "$slowest" -le $((MOST_SECONDS * 1000))
is "its memory is bounded ($most kB)" test "$most" -le "$MOST_KB"
isnt "nothing of the living is in a hostile folder" grep -qaF "$mark" "$WORK/read" "$WORK/names"
isnt "names are printable" grep -qaP '[\x00-\x08\x0b-\x1f\x7f]' "$WORK/names"
isnt "so is the README" grep -qaP '[\x00-\x08\x0b-\x1f\x7f]' "$WORK/readme"
is "something was read" test "$(wc -c <"$WORK/read")" -gt 100000
for p in $living "$bystander"; do is "process $p lives" kill -0 "$p"; done

# What the living have traced: all of it, once.
for i in 1 2; do
	eval "p=\$valid$i"
	folder=$(folder_of "$mark-$i")
	cp "$folder/ctf-metadata" "$WORK/ctf-$i/metadata"
	murder "$p"
	for thread in "$folder"/threads/*; do
		cat "$thread/stream" >>"$WORK/ctf-$i/${thread##*/}"
	done
	cp "$folder/stats" "$WORK/stats-$i"
	find "$WORK/ctf-$i" -empty -delete
	events "$WORK/ctf-$i" >"$WORK/text-$i"
	is "babeltrace2 has no complaint about $i" silent
	"$program" counts "$WORK/counts-$i" 2 | awk '{ print $1, 0, $2 - 1 }' >"$WORK/written-$i"
	is "its events are numbered without a gap" ticks "$WORK/text-$i"
	ticks "$WORK/text-$i" >"$WORK/found-$i" || :
	# One more may have been written than was noted.
	is "all that returned is there" awk 'NR == FNR { last[$1] = $3; next }
		!($1 in last) || $2 || $3 - last[$1] > 1 || $3 < last[$1] { exit 1 } END { exit FNR != 2 }' \
		"$WORK/written-$i" "$WORK/found-$i"
	same "none was lost" "$(awk '/^lost/ { n += $2 } END { print n }' "$WORK/stats-$i")" 0
done
events_found=$(cat "$WORK"/found-* | awk '{ n += $3 + 1 } END { print n + 0 }')

# Nobody hangs.
connection=$(awk -v d="$M" '$5 == d { sub(/.*:/, "", $3); print $3 }' /proc/self/mountinfo)
waiting='not looked at'
if [ "$(id -u)" -eq 0 ]; then
	waiting=$(unshare -m sh -c "
		[ -d /sys/fs/fuse/connections/$connection ] ||
			mount -t fusectl fusectl /sys/fs/fuse/connections
		cat /sys/fs/fuse/connections/$connection/waiting" 2>&1) || :
	same "no request waits" "$waiting" 0
fi
hanging=$(for p in $pids $daemon; do
	awk '/^State:\tD/ { print FILENAME }' "/proc/$p/status" 2>/dev/null || :
done)
same "no process hangs in the kernel" "$hanging" ""
for p in $pids; do kill -KILL "$p" 2>/dev/null || :; done
fusermount3 -u "$M"
is "the daemon ends" until_true 60 unserved # it looks for leaks first
is "no finding of a sanitizer at the end" sh -c "! cat '$WORK'/sanitizer* 2>/dev/null | grep ."

row "arenas that lie, at rest and while they are read, beside living processes" \
	"$lies lies at rest, 9 files changed at full speed, $looked folders read through" \
	"the daemon lives, bounded and answering; the others' traces are exact; nothing of theirs leaks" \
	"$asked questions answered, the slowest in $slowest ms of work; at most $((most / 1000)) MB; $events_found events, all there; $failures failures"
conclude
