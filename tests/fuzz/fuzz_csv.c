/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: CSV and manifests: any bytes are read or refused with one line.

   make fuzz FLAVOUR=fuzz && build/fuzz/fuzz/fuzz_csv -max_len=4096 -dict=tests/fuzz/csv.dict */
#include "base/file.h"
#include "base/formats/csv.h"
#include "extract/job/manifest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refused(const struct mdp_error *err)
{
    assert(err->status != MDP_OK && err->message[0] != '\0');
}

/* Every field is there, no two stand in each other's bytes, lines grow. */
static void read_csv(const char *bytes, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_csv *csv = NULL;
    size_t used = 0;

    if (mdp_csv_parse(bytes, n, "fuzz.csv", &csv, &err) != MDP_OK) {
        refused(&err);
        return;
    }
    for (size_t row = 0; row < mdp_csv_row_count(csv); row++) {
        assert(row == 0 || mdp_csv_line(csv, row) > mdp_csv_line(csv, row - 1) || memchr(bytes, '\r', n));
        for (size_t column = 0; column < mdp_csv_column_count(csv); column++)
            used += strlen(mdp_csv_field(csv, row, column));
    }
    assert(used <= n);
    mdp_csv_free(csv);
}

static void read_manifest(const char *path, bool with_labels)
{
    static const char *const labels[] = {"a"};
    const struct mdp_manifest_options options = {.labels = {with_labels, (const char **)labels},
                                                 .limit = with_labels};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_manifest m;
    struct mdp_text where = {0};
    char hex[MDP_SHA256_HEX];

    if (mdp_manifest_read(path, &options, &m, &err) != MDP_OK) {
        refused(&err);
        return;
    }
    assert(m.n > 0 && mdp_manifest_sha256(&m, hex, &err) == MDP_OK);
    for (size_t row = 0; row < m.n; row++) {
        assert(*m.ids[row] && *m.paths[row] && mdp_manifest_locate(&m, row, &where, &err) == MDP_OK);
        assert(!m.labels || (m.labels[row] >= -1 && m.labels[row] < (int32_t)m.n_classes));
    }
    for (size_t a = 0; a < m.n_attributes; a++)
        assert(!m.attributes[a].numbers != !m.attributes[a].strings && !strchr(m.attributes[a].name, '/'));
    mdp_text_release(&where);
    mdp_manifest_release(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    const char *head = "path,id,label,a\n";

    if (!path[0])
        snprintf(path, sizeof path, "/dev/shm/fuzz_csv.%ld.csv", (long)getpid());
    read_csv((const char *)data, size);
    FILE *f = fopen(path, "wb");
    if (!f)
        abort();
    if (size && data[0] & 1) /* half of them begin as a manifest does */
        fputs(head, f);
    fwrite(data, 1, size, f);
    fclose(f);
    read_manifest(path, false);
    read_manifest(path, true);
    unlink(path);
    return 0;
}
