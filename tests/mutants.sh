#!/bin/sh
# SPDX-License-Identifier: MIT
# mutants.sh [-n] [NAME...] - break the protocol on purpose, one promise at a time, and see a test fail.
#
# -n: only see whether each still applies.
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
passed=0 failed=0 dry=
[ "${1-}" != -n ] || { dry=1 && shift; }
wanted=$*
build=$work/build

unit() # NAME...: those units
{
	for u; do tests="$tests tests/unit/test_$u"; done
}

run() # PROGRAM
{
	case $1 in
	tests/stress/swap)
		timeout 60 "$build/$1" 2 overwrite 4096 2 4 &&
			timeout 60 "$build/$1" 2 discard 4096 2 4 &&
			timeout 60 "$build/$1" 2 overwrite 4096 4 4
		;;
	tests/crash/kill) timeout 200 "$build/$1" 300 1 ;;
	tests/crash/points)
		timeout 200 "$build/$1" overwrite && timeout 200 "$build/$1" discard &&
			timeout 200 "$build/$1" block
		;;
	tests/crash/step) timeout 400 "$build/$1" ;;
	*) timeout 60 "$build/$1" ;;
	esac
}

tests_make() # labels mean something in a build of their own (tests/crash/points.sh)
{
	set --
	for t in $tests; do set -- "$@" "$build/$t"; done
	[ "$build" = "$work/build" ] ||
		set -- "$@" CPPFLAGS='-include tests/crash/points.h' CFLAGS='-O1 -g'
	make -s -C "$work/src" BUILD="$build" "$@"
}

mutant() # NAME FILE FROM TO: replaces the text FROM, which stands in FILE once, by TO
{
	name=$1 file=$2
	[ -z "$wanted" ] || case " $wanted " in *" $name "*) ;; *) return ;; esac
	rm -rf "$work/src"
	mkdir -p "$work/src"
	if [ -n "$dry" ]; then
		mkdir -p "$work/src/${file%/*}" && cp "$file" "$work/src/$file"
	else
		cp -r Makefile fs include reader tracer tests "$work/src/"
	fi
	if ! FROM=$3 TO=$4 perl -0777 -i -pe '$n = s/\Q$ENV{FROM}\E/$ENV{TO}/g; END { exit($n != 1) }' \
		"$work/src/$file"; then
		echo "not ok - $name: does not apply to $file"
		failed=$((failed + 1))
		return
	fi
	if [ -n "$dry" ]; then
		passed=$((passed + 1))
		return
	fi
	if ! tests_make >"$work/log" 2>&1; then
		echo "not ok - $name: does not build"
		tail -n 20 "$work/log"
		failed=$((failed + 1))
		return
	fi
	for t in $tests; do
		run "$t" >"$work/log" 2>&1 && continue
		[ $? -eq 124 ] && how='does not end in' || how='found by'
		echo "ok - $name: $how $t"
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
	'if (FASTTRACE_UNLIKELY(!fasttrace_word_cas(&slot->word, word, r->after)))' \
	'__atomic_store_n(&slot->word, r->after, __ATOMIC_RELEASE); if (0)'
mutant commit-looks-once include/fasttrace-abi.h \
	'if (FASTTRACE_UNLIKELY(FASTTRACE_OWN(slot->word) != r->after))' 'if (0)'
mutant commit-does-not-see-the-handler tracer/reserve.c \
	'if (word == stored || ft_load_relaxed(&slot->committed) != stored)' \
	'if (word == stored)'
mutant commit-without-order include/fasttrace-abi.h \
	'FASTTRACE_OWN(slot->committed) != r->before)) {' '0)) {'
mutant open-sub-buffer-mixed tracer/reserve.c \
	'if (ft_load_relaxed(&t->publishing))' 'if (0)'
mutant open-sub-buffer-late include/fasttrace-abi.h \
	'(word ^ open) >= t->closed' '(word ^ t->open) >= t->closed'
mutant close-not-fenced include/ft-ring.h \
	'word = ft_word_fenced(slot);' 'word = ft_load_acquire(&slot->word);'
mutant turn-not-fenced include/ft-ring.h \
	'!r->fences || ft_word_fenced(slot) != word' 'true'
mutant anchor-of-the-lap-before tracer/reserve.c ' && !ft_anchor_after(anchor, seq)' ''
mutant nested-range-forgotten tracer/reserve.c \
	'if (nested_add(ring, pair, r, seq))' 'if (0)'
mutant nested-neighbours-not-merged tracer/reserve.c \
	'if (high)
			end = ft_load_relaxed(&high[1]);' ';'
mutant forked-child-commits tracer/reserve.c \
	'if (!ft_end_take(&own, r->thread))
		return; /* forked inside' 'if (!ft_end_take(&own, r->thread) && 0)
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
mutant lost-of-an-older-lap reader/consume.c \
	'	if (ft_load_acquire(&b->shared->head) == seq)
		return lost - base; /* counted while it was the newest */' \
	'	uint64_t early = ft_load_acquire(&next->lost);
	if (ft_load_acquire(&b->shared->head) == seq)
		return lost - base;
	if (ft_word_is(&b->ring, ft_load_acquire(&next->word), seq + 1))
		return early - base;'
mutant lost-when-the-turn-goes-on include/ft-ring.h \
	'ft_cas(&slot->lost, lost_old, lost);' 'ft_cas(&slot->lost, lost_old, ft_buffer_lost(b));'
mutant spare-assumed reader/takeover.c \
	'return missing < b->pages && ft_page_standing(b, missing) < 0 ? (int64_t)missing : -EPROTO;' \
	'return (int64_t)b->ring.mask + 1;'
