#!/bin/sh
# SPDX-License-Identifier: MIT
# limits.sh - out of descriptors, address space, processes, file size: the program and the daemon.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

export FASTTRACE_SUBBUF_SIZE=16K FASTTRACE_SUBBUFS=32

# A program without descriptors, at its first event and at its end. LEFT: how many it has.
descriptors_program()
{
	serve
	lost=0 kept=0 tried=0
	for left in 0 1 2 3 4; do
		act nofile 100 hog leave "$left" write 3000 leave 20 write 3000 threads 1 hog \
			leave "$left" write 10 join 2>"$WORK/said"
		wait "$pid" && code=0 || code=$?
		tried=$((tried + 1))
		same "$left descriptors left: the program ends well" "$code" 0
		same "it is in the tree, and how it ended" "$(cat "$M/$pid/state")" "exited 0"
		exact "$left descriptors left" 6010
		lost=$((lost + $(stat_of lost_no_buffer)))
		read=$(read_back)
		same "what was not lost is read" $((read + $(stat_of lost_no_buffer))) 6010
		kept=$((kept + read))
	done
	row "a program has no descriptor left at its first event, a thread's, its end" \
		"$tried programs, $((lost + kept)) events" "lost events are counted; records when it can; stays in the tree" \
		"$lost lost and counted, $kept read"
	act nofile 0 write 3000 exit 3 2>"$WORK/said"
	wait "$pid" && code=0 || code=$?
	same "no descriptor may be open: its exit status is its own" "$code" 3
	calm "descriptors of a program"
	finished
}

shown() # processes in the tree
{
	find "$M" -mindepth 1 -maxdepth 1 -name '[0-9]*' | wc -l
}

cpu_ticks()
{
	awk '{ sub(".*[)] ", ""); print $12 + $13 }' "/proc/$(daemon_pid)/stat"
}

# A daemon that has descriptors for some.
descriptors_daemon()
{
	prlimit --nofile=100:100 fasttracefs "$M"
	before=$(descriptors)
	: >"$WORK/begun"
	act swarm 120 "$WORK/begun" "$WORK/end" reap
	await sh -c "[ \$(stat -c %s '$WORK/begun') = 120 ]"
	some=$(shown)
	is "a daemon short of descriptors shows what it can" test "$some" -gt 20 -a "$some" -lt 120
	same "and says what it cannot" "$(grep -c 'ignored: .*descriptor' "$M/README")" $((120 - some))
	one=$(find "$M" -mindepth 1 -maxdepth 1 -name '[0-9]*' | head -n 1)
	is "what it shows is whole" cp -r "$one/snapshot" "$WORK/one"
	same "with its event" "$(events "$WORK/one" | grep -c test:tick)" 1
	ticks=$(cpu_ticks)
	sleep 1
	spent=$(($(cpu_ticks) - ticks))
	is "it does not spin" test "$spent" -lt 30
	kill -KILL "${one##*/}"
	await grep -q killed "$one/state"
	same "it knows how one ended" "$(cat "$one/state")" "killed 9"
	: >"$WORK/end"
	wait "$pid" || :
	await all_removed
	same "when they go, the others are served" "$(shown)" 0
	same "and its descriptors are as before" "$(descriptors)" "$before"
	row "a daemon has 100 descriptors, and there are more processes" "120 processes" \
		"serves what it can, tells the others, serves them when it can" \
		"$some served at first, $spent ticks of CPU in a second, all of them later"
	calm "descriptors of a daemon"
	finished
}

all_removed()
{
	find "$M" -mindepth 1 -maxdepth 1 -name '[0-9]*' -exec rmdir {} + 2>/dev/null || :
	[ "$(shown)" = 0 ] && ! ls "$FASTTRACE_DIR"/helper_program-* >/dev/null 2>&1
}

# A program that has no address space for an arena until later.
memory_program()
{
	serve
	act as 3000000 write 3000 as max write 3000 stay 2>"$WORK/said"
	await test -d "$M/$pid/threads"
	await settled 6000
	same "no address space: said once" "$(grep -c 'Cannot allocate memory' "$WORK/said")" 1
	exact "no address space at first" 6000
	row "no address space (RLIMIT_AS) at the first event" "6000 events, half of them then" \
		"runs on; lost events are counted; records when it can" "$(stat_of lost_no_buffer) lost and counted"
	murder "$pid"
	finished
}

settled() # EVENTS
{
	[ "$(stat_of begun)" = "$1" ]
}

