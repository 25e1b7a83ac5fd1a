/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/programs.h"

#include <string.h>

#include "base/must.h"

static uint32_t le16(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

enum {
	MZ_BYTES = 64,
	MZ_PE_AT = 0x3c,
	MZ_PE_MAX = 0x1000, /* where linkers put the PE header, at the farthest */
};

/* "MZ" alone are two letters: the rest of the header, or what stands behind it, must be right. */
static bool is_windows(const uint8_t *b, size_t n)
{
	/* A program that is called as code from its first byte on, as stagers load it. */
	static const uint8_t loaders[][8] = { { 'M', 'Z', 'A', 'R', 'U', 'H', 0x89, 0xe5 },
		                              { 'M', 'Z', 0xe8, 0, 0, 0, 0, 0x5b },
		                              { 'M', 'Z', 'R', 'E', 0xe8, 0, 0, 0 } };
	if (n < 16 || b[0] != 'M' || b[1] != 'Z')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(loaders); i++) {
		if (memcmp(b, loaders[i], sizeof loaders[i]) == 0)
			return true;
	}
	/* No relocations, a header of four paragraphs, all of the memory there is. */
	if (le16(b + 6) == 0 && le16(b + 8) == 4 && le16(b + 12) == 0xffff && le16(b + 14) == 0)
		return true;
	if (n < MZ_BYTES)
		return false;
	uint32_t at = le32(b + MZ_PE_AT);
	if (at < MZ_BYTES || at > MZ_PE_MAX)
		return false;
	if (n >= (size_t)at + 4)
		return memcmp(b + at, "PE\0", 4) == 0;
	return memmem(b, n, " program ", 9) != NULL && memmem(b, n, " run ", 5) != NULL;
}

static bool is_elf(const uint8_t *b, size_t n)
{
	if (n < 16 || memcmp(b, "\177ELF", 4) != 0)
		return false;
	return (b[4] == 1 || b[4] == 2) && (b[5] == 1 || b[5] == 2) && b[6] == 1;
}

static bool is_macho(const uint8_t *b, size_t n)
{
	if (n < 16)
		return false;
	uint32_t magic = be32(b);
	bool is_little = magic == 0xcefaedfe || magic == 0xcffaedfe;
	if (!is_little && magic != 0xfeedface && magic != 0xfeedfacf)
		return false;
	uint32_t cpu = (is_little ? le32(b + 4) : be32(b + 4)) & 0x00ffffff;
	uint32_t type = is_little ? le32(b + 12) : be32(b + 12);
	return cpu > 0 && cpu < 32 && type > 0 && type < 16;
}

/* A fat Mach-O has some architectures where Java has its version. */
static bool is_class(const uint8_t *b, size_t n)
{
	if (n < 10 || be32(b) != 0xcafebabe)
		return false;
	uint32_t v = be32(b + 4);
	return (v > 0 && v < 20) || (v >= 45 && v < 100);
}

static bool is_gzip(const uint8_t *b, size_t n)
{
	if (n < 18 || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || (b[3] & 0xe0) != 0)
		return false;
	return (b[8] == 0 || b[8] == 2 || b[8] == 4) && (b[9] < 14 || b[9] == 255);
}

static bool is_zip(const uint8_t *b, size_t n)
{
	if (n < 30 || memcmp(b, "PK\3\4", 4) != 0)
		return false;
	return b[4] <= 63 && le16(b + 8) <= 99 && le16(b + 26) < 1024;
}

static bool begins(const uint8_t *b, size_t n, const char *magic, size_t n_magic)
{
	return n >= 16 && memcmp(b, magic, n_magic) == 0;
}
#define BEGINS(magic) begins(b, n, magic, sizeof(magic) - 1)

static const char *program_of(const uint8_t *b, size_t n)
{
	if (is_windows(b, n))
		return "a Windows program";
	if (is_elf(b, n))
		return "an ELF program";
	if (is_macho(b, n))
		return "a Mach-O program";
	if (is_class(b, n))
		return "a Java class";
	if (BEGINS("dex\n03"))
		return "an Android program";
	if (BEGINS("\0asm\1\0\0\0"))
		return "a WebAssembly module";
	if (BEGINS("L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0"))
		return "a Windows shortcut";
	return NULL;
}

static const char *archive_of(const uint8_t *b, size_t n)
{
	if (is_gzip(b, n))
		return "a gzip file";
	if (is_zip(b, n))
		return "a zip file";
	if (BEGINS("7z\xbc\xaf\x27\x1c"))
		return "a 7z file";
	if (BEGINS("\xfd"
	           "7zXZ\0"))
		return "an xz file";
	if (BEGINS("Rar!\x1a\7"))
		return "a rar file";
	if (BEGINS("MSCF\0\0\0\0"))
		return "a cabinet file";
	if (BEGINS("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
		return "an Office file";
	if (BEGINS("\x28\xb5\x2f\xfd"))
		return "a zstd file";
	if (BEGINS("BZh91AY&SY"))
		return "a bzip2 file";
	return NULL;
}

enum program_kind program_look(const uint8_t *b, size_t n, const char **ret_what)
{
	const char *what = program_of(b, n);
	enum program_kind kind = PROGRAM_PROGRAM;
	if (what == NULL) {
		what = archive_of(b, n);
		kind = PROGRAM_ARCHIVE;
	}
	*ret_what = what != NULL ? what : "";
	return what != NULL ? kind : PROGRAM_NONE;
}
