/* SPDX-License-Identifier: MIT */
/*
 * serve.c - the daemon: put loop, registry, tree and mount together, and take them apart.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "launch.h"
#include "mount.h"

#define KEPT_MEMORY_BYTES (64 << 20)

struct server {
	const struct ft_service *service;
	struct ft_loop *loop;
	struct ft_registry *registry;
	struct ft_tree *tree;
	struct ft_mount *mount;
	struct ft_watch signals;
	int report;
};

static void signal_ready(void *arg)
{
	ft_loop_stop(((struct server *)arg)->loop);
}

static int signals_watch(struct server *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals =
		(struct ft_watch){signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), signal_ready, s};
	return s->signals.fd < 0 ? -errno : ft_loop_add(s->loop, &s->signals, EPOLLIN);
}

static void mount_ready(void *arg)
{
	struct server *s = arg;
	pid_t pid = getpid();

	if (s->report < 0)
		return;
	ft_daemon_detach();
	/* A PROGRAM that is gone before it began needs no mount. */
	if (write(s->report, &pid, sizeof(pid)) < 0 && s->service->dir->run)
		ft_loop_stop(s->loop);
}

/*
 * Sub-buffers are copied again and again: keep the memory. Arenas may be many, and we may live long:
 * what somebody has set for his own shell or program is not for us.
 */
static void limits_set(void)
{
	static const int limits[] = {RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_CPU,
				     RLIMIT_FSIZE};
	struct rlimit limit;

	mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY_BYTES / 2);
	mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY_BYTES);
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		if (getrlimit((__rlimit_resource_t)limits[i], &limit))
			continue;
		limit.rlim_cur = limit.rlim_max;
		setrlimit((__rlimit_resource_t)limits[i], &limit);
	}
	signal(SIGXFSZ, SIG_IGN); /* the lock's text: an error is enough */
}

static int server_start(struct server *s)
{
	const struct ft_options *o = s->service->options;
	struct ft_arenadir *dir = s->service->dir;
	struct ft_registry_options registry = {dir->path, dir->fd, !dir->run, o->switch_ns,
					       s->service->program};
	struct ft_mount_options mount = {s->service->mount, o->allow_other, mount_ready, s};

	limits_set();
	fasttrace_reader_guard();
	s->loop = ft_loop_new();
	if (!s->loop || signals_watch(s))
		goto failed;
	s->registry = ft_registry_new(s->loop, &registry);
	if (!s->registry)
		goto failed;
	s->tree = ft_tree_new(s->registry);
	s->mount = ft_mount_new(s->tree, &mount);
	if (!s->mount) {
		ft_nofuse_explain(s->service->mount, dir);
		return -EIO;
	}
	ft_arenadir_sign(dir, s->service->mount);
	return 0;
failed:
	ft_report("cannot start: %s", strerror(errno));
	return -EIO;
}

/* Unmounted first: nobody is to see it half gone. */
static void server_end(struct server *s, bool served)
{
	ft_mount_free(s->mount);
	if (served)
		ft_registry_clean(s->registry);
	ft_tree_free(s->tree);
	ft_registry_free(s->registry);
	if (s->signals.fd > 0)
		close(s->signals.fd);
	ft_loop_free(s->loop);
}

int ft_serve(void *arg, int report)
{
	const struct ft_service *service = arg;
	struct server s = {.service = service, .report = report};
	int keep[] = {service->dir->fd, service->dir->lock_fd, report};
	int err;

	if (report >= 0)
		ft_daemon_reset(keep, 3);
	err = server_start(&s);
	if (!err)
		ft_loop_run(s.loop);
	server_end(&s, !err);
	return err;
}
