/* SPDX-License-Identifier: BSD-3-Clause */
/* preprocessor_config.json as transformers 4.57 reads it: the slow image processor of the class that it names, what the file leaves out
   at that class's defaults. */
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "extract/model/card_from.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- the pipeline that comes out --- */

enum geometry {
    STRETCH,  /* to height x width */
    SHORTEST, /* the shorter side to `edge`, then the window of height x width in the middle */
    CROP,     /* to resized_height x resized_width, then the window */
};

struct recipe {
    enum geometry geometry;
    size_t edge, resized_height, resized_width, height, width; /* pixels */
    const char *color, *crop, *filter, *rescale;               /* words of docs/PICTURES.md */
    double mean[3], std[3];
};

static void put_three(struct mdp_text *card, const char *key, const double values[3])
{
    mdp_text_add(card, "    %s: [%.17g, %.17g, %.17g]\n", key, values[0], values[1], values[2]);
}

static void put_pipeline(struct mdp_folder *folder, const struct recipe *r)
{
    struct mdp_text *card = folder->card;

    mdp_text_add(card, "pipelines:\n  default: folder\n  folder:\n    color: %s\n", r->color);
    if (r->geometry != STRETCH)
        mdp_text_add(card, "    pad: crop\n    crop_offset: %s\n", r->crop);
    if (r->geometry == SHORTEST)
        mdp_text_add(card, "    shorter_side: %zu\n", r->edge);
    if (r->geometry == CROP)
        mdp_text_add(card, "    resize_width: %zu\n    resize_height: %zu\n", r->resized_width,
                     r->resized_height);
    mdp_text_add(card, "    width: %zu\n    height: %zu\n    filter: %s\n    rescale: %s\n    channels: 3\n",
                 r->width, r->height, r->filter, r->rescale);
    put_three(card, "mean", r->mean);
    put_three(card, "std", r->std);
}

/* --- values --- */

/* A number for all channels, or a list of three; absent: as it is in `values`. */
static mdp_status read_three(struct mdp_fields *f, const char *key, double values[3], struct mdp_error *err)
{
    const struct mdp_json_value *v = mdp_fields_find(f, key);
    bool list = mdp_json_kind(v) == MDP_JSON_LIST;

    if (!v)
        return MDP_OK;
    if (list && mdp_json_count(v) != 3)
        return mdp_fields_refuse(f, key, " (expected three numbers)", err);
    for (size_t i = 0; i < 3; i++) {
        values[i] = mdp_json_number(list ? mdp_json_at(v, i) : v);
        if (!isfinite(values[i]))
            return mdp_fields_refuse(f, key, " (expected three numbers)", err);
    }
    return MDP_OK;
}

/* Pillow's number of a filter. */
static mdp_status read_filter(struct mdp_fields *f, size_t fallback, const char **filter,
                              struct mdp_error *err)
{
    static const char *const names[] = {"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"};
    size_t number = 0;

    TRY(mdp_fields_count(f, "resample", fallback, &number, err));
    if (number >= MDP_COUNT(names))
        return mdp_fields_refuse(f, "resample", " (0 to 5, Pillow's filters)", err);
    *filter = names[number];
    return MDP_OK;
}

/* --- transformers --- */

enum crop { CROP_NEVER, CROP_YES, CROP_NO };
enum mean { OPENAI, IMAGENET, HALF };

/* The slow classes: what they do where the file is silent. */
struct processor {
    const char *name;
    size_t edge; /* of `size` */
    bool square; /* a bare number as `size` means a square; else the shorter side */
    enum crop crop;
    size_t crop_size;
    size_t resample; /* Pillow's number */
    enum mean mean;
};

static const struct processor processors[] = {
    {"BitImageProcessor", 224, false, CROP_YES, 224, 3, OPENAI},
    {"BlipImageProcessor", 384, true, CROP_NEVER, 0, 3, OPENAI},
    {"CLIPImageProcessor", 224, false, CROP_YES, 224, 3, OPENAI},
    {"ChineseCLIPImageProcessor", 224, false, CROP_YES, 224, 3, OPENAI},
    {"ConvNextImageProcessor", 384, false, CROP_NEVER, 0, 2, IMAGENET},
    {"DeiTImageProcessor", 256, true, CROP_YES, 224, 3, HALF},
    {"EfficientNetImageProcessor", 346, true, CROP_NO, 289, 0, HALF},
    {"SiglipImageProcessor", 224, true, CROP_NEVER, 0, 3, HALF},
    {"ViTImageProcessor", 224, true, CROP_NEVER, 0, 2, HALF},
};
static const double means[][3] = {[OPENAI] = {0.48145466, 0.4578275, 0.40821073},
                                  [IMAGENET] = {0.485, 0.456, 0.406},
                                  [HALF] = {0.5, 0.5, 0.5}};
