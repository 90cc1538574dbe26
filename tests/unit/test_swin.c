/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the Swin tower, on a small one made in memory: the bytes of its output do not depend on the number of threads, on what stood in
   scratch before, or on the taps, with every variant of the kernels that runs here. (Equality with the
   reference: tests/reference/test_swin.py.) */
#include "unit/kernel_cases.h"

#include "base/parallel.h"
#include "extract/towers/image_tower.h"

#include <unistd.h>

/* Every tensor's shape; values are random. */
static const char *const tensors[][2] = {
    {"embeddings.patch_embeddings.projection.weight", "16,3,4,4"},
    {"embeddings.patch_embeddings.projection.bias", "16"},
    {"embeddings.norm.weight", "16"},
    {"embeddings.norm.bias", "16"},
    {"layernorm.weight", "32"},
    {"layernorm.bias", "32"},
    {"encoder.layers.0.downsample.norm.weight", "64"},
    {"encoder.layers.0.downsample.norm.bias", "64"},
    {"encoder.layers.0.downsample.reduction.weight", "32,64"},
};

/* Of block b of stage s; C and F = 4C are filled in. */
static const char *const block_tensors[][2] = {
    {"layernorm_before.weight", "C"},
    {"layernorm_before.bias", "C"},
    {"layernorm_after.weight", "C"},
    {"layernorm_after.bias", "C"},
    {"attention.self.query.weight", "C,C"},
    {"attention.self.query.bias", "C"},
    {"attention.self.key.weight", "C,C"},
    {"attention.self.key.bias", "C"},
    {"attention.self.value.weight", "C,C"},
    {"attention.self.value.bias", "C"},
    {"attention.self.relative_position_bias_table", "25,2"},
    {"attention.output.dense.weight", "C,C"},
    {"attention.output.dense.bias", "C"},
    {"intermediate.dense.weight", "F,C"},
    {"intermediate.dense.bias", "F"},
    {"output.dense.weight", "C,F"},
    {"output.dense.bias", "C"},
};

static const char description[] =
    "family: swin\n"
    "image_size: [44, 36]\n" /* maps of 11 x 9 and 6 x 5: padded in both stages */
    "patch_size: 4\n"
    "channels: 3\n"
    "embed_dim: 16\n"
    "depths: [2, 2]\n"
    "heads: [2, 2]\n"
    "window: 3\n"
    "mlp_ratio: 4\n"
    "layer_norm_eps: 1.0e-5\n";

enum { PICTURES = 12, INPUT = 3 * 44 * 36, WIDTH = 32 };

struct model {
    char path[64];
    struct mdp_yaml *doc;
    struct mdp_weights *weights;
    struct mdp_image_tower *tower;
    float *input; /* [PICTURES, INPUT] */
};

static void add_tensor(struct mdp_text *header, size_t *offset, const char *prefix, const char *name,
                       const char *shape, size_t c)
{
    size_t count = 1;

    mdp_text_add(header, "%s\"%s%s\":{\"dtype\":\"F32\",\"shape\":[", *offset ? "," : "", prefix, name);
    for (const char *p = shape; *p; p++) {
        char *end = NULL;
        const size_t n = *p == 'C' ? c : *p == 'F' ? 4 * c : strtoul(p, &end, 10);
        count *= n;
        mdp_text_add(header, "%s%zu", p == shape ? "" : ",", n);
        p = end ? end - 1 : p;
        if (p[1] == ',')
            p++;
    }
    mdp_text_add(header, "],\"data_offsets\":[%zu,%zu]}", *offset, *offset + count * sizeof(float));
    *offset += count * sizeof(float);
}

static void write_weights(const char *path, struct numbers *n)
{
    struct mdp_text header = {0};
    size_t offset = 0;

    mdp_text_add(&header, "{");
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        add_tensor(&header, &offset, "", tensors[i][0], tensors[i][1], 0);
    for (size_t block = 0; block < 4; block++)
        for (size_t i = 0; i < sizeof block_tensors / sizeof block_tensors[0]; i++) {
            char prefix[64];
            snprintf(prefix, sizeof prefix, "encoder.layers.%zu.blocks.%zu.", block / 2, block % 2);
            add_tensor(&header, &offset, prefix, block_tensors[i][0], block_tensors[i][1],
                       16u << (block / 2));
        }
    mdp_text_add(&header, "}");
    const uint64_t length = header.n;
    float *values = random_floats(n, offset / sizeof *values, 0.5);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(&length, sizeof length, 1, f), 1);
    assert_int_equal(fwrite(header.at, 1, header.n, f), header.n);
    assert_int_equal(fwrite(values, 1, offset, f), offset);
    assert_int_equal(fclose(f), 0);
    free(values);
    mdp_text_release(&header);
}

static int make_model(void **state)
{
    struct model *m = calloc(1, sizeof *m);
    struct mdp_error err = MDP_ERROR_INIT;
    struct numbers n = {7};

    snprintf(m->path, sizeof m->path, "/tmp/test_swin.%ld.safetensors", (long)getpid());
    write_weights(m->path, &n);
    assert_ok(mdp_yaml_parse(description, strlen(description), "small.yaml", &m->doc, &err), err);
    assert_ok(mdp_weights_open(m->path, &m->weights, &err), err);
    assert_ok(mdp_image_tower_new(m->doc, mdp_yaml_root(m->doc), m->weights, &m->tower, &err), err);
    assert_int_equal(mdp_image_tower_width(m->tower), WIDTH);
    assert_int_equal(mdp_image_tower_input_size(m->tower), INPUT);
    m->input = random_floats(&n, PICTURES * INPUT, 1);
    *state = m;
    return 0;
}

