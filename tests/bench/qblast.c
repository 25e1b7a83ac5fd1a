/* SPDX-License-Identifier: GPL-3.0-or-later */
// qblast: closed-loop DNS/UDP load generator for loopback measurements.
// Keeps WINDOW queries in flight over SOCKETS sockets with sendmmsg/recvmmsg, counts answers by rcode,
// and with -p PID reports the server's CPU time per answered query (user+sys, from /proc).
// usage: qblast -s IP -P PORT -f QUERIES [-w WINDOW] [-c SOCKETS] [-t SECONDS] [-n QUERIES_TOTAL] [-p PID] [-l MS] [-r RATE] [-d] [-u]
//   -l  also say how many answers took longer than MS milliseconds, and how long the longest took
//   -r  not more than RATE questions a second, evenly; with -l also the percentiles of the time to the answer
//   -f  text file, one "name type" a line; -d sets the DO bit; -u makes each name unique by prefixing a counter label
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
enum {
	BATCH = 64,
	PKT = 1500,
	US_MAX = 1000000
};
struct query {
	uint16_t len;
	uint8_t wire[300];
};
static struct query *queries;
static size_t query_count;
static uint16_t type_of(const char *s)
{
	static const struct {
		const char *n;
		uint16_t t;
	} map[] = { { "A", 1 },     { "NS", 2 },     { "CNAME", 5 },  { "SOA", 6 },
		    { "NULL", 10 }, { "PTR", 12 },   { "MX", 15 },    { "TXT", 16 },
		    { "AAAA", 28 }, { "SRV", 33 },   { "HTTPS", 65 }, { "ANY", 255 },
		    { "DS", 43 },   { "DNSKEY", 48 } };
	for (size_t i = 0; i < sizeof map / sizeof *map; i++)
		if (!strcasecmp(s, map[i].n))
			return map[i].t;
	return (uint16_t)atoi(s);
}
static uint16_t build(uint8_t *out, const char *name, uint16_t type, bool dnssec)
{
	uint8_t *p = out;
	memset(p, 0, 12);
	p[2] = 1;
	p[5] = 1;
	p[11] = 1;
	p += 12;
	while (*name) {
		const char *dot = strchrnul(name, '.');
		size_t n = (size_t)(dot - name);
		if (n == 0 || n > 63)
			break;
		*p++ = (uint8_t)n;
		memcpy(p, name, n);
		p += n;
		name = *dot ? dot + 1 : dot;
	}
	*p++ = 0;
	*p++ = (uint8_t)(type >> 8);
	*p++ = (uint8_t)type;
	*p++ = 0;
	*p++ = 1;
	const uint8_t opt[11] = { 0, 0, 41, 0x04, 0xd0, 0, 0, dnssec ? 0x80 : 0, 0, 0, 0 };
	memcpy(p, opt, 11);
	p += 11;
	return (uint16_t)(p - out);
}
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static double cpu_of(int pid)
{
	char path[64], buf[2048];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, buf, sizeof buf - 1);
	close(fd);
	if (n <= 0)
		return -1;
	buf[n] = 0;
	char *p = strrchr(buf, ')');
	unsigned long u = 0, s = 0;
	sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s);
	return (double)(u + s) / (double)sysconf(_SC_CLK_TCK);
}
int main(int argc, char **argv)
{
	const char *ip = "127.0.0.1", *file = NULL;
	int port = 53, window = 256, sockets = 8, pid = 0, c;
	double seconds = 5;
	bool dnssec = false, unique = false;
	double late_after = 0, rate = 0;
	uint64_t limit = UINT64_MAX;
	while ((c = getopt(argc, argv, "s:P:f:w:c:t:n:p:l:r:du")) != -1)
		switch (c) {
		case 's':
			ip = optarg;
			break;
		case 'P':
			port = atoi(optarg);
			break;
		case 'f':
			file = optarg;
			break;
		case 'w':
			window = atoi(optarg);
			break;
		case 'c':
			sockets = atoi(optarg);
			break;
		case 't':
			seconds = atof(optarg);
			break;
		case 'n':
			limit = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			pid = atoi(optarg);
			break;
		case 'l':
			late_after = atof(optarg) / 1e3;
			break;
		case 'r':
			rate = atof(optarg);
			break;
		case 'd':
			dnssec = true;
			break;
		case 'u':
			unique = true;
			break;
		default:
			return 2;
		}
	FILE *f = file ? fopen(file, "r") : NULL;
	if (!f) {
		fprintf(stderr, "qblast: no query file\n");
		return 2;
	}
	size_t cap = 0;
	char line[512], name[300], type[32];
	while (fgets(line, sizeof line, f)) {
		type[0] = 0;
		int k = sscanf(line, "%299s %31s", name, type);
		if (k < 1)
			continue;
		if (k < 2)
			strcpy(type, "A");
		if (query_count == cap) {
			cap = cap ? cap * 2 : 1024;
			queries = realloc(queries, cap * sizeof *queries);
		}
		char full[400];
		snprintf(full, sizeof full, "%s%s", unique ? "00000000." : "", name);
		queries[query_count].len =
			build(queries[query_count].wire, full, type_of(type), dnssec);
		query_count++;
	}
	fclose(f);
	if (!query_count)
		return 2;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	inet_pton(AF_INET, ip, &to.sin_addr);
	struct pollfd *fds = calloc((size_t)sockets, sizeof *fds);
	int *flight = calloc((size_t)sockets, sizeof *flight);
	double *stamp = calloc((size_t)sockets, sizeof *stamp);
	for (int i = 0; i < sockets; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), big = 4 << 20;
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
		if (connect(fd, (void *)&to, sizeof to)) {
			perror("connect");
			return 1;
		}
		fds[i] = (struct pollfd){ fd, POLLIN, 0 };
	}
	static uint8_t tx[BATCH][320], rx[BATCH][PKT];
	struct mmsghdr ms[BATCH], mr[BATCH];
	struct iovec is[BATCH], ir[BATCH];
	memset(ms, 0, sizeof ms);
	memset(mr, 0, sizeof mr);
	for (int i = 0; i < BATCH; i++) {
		is[i].iov_base = tx[i];
		ms[i].msg_hdr.msg_iov = &is[i];
		ms[i].msg_hdr.msg_iovlen = 1;
		ir[i].iov_base = rx[i];
		ir[i].iov_len = PKT;
		mr[i].msg_hdr.msg_iov = &ir[i];
		mr[i].msg_hdr.msg_iovlen = 1;
	}
	static double sent_at[65536];
	static uint64_t took_us[US_MAX + 1];
	double longest = 0;
	uint64_t late = 0, sent = 0, answered = 0, lost = 0, rcodes[16] = { 0 }, bytes = 0;
	int per = window / sockets;
	if (per < 1)
		per = 1;
	size_t next = 0;
	char hex[17];
	double begin = now(), cpu0 = pid ? cpu_of(pid) : 0, end = begin + seconds, t = begin;
	for (int i = 0; i < sockets; i++)
		stamp[i] = begin;
	while ((t = now()) < end && answered + lost < limit) {
		bool moved = false;
		for (int i = 0; i < sockets; i++) {
			uint64_t due = limit;
			if (rate > 0 && (t - begin) * rate + 1 < (double)limit)
				due = (uint64_t)((t - begin) * rate) + 1;
			while (flight[i] < per && sent < due) {
				int n = 0;
				while (n < BATCH && flight[i] + n < per &&
				       sent + (uint64_t)n < due) {
					struct query *q = &queries[next];
					next = next + 1 == query_count ? 0 : next + 1;
					memcpy(tx[n], q->wire, q->len);
					uint16_t id = (uint16_t)(sent + (uint64_t)n);
					memcpy(tx[n], &id, 2);
					sent_at[id] = t;
					if (unique) {
						snprintf(hex, sizeof hex, "%08x",
						         (unsigned)(sent + (uint64_t)n));
						memcpy(tx[n] + 13, hex, 8);
					}
					is[n].iov_len = q->len;
					n++;
				}
				int k = sendmmsg(fds[i].fd, ms, (unsigned)n, 0);
				if (k <= 0) {
					if (errno == ECONNREFUSED)
						continue;
					break;
				}
				sent += (uint64_t)k;
				if (flight[i] == 0)
					stamp[i] = t;
				flight[i] += k;
				moved = true;
				if (k < n)
					break;
			}
			int k;
			while ((k = recvmmsg(fds[i].fd, mr, BATCH, MSG_DONTWAIT, NULL)) > 0) {
				if (late_after > 0)
					t = now();
				for (int j = 0; j < k; j++) {
					if (late_after > 0) {
						uint16_t id;
						memcpy(&id, rx[j], 2);
						double took = t - sent_at[id];
						longest = took > longest ? took : longest;
						late += took > late_after;
						size_t us = (size_t)(took * 1e6);
						took_us[us < US_MAX ? us : US_MAX]++;
					}
					rcodes[rx[j][3] & 15]++;
					bytes += mr[j].msg_len;
				}
				answered += (uint64_t)k;
				flight[i] -= k;
				stamp[i] = t;
				moved = true;
				if (k < BATCH)
					break;
			}
			if (flight[i] > 0 && t - stamp[i] > 0.5) {
				lost += (uint64_t)flight[i];
				flight[i] = 0;
				stamp[i] = t;
			}
			if (flight[i] < 0)
				flight[i] = 0;
		}
		if (!moved && rate > 0) {
			struct timespec little = { .tv_nsec = 20000 };
			ppoll(fds, (nfds_t)sockets, &little, NULL);
		} else if (!moved)
			poll(fds, (nfds_t)sockets, 1);
	}
	double took = now() - begin;
	double cpu = pid ? cpu_of(pid) - cpu0 : 0;
	printf("qps %.0f answered %llu lost %llu avg_bytes %.0f rcodes", (double)answered / took,
	       (unsigned long long)answered, (unsigned long long)lost,
	       answered ? (double)bytes / (double)answered : 0);
	for (int i = 0; i < 16; i++)
		if (rcodes[i])
			printf(" %d:%llu", i, (unsigned long long)rcodes[i]);
	if (late_after > 0) {
		printf(" late %llu longest_ms %.1f", (unsigned long long)late, longest * 1e3);
		static const struct {
			const char *name;
			double part;
		} parts[] = { { "p50_us", 0.5 }, { "p99_us", 0.99 }, { "p999_us", 0.999 } };
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
			uint64_t sum = 0;
			size_t us = 0;
			while (us < US_MAX &&
			       (double)(sum += took_us[us]) < parts[i].part * (double)answered)
				us++;
			printf(" %s %zu", parts[i].name, us);
		}
	}
	if (pid) {
		printf(" cpu_us_per_query %.3f", cpu * 1e6 / (double)(answered ? answered : 1));
	}
	printf("\n");
	return 0;
}
