/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/model/model_files.h"

#include "base/file.h"
#include "base/hash.h"
#include "extract/weights/zip.h"

#include <string.h>
#include <unistd.h>

const char *mdp_file_state_name(enum mdp_file_state state)
{
    static const char *const names[] = {"absent", "not checked", "fits", "differs"};

    return names[state];
}

/* The digest of the file itself, not of the ZIP it comes in; NULL when the card has none. */
static const char *own_sha256(const struct mdp_model_file *file)
{
    return file->member ? file->member_sha256 : file->sha256;
}

mdp_status mdp_model_file_state(const struct mdp_model_card *card, const struct mdp_model_file *file,
                                bool by_name, struct mdp_text *path, enum mdp_file_state *state,
                                char sha256[65], struct mdp_error *err)
{
    uint8_t digest[MDP_SHA256_SIZE];
    const char *expected = own_sha256(file);

    sha256[0] = '\0';
    mdp_status st = mdp_model_card_file_path(card, file, path, err);
    if (st != MDP_OK)
        return st;
    if (!mdp_path_exists(path->at)) {
        *state = MDP_FILE_ABSENT;
        return MDP_OK;
    }
    *state = MDP_FILE_UNCHECKED;
    if (by_name)
        return MDP_OK;
    st = mdp_sha256_of_file(path->at, digest, err);
    if (st != MDP_OK)
        return st;
    mdp_sha256_hex(digest, sha256);
    if (expected)
        *state = mdp_sha256_fits(sha256, expected) ? MDP_FILE_FITS : MDP_FILE_DIFFERS;
    return MDP_OK;
}

/* --- unpacking --- */

struct sink {
    struct mdp_atomic out;
    struct mdp_sha256 *hash;
};

static mdp_status write_piece(void *context, const void *bytes, size_t n, struct mdp_error *err)
{
    struct sink *s = context;

    mdp_sha256_add(s->hash, bytes, n);
    return fwrite(bytes, 1, n, s->out.file) == n
               ? MDP_OK
               : mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", s->out.path);
}

/* The entry that is called `member`, or has that name in some folder of the ZIP. */
static const struct mdp_zip_entry *find_member(const struct mdp_zip *zip, const char *member)
{
    const struct mdp_zip_entry *entry = mdp_zip_find(zip, member);

    for (size_t i = 0; !entry && i < zip->n; i++)
        if (strcmp(mdp_path_base(zip->entries[i].name), member) == 0)
            return &zip->entries[i];
    return entry;
}

static mdp_status unpack_to(const struct mdp_zip *zip, const struct mdp_zip_entry *entry,
                            const struct mdp_model_file *file, const char *path, struct mdp_error *err)
{
    uint8_t digest[MDP_SHA256_SIZE];
    char hex[MDP_SHA256_HEX];
    struct sink s = {0};

    mdp_status st = mdp_sha256_new(&s.hash, err);
    if (st == MDP_OK)
        st = mdp_atomic_create(path, &s.out, err);
    if (st == MDP_OK)
        st = mdp_zip_unpack(zip, entry, write_piece, &s, err);
    if (st != MDP_OK) {
        mdp_sha256_free(s.hash);
        goto out;
    }
    mdp_sha256_final(s.hash, digest);
    mdp_sha256_hex(digest, hex);
    if (file->member_sha256 && !mdp_sha256_fits(hex, file->member_sha256))
        st = mdp_fail(err, MDP_ERR_FORMAT, "zip: entry '%s' has SHA-256 %s, expected %s", entry->name, hex,
                      file->member_sha256);
    if (st == MDP_OK)
        return mdp_atomic_commit(&s.out, err);
out:
    mdp_atomic_release(&s.out);
    return st;
}

static mdp_status unpack(const char *archive, const struct mdp_model_file *file, const char *path,
                         struct mdp_error *err)
{
    struct mdp_map map;
    struct mdp_zip zip = {0};

    mdp_status st = mdp_map_open(archive, &map, err);
    if (st != MDP_OK)
        return st;
    st = mdp_zip_parse(map.bytes, map.n, &zip, err);
    if (st == MDP_OK) {
        const struct mdp_zip_entry *entry = find_member(&zip, file->member);
        st = entry ? unpack_to(&zip, entry, file, path, err)
                   : mdp_fail(err, MDP_ERR_FORMAT, "zip: no entry '%s' among its %zu", file->member, zip.n);
    }
    mdp_zip_release(&zip);
    mdp_map_close(&map);
    return st == MDP_OK ? MDP_OK : mdp_fail_at(err, st, "%s", archive);
}

/* --- pull --- */

/* A ZIP kept by an earlier run is used when its digest fits. */
static bool is_kept(const char *archive, const char *sha256)
{
    uint8_t digest[MDP_SHA256_SIZE];
    char hex[MDP_SHA256_HEX];

    if (!mdp_path_exists(archive) || mdp_sha256_of_file(archive, digest, NULL) != MDP_OK)
        return false;
    mdp_sha256_hex(digest, hex);
    return mdp_sha256_fits(hex, sha256);
}

static mdp_status pull_in_zip(const struct mdp_model_file *file, const char *path, struct mdp_fetch *what,
                              struct mdp_error *err)
{
    struct mdp_text archive = {0};

    mdp_text_add(&archive, "%s.zip", path);
    mdp_status st = mdp_text_status(&archive, err);
    if (st == MDP_OK && !is_kept(archive.at, what->sha256)) {
        what->path = archive.at;
        st = mdp_fetch(what, err);
    }
    if (st == MDP_OK)
        st = unpack(archive.at, file, path, err);
    if (st == MDP_OK)
        unlink(archive.at);
    mdp_text_release(&archive);
    return st;
}

mdp_status mdp_model_file_pull(const struct mdp_model_card *card, const struct mdp_model_file *file,
                               const struct mdp_fetch *how, struct mdp_error *err)
{
    struct mdp_text folder = {0}, path = {0};
    struct mdp_fetch what = *how;

    if (!file->url)
        return mdp_fail(err, MDP_ERR_MISSING, "%s: the model card has no address for it%s%s", file->name,
                        file->note ? ": " : "", file->note ? file->note : "");
    mdp_status st = mdp_model_card_files_folder(card, &folder, err);
    if (st == MDP_OK)
        st = mdp_path_make_folders(folder.at, err);
    if (st == MDP_OK)
        st = mdp_model_card_file_path(card, file, &path, err);
    if (st != MDP_OK)
        goto out;
    what.url = file->url;
    what.size = file->size;
    what.sha256 = file->sha256;
    what.path = path.at;
    st = file->member ? pull_in_zip(file, path.at, &what, err) : mdp_fetch(&what, err);
out:
    mdp_text_release(&folder);
    mdp_text_release(&path);
    return st;
}
