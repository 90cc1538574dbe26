/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: folders of models: any bytes as their configuration files give a card that is YAML and a card's reader takes or refuses, or one
   line. The first byte says whether it is open_clip's folder ('o'); then config, processor and tokenizer, each up to a NUL.

   make fuzz FLAVOUR=fuzz && build/fuzz/fuzz/fuzz_model_folder -max_len=8192 seeds/ */
#include "extract/model/model_card.h"
#include "extract/model/model_folder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_file(const char *folder, const char *name, const uint8_t *bytes, size_t n)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        abort();
}

static void drop_file(const char *folder, const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    remove(path);
}

static void make_card(const char *folder)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text text = {0};
    struct mdp_yaml *doc = NULL;
    struct mdp_model_card card;

    if (mdp_model_folder_to_card(folder, NULL, &text, &err) == MDP_OK) {
        mdp_status st = mdp_yaml_parse(text.at, text.n, "card", &doc, &err);
        assert(st == MDP_OK && doc);
        mdp_yaml_free(doc);
        if (mdp_model_card_read(folder, &card, &err) == MDP_OK) {
            mdp_model_card_check(&card, &err);
            mdp_model_card_release(&card);
        }
    } else {
        assert(err.status != MDP_OK && err.message[0] && !strchr(err.message, '\n'));
    }
    mdp_text_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[64];
    const char *names[] = {"config.json", "preprocessor_config.json", "tokenizer_config.json"};
    const uint8_t *end = data + size;

    if (size == 0)
        return 0;
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/fuzz_model_folder.XXXXXX");
        if (!mkdtemp(folder))
            abort();
    }
    names[0] = *data++ == 'o' ? "open_clip_config.json" : "config.json";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const uint8_t *stop = data < end ? memchr(data, 0, (size_t)(end - data)) : NULL;
        size_t n = (size_t)((stop ? stop : end) - data);
        write_file(folder, names[i], data, n);
        data = stop ? stop + 1 : end;
    }
    make_card(folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        drop_file(folder, names[i]);
    rmdir(folder);
    mkdir(folder, 0700);
    return 0;
}
