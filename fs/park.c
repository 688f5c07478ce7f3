/* SPDX-License-Identifier: MIT */
/*
 * park.c - requests that cannot be answered yet, and pollers: kept, and asked again.
 */
#include <errno.h>
#include <poll.h>

#include "adapter.h"

#define PAUSE_NS (FT_NS_PER_MS / 2) /* between two looks at events in flight */

struct parked {
	fuse_req_t req;
	struct ft_handle *handle;
	struct ft_call call;
	char *input; /* a write's */
	GList link;
};

int ft_error_number(ssize_t err)
{
	return err == -EPROTO ? EIO : (int)-err;
}

static ssize_t call_run(struct ft_handle *handle, struct ft_call *call, bool write)
{
	const struct ft_file_ops *ops = handle->file->ops;

	call->buffer = handle->mount->buffer;
	return write ? ops->write(handle->file, call) : ops->read(handle->file, call);
}

static void call_free(struct ft_call *call)
{
	if (call->unsettled)
		g_ptr_array_free(call->unsettled, TRUE);
	g_free(call->why);
}

static void call_answer(struct ft_handle *handle, fuse_req_t req, struct ft_call *call, ssize_t n,
			bool write)
{
	struct ft_file *file = handle->file;
	bool arrived;

	if (n < 0) {
		if (write)
			ft_errors_add(file->node, call, n);
		fuse_reply_err(req, ft_error_number(n));
	} else if (write) {
		fuse_reply_write(req, (size_t)n);
	} else {
		arrived = !fuse_reply_buf(req, n ? call->data : NULL, (size_t)n);
		if (file->ops->answered)
			file->ops->answered(file, arrived);
	}
	call_free(call);
}

static void parked_free(struct parked *p)
{
	g_queue_unlink(&p->handle->mount->parked, &p->link);
	g_free(p->input);
	g_free(p);
}

static void handle_notify(struct ft_handle *handle)
{
	if (!handle->poll || !handle->file->ops->poll(handle->file, true))
		return;
	fuse_lowlevel_notify_poll(handle->poll);
	fuse_pollhandle_destroy(handle->poll);
	handle->poll = NULL;
}

static void parked_interrupt(fuse_req_t req, void *data)
{
	struct parked *p = data;

	if (p->handle->file->ops->cancel)
		p->handle->file->ops->cancel(p->handle->file);
	call_free(&p->call);
	parked_free(p);
	fuse_reply_err(req, EINTR);
}

static void request_park(struct ft_handle *handle, fuse_req_t req, const struct ft_call *call,
			 bool write)
{
	struct ft_mount *mount = handle->mount;
	struct parked *p = g_new0(struct parked, 1);

	p->req = req;
	p->handle = handle;
	p->call = *call;
	if (write) {
		p->input = g_memdup2(call->data, call->size);
		p->call.data = p->input;
	}
	p->link.data = p;
	g_queue_push_tail_link(&mount->parked, &p->link);
	if (call->deadline_ns)
		ft_timer_set(mount->loop, &mount->pause, PAUSE_NS);
	/* The last touch: if the interrupt is here already, this answers and frees. */
	fuse_req_interrupt_func(req, parked_interrupt, p);
}

static void request_run(struct ft_handle *handle, fuse_req_t req, struct ft_call *call, bool write)
{
	ssize_t n = call_run(handle, call, write);

	if (n == -EINPROGRESS) {
		request_park(handle, req, call, write);
		return;
	}
	call_answer(handle, req, call, n, write);
	if (n == -EAGAIN) /* who waits edge-triggered does not poll again */
		handle_notify(handle);
}

void ft_request_read(struct ft_handle *handle, fuse_req_t req, struct ft_call *call)
{
	request_run(handle, req, call, false);
}

void ft_request_write(struct ft_handle *handle, fuse_req_t req, struct ft_call *call)
{
	request_run(handle, req, call, true);
}

static void parked_again(struct parked *p)
{
	bool write = p->input != NULL;
	ssize_t n = call_run(p->handle, &p->call, write);
	struct parked last = *p;

	if (n == -EINPROGRESS) {
		if (p->call.deadline_ns)
			ft_timer_set(p->handle->mount->loop, &p->handle->mount->pause, PAUSE_NS);
		return;
	}
	p->input = NULL; /* what error_log quotes */
	parked_free(p);
	call_answer(last.handle, last.req, &last.call, n, write);
	g_free(last.input);
}

static void wake_fire(void *arg)
{
	struct ft_mount *mount = arg;
	GPtrArray *processes = mount->tree->registry->processes;
	GList *next;

	for (GList *l = mount->parked.head; l; l = next) {
		struct parked *p = l->data;
		struct ft_process *process = p->handle->file->node->process;

		next = l->next;
		if (process && process->woken && !p->call.deadline_ns)
			parked_again(p);
	}
	for (GList *l = mount->handles.head; l; l = l->next) {
		struct ft_handle *handle = l->data;
		struct ft_process *process = handle->file->node->process;

		if (handle->poll && process && process->woken)
			handle_notify(handle);
	}
	for (guint i = 0; i < processes->len; i++)
		((struct ft_process *)processes->pdata[i])->woken = false;
}

static void pause_fire(void *arg)
{
	struct ft_mount *mount = arg;
	bool left = false;
	GList *next;

	for (GList *l = mount->parked.head; l; l = next) {
		next = l->next;
		if (((struct parked *)l->data)->call.deadline_ns)
			parked_again(l->data);
	}
	for (GList *l = mount->parked.head; l; l = l->next)
		left |= ((struct parked *)l->data)->call.deadline_ns != 0;
	if (left)
		ft_timer_set(mount->loop, &mount->pause, PAUSE_NS);
}

void ft_park_wake(void *arg, struct ft_process *process)
{
	struct ft_mount *mount = arg;

	/* Not at once: the caller may be in the middle of a request. */
	process->woken = true;
	ft_timer_set(mount->loop, &mount->wake, 0);
}

void ft_park_init(struct ft_mount *mount)
{
	mount->wake = (struct ft_timer){0, wake_fire, mount};
	mount->pause = (struct ft_timer){0, pause_fire, mount};
}

void ft_park_free(struct ft_mount *mount)
{
	ft_timer_stop(mount->loop, &mount->wake);
	ft_timer_stop(mount->loop, &mount->pause);
	while (mount->parked.head) {
		struct parked *p = mount->parked.head->data;
		fuse_req_t req = p->req;

		fuse_req_interrupt_func(req, NULL, NULL);
		call_free(&p->call);
		parked_free(p);
		fuse_reply_err(req, EINTR);
	}
}