static const double stds[][3] = {[OPENAI] = {0.26862954, 0.26130258, 0.27577711},
                                 [IMAGENET] = {0.229, 0.224, 0.225},
                                 [HALF] = {0.5, 0.5, 0.5}};

static bool ends_in(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);

    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* The class by its name, its fast twin's ("...Fast") or the one that it had before transformers 4.26 ("...FeatureExtractor"). */
static mdp_status find_processor(struct mdp_fields *f, const char *fallback, const struct processor **found,
                                 struct mdp_error *err)
{
    const char *names[MDP_COUNT(processors)], *name = NULL, *extractor = NULL;
    struct mdp_text class = {0};

    TRY(mdp_fields_text(f, "feature_extractor_type", NULL, &extractor, err));
    TRY(mdp_fields_text(f, "image_processor_type", extractor ? extractor : fallback, &name, err));
    mdp_text_add(&class, "%s", name);
    TRY(mdp_text_status(&class, err));
    if (ends_in(name, "Fast"))
        class.at[class.n - strlen("Fast")] = '\0';
    if (ends_in(name, "FeatureExtractor"))
        memcpy(class.at + class.n - strlen("FeatureExtractor"), "ImageProcessor", sizeof "ImageProcessor");
    for (size_t i = 0; i < MDP_COUNT(processors); i++)
        names[i] = processors[i].name;
    size_t i = mdp_name_index(class.at, names, MDP_COUNT(processors));
    mdp_text_release(&class);
    if (i == MDP_COUNT(processors))
        return mdp_fields_refuse(
            f, mdp_fields_has(f, "image_processor_type") ? "image_processor_type" : "feature_extractor_type",
            "", err);
    *found = &processors[i];
    return MDP_OK;
}

/* `size` or `crop_size`: a number, {"shortest_edge": n} or {"height": h, "width": w}. *edge is 0 for the last. */
static mdp_status read_size(struct mdp_fields *f, const char *key, size_t fallback, bool square, size_t *edge,
                            size_t *height, size_t *width, struct mdp_error *err)
{
    struct mdp_fields size;

    if (mdp_json_kind(mdp_fields_find(f, key)) != MDP_JSON_MAP) {
        TRY(mdp_fields_side(f, key, fallback, height, err));
        *width = *height;
        *edge = square ? 0 : *height;
        return MDP_OK;
    }
    TRY(mdp_fields_section(f, key, &size, err));
    TRY(mdp_fields_count(&size, "shortest_edge", 0, edge, err));
    if (!*edge) {
        TRY(mdp_fields_size(&size, "height", 0, height, err));
        TRY(mdp_fields_size(&size, "width", 0, width, err));
    }
    return mdp_fields_done(&size, NULL, 0, err);
}

/* ConvNext: below 384 pixels the shorter side to edge / crop_pct, then the middle; else the whole picture to the square. */
static mdp_status read_convnext(struct mdp_fields *f, struct recipe *r, struct mdp_error *err)
{
    double part = 0;

    TRY(mdp_fields_number(f, "crop_pct", 224.0 / 256.0, &part, err));
    if (!r->edge || part < 0.01 || part > 1)
        return mdp_fields_refuse(f, r->edge ? "crop_pct" : "size", "", err);
    r->height = r->width = r->edge;
    r->geometry = r->edge < 384 ? SHORTEST : STRETCH;
    r->edge = (size_t)((double)r->edge / part);
    return MDP_OK;
}

static mdp_status read_geometry(struct mdp_fields *f, const struct processor *p, struct recipe *r,
                                struct mdp_error *err)
{
    bool crops = false;
    size_t no_edge = 0, height = 0, width = 0;

    TRY(mdp_fields_same(f, "do_resize", "true", err));
    TRY(read_size(f, "size", p->edge, p->square, &r->edge, &height, &width, err));
    if (strcmp(p->name, "ConvNextImageProcessor") == 0)
        return read_convnext(f, r, err);
    r->resized_height = r->height = height;
    r->resized_width = r->width = width;
    if (p->crop != CROP_NEVER) {
        TRY(mdp_fields_bool(f, "do_center_crop", p->crop == CROP_YES, &crops, err));
        TRY(read_size(f, "crop_size", p->crop_size, true, &no_edge, &height, &width, err));
    }
    if (no_edge || (r->edge && !crops))
        return mdp_fields_refuse(f, no_edge ? "crop_size" : "do_center_crop", "", err);
    if (crops) {
        r->height = height;
        r->width = width;
    }
    r->geometry = r->edge ? SHORTEST : STRETCH;
    if (!r->edge && (r->height != r->resized_height || r->width != r->resized_width))
        r->geometry = CROP;
    return MDP_OK;
}

