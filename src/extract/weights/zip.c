/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/weights/zip.h"

#include "base/formats/inflate.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Records of a ZIP file, little-endian: signature, size of the fixed part, places of fields in it. */
enum {
    LOCAL = 0x04034B50,
    LOCAL_SIZE = 30,
    LOCAL_NAME_N = 26,
    LOCAL_EXTRA_N = 28,

    CENTRAL = 0x02014B50,
    CENTRAL_SIZE = 46,
    CENTRAL_FLAGS = 8,
    CENTRAL_METHOD = 10,
    CENTRAL_CRC = 16,
    CENTRAL_PACKED = 20,
    CENTRAL_UNPACKED = 24,
    CENTRAL_NAME_N = 28,
    CENTRAL_EXTRA_N = 30,
    CENTRAL_COMMENT_N = 32,
    CENTRAL_LOCAL_AT = 42,

    END = 0x06054B50,
    END_SIZE = 22,
    END_DISK = 4,
    END_DISK_ENTRIES = 8,
    END_ENTRIES = 10,
    END_DIRECTORY_N = 12,
    END_DIRECTORY_AT = 16,
    END_COMMENT_N = 20,

    LOCATOR = 0x07064B50,
    LOCATOR_SIZE = 20,
    LOCATOR_END64_AT = 8,

    END64 = 0x06064B50,
    END64_SIZE = 56,
    END64_DISK = 16,
    END64_DISK_ENTRIES = 24,
    END64_ENTRIES = 32,
    END64_DIRECTORY_N = 40,
    END64_DIRECTORY_AT = 48,

    EXTRA_ZIP64 = 0x0001,
    FLAG_ENCRYPTED = 1,
    STORED = 0,
    DEFLATE = 8,
    PIECE = 1 << 16,
};

#define IN_EXTRA 0xFFFFFFFFu /* the 32-bit field's value is in the ZIP64 extra field */

static uint16_t u16(const unsigned char *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32(const unsigned char *at)
{
    return (uint32_t)u16(at) | (uint32_t)u16(at + 2) << 16;
}

static uint64_t u64(const unsigned char *at)
{
    return (uint64_t)u32(at) | (uint64_t)u32(at + 4) << 32;
}

/* Whether a record of this signature and size stands at `at`. */
static bool record_at(const struct mdp_zip *zip, uint64_t at, uint32_t signature, size_t size)
{
    return at <= zip->size && zip->size - at >= size && u32(zip->bytes + at) == signature;
}

/* --- the end record --- */

/* Where the directory is. */
struct directory {
    uint64_t at, n; /* bytes */
    uint64_t entries;
};

/* The end record is the last thing in the file but for a comment, whose length it states. */
static bool find_end(const struct mdp_zip *zip, size_t *end)
{
    const size_t longest = END_SIZE + UINT16_MAX;
    size_t lowest = zip->size > longest ? zip->size - longest : 0;

    if (zip->size < END_SIZE)
        return false;
    for (size_t at = zip->size - END_SIZE + 1; at-- > lowest;) {
        if (u32(zip->bytes + at) == END &&
            u16(zip->bytes + at + END_COMMENT_N) == zip->size - at - END_SIZE) {
            *end = at;
            return true;
        }
    }
    return false;
}

static mdp_status read_end64(const struct mdp_zip *zip, size_t locator, struct directory *d,
                             struct mdp_error *err)
{
    uint64_t at = u64(zip->bytes + locator + LOCATOR_END64_AT);

    if (!record_at(zip, at, END64, END64_SIZE))
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: no ZIP64 end record at byte %llu", (unsigned long long)at);
    const unsigned char *end = zip->bytes + at;
    *d = (struct directory){.at = u64(end + END64_DIRECTORY_AT),
                            .n = u64(end + END64_DIRECTORY_N),
                            .entries = u64(end + END64_ENTRIES)};
    if (u32(end + END64_DISK) != 0 || u64(end + END64_DISK_ENTRIES) != d->entries)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "zip: an archive of several disks");
    return MDP_OK;
}

static mdp_status read_end(const struct mdp_zip *zip, struct directory *d, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t at = 0;

    if (!find_end(zip, &at))
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "zip: no directory at the end of its %zu bytes (was the download cut off?)",
                        zip->size);
    const unsigned char *end = zip->bytes + at;
    if (at >= LOCATOR_SIZE && u32(end - LOCATOR_SIZE) == LOCATOR) {
        st = read_end64(zip, at - LOCATOR_SIZE, d, err);
    } else {
        *d = (struct directory){.at = u32(end + END_DIRECTORY_AT),
                                .n = u32(end + END_DIRECTORY_N),
                                .entries = u16(end + END_ENTRIES)};
        if (u16(end + END_DISK) != 0 || u16(end + END_DISK_ENTRIES) != d->entries)
            st = mdp_fail(err, MDP_ERR_UNSUPPORTED, "zip: an archive of several disks");
    }
    if (st == MDP_OK && (d->at > at || d->n > at - d->at))
        st = mdp_fail(err, MDP_ERR_FORMAT, "zip: its directory of %llu bytes at %llu passes its end record",
                      (unsigned long long)d->n, (unsigned long long)d->at);
    if (st == MDP_OK && d->entries > MDP_ZIP_MAX_ENTRIES)
        st = mdp_fail(err, MDP_ERR_LIMIT, "zip: %llu entries, at most %d are read",
                      (unsigned long long)d->entries, MDP_ZIP_MAX_ENTRIES);
    if (st == MDP_OK && d->n / CENTRAL_SIZE < d->entries)
        st = mdp_fail(err, MDP_ERR_FORMAT, "zip: %llu entries in a directory of %llu bytes",
                      (unsigned long long)d->entries, (unsigned long long)d->n);
    return st;
}

