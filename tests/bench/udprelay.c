/* SPDX-License-Identifier: GPL-3.0-or-later */
// udprelay: the floor of a cache miss: each query goes to one upstream server over a pool of sockets and its answer back, in batches, and nothing else.
// usage: udprelay IP PORT UPSTREAM_IP [SOCKETS]
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
enum {
	BATCH = 64,
	MAX_SOCKETS = 256,
	CLIENT_SIDE = -1
};
static struct {
	struct sockaddr_in client;
	uint16_t id;
} waiting[65536];
static int udp(const struct sockaddr_in *bind_to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), big = 4 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
	if (bind_to && bind(fd, (const void *)bind_to, sizeof *bind_to)) {
		perror("bind");
		exit(1);
	}
	return fd;
}
int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: udprelay IP PORT UPSTREAM_IP [SOCKETS]\n");
		return 2;
	}
	struct sockaddr_in here = { .sin_family = AF_INET,
		                    .sin_port = htons((uint16_t)atoi(argv[2])) },
			   up = { .sin_family = AF_INET, .sin_port = htons(53) };
	inet_pton(AF_INET, argv[1], &here.sin_addr);
	inet_pton(AF_INET, argv[3], &up.sin_addr);
	int sockets = argc > 4 ? atoi(argv[4]) : 16, upstream[MAX_SOCKETS];
	if (sockets < 1 || sockets > MAX_SOCKETS)
		return 2;
	int front = udp(&here), loop = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN, .data.fd = CLIENT_SIDE };
	epoll_ctl(loop, EPOLL_CTL_ADD, front, &e);
	for (int i = 0; i < sockets; i++) {
		upstream[i] = udp(NULL);
		e.data.fd = i;
		epoll_ctl(loop, EPOLL_CTL_ADD, upstream[i], &e);
	}
	static uint8_t buf[BATCH][2048];
	static struct sockaddr_in peer[BATCH];
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	memset(m, 0, sizeof m);
	uint16_t next = 0;
	unsigned turn = 0;
	for (;;) {
		struct epoll_event ready[64];
		int n = epoll_wait(loop, ready, 64, -1);
		for (int k = 0; k < n; k++) {
			int side = ready[k].data.fd;
			for (int i = 0; i < BATCH; i++) {
				v[i] = (struct iovec){ buf[i], 2000 };
				m[i].msg_hdr = (struct msghdr){ .msg_name = &peer[i],
					                        .msg_namelen = sizeof peer[i],
					                        .msg_iov = &v[i],
					                        .msg_iovlen = 1 };
			}
			int got = recvmmsg(side == CLIENT_SIDE ? front : upstream[side], m, BATCH,
			                   0, NULL);
			if (got <= 0)
				continue;
			for (int i = 0; i < got; i++) {
				uint16_t id;
				memcpy(&id, buf[i], 2);
				v[i].iov_len = m[i].msg_len;
				m[i].msg_hdr.msg_namelen = sizeof peer[i];
				if (side == CLIENT_SIDE) {
					next++;
					waiting[next].client = peer[i];
					waiting[next].id = id;
					memcpy(buf[i], &next, 2);
					peer[i] = up;
				} else {
					peer[i] = waiting[id].client;
					memcpy(buf[i], &waiting[id].id, 2);
				}
			}
			sendmmsg(side == CLIENT_SIDE ? upstream[turn++ % (unsigned)sockets] : front,
			         m, (unsigned)got, 0);
		}
	}
}
