/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the tables of tower families and tokenizers (a row that lacks a member, or has a name twice), what they answer to an unknown
   name, that the sections of every shipped card belong together, and that no two cards are called the same.
   Planted: embedding_width 511 in a card; a family without free; both were seen. */
#include "unit/unit.h"

#include "base/memory.h"
#include "extract/model/model_card.h"
#include "extract/text/tokenizer_kinds.h"
#include "extract/towers/families.h"

#include <dirent.h>

/* Names are what stands in YAML: small letters, digits, hyphens; no two are the same. */
static void check_names(const char *const names[], size_t n)
{
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(names[i] && *names[i]);
        assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(names[i]));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
}

static void every_family_is_complete(void **state)
{
    const char *names[64];
    size_t n = 0;

    (void)state;
    for (; mdp_image_families[n]; n++) {
        const struct mdp_image_family *f = mdp_image_families[n];
        names[n] = f->name;
        assert_true(f->from_yaml && f->load && f->run && f->free);
        f->free(NULL);
    }
    check_names(names, n);
    for (n = 0; mdp_text_families[n]; n++) {
        const struct mdp_text_family *f = mdp_text_families[n];
        names[n] = f->name;
        assert_true(f->from_yaml && f->load && f->scratch_size && f->run && f->free);
        f->free(NULL);
    }
    check_names(names, n);
}

static void every_kind_of_tokenizer_is_complete(void **state)
{
    const char *names[64];
    size_t n = 0, n_keys = 0;

    (void)state;
    for (; mdp_tokenizer_kinds[n]; n++) {
        const struct mdp_tokenizer_kind *k = mdp_tokenizer_kinds[n];
        names[n] = k->name;
        assert_true(k->files && k->files[0] && k->keys && k->from_yaml && k->load && k->encode && k->free);
        k->free(NULL);
        for (n_keys = 0; k->keys[n_keys]; n_keys++)
            assert_true(strcmp(k->keys[n_keys], "kind") != 0 && strcmp(k->keys[n_keys], "max_length") != 0 &&
                        strcmp(k->keys[n_keys], "padding") != 0);
    }
    check_names(names, n);
}

static struct mdp_yaml *yaml(const char *text)
{
    struct mdp_yaml *doc = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(mdp_yaml_parse(text, strlen(text), "m.yaml", &doc, &err), err);
    return doc;
}

static void unknown_families_are_named(void **state)
{
    struct mdp_yaml *doc = yaml("width: 3\nfamily: none-such\n");
    const struct mdp_image_family *image = NULL;
    const struct mdp_text_family *text = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_image_sizes of_image;
    struct mdp_text_sizes of_text;

    (void)state;
    assert_int_equal(mdp_image_family_get(doc, mdp_yaml_root(doc), &image, &err), MDP_ERR_FORMAT);
    assert_ptr_equal(strstr(err.message, "m.yaml: line 2: no family of image towers 'none-such' ("),
                     err.message);
    for (size_t i = 0; mdp_image_families[i]; i++)
        assert_non_null(strstr(err.message, mdp_image_families[i]->name));
    assert_int_equal(mdp_text_family_get(doc, mdp_yaml_root(doc), &text, &err), MDP_ERR_FORMAT);
    assert_ptr_equal(strstr(err.message, "m.yaml: line 2: no family of text towers 'none-such' ("),
                     err.message);
    for (size_t i = 0; mdp_text_families[i]; i++)
        assert_non_null(strstr(err.message, mdp_text_families[i]->name));
    assert_int_equal(mdp_image_tower_sizes_from_yaml(doc, mdp_yaml_root(doc), &of_image, &err),
                     MDP_ERR_FORMAT);
    assert_int_equal(mdp_text_tower_sizes_from_yaml(doc, mdp_yaml_root(doc), &of_text, &err), MDP_ERR_FORMAT);
    mdp_yaml_free(doc);
}

enum { MOST_SPELLINGS = 4096 };

/* What the cards are called so far, aliases included. */
static struct {
    char *at[MOST_SPELLINGS];
    size_t n;
} spellings;

static void claim(const char *name, const char *path)
{
    for (size_t i = 0; i < spellings.n; i++)
        if (strcmp(spellings.at[i], name) == 0)
            fail_msg("%s: another card is called '%s', too", path, name);
    assert_true(spellings.n < MOST_SPELLINGS);
    spellings.at[spellings.n++] = strdup(name);
}

static void check_card(const char *path)
{
    struct mdp_model_card card;
    struct mdp_text prompts = {0};
    struct mdp_error err = MDP_ERROR_INIT;
    char file[300];

    assert_ok(mdp_model_card_read(path, &card, &err), err);
    assert_ok(mdp_model_card_check(&card, &err), err);
    snprintf(file, sizeof file, "configs/models/%s.yaml", card.name);
    assert_string_equal(file, path);
    claim(card.name, path);
    for (size_t i = 0; card.aliases && i < card.aliases->n; i++)
        claim(card.aliases->values[i]->scalar, path);
    if (card.zero_shot.prompts)
        assert_ok(mdp_model_card_prompts(path, &prompts, &err), err);
    mdp_text_release(&prompts);
    mdp_model_card_release(&card);
}

static void shipped_cards_belong_together(void **state)
{
    static const char folder[] = "configs/models";
    DIR *d = opendir(folder);
    size_t n = 0;

    (void)state;
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[300];
        const char *end = strrchr(e->d_name, '.');
        if (!end || strcmp(end, ".yaml") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        check_card(path);
        n++;
    }
    closedir(d);
    assert_true(n >= 2);
    for (size_t i = 0; i < spellings.n; i++)
        free(spellings.at[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_is_complete),
        cmocka_unit_test(every_kind_of_tokenizer_is_complete),
        cmocka_unit_test(unknown_families_are_named),
        cmocka_unit_test(shipped_cards_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
