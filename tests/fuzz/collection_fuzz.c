/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is there and what came, whatever their lines say: merging gives whole lines, each object once,
 * and merging the same once more changes nothing. */
#include "fetch/collection.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct file {
	int fd;
	char path[32];
};

static void file_make(struct file *f, const void *bytes, size_t n)
{
	f->fd = memfd_create("lines", MFD_CLOEXEC);
	must(f->fd >= 0 && disk_write(f->fd, bytes, n) == 0);
	snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", f->fd);
}

static struct collection_made merge(const struct file *old, const char *sha256,
                                    const struct file *came, const struct file *out)
{
	struct collection_merge m = { .old = old != NULL ? old->path : NULL,
		                      .old_sha256 = sha256,
		                      .came = came->path,
		                      .fd = out->fd,
		                      .now_s = 1000,
		                      .max_bytes = 1 << 24 };
	struct collection_made made;
	struct collection *c;
	must(collection_new(&c) == 0);
	must(collection_merge(c, &m, &made) == 0);
	collection_free(c);
	must(made.bytes == (uint64_t)lseek(out->fd, 0, SEEK_CUR));
	return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct file first, second, one, two, three;
	size_t half = n > 0 ? data[0] * n / 256 : 0;
	file_make(&first, data, half);
	file_make(&second, data + half, n - half);
	file_make(&one, "", 0);
	file_make(&two, "", 0);
	file_make(&three, "", 0);
	struct collection_made a = merge(NULL, "", &first, &one);
	struct collection_made b = merge(&one, a.sha256, &second, &two);
	struct collection_made c = merge(&two, b.sha256, &second, &three);
	must(c.n_objects == b.n_objects);
	must(b.n_objects <= a.n_objects + n / 16);
	close(first.fd);
	close(second.fd);
	close(one.fd);
	close(two.fd);
	close(three.fd);
	return 0;
}
