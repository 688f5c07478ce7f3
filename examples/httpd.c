/* SPDX-License-Identifier: MIT */
/*
 * httpd.c - a small multi-threaded HTTP/1.1 file server that traces itself with fasttrace.
 *
 *     httpd [-p PORT] [-d DOCROOT] [-t THREADS]
 *
 * The main thread accepts connections into a queue, worker threads serve them: GET and HEAD of the
 * files below DOCROOT, with keep-alive. It listens on the loopback address alone;
 * port 0 takes any free one. SIGTERM and SIGINT end it in order.
 *
 * All that tracing asks of it are the FASTTRACE() lines, and two of FASTTRACE_SCOPE(), which make
 * spans of a connection and of each request in it. They are about ten nanoseconds each, so they may
 * stand where a log line would cost too much.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <fasttrace.h>

enum { QUEUE_LENGTH = 256, MAX_THREADS = 256, MAX_HEAD = 8192, IDLE_SECONDS = 5, TICK_MS = 50 };

/* Accepted connections that no worker has taken yet. Guarded by lock. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	int fds[QUEUE_LENGTH];
	unsigned head, tail;
	bool stopping;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .not_empty = PTHREAD_COND_INITIALIZER};

static struct worker {
	pthread_t thread;
	int fd; /* being served, or -1; guarded by queue.lock */
} workers[MAX_THREADS];

static int docroot;

struct connection {
	int fd;
	unsigned requests;
	size_t used; /* bytes in buf */
	char buf[MAX_HEAD + 1];
};

struct request {
	const char *method;
	const char *path; /* decoded, relative to the docroot */
	bool head, keep_alive;
	int status; /* of what was answered */
	uint64_t bytes;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool others_wait(void)
{
	pthread_mutex_lock(&queue.lock);
	bool wait = queue.head != queue.tail;
	pthread_mutex_unlock(&queue.lock);
	return wait;
}

/* Parsing. */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX in place, ends at the query. False: malformed, or it hides a zero byte. */
static bool path_decode(char *path)
{
	char *to = path;

	for (; *path && *path != '?' && *path != '#'; path++) {
		if (*path != '%') {
			*to++ = *path;
			continue;
		}
		int high = hex_digit(path[1]), low = high < 0 ? -1 : hex_digit(path[2]);
		if (low < 0 || !(high | low))
			return false;
		*to++ = (char)(high << 4 | low);
		path += 2;
	}
	*to = '\0';
	return true;
}

/* One "Name: value" line. False: the request must be refused. */
static bool header_parse(struct request *rq, char *line, bool *host)
{
	char *value = strchr(line, ':');

	if (!value)
		return false;
	*value++ = '\0';
	value += strspn(value, " \t");
	if (!strcasecmp(line, "Host"))
		*host = true;
	else if (!strcasecmp(line, "Connection") && !strcasecmp(value, "close"))
		rq->keep_alive = false;
	else if (!strcasecmp(line, "Connection") && !strcasecmp(value, "keep-alive"))
		rq->keep_alive = true;
	else if (!strcasecmp(line, "Transfer-Encoding") ||
		 (!strcasecmp(line, "Content-Length") && strcmp(value, "0") != 0))
		return false; /* we take no body */
	return true;
}

/* Parses the head, cutting it into strings. Returns 0, or the status to answer with. */
static int request_parse(struct request *rq, char *head)
{
	char *rest, *line = strtok_r(head, "\r\n", &rest), *words;
	char *target, *version;
	bool host = false;

	rq->method = line ? strtok_r(line, " ", &words) : NULL;
	target = rq->method ? strtok_r(NULL, " ", &words) : NULL;
	version = target ? strtok_r(NULL, " ", &words) : NULL;
	if (!version || strncmp(version, "HTTP/1.", 7) != 0 || *target != '/')
		return 400;
	target += strspn(target, "/");
	rq->keep_alive = strcmp(version, "HTTP/1.0") != 0;
	host = !rq->keep_alive;
	while ((line = strtok_r(NULL, "\r\n", &rest)))
		if (!header_parse(rq, line, &host)) {
			rq->keep_alive = false;
			return 400;
		}
	if (!host || !path_decode(target))
		return 400;
	rq->path = target;
	rq->head = !strcmp(rq->method, "HEAD");
	return rq->head || !strcmp(rq->method, "GET") ? 0 : 405;
}

/* Answering. */

static const char *status_text(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	default:
		return "Internal Server Error";
	}
}

static const char *content_type(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript"},
		{".json", "application/json"},
		{".txt", "text/plain; charset=utf-8"},
		{".md", "text/plain; charset=utf-8"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".pdf", "application/pdf"},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (!strcasecmp(dot, types[i].suffix))
			return types[i].type;
	return "application/octet-stream";
}

static int send_all(int fd, const char *data, size_t len, int flags)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL | flags);

		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The status line and headers; `format` adds what is particular to this answer. */