static int free_model(void **state)
{
    struct model *m = *state;

    mdp_image_tower_free(m->tower);
    mdp_weights_close(m->weights);
    mdp_yaml_free(m->doc);
    unlink(m->path);
    free(m->input);
    free(m);
    return 0;
}

static float *make_scratch(const struct mdp_image_tower *tower, float value)
{
    const size_t n = mdp_image_tower_scratch_size(tower);
    void *scratch = NULL;

    assert_int_equal(posix_memalign(&scratch, 64, n * sizeof(float)), 0);
    for (size_t i = 0; i < n; i++)
        ((float *)scratch)[i] = value;
    return scratch;
}

struct job {
    const struct model *model;
    float *features, *scratch[8];
};

static mdp_status run_one(void *context, size_t item, size_t worker, struct mdp_error *err)
{
    const struct job *job = context;

    return mdp_image_tower_run(job->model->tower, job->model->input + item * INPUT, job->scratch[worker],
                               job->features + item * WIDTH, NULL, NULL, err);
}

/* What stands in scratch at first is a number for one thread and none for several: a value that is read before it is
   written would show. Planted: neighbours beyond the map not set to 0 before merging; seen. */
static void compare_threads(const struct model *m, struct mdp_image_tower *tower)
{
    float alone[PICTURES * WIDTH], features[PICTURES * WIDTH];
    struct model with_tower = *m;
    struct job job = {.model = &with_tower, .features = alone};
    struct mdp_error err = MDP_ERROR_INIT;

    with_tower.tower = tower;
    job.scratch[0] = make_scratch(tower, 0);
    assert_ok(mdp_parallel(PICTURES, 1, run_one, &job, &err), err);
    free(job.scratch[0]);
    for (size_t i = 0; i < 8; i++)
        job.scratch[i] = make_scratch(tower, NAN);
    job.features = features;
    for (size_t threads = 2; threads <= 8; threads++) {
        memset(features, 0, sizeof features);
        assert_ok(mdp_parallel(PICTURES, threads, run_one, &job, &err), err);
        assert_memory_equal(features, alone, sizeof alone);
    }
    assert_memory_not_equal(alone, alone + WIDTH, WIDTH * sizeof *alone); /* pictures do differ */
    for (size_t i = 0; i < 8; i++)
        free(job.scratch[i]);
}

static void bytes_do_not_depend_on_threads(void **state)
{
    const struct model *m = *state;
    const struct mdp_kernels *variants[MOST_VARIANTS];
    const size_t n_variants = usable_variants(variants);

    for (size_t v = 0; v < n_variants; v++) {
        struct mdp_image_tower *tower = NULL;
        struct mdp_error err = MDP_ERROR_INIT;
        setenv("MEDPROBE_KERNEL", variants[v]->name, 1);
        assert_ok(mdp_image_tower_new(m->doc, mdp_yaml_root(m->doc), m->weights, &tower, &err), err);
        unsetenv("MEDPROBE_KERNEL");
        compare_threads(m, tower);
        mdp_image_tower_free(tower);
    }
}

struct seen {
    char names[512];
    size_t values;
};

static void note_tap(void *context, const char *name, const float *values, size_t rows, size_t columns)
{
    struct seen *seen = context;

    (void)values;
    strcat(strcat(seen->names, name), " ");
    seen->values += rows * columns;
}

static void taps_see_every_stage_and_change_nothing(void **state)
{
    const struct model *m = *state;
    float *scratch = make_scratch(m->tower, 0), without[WIDTH], with[WIDTH];
    struct seen seen = {.names = ""};
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(mdp_image_tower_run(m->tower, m->input, scratch, without, NULL, NULL, &err), err);
    assert_ok(mdp_image_tower_run(m->tower, m->input, scratch, with, note_tap, &seen, &err), err);
    assert_memory_equal(with, without, sizeof with);
    assert_string_equal(seen.names, "embeddings layers.0.blocks.0 layers.0.blocks.1 layers.0.downsample "
                                    "layers.1.blocks.0 layers.1.blocks.1 layernorm pooler ");
    assert_int_equal(seen.values, 3 * 99 * 16 + 4 * 30 * 32 + 32);
    free(scratch);
}

/* Every tensor that the tower needs was asked for, and no other stands in the file. */
static void all_tensors_are_used(void **state)
{
    const struct model *m = *state;

    assert_null(mdp_weights_first_unused(m->weights, NULL, 0));
}

static void a_missing_tower_is_released(void **state)
{
    (void)state;
    mdp_image_tower_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_do_not_depend_on_threads),
        cmocka_unit_test(taps_see_every_stage_and_change_nothing),
        cmocka_unit_test(all_tensors_are_used),
        cmocka_unit_test(a_missing_tower_is_released),
    };
    return cmocka_run_group_tests(tests, make_model, free_model);
}
