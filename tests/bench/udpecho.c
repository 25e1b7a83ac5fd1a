/* SPDX-License-Identifier: GPL-3.0-or-later */
// udpecho: the floor of the UDP socket path: turns each query into a fixed-size answer with recvmmsg/sendmmsg and nothing else.
// usage: udpecho IP PORT EXTRA_BYTES
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
enum {
	BATCH = 64
};
int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons((uint16_t)atoi(argv[2])) };
	inet_pton(AF_INET, argv[1], &a.sin_addr);
	size_t extra = argc > 3 ? (size_t)atoi(argv[3]) : 16;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), big = 4 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
	if (bind(fd, (void *)&a, sizeof a)) {
		perror("bind");
		return 1;
	}
	static uint8_t buf[BATCH][2048];
	static struct sockaddr_storage from[BATCH];
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	memset(m, 0, sizeof m);
	for (;;) {
		for (int i = 0; i < BATCH; i++) {
			v[i] = (struct iovec){ buf[i], 1500 };
			m[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
				                        .msg_namelen = sizeof from[i],
				                        .msg_iov = &v[i],
				                        .msg_iovlen = 1 };
		}
		int n = recvmmsg(fd, m, BATCH, MSG_WAITFORONE, NULL);
		if (n <= 0)
			continue;
		for (int i = 0; i < n; i++) {
			buf[i][2] |= 0x80;
			v[i].iov_len = m[i].msg_len + extra;
		}
		for (int k = 0; k < n;) {
			int s = sendmmsg(fd, m + k, (unsigned)(n - k), 0);
			if (s <= 0)
				break;
			k += s;
		}
	}
}