__attribute__((format(printf, 4, 5))) static int head_send(struct connection *c, struct request *rq,
							   int flags, const char *format, ...)
{
	char head[1024];
	va_list args;
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %d %s\r\nConnection: %s\r\n", rq->status,
			 status_text(rq->status), rq->keep_alive ? "keep-alive" : "close");

	va_start(args, format);
	n += vsnprintf(head + n, sizeof(head) - (size_t)n, format, args);
	va_end(args);
	return send_all(c->fd, head, (size_t)n, flags);
}

static int error_send(struct connection *c, struct request *rq, int status)
{
	char body[64];
	int n = snprintf(body, sizeof(body), "%d %s\n", status, status_text(status));
	int err;

	rq->status = status;
	err = head_send(c, rq, rq->head ? 0 : MSG_MORE,
			"Content-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n", n,
			status == 405 ? "Allow: GET, HEAD\r\n" : "");
	if (err || rq->head)
		return err;
	rq->bytes = (uint64_t)n;
	return send_all(c->fd, body, (size_t)n, 0);
}

static int body_send(struct connection *c, struct request *rq, int file, off_t size)
{
	off_t at = 0;

	while (at < size) {
		ssize_t n = sendfile(c->fd, file, &at, (size_t)(size - at));

		if (n < 0)
			return -errno;
		if (!n)
			return -EIO; /* the file shrank: the length we promised is wrong */
		rq->bytes += (uint64_t)n;
	}
	return 0;
}

/* Opens rq->path; the kernel refuses any way out of the docroot. Returns it, or -errno. */
static int file_open(const struct request *rq, char *path, size_t size, struct stat *st)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	size_t len = strlen(rq->path);
	bool folder = !len || rq->path[len - 1] == '/';
	int fd;

	if ((size_t)snprintf(path, size, "%s%s", rq->path, folder ? "index.html" : "") >= size)
		return -ENAMETOOLONG;
	fd = (int)syscall(SYS_openat2, docroot, path, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) || !S_ISREG(st->st_mode)) {
		close(fd);
		return -EACCES;
	}
	return fd;
}

static int file_send(struct connection *c, struct request *rq)
{
	char path[MAX_HEAD], date[64];
	struct stat st;
	struct tm tm;
	int err, file = file_open(rq, path, sizeof(path), &st);

	if (file == -EACCES || file == -EXDEV || file == -ELOOP)
		return error_send(c, rq, 403);
	if (file == -ENOENT || file == -ENOTDIR || file == -ENAMETOOLONG)
		return error_send(c, rq, 404);
	if (file < 0) {
		FASTTRACE(httpd, error, (what, "open"), (path, path), (code, -file));
		return error_send(c, rq, 500);
	}
	rq->status = 200;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&st.st_mtime, &tm));
	err = head_send(c, rq, !rq->head && st.st_size ? MSG_MORE : 0,
			"Content-Type: %s\r\nContent-Length: %jd\r\nLast-Modified: %s\r\n\r\n",
			content_type(path), (intmax_t)st.st_size, date);
	if (!err && !rq->head)
		err = body_send(c, rq, file, st.st_size);
	close(file);
	return err;
}

/* Serving. */

/* Waits for the next request. False: it is long in coming, and others wait for this thread. */
static bool request_await(const struct connection *c)
{
	struct pollfd fd = {.fd = c->fd, .events = POLLIN};

	for (int ms = 0; ms < IDLE_SECONDS * 1000; ms += TICK_MS)
		if (c->used || poll(&fd, 1, TICK_MS) > 0)
			return true;
		else if (others_wait())
			break;
	return false;
}

/* Reads until a whole head is in buf. Returns its length, 0 at the end, or -errno. */
static ssize_t head_read(struct connection *c)
{
	for (;;) {
		c->buf[c->used] = '\0';
		char *end = strstr(c->buf, "\r\n\r\n");

		if (end)
			return end + 4 - c->buf;
		if (c->used == MAX_HEAD || memchr(c->buf, '\0', c->used))
			return -EBADMSG;
		ssize_t n = recv(c->fd, c->buf + c->used, MAX_HEAD - c->used, 0);

		if (n <= 0)
			return n ? -errno : 0;
		c->used += (size_t)n;
	}
}

/* Serves one request. Returns true when another may follow on this connection. */
static bool request_serve(struct connection *c)
{
	struct request rq = {.method = "", .path = ""};
	ssize_t len = head_read(c);
	uint64_t begin = now_ns();
	int status = 400, err;

	if (len <= 0 && len != -EBADMSG)
		return false; /* the client went, or was idle */
	FASTTRACE_SCOPE(httpd, serve, (fd, c->fd));
	if (len > 0) {
		c->buf[len - 1] = '\0';
		status = request_parse(&rq, c->buf);
	}
	rq.keep_alive = rq.keep_alive && !others_wait();
	err = status ? error_send(c, &rq, status) : file_send(c, &rq);
	c->requests++;
	FASTTRACE(httpd, request, (method, rq.method), (path, rq.path), (status, rq.status),
		  (bytes, rq.bytes), (latency_ns, now_ns() - begin));
	if (err)
		FASTTRACE(httpd, error, (what, "send"), (path, rq.path), (code, -err));
	if (err || !rq.keep_alive)
		return false;
	c->used -= (size_t)len;
	memmove(c->buf, c->buf + len, c->used); /* pipelined requests */
	return true;
}

