/* SPDX-License-Identifier: BSD-3-Clause */
/* What the readers of model folders share. Each takes its values from the configuration field by field (model_folder_fields.h) and
   writes sections of a card; model_folder.c chooses the reader. */
#ifndef MDP_EXTRACT_CARD_FROM_H
#define MDP_EXTRACT_CARD_FROM_H

#include "base/text.h"
#include "extract/model/model_folder_fields.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* One JSON file of the folder; one that is not there has no document and fields.map NULL. */
struct mdp_folder_file {
    struct mdp_text path;
    struct mdp_json *doc;
    struct mdp_fields fields;
};

struct mdp_folder {
    struct mdp_text path;                        /* absolute */
    struct mdp_text name;                        /* of the card */
    struct mdp_folder_file config;               /* config.json, or open_clip_config.json */
    struct mdp_folder_file processor, tokenizer; /* preprocessor_config.json, tokenizer_config.json */
    const char *weights; /* the file's name; NULL: none of those looked for is there */
    struct mdp_text *card;
};

/* --- files --- */

/* Whether a file NAME is in it. */
bool mdp_folder_has(const struct mdp_folder *folder, const char *name);
/* Whether a word of a configuration, which may be NULL, is `name`. */
bool mdp_folder_is(const char *word, const char *name);
/* The first of names[n] that is in the folder, or NULL. */
const char *mdp_folder_first(const struct mdp_folder *folder, const char *const names[], size_t n);
/* Opens NAME of the folder; one that is not there is fine. */
mdp_status mdp_folder_read(const struct mdp_folder *folder, const char *name, struct mdp_folder_file *file,
                           struct mdp_error *err);
void mdp_folder_file_release(struct mdp_folder_file *file);
/* *found: `prefix` ("vit.") where a tensor of the weights has it, as in a model with a head for a task, else "". transformers loads
   both. */
mdp_status mdp_folder_prefix(const struct mdp_folder *folder, const char *prefix, const char **found,
                             struct mdp_error *err);

/* --- sections of a card --- */

/* Name, title, family, width of the embedding, folder and files; `vocab` is the file of the tokenizer, or NULL. */
void mdp_card_put_head(struct mdp_folder *folder, const char *family, size_t width, const char *vocab);
/* The tensors that no tower asks for may be there: other heads, queues, decoders. `inside`: the value of that key, or NULL. */
void mdp_card_put_weights(struct mdp_folder *folder, const char *inside);
/* "KEY: \"value\"\n"; `key` may begin with blanks. */
void mdp_card_put_text(struct mdp_text *card, const char *key, const char *value);
/* "KEY: 1e-05\n": digits that give the same double again. */
void mdp_card_put_number(struct mdp_text *card, const char *key, double value);

/* The keys that all transformers have: families vit and clip-text. */
struct mdp_card_blocks {
    const char *layout, *activation;
    size_t layers, width, heads, hidden;
    double eps;
};
/* An image or text map is begun: "image:\n  family: vit\n ...". */
void mdp_card_put_tower(struct mdp_text *card, const char *map, const char *family, const char *prefix);
void mdp_card_put_blocks(struct mdp_text *card, const struct mdp_card_blocks *blocks);
void mdp_card_put_projection(struct mdp_text *card, const char *name, bool transposed, size_t width);
/* transformers' names of a transformer's sizes (hidden_size, num_hidden_layers, ...), with the class's own defaults in *blocks. */
mdp_status mdp_card_read_blocks(struct mdp_fields *fields, struct mdp_card_blocks *blocks,
                                struct mdp_error *err);

/* softmax or, with a bias, sigmoid, of exp(logit_scale). */
void mdp_card_put_similarity(struct mdp_folder *folder, bool sigmoid);

/* The file of a tokenizer of BERT's kind or of SentencePiece, or NULL. */
const char *mdp_folder_vocab(const struct mdp_folder *folder);
/* Ids of a text at most: `positions`, or tokenizer_config.json's model_max_length where that is less. */
mdp_status mdp_card_text_length(struct mdp_folder *folder, size_t positions, size_t *length,
                                struct mdp_error *err);