# A daemon whose address space is for a few arenas of 256 MB.
memory_daemon()
{
	prlimit --as=2000000000:2000000000 fasttracefs "$M"
	before=$(daemon_pid)
	rm -f "$WORK/begun" "$WORK/end"
	act swarm 20 "$WORK/begun" "$WORK/end" reap
	await sh -c "[ \$(stat -c %s '$WORK/begun') = 20 ]"
	some=$(shown)
	is "a daemon short of address space shows what it can" test "$some" -gt 1 -a "$some" -lt 20
	same "and says what it cannot" "$(grep -c 'ignored: .*address space' "$M/README")" $((20 - some))
	for one in "$M"/[0-9]*; do is "what it shows is whole" cp -r "$one/snapshot" "$WORK/of-${one##*/}"; done
	: >"$WORK/end"
	wait "$pid" || :
	await all_removed
	same "it lives, and serves the others when it can" "$(shown) $(daemon_pid)" "0 $before"
	row "a daemon with 2 GB of address space (RLIMIT_AS)" "20 processes of 256 MB each" \
		"serves what it can, tells the others, serves them when it can" \
		"$some served at first, all of them later"
	calm "address space of a daemon"
	finished
}

# No file may be written: the lock has no text then, but it is held.
size_daemon()
{
	{ prlimit --fsize=0:0 fasttracefs "$M" 2>&1 || :; } | cat >"$WORK/said"
	is "a daemon that may write no file serves" test -e "$M/README"
	is "and says what it could not" grep -q 'File too large' "$WORK/said"
	act write 10 stay
	await test -d "$M/$pid/threads"
	murder "$pid"
	calm "file size of a daemon"
	finished
	(ulimit -f 100 && exec "$act" write 10 exit 4) 2>"$WORK/said" && code=0 || code=$?
	same "a program that may write small files only: its exit status" "$code" 4
	same "and it is told" "$(grep -c 'File too large: this process is not traced' "$WORK/said")" 1
}

# A daemon that may not start threads: as an ordinary user, since root may always.
threads_daemon()
{
	mkdir "$WORK/bin" "$WORK/nobody"
	cp "$BUILD/fasttracefs" "$act" "$WORK/bin"
	mkdir -m 700 "$WORK/nobody/arenas"
	mkdir "$WORK/nobody/mnt"
	chown -R 65534:65534 "$WORK/nobody"
	cat >"$WORK/nobody.sh" <<-'X'
		cd "$1" || exit 9
		PATH=$1/bin:$PATH FASTTRACE_DIR=$1/nobody/arenas m=$1/nobody/mnt
		export FASTTRACE_DIR
		fasttracefs "$m" || exit 9
		helper_program write 1 await nobody/more write 5000 stay 2>/dev/null &
		pid=$!
		trap 'kill -KILL $pid; fusermount3 -u "$m"' EXIT
		until [ -e "$m/$pid/threads/$pid" ]; do sleep 0.01; done
		prlimit --pid "$(sed 's/ .*//' nobody/arenas/.lock)" --nproc=1:1
		timeout 20 head -c 65536 "$m/$pid/threads/$pid/stream" >nobody/out &
		reader=$!
		sleep 0.3
		: >nobody/more
		wait $reader
	X
	"${0%/*}/../as-nobody.sh" sh "$WORK/nobody.sh" "$WORK" && code=0 || code=$?
	same "no thread to be had: a reader waits, and gets it all the same" \
		"$code $(stat -c %s "$WORK/nobody/out")" "0 65536"
	row "the daemon can start no thread (RLIMIT_NPROC)" "1 blocked reader" \
		"it is woken all the same" "$(stat -c %s "$WORK/nobody/out") bytes read"
}

# A daemon that may watch no directory looks into it once a second.
watches_daemon()
{
	unshare --user --map-root-user --mount sh -c \
		'echo 0 >/proc/sys/user/max_inotify_watches && exec fasttracefs "$1"' sh "$M" || {
		echo "no user namespace with limits of its own"
		return
	}
	daemon=$(daemon_pid)
	act write 1 stay
	is "no inotify watch to be had: a program is found before anybody looks" until_true 60 known
	known && found=found || found='not found'
	row "the daemon may watch no directory (max_inotify_watches)" "1 program" \
		"it is found before anybody looks" "$found"
	murder "$pid"
	kill -TERM "$daemon"
	await unserved
	finished
}

known() # to the daemon
{
	[ -n "$(find "/proc/$daemon/fd" -lname "*-$pid-*")" ]
}

descriptors_program
descriptors_daemon
watches_daemon
memory_program
memory_daemon
size_daemon
[ "$(tr -s " " </proc/self/uid_map)" != " 0 0 4294967295" ] || threads_daemon
conclude