mutant hold-not-written reader/takeover.c \
	'ft_store_release(&shared->state, state);' ';'
mutant hold-served-before-swap-back reader/takeover.c \
	'if (!ft_page_is(now, b->hold.seq) ||' 'if (1 || !ft_page_is(now, b->hold.seq) ||'
mutant swap-back-by-store reader/takeover.c \
	'if (!ft_page_is(now, b->hold.seq) || !(now & FT_PAGE_TAKEN) ||
	    !ft_cas(&slot->page, now, ft_page_word(b->hold.seq, 0, b->hold.page)))' \
	'ft_store_release(&slot->page, ft_page_word(b->hold.seq, 0, b->hold.page)); if (!now)'
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

# The size of rings to come
tests=tests/unit/test_geometry
mutant size-and-number-loaded-apart tracer/buffer.c \
	'wanted = ft_geometry_of(ft_load_relaxed(&a->geometry)); /* I10 */' \
	'wanted = {ft_geometry_of(ft_load_relaxed(&a->geometry)).subbuf_shift,
			ft_geometry_of(ft_load_relaxed(&a->geometry)).subbufs_shift};'
mutant size-and-number-stored-apart reader/geometry.c \
	'!ft_cas(&a->shared->geometry, before, ft_geometry_word(g))' \
	'!ft_cas(&a->shared->geometry, before, (before >> 32 << 32) | g.subbuf_shift) ||
	    !ft_exchange(&a->shared->geometry, ft_geometry_word(g))'
mutant rings-of-another-size-lost tracer/buffer.c \
	' || place_oldest(a, NULL, index)' ''

# What is so after a death at each label
build=$work/points tests=tests/crash/points
mutant committed-before-the-payload include/fasttrace-abi.h \
	'FASTTRACE_POINT(reserved);' \
	'FASTTRACE_POINT(reserved);
	if (__atomic_load_n(&slot->committed, __ATOMIC_RELAXED) == r->before)
		__atomic_store_n(&slot->committed, r->after, __ATOMIC_RELEASE);'
mutant turned-before-it-is-empty include/ft-ring.h \
	'	ft_cas(&slot->committed, word & ~ft_word_closed_bit(r), fresh);
	FASTTRACE_POINT(turn_committed);
' \
	'	ft_cas(&slot->word, word, fresh);
	FASTTRACE_POINT(turn_word);
	ft_cas(&slot->committed, word & ~ft_word_closed_bit(r), fresh);
	FASTTRACE_POINT(turn_committed);'
mutant hold-said-before-it-is-noted reader/takeover.c \
	'ft_store_relaxed(&shared->state, FT_HOLD_NONE);' 'ft_store_relaxed(&shared->state, state);'
mutant swapped-before-it-is-noted reader/consume.c \
	'	hold_fill(b, seq, s);
	if (ft_cas(&ft_ring_slot(&b->ring, seq)->page, s->page,
		   ft_page_word(seq, FT_PAGE_TAKEN, (uint64_t)spare))) { /* swap:R, swap:W */
		FASTTRACE_POINT(swapped);' \
	'	if (ft_cas(&ft_ring_slot(&b->ring, seq)->page, s->page,
		   ft_page_word(seq, FT_PAGE_TAKEN, (uint64_t)spare))) {
		FASTTRACE_POINT(swapped);
		hold_fill(b, seq, s);'
mutant aside-forgotten-by-the-next-reader reader/takeover.c \
	'b->hold.state == FT_HOLD_HELD && hold_undo(b))' \
	'b->hold.state == FT_HOLD_HELD && (hold_undo(b) || true))'
mutant counted-before-put reader/takeover.c \
	'	ft_store_release(&shared->hold.state, FT_HOLD_PUT); /* hold:W */
	FASTTRACE_POINT(put_begun);
	ft_store_relaxed(&shared->consumed_events, hold->consumed_events); /* clear orders these */' \
	'	ft_store_relaxed(&shared->consumed_events, hold->consumed_events);
	FASTTRACE_POINT(put_begun);
	ft_store_release(&shared->hold.state, FT_HOLD_PUT);'
mutant hold-cleared-before-the-page reader/takeover.c \
	'	if (!b->ring.overwrite) {
		uint64_t page' \
	'	ft_hold_clear(b);
	if (!b->ring.overwrite) {
		uint64_t page'
mutant ring-told-before-it-is-named include/ft-ring.h \
	'ft_fence_release(); /* claim:W' 'ft_store_release(&b->state, FT_BUFFER_LIVE); /*'
mutant claim-does-not-look-again tracer/buffer.c \
	'	if (place_free(a, index))
		return true;' '	return true;'
mutant claim-not-given-back tracer/buffer.c \
	'	ft_store_release(&b->state, FT_BUFFER_DEAD); /* end:W */
	FASTTRACE_POINT(ring_returned);' '	FASTTRACE_POINT(ring_returned);'
mutant named-before-it-is-filled tracer/create.c \
	'	rules_fill(made->arena, made->parent, config->events);' \
	'	file_name(made->arena, name, name_size);
	linkat(dirfd, temporary, dirfd, name, 0);
	rules_fill(made->arena, made->parent, config->events);'
mutant name-kept-without-room tracer/create.c \
	'		unlinkat(dirfd, name, 0);
' ''
mutant lost-before-forgotten tracer/process.c \
	'	ft_add_relaxed(&p->arena->lost_no_buffer, ft_exchange(&p->wiped->lost, 0));
' ''

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