/* `tokenizer` of kind wordpiece, as tokenizer_config.json says; a class of another kind is refused. `more`: lines that are put
   behind, or NULL. */
mdp_status mdp_card_put_wordpiece(struct mdp_folder *folder, size_t length, const char *more,
                                  struct mdp_error *err);
/* The tokenizer of an open_clip folder that brings its own, by the class that tokenizer_config.json names: BERT's, SigLIP's, XLM-R's; every
   text of full length, cleaned as open_clip does it. */
mdp_status mdp_card_put_own_tokenizer(struct mdp_folder *folder, size_t length, struct mdp_error *err);

/* A text tower of BERT's kind as a configuration of transformers has it (bert, chinese_clip_text_model). `pooling` and what follows it
   are the caller's. */
struct mdp_card_bert {
    struct mdp_card_blocks blocks;
    size_t vocab_size, positions, token_types, pad_id;
};
mdp_status mdp_card_read_bert(struct mdp_fields *fields, struct mdp_card_bert *bert, struct mdp_error *err);
void mdp_card_put_bert(struct mdp_text *card, const struct mdp_card_bert *bert, const char *prefix,
                       const char *pooling);

/* The word of a card for an activation as transformers calls it; refused when medprobe has none. */
mdp_status mdp_card_activation(struct mdp_fields *fields, const char *key, const char *fallback,
                               const char **word, struct mdp_error *err);

/* `pipelines` as preprocessor_config.json says, of the class that it names or, where it names none, of `fallback`
   ("CLIPImageProcessor"). `size`: height and width of what comes out, or NULL. */
mdp_status mdp_card_put_processor(struct mdp_folder *folder, const char *fallback, size_t size[2],
                                  struct mdp_error *err);

/* How open_clip prepares pictures: preprocess_cfg, whose size is always the tower's. */
mdp_status mdp_card_put_open_clip_pictures(struct mdp_folder *folder, struct mdp_fields *preprocess,
                                           size_t image_size, struct mdp_error *err);

/* `image` of a trunk by timm's name behind open_clip's TimmModel: vision_cfg's timm_model_name, timm_pool, timm_proj, timm_proj_bias. */
mdp_status mdp_card_put_timm(struct mdp_folder *folder, struct mdp_fields *vision, size_t image_size,
                             size_t width, struct mdp_error *err);

/* --- the readers --- */

typedef mdp_status mdp_card_reader(struct mdp_folder *folder, struct mdp_error *err);

mdp_card_reader mdp_card_from_clip;        /* transformers: CLIPModel */
mdp_card_reader mdp_card_from_clip_vision; /* transformers: CLIPVisionModel, with or without its projection */
mdp_card_reader mdp_card_from_clip_text;   /* transformers: CLIPTextModel, with or without its projection */
mdp_card_reader mdp_card_from_chinese_clip;  /* transformers: ChineseCLIPModel */
mdp_card_reader mdp_card_from_siglip;        /* transformers: SiglipModel */
mdp_card_reader mdp_card_from_siglip_vision; /* transformers: SiglipVisionModel */
mdp_card_reader mdp_card_from_align;         /* transformers: AlignModel */
mdp_card_reader mdp_card_from_blip;          /* transformers: BlipForImageTextRetrieval */
mdp_card_reader mdp_card_from_resnet;        /* transformers: ResNetModel */
mdp_card_reader mdp_card_from_convnext;      /* transformers: ConvNextModel, ConvNextV2Model */
mdp_card_reader mdp_card_from_vit;           /* transformers: ViTModel */
mdp_card_reader mdp_card_from_dinov2;        /* transformers: Dinov2Model, Dinov2WithRegistersModel */
mdp_card_reader mdp_card_from_swin;          /* transformers: SwinModel */
mdp_card_reader mdp_card_from_open_clip;     /* open_clip_config.json */

#endif