static void connection_serve(int fd)
{
	struct timeval idle = {.tv_sec = IDLE_SECONDS};
	struct connection c = {.fd = fd};
	int on = 1;

	FASTTRACE_SCOPE(httpd, connection, (fd, fd));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (request_await(&c) && request_serve(&c))
		;
	FASTTRACE(httpd, closed, (fd, fd), (requests, c.requests));
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	pthread_mutex_lock(&queue.lock);
	for (;;) {
		while (queue.head == queue.tail && !queue.stopping)
			pthread_cond_wait(&queue.not_empty, &queue.lock);
		if (queue.stopping)
			break;
		w->fd = queue.fds[queue.head++ % QUEUE_LENGTH];
		pthread_mutex_unlock(&queue.lock);
		connection_serve(w->fd);
		pthread_mutex_lock(&queue.lock);
		close(w->fd);
		w->fd = -1;
	}
	pthread_mutex_unlock(&queue.lock);
	return NULL;
}

/* Hands a connection to the workers; refuses it when too many wait. */
static void connection_queue(int fd, const struct sockaddr_in *peer)
{
	pthread_mutex_lock(&queue.lock);
	unsigned waiting = queue.tail - queue.head;

	FASTTRACE(httpd, accepted, (fd, fd), (port, ntohs(peer->sin_port)), (waiting, waiting));
	if (waiting < QUEUE_LENGTH) {
		queue.fds[queue.tail++ % QUEUE_LENGTH] = fd;
		pthread_cond_signal(&queue.not_empty);
	} else {
		FASTTRACE(httpd, refused, (fd, fd), (waiting, waiting));
		close(fd);
	}
	pthread_mutex_unlock(&queue.lock);
}

/* Accepts until a signal asks us to end. */
static void accept_loop(int listener, int signals)
{
	struct pollfd fds[] = {{.fd = listener, .events = POLLIN},
			       {.fd = signals, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0 || !fds[1].revents) {
		struct sockaddr_in peer = {0};
		socklen_t len = sizeof(peer);
		int fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);

		if (fd >= 0) {
			connection_queue(fd, &peer);
		} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			FASTTRACE(httpd, error, (what, "accept"), (path, ""), (code, errno));
			poll(NULL, 0, 10); /* out of descriptors: let some be closed */
		}
	}
}

static void workers_stop(unsigned threads)
{
	pthread_mutex_lock(&queue.lock);
	queue.stopping = true;
	pthread_cond_broadcast(&queue.not_empty);
	for (unsigned i = 0; i < threads; i++)
		if (workers[i].fd >= 0)
			shutdown(workers[i].fd, SHUT_RD);
	pthread_mutex_unlock(&queue.lock);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	for (; queue.head != queue.tail; queue.head++)
		close(queue.fds[queue.head % QUEUE_LENGTH]);
}

/* Listens on 127.0.0.1. Returns the socket and sets *port to what it got, or -1 with errno. */
static int listen_on(unsigned *port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons((uint16_t)*port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, len) || listen(fd, SOMAXCONN) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		return -1;
	*port = ntohs(addr.sin_port);
	return fd;
}

/* The number that option `name` was given; ends the program when it is none from min to max. */
static unsigned number(char name, const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n < min || n > max || *text == '-') {
		fprintf(stderr, "httpd: -%c %s: expected a number from %lu to %lu\n", name, text,
			min, max);
		exit(2);
	}
	return (unsigned)n;
}

static int fail(const char *what)
{
	fprintf(stderr, "httpd: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	const char *root = ".";
	unsigned port = 8080, threads = 4;
	sigset_t ends;
	int opt, listener, signals;

	while ((opt = getopt(argc, argv, "p:d:t:")) != -1) {
		if (opt == 'p') {
			port = number('p', optarg, 0, 65535);
		} else if (opt == 'd') {
			root = optarg;
		} else if (opt == 't') {
			threads = number('t', optarg, 1, MAX_THREADS);
		} else {
			fprintf(stderr, "usage: httpd [-p PORT] [-d DOCROOT] [-t THREADS]\n");
			return 2;
		}
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	signals = signalfd(-1, &ends, SFD_CLOEXEC);
	docroot = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (docroot < 0)
		return fail(root);
	listener = listen_on(&port);
	if (signals < 0 || listener < 0)
		return fail("listen on 127.0.0.1");
	for (unsigned i = 0; i < threads; i++) {
		workers[i].fd = -1;
		if ((errno = pthread_create(&workers[i].thread, NULL, worker_run, &workers[i])))
			return fail("create a thread");
	}
	FASTTRACE(httpd, started, (port, port), (threads, threads), (docroot, root));
	printf("listening on 127.0.0.1:%u\n", port);
	fflush(stdout);
	accept_loop(listener, signals);
	FASTTRACE(httpd, stopping);
	workers_stop(threads);
	return 0;
}
