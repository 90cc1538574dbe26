/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: YAML trees, prompt sets and model cards: any bytes are read or refused with one line.

   make fuzz FLAVOUR=fuzz && build/fuzz/fuzz/fuzz_yaml -max_len=8192 configs/prompts configs/models */
#include "base/formats/yaml.h"
#include "extract/model/model_card.h"
#include "extract/text/prompts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_line(const struct mdp_error *err)
{
    assert(err->status != MDP_OK && err->message[0] != '\0');
}

static size_t walk(const struct mdp_yaml_node *node, size_t depth)
{
    size_t n = 1;

    assert(depth < 100);
    if (node->kind == MDP_YAML_SCALAR)
        return strlen(node->scalar) < SIZE_MAX;
    for (size_t i = 0; i < node->n; i++)
        n += walk(node->values[i], depth + 1);
    return n;
}

static void read_tree(const char *bytes, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_yaml *doc = NULL;

    if (mdp_yaml_parse(bytes, n, "fuzz.yaml", &doc, &err) != MDP_OK) {
        one_line(&err);
        return;
    }
    assert(walk(mdp_yaml_root(doc), 0) <= (size_t)MDP_YAML_MAX_NODES + 1);
    mdp_yaml_free(doc);
}

static void read_prompts(const char *path)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_prompts p;
    size_t bytes = 0;

    if (mdp_prompts_read(path, &p, &err) != MDP_OK) {
        one_line(&err);
        return;
    }
    assert(p.n > 0 && p.name && p.ensemble < MDP_ENSEMBLE_COUNT);
    for (size_t i = 0; i < p.n; i++) {
        assert(p.classes[i].n > 0);
        for (size_t j = 0; j < p.classes[i].n; j++)
            bytes += strlen(p.classes[i].phrases[j]);
    }
    assert(bytes < SIZE_MAX);
    mdp_prompts_release(&p);
}

static void read_card(const char *path)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_model_card card = {0};

    if (mdp_model_card_read(path, &card, &err) != MDP_OK) {
        one_line(&err);
        return;
    }
    assert(card.name && card.path);
    mdp_model_card_release(&card);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];

    if (!path[0])
        snprintf(path, sizeof path, "/tmp/fuzz_yaml.%ld.yaml", (long)getpid());
    read_tree((const char *)data, size);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
    read_prompts(path);
    read_card(path);
    remove(path);
    return 0;
}
