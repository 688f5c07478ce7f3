/* SPDX-License-Identifier: MIT */
/*
 * daemon.c - the real daemon and its mount, under full load, killed at random instants: the program,
 * the daemon, both. Consumers read each thread through the mount all the while, by `stream`, `drain`
 * and `subbuf/`, one more forces switches from the shell and copies snapshots. Then a new daemon
 * serves what is left.
 *
 *   daemon MOUNT KILLS [SEED]     started by daemon.sh, which cleans up
 *
 * With FASTTRACE_POINTS=FILE, and a fasttracefs in which labels mean something (daemon-labels.sh), the
 * daemon dies at labels, each in its turn that it was seen to pass.
 */
#include "common-consumer.h"
#include "daemon-labels.h"

#define SUBBUFS 8

enum victim { PROGRAM, DAEMON, BOTH, VICTIMS };
static const char *const mode_names[] = {"overwrite", "discard", "block"};
static const char *mount_dir;
static uint64_t kills, moved, deaths[VICTIMS], found[VICTIMS];
static struct shared all; /* sums of all rounds */

/* Force switches and copy snapshots, from the shell, until killed. */
static pid_t meddler_start(pid_t program)
{
	char command[1000], copy[300];
	pid_t pid = fork();

	if (pid) {
		setpgid(pid, pid);
		return pid;
	}
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(copy, sizeof(copy), "%s", getenv("OUT"));
	snprintf(command, sizeof(command),
		 "{ echo flush >'%1$s/%2$d/control'; echo active >'%1$s/%2$d/control'; "
		 "rm -rf '%3$s'; cp -r '%1$s/%2$d/snapshot' '%3$s'; } 2>/dev/null",
		 mount_dir, (int)program, copy);
	for (;;)
		if (!system(command))
			snapshot_check(copy);
}