/* Values from 0 to 1, or from -1 to 1 (rescale_factor 1/127.5 with rescale_offset: ALIGN), then mean and deviation. */
static mdp_status read_numbers(struct mdp_fields *f, const struct processor *p, struct recipe *r,
                               struct mdp_error *err)
{
    double factor = 0;
    bool normalises = false, offset = false,
         again = false; /* again: EfficientNet divides by its deviation once more */

    memcpy(r->mean, means[p->mean], sizeof r->mean);
    memcpy(r->std, stds[p->mean], sizeof r->std);
    TRY(mdp_fields_same(f, "do_rescale", "true", err));
    TRY(mdp_fields_number(f, "rescale_factor", 1.0 / 255, &factor, err));
    if (strcmp(p->name, "EfficientNetImageProcessor") == 0)
        TRY(mdp_fields_bool(f, "rescale_offset", false, &offset, err));
    if (fabs(factor * (offset ? 127.5 : 255) - 1) > 1e-12)
        return mdp_fields_refuse(f, "rescale_factor", offset ? " (expected 1/127.5)" : " (expected 1/255)",
                                 err);
    r->rescale = offset ? "signed" : "multiply-double";
    TRY(mdp_fields_bool(f, "do_normalize", true, &normalises, err));
    TRY(read_three(f, "image_mean", r->mean, err));
    TRY(read_three(f, "image_std", r->std, err));
    if (strcmp(p->name, "EfficientNetImageProcessor") == 0)
        TRY(mdp_fields_bool(f, "include_top", true, &again, err));
    for (size_t i = 0; i < 3; i++) {
        r->mean[i] = normalises ? r->mean[i] : 0;
        r->std[i] = (normalises ? r->std[i] : 1) * (again ? r->std[i] : 1);
    }
    return MDP_OK;
}

mdp_status mdp_card_put_processor(struct mdp_folder *folder, const char *fallback, size_t size[2],
                                  struct mdp_error *err)
{
    static const char *const harmless[] = {"_processor_class", "_valid_processor_keys", "crop_pct",
                                           "data_format",      "default_to_square",     "device",
                                           "do_convert_rgb",   "disable_grouping",      "input_data_format",
                                           "processor_class",  "return_tensors"};
    struct mdp_fields *f = &folder->processor.fields;
    const struct processor *p = NULL;
    struct recipe r = {.color = "RGB", .crop = "floor"};

    if (!f->map)
        return mdp_fail(err, MDP_ERR_MISSING, "%s: is not there, so nothing says how pictures are prepared",
                        folder->processor.path.at);
    TRY(find_processor(f, fallback, &p, err));
    TRY(read_geometry(f, p, &r, err));
    TRY(read_filter(f, p->resample, &r.filter, err));
    TRY(read_numbers(f, p, &r, err));
    TRY(mdp_fields_done(f, harmless, MDP_COUNT(harmless), err));
    put_pipeline(folder, &r);
    if (size) {
        size[0] = r.height;
        size[1] = r.width;
    }
    return MDP_OK;
}

/* --- open_clip --- */

mdp_status mdp_card_put_open_clip_pictures(struct mdp_folder *folder, struct mdp_fields *f, size_t image_size,
                                           struct mdp_error *err)
{
    static const char *const harmless[] = {"size"}; /* the tower's is taken */
    struct recipe r = {.color = "RGB-after",
                       .rescale = "divide",
                       .crop = "half-even",
                       .edge = image_size,
                       .height = image_size,
                       .width = image_size};
    const char *mode = NULL;

    memcpy(r.mean, means[OPENAI], sizeof r.mean);
    memcpy(r.std, stds[OPENAI], sizeof r.std);
    TRY(mdp_fields_same(f, "mode", "\"RGB\"", err));
    TRY(mdp_fields_text(f, "interpolation", "bicubic", &r.filter, err));
    if (strcmp(r.filter, "bicubic") != 0 && strcmp(r.filter, "bilinear") != 0)
        return mdp_fields_refuse(f, "interpolation", " (bicubic, bilinear)", err);
    TRY(mdp_fields_text(f, "resize_mode", "shortest", &mode, err));
    if (strcmp(mode, "shortest") != 0 && strcmp(mode, "squash") != 0)
        return mdp_fields_refuse(f, "resize_mode", " (shortest, squash)", err);
    r.geometry = strcmp(mode, "squash") == 0 ? STRETCH : SHORTEST;
    TRY(mdp_fields_same(f, "fill_color", "0", err));
    TRY(read_three(f, "mean", r.mean, err));
    TRY(read_three(f, "std", r.std, err));
    TRY(mdp_fields_done(f, harmless, MDP_COUNT(harmless), err));
    put_pipeline(folder, &r);
    return MDP_OK;
}