/* --- entries --- */

/* One entry of the directory, as it stands there. */
struct central {
    const unsigned char *name, *extra;
    size_t name_n, extra_n, whole; /* bytes; whole: of the entry */
    uint64_t packed, unpacked, local_at;
};

/* Replaces the fields that say so by those of the ZIP64 extra field, which holds them in this order. */
static bool read_zip64(struct central *c)
{
    uint64_t *fields[] = {&c->unpacked, &c->packed, &c->local_at};
    const unsigned char *at = c->extra;
    size_t left = c->extra_n, n = 0, need = 0;

    for (size_t i = 0; i < 3; i++)
        need += *fields[i] == IN_EXTRA ? 8 : 0;
    if (need == 0)
        return true;
    for (; left >= 4; at += 4 + n, left -= 4 + n) {
        n = u16(at + 2);
        if (n > left - 4)
            return false;
        if (u16(at) == EXTRA_ZIP64)
            break;
    }
    if (left < 4 || n < need)
        return false;
    at += 4;
    for (size_t i = 0; i < 3; i++)
        if (*fields[i] == IN_EXTRA) {
            *fields[i] = u64(at);
            at += 8;
        }
    return true;
}

static mdp_status read_central(const unsigned char *at, size_t left, size_t number, struct central *c,
                               struct mdp_error *err)
{
    if (left < CENTRAL_SIZE || u32(at) != CENTRAL)
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: entry %zu of its directory is damaged", number);
    *c = (struct central){.name = at + CENTRAL_SIZE,
                          .name_n = u16(at + CENTRAL_NAME_N),
                          .extra_n = u16(at + CENTRAL_EXTRA_N),
                          .packed = u32(at + CENTRAL_PACKED),
                          .unpacked = u32(at + CENTRAL_UNPACKED),
                          .local_at = u32(at + CENTRAL_LOCAL_AT)};
    c->extra = c->name + c->name_n;
    c->whole = CENTRAL_SIZE + c->name_n + c->extra_n + u16(at + CENTRAL_COMMENT_N);
    if (c->whole > left)
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: entry %zu of its directory is cut off", number);
    if (c->name_n > MDP_ZIP_MAX_NAME || memchr(c->name, '\0', c->name_n))
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: entry %zu: a name of %zu bytes, or with a NUL in it",
                        number, c->name_n);
    if (!read_zip64(c))
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: entry '%.*s': its ZIP64 sizes are missing", (int)c->name_n,
                        (const char *)c->name);
    return MDP_OK;
}

/* Where the entry's bytes begin: behind its local header, whose length stands only there. */
static mdp_status place_entry(const struct mdp_zip *zip, const struct central *c, size_t *begin,
                              struct mdp_error *err)
{
    const int name_n = (int)c->name_n;
    const char *name = (const char *)c->name;

    if (!record_at(zip, c->local_at, LOCAL, LOCAL_SIZE))
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: entry '%.*s': no local header at byte %llu", name_n, name,
                        (unsigned long long)c->local_at);
    const unsigned char *local = zip->bytes + c->local_at;
    size_t head = LOCAL_SIZE + (size_t)u16(local + LOCAL_NAME_N) + u16(local + LOCAL_EXTRA_N);
    size_t left = zip->size - (size_t)c->local_at;
    if (head > left || u16(local + LOCAL_NAME_N) != c->name_n ||
        memcmp(local + LOCAL_SIZE, c->name, c->name_n) != 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: entry '%.*s': its local header is of another entry",
                        name_n, name);
    if (c->packed > left - head)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "zip: entry '%.*s': %llu bytes at %llu pass the end of the file (%zu)", name_n, name,
                        (unsigned long long)c->packed, (unsigned long long)(c->local_at + head), zip->size);
    *begin = (size_t)c->local_at + head;
    return MDP_OK;
}

static mdp_status read_entry(const struct mdp_zip *zip, const unsigned char *at, const struct central *c,
                             struct mdp_zip_entry *entry, struct mdp_error *err)
{
    mdp_status st = place_entry(zip, c, &entry->begin, err);

