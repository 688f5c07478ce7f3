#!/bin/sh
# SPDX-License-Identifier: MIT
# mutants.sh [NAME...] - break the protocol on purpose, one promise at a time, and see a test fail.
#
# Each mutant is one change to a copy of the sources; `tests` are the programs of which one must fail.
# A change that no longer applies is a failure too: then the mutant is to be written anew.
set -u
cd "$(dirname "$0")/.." || exit 2

work=$(mktemp -d "${TMPDIR:-/tmp}/fasttrace-mutants.XXXXXX") || exit 2
FASTTRACE_DIR=$(mktemp -d /dev/shm/fasttrace-mutants.XXXXXX) || exit 2
export FASTTRACE_DIR # of the tests that are killed, and so do not clean up
trap 'rm -rf "$work" "$FASTTRACE_DIR"' EXIT
trap 'exit 130' INT TERM HUP
passed=0 failed=0
wanted=$*

unit() # NAME...: those units
{
	for u; do tests="$tests tests/unit/test_$u"; done
}

run() # PROGRAM
{
	case $1 in
	tests/stress/swap)
		timeout 60 "$work/build/$1" 2 overwrite 4096 2 4 &&
			timeout 60 "$work/build/$1" 2 discard 4096 2 4 &&
			timeout 60 "$work/build/$1" 2 overwrite 4096 4 4
		;;
	tests/crash/kill) timeout 200 "$work/build/$1" 300 1 ;;
	*) timeout 60 "$work/build/$1" ;;
	esac
}

mutant() # NAME FILE FROM TO: replaces the text FROM, which stands in FILE once, by TO
{
	name=$1 file=$2
	[ -z "$wanted" ] || case " $wanted " in *" $name "*) ;; *) return ;; esac
	rm -rf "$work/src"
	mkdir -p "$work/src"
	cp -r Makefile fs include reader tracer tests "$work/src/"
	if ! FROM=$3 TO=$4 perl -0777 -i -pe '$n = s/\Q$ENV{FROM}\E/$ENV{TO}/g; END { exit($n != 1) }' \
		"$work/src/$file"; then
		echo "not ok - $name: does not apply to $file"
		failed=$((failed + 1))
		return
	fi
	# shellcheck disable=SC2046,SC2086 # several tests
	if ! make -s -C "$work/src" BUILD="$work/build" $(printf "$work/build/%s " $tests) \
		>"$work/log" 2>&1; then
		echo "not ok - $name: does not build"
		tail -n 20 "$work/log"
		failed=$((failed + 1))
		return
	fi
	for t in $tests; do
		run "$t" >"$work/log" 2>&1 && continue
		echo "ok - $name: found by $t"
		passed=$((passed + 1))
		return
	done
	echo "not ok - $name: nobody noticed"
	failed=$((failed + 1))
}

tests=''
unit reserve consume takeover
tests="$tests tests/crash/step tests/stress/swap tests/crash/kill"

# Writer
mutant reserve-without-cas include/fasttrace-abi.h \
	'if (FASTTRACE_UNLIKELY(!__atomic_compare_exchange_n(&slot->word, &word, r->after, 0,
							    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)))' \
	'__atomic_store_n(&slot->word, r->after, __ATOMIC_RELEASE); if (0)'
mutant commit-looks-once include/fasttrace-abi.h \
	'if (FASTTRACE_UNLIKELY((__atomic_load_n(&slot->word, __ATOMIC_RELAXED) & ~closed) !=' \
	'if (0 && ((__atomic_load_n(&slot->word, __ATOMIC_RELAXED) & ~closed) !='
mutant commit-does-not-see-the-handler tracer/reserve.c \
	'if (word == stored || ft_load_relaxed(&r->slot->committed) != stored)' \
	'if (word == stored)'
mutant commit-without-order include/fasttrace-abi.h \
	'__atomic_load_n(&slot->committed, __ATOMIC_RELAXED) != r->before)) {' '0)) {'
mutant nested-range-forgotten tracer/reserve.c \
	'if (nested_add(pair, r, seq))' 'if (0)'
mutant nested-neighbours-not-merged tracer/reserve.c \
	'if (high)
			end = ft_load_relaxed(&high[1]);' ';'
mutant forked-child-commits tracer/reserve.c \
	'if (!ring->slots)
		return; /* forked inside' 'if (0)
		return; /* forked inside'
mutant in-flight-ignored include/ft-ring.h \
	'return ft_word_is(r, committed, old) ? -EBUSY : 0;' \
	'committed = word & ~ft_word_closed_bit(r);'
mutant full-ignored include/ft-ring.h \
	'if (!r->overwrite && (int64_t)(ft_load_acquire(&b->consumed) - old) <= 0)' 'if (0)'
mutant page-not-claimed include/ft-ring.h \
	'ft_page_word(next, 0, ft_page_index(page))' 'ft_page_word(old, 0, ft_page_index(page))'
mutant clock-step-ignored tracer/reserve.c \
	'if ((now - last) >> FASTTRACE_STEP_BITS) {' 'if (0) {'
mutant clock-before-the-newest-stamp tracer/reserve.c \
	'if ((now - last) >> FASTTRACE_STEP_BITS) {' \
	'last = t->last; if ((now - last) >> FASTTRACE_STEP_BITS) {'

# Reader
mutant swap-without-cas reader/consume.c \
	'if (ft_cas(&ft_ring_slot(&b->ring, seq)->page, s->page,
		   ft_page_word(seq, FT_PAGE_TAKEN, (uint64_t)spare)))' \
	'ft_store_release(&ft_ring_slot(&b->ring, seq)->page,
		   ft_page_word(seq, FT_PAGE_TAKEN, (uint64_t)spare)); if (1)'
mutant delivered-not-looked-at reader/consume.c \
	'if (s->committed != (s->word & ~ft_word_closed_bit(&b->ring)) && !gone)' 'if (0)'
mutant spare-assumed reader/takeover.c \
	'return missing < b->pages && ft_page_standing(b, missing) < 0 ? (int64_t)missing : -EPROTO;' \
	'return (int64_t)b->ring.mask + 1;'
mutant hold-not-written reader/takeover.c \
	'ft_store_release(&shared->state, state);' ';'
mutant hold-served-before-swap-back reader/takeover.c \
	'return ft_page_is(now, b->hold.seq) &&' 'return 0 &&'
mutant swap-back-by-store reader/takeover.c \
	'return ft_page_is(now, b->hold.seq) && now & FT_PAGE_TAKEN &&
	       ft_cas(&slot->page, now, ft_page_word(b->hold.seq, 0, b->hold.page));' \
	'ft_store_release(&slot->page, ft_page_word(b->hold.seq, 0, b->hold.page)); return now | 1;'
mutant put-counts-twice reader/takeover.c \
	'ft_store_relaxed(&shared->consumed_events, hold->consumed_events);' \
	'shared->consumed_events += ft_word_count(&b->ring, hold->word);'

# A process's life
tests='tests/life/fork tests/life/vfork tests/life/descriptors tests/life/end'
mutant child-shares-its-parents-ends tracer/process.c \
	'p->first_thread += ft_load_acquire(&p->arena->buffers);' ''
mutant fork-does-not-wait tracer/process.c \
	'while (ft_load_acquire(&ft_copy_first()->state) == state_of(PROCESS_BUSY))' 'while (0)'
mutant borrowed-memory-for-ours tracer/process.c \
	'return p->wiped && p->wiped->pid && p->wiped->pid != (uint64_t)getpid();' \
	'return p->wiped == (void *)1;'
mutant descriptor-left-open tracer/create.c \
	'if (whole >= 0)
		close(whole);' ''

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
