/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/zone_layers.h - the file of a zone that is followed: STATE/zones/NAME.
 *
 * What:      a text in layers (io/layers.h): its head is a comment and the SOA record, its lines are the
 *            other records (transfer/record.h). A whole zone becomes one layer; a delta becomes a layer
 *            in front of those there are, and costs what it is, not what the zone is.
 *
 *                ; zone rpz.example, serial 7, from 192.0.2.53@53; made by weir
 *                ; weir-layers 1 ...
 *                rpz.example.<TAB>300<TAB>SOA<TAB>...
 *
 *            Layers are brought to the disk before the head that names them is, and that is renamed
 *            over the old one: whoever opens the file sees one version whole, and a crash leaves one.
 *            zone_reader_open() reads the head's SOA record.
 * Not here:  zones that are published -> transfer/journal.h; removing old layers -> feeds/store.h
 * Threads:   one writer a zone; readers any.
 * Memory:    that of io/layers.h.
 * Cost:      that of io/layers.h.
 * Limits:    those of the disk; lines of RECORD_LINE_MAX.
 * Standards: RFC 1995 4
 * Tests:     tests/unit/transfer/zone_layers_test.c, tests/system/transfer_test.py
 */
#pragma once

#include "transfer/sorter.h"
#include "transfer/zone_file.h"

struct zone_layers_terms {
	const char *path;
	const struct name *zone;
	const char *comment; /* one line, without the mark */
	const char *soa;     /* the SOA record's line */
	uint64_t max_bytes;  /* of the other records; 0: any */
};

/* All records but the SOA become the zone; `lines` is used up. 0; -EFBIG; -errno: the old one stays. */
MUST_USE int zone_layers_put(const struct zone_layers_terms *t, struct sorter *lines,
                             uint64_t *ret_records);
/*
 * The version with this serial, with the sealed delta applied, becomes the zone. 0; -ESTALE: they do not fit;
 * -EBADMSG: what is here is damaged; -ENODATA: a layer of it is missing; -EFBIG; -errno.
 */
MUST_USE int zone_layers_change(const struct zone_layers_terms *t, uint32_t serial,
                                const struct delta *d, uint64_t *ret_records);
/*
 * Are its layers there, and of one piece? is_whole: all of them is read, else their ends only. 0, also of a file
 * without layers; -ENODATA; -EBADMSG; -errno.
 */
MUST_USE int zone_layers_check(const char *path, bool is_whole);