    if (st != MDP_OK)
        return st;
    entry->packed_size = (size_t)c->packed;
    entry->size = (size_t)c->unpacked;
    entry->method = u16(at + CENTRAL_METHOD);
    entry->encrypted = u16(at + CENTRAL_FLAGS) & FLAG_ENCRYPTED;
    entry->stored = entry->method == STORED && !entry->encrypted;
    entry->crc = u32(at + CENTRAL_CRC);
    if (entry->stored && entry->size != entry->packed_size)
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: entry '%.*s': stored as %zu bytes, said to be %zu",
                        (int)c->name_n, (const char *)c->name, entry->packed_size, entry->size);
    entry->name = mdp_new_array(c->name_n + 1, 1, err, &st);
    if (entry->name)
        memcpy(entry->name, c->name, c->name_n);
    return st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mdp_zip_entry *)a)->name, ((const struct mdp_zip_entry *)b)->name);
}

static mdp_status read_entries(struct mdp_zip *zip, const struct directory *d, struct mdp_error *err)
{
    const unsigned char *at = zip->bytes + d->at;
    size_t left = (size_t)d->n;
    struct central c;
    mdp_status st = MDP_OK;

    zip->entries = mdp_new_array((size_t)d->entries, sizeof *zip->entries, err, &st);
    for (; st == MDP_OK && zip->n < d->entries; at += c.whole, left -= c.whole) {
        st = read_central(at, left, zip->n, &c, err);
        if (st == MDP_OK)
            st = read_entry(zip, at, &c, &zip->entries[zip->n], err);
        if (st != MDP_OK)
            return st;
        zip->n++;
    }
    if (st != MDP_OK)
        return st;
    qsort(zip->entries, zip->n, sizeof *zip->entries, by_name);
    for (size_t i = 1; i < zip->n; i++)
        if (by_name(&zip->entries[i - 1], &zip->entries[i]) == 0)
            return mdp_fail(err, MDP_ERR_FORMAT, "zip: two entries have the name '%s'", zip->entries[i].name);
    return MDP_OK;
}

mdp_status mdp_zip_parse(const unsigned char *bytes, size_t n, struct mdp_zip *zip, struct mdp_error *err)
{
    struct directory d = {0};

    *zip = (struct mdp_zip){.bytes = bytes, .size = n};
    mdp_status st = read_end(zip, &d, err);
    if (st == MDP_OK)
        st = read_entries(zip, &d, err);
    if (st != MDP_OK)
        mdp_zip_release(zip);
    return st;
}

void mdp_zip_release(struct mdp_zip *zip)
{
    for (size_t i = 0; i < zip->n; i++)
        free(zip->entries[i].name);
    free(zip->entries);
    *zip = (struct mdp_zip){0};
}

const struct mdp_zip_entry *mdp_zip_find(const struct mdp_zip *zip, const char *name)
{
    const struct mdp_zip_entry key = {.name = (char *)(uintptr_t)name};

    return zip->n ? bsearch(&key, zip->entries, zip->n, sizeof *zip->entries, by_name) : NULL;
}

/* --- unpacking --- */

struct unpacking {
    const struct mdp_zip_entry *entry;
    const unsigned char *bytes; /* packed, [entry->packed_size] */
    mdp_zip_sink *sink;
    void *context;
    size_t done; /* bytes given to the sink */
    uint32_t crc;
};

static mdp_status give(void *context, const void *bytes, size_t n, struct mdp_error *err)
{
    struct unpacking *u = context;

    if (n > u->entry->size - u->done)
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: entry '%s': unpacks to more than its %zu bytes",
                        u->entry->name, u->entry->size);
    u->crc = mdp_crc32(u->crc, bytes, n);
    u->done += n;
    return u->sink(u->context, bytes, n, err);
}

static mdp_status copy_stored(struct unpacking *u, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    for (size_t at = 0, n = 0; st == MDP_OK && at < u->entry->size; at += n) {
        n = u->entry->size - at < PIECE ? u->entry->size - at : PIECE;
        st = give(u, u->bytes + at, n, err);
    }
    return st;
}

static mdp_status inflate_all(struct unpacking *u, struct mdp_error *err)
{
    char what[MDP_ZIP_MAX_NAME + 32];

    snprintf(what, sizeof what, "zip: entry '%s'", u->entry->name);
    return mdp_inflate(MDP_DEFLATE_RAW, u->bytes, u->entry->packed_size, what, give, u, err);
}

mdp_status mdp_zip_unpack(const struct mdp_zip *zip, const struct mdp_zip_entry *entry, mdp_zip_sink *sink,
                          void *context, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (entry->encrypted)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "zip: entry '%s' is encrypted", entry->name);
    if (entry->method != STORED && entry->method != DEFLATE)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED,
                        "zip: entry '%s': compression method %u, stored (0) and deflate (8) are read",
                        entry->name, entry->method);
    struct unpacking *u = mdp_new_array(1, sizeof *u, err, &st);
    if (!u)
        return st;
    u->entry = entry;
    u->bytes = zip->bytes + entry->begin;
    u->sink = sink;
    u->context = context;
    st = entry->method == STORED ? copy_stored(u, err) : inflate_all(u, err);
    if (st == MDP_OK && (u->done != entry->size || u->crc != entry->crc))
        st = mdp_fail(err, MDP_ERR_FORMAT, "zip: entry '%s': its %s does not fit its bytes", entry->name,
                      u->done != entry->size ? "size" : "CRC");
    free(u);
    return st;
}