__attribute__((format(printf, 3, 4))) static bool file_text(char *text, size_t size,
							    const char *format, ...)
{
	va_list args;
	char path[400];
	ssize_t n;
	int fd;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static int daemon_launch(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		labels_tell();
		execlp("fasttracefs", "fasttracefs", mount_dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* It is ours to wait for: daemon.c is a subreaper. */
static pid_t daemon_pid(void)
{
	char text[64];

	return file_text(text, sizeof(text), "%s/.lock", getenv("FASTTRACE_DIR")) ? atoi(text) : 0;
}

/* With labels, every other one is to die while it begins: there it takes over from the last one. */
static bool daemon_start(void)
{
	bool armed = random_below(2) && label_arm(true), dies;
	int status;

	if (armed)
		__atomic_add_fetch(&shared->killing, 1, __ATOMIC_ACQ_REL);
	status = daemon_launch();
	dies = armed && label_await();
	kills += dies;
	if (armed)
		__atomic_add_fetch(&shared->dead, 1, __ATOMIC_ACQ_REL);
	if (dies)
		status = daemon_launch();
	if (status)
		complain("no mount", 0, 0, (uint64_t)status, 0);
	return !status;
}

static void daemon_kill(void)
{
	pid_t pid = daemon_pid();

	__atomic_add_fetch(&shared->killing, 1, __ATOMIC_ACQ_REL);
	if (label_arm(false) && label_await())
		pid = 0;
	else if (pid <= 0 || kill(pid, SIGKILL))
		complain("no daemon", 0, 0, (uint64_t)pid, 0);
	else
		waitpid(pid, NULL, 0);
	__atomic_add_fetch(&shared->dead, 1, __ATOMIC_ACQ_REL);
	kills++;
}

/* The threads' folders, once all have begun and the events' numbers are known. */
static bool program_look(pid_t pid, char dirs[ROUND_THREADS][300])
{
	char path[300], id[2][16];
	unsigned n = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%d/threads", mount_dir, (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && n++ < ROUND_THREADS)
			snprintf(dirs[n - 1], 300, "%.200s/%.60s", path, e->d_name);
	if (d)
		closedir(d);
	if (n < ROUND_THREADS ||
	    !file_text(id[0], 16, "%s/%d/events/stress/event/id", mount_dir, (int)pid) ||
	    !file_text(id[1], 16, "%s/%d/events/stress/longer/id", mount_dir, (int)pid))
		return false;
	program_event_id = (unsigned)atoi(id[0]);
	program_longer_id = (unsigned)atoi(id[1]);
	moved += n > ROUND_THREADS;
	return true;
}

static bool until_true(bool (*look)(pid_t, char (*)[300]), pid_t pid, char dirs[][300])
{
	for (double end = now() + 10; now() < end; usleep(500))
		if (look(pid, dirs))
			return true;
	return false;
}

/* Of one line of stats. */
static uint64_t value_of(const char *stats, const char *name)
{
	size_t bytes = strlen(name);

	for (; *stats; stats += strcspn(stats, "\n"), stats += *stats == '\n')
		if (!strncmp(stats, name, bytes) && stats[bytes] == ' ')
			return strtoull(stats + bytes, NULL, 10);
	complain(name, 0, 0, 0, 0);
	return 0;
}

/*
 * Exact, but for what had begun and not returned: at most one of each kind and thread. Return: events
 * lost.
 */
static uint64_t sums_check(pid_t pid, bool elsewhere, bool daemon_died)
{
	uint64_t returned = 0, read = 0, unsure = 0, sum, lost, begun, consumed;
	const uint64_t n = (uint64_t)ROUND_THREADS * KINDS;
	char stats[2000];

	if (!file_text(stats, sizeof(stats), "%s/%d/stats", mount_dir, (int)pid))
		complain("no stats", 0, 0, 0, 0);
	for (unsigned t = 0; t < ROUND_THREADS; t++) {
		for (unsigned k = 0; k < KINDS; k++)
			returned += counts->thread[t].n[k];
		read += shared->at[t].events;
		unsure += shared->at[t].unsure;
	}
	begun = value_of(stats, "begun");
	consumed = value_of(stats, "consumed");
	lost = value_of(stats, "lost_full") + value_of(stats, "lost_nested");
	sum = consumed + value_of(stats, "overwritten") + lost + value_of(stats, "in_flight");
	if (begun != sum || value_of(stats, "in_flight") > n)
		complain("sums", 0, 0, sum, begun);
	if (begun < returned || begun > returned + n)
		complain("begun", 0, 0, begun, returned);
	if (mode == BLOCK && !daemon_died && lost)
		complain("lost in block mode", 0, 0, lost, 0);
	if (mode != OVERWRITE && value_of(stats, "overwritten"))
		complain("overwritten", 0, 0, value_of(stats, "overwritten"), 0);
	if (value_of(stats, "readable"))
		complain_order("not read", 0, 0, value_of(stats, "readable"), 0);
	if (!elsewhere && (consumed > read || consumed + unsure < read))
		complain("consumed", 0, 0, consumed, read);
	return lost;
}

static void state_check(pid_t pid, bool by_daemon)
{
	char state[64];

	file_text(state, sizeof(state), "%s/%d/state", mount_dir, (int)pid);
	if (strcmp(state, "killed 9\n") && (by_daemon || strcmp(state, "ended\n")))
		complain(state, 0, 0, 0, 9);
}

/* Nothing stays in the arena directory but the lock. */
static void arena_remove(pid_t pid)
{
	char path[300];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%d", mount_dir, (int)pid);
	if (rmdir(path))
		complain("rmdir", 0, 0, (uint64_t)errno, 0);
	d = opendir(getenv("FASTTRACE_DIR"));
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			complain(e->d_name, 0, 0, 0, 0);
	if (d)
		closedir(d);
}

static void both_kill(pid_t pid)
{
	bool first = random_below(2);

	if (first)
		kill(pid, SIGKILL);
	if (random_below(2))
		usleep((useconds_t)random_below(2000));
	daemon_kill();
	kill(pid, SIGKILL);
	kills++;
}

static void round_kill(enum victim victim, pid_t pid)
{
	unsigned lives = victim == DAEMON ? 1 + (unsigned)random_below(3) : 1;

	while (lives--) {
		usleep(2000 + (useconds_t)random_below(40000));
		deaths[victim]++;
		if (victim == PROGRAM) {
			kill(pid, SIGKILL);
			kills++;
			continue;
		}
		if (victim == BOTH)
			both_kill(pid);
		else
			daemon_kill();
		usleep((useconds_t)random_below(3000));
		daemon_start();
	}
	if (victim == DAEMON) { /* it goes on, and ends later */
		usleep((useconds_t)random_below(20000));
		kill(pid, SIGKILL);
	}
}

static void consumers_wait(const pid_t *consumers)
{
	for (unsigned i = 0; i < ROUND_THREADS; i++) {
		int status = -1;

		waitpid(consumers[i], &status, 0);
		if (status)
			complain("a consumer did not come to the end", i, 0, (uint64_t)status, 0);
	}
}

static void round_run(enum victim victim, pid_t pid)
{
	char dirs[ROUND_THREADS][300];
	pid_t consumers[ROUND_THREADS], meddler;
	uint64_t elsewhere = moved;
	siginfo_t dead;
	bool lossless;

	if (!until_true(program_look, pid, dirs)) {
		complain("the program is not in the mount", 0, 0, 0, 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return;
	}
	for (unsigned i = 0; i < ROUND_THREADS; i++) {
		memcpy(in.dir, dirs[i], sizeof(in.dir));
		consumers[i] = consumer_start(i);
	}
	meddler = meddler_start(pid);
	round_kill(victim, pid);
	kill(-meddler, SIGKILL);
	while (waitpid(-meddler, NULL, 0) > 0)
		; /* its shell and cp too, which are ours then */
	waitid(P_PID, (id_t)pid, &dead, WEXITED | WNOWAIT);
	state_check(pid, victim != BOTH);
	__atomic_store_n(&shared->over, 1, __ATOMIC_RELEASE);
	consumers_wait(consumers);
	waitpid(pid, NULL, 0);
	program_look(pid, dirs);
	elsewhere = moved - elsewhere;
	lossless = !sums_check(pid, elsewhere, victim != PROGRAM) && mode != OVERWRITE;
	for (unsigned i = 0; i < ROUND_THREADS; i++) {
		ends_check(&shared->at[i], lossless, mode == OVERWRITE);
		run_check(&shared->at[i], SUBBUFS);
	}
	if (elsewhere)
		errors->all -= errors->order;
	arena_remove(pid);
}

static void round_start(unsigned long number)
{
	enum victim victim = (enum victim)(labels ? DAEMON + number % 2 : number % VICTIMS);
	uint64_t before = errors->all;

	seed = program_seed = number;
	random_below(2); /* the first ones of neighbours are alike */
	mode = (enum mode)random_below(MODES);
	setenv("FASTTRACE_SUBBUF_SIZE", random_below(2) ? "4096" : "16K", 1);
	setenv("FASTTRACE_MODE", mode_names[mode], 1);
	errors->order = 0;
	round_run(victim, program_start(ROUND_THREADS));
	all.again += shared->again;
	all.half += shared->half;
	all.snapshots += shared->snapshots;
	for (unsigned i = 0; i < 3; i++)
		all.ways[i] += shared->ways[i];
	found[victim] += errors->all - before;
	if (errors->all != before)
		fprintf(stderr, "%s mode; again: tests/crash/daemon%s.sh 1 %lu\n", mode_names[mode],
			labels ? "-labels" : "", number);
}

static void rows_print(void)
{
	static const char *const names[] = {
		"program killed while its threads are read through the mount",
		"daemon killed while it is read, and a new one started",
		"program and daemon killed, and a new daemon started"};
	static const char *const promises[] = {
		"all that had returned is read, once; block mode loses nothing",
		"what could be read is lost never, and comes twice only if it was the last answer",
		"the same; the new daemon serves what is left, and sums are exact"};

	if (!labels_row(found[DAEMON] + found[BOTH]))
		victims_print(VICTIMS, names, promises, deaths, found);
}

int main(int argc, char **argv)
{
	unsigned long number = argc > 3 ? strtoul(argv[3], NULL, 10) : (unsigned long)time(NULL);
	char subbufs[16];
	int status;

	if (program_is(argc, argv, &status))
		return status;
	if (argc < 3)
		return 2;
	mount_dir = argv[1];
	counts_make();
	shared = (struct shared *)(void *)counts->notes;
	errors_make();
	labels_make();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setenv("FASTTRACE_BLOCK_TIMEOUT", "inf", 1);
	snprintf(subbufs, sizeof(subbufs), "%d", SUBBUFS);
	setenv("FASTTRACE_SUBBUFS", subbufs, 1);
	printf("seed %lu\n", number);
	if (!daemon_start())
		return 1;
	while (!errors->all && kills < strtoul(argv[2], NULL, 10))
		round_start(number++);
	printf("%llu kills; read %llu times by stream, %llu drain, %llu subbuf, %llu left "
	       "half-read; "
	       "%llu packets came again; %llu snapshots; in %llu rounds a thread moved\n",
	       (unsigned long long)kills, (unsigned long long)all.ways[0],
	       (unsigned long long)all.ways[1], (unsigned long long)all.ways[2],
	       (unsigned long long)all.half, (unsigned long long)all.again,
	       (unsigned long long)all.snapshots, (unsigned long long)moved);
	rows_print();
	return errors->all != 0;
}
