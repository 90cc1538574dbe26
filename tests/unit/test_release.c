/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the life cycle of every type: an empty struct that the caller owns is released twice and stays empty; of a
   type that the library owns, NULL is freed. Error paths rest on both. The commands' own types are not in the library.
   Fault found: mdp_picture_release left an orientation in a picture that is none. */
#include "unit/unit.h"

#include "base/config_files.h"
#include "base/exchange/draws.h"
#include "base/exchange/predictions.h"
#include "base/file.h"
#include "base/formats/csv.h"
#include "base/formats/h5.h"
#include "base/formats/json.h"
#include "base/formats/yaml.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/options/options.h"
#include "base/text.h"
#include "eval/aggregate.h"
#include "eval/metrics/curves.h"
#include "eval/metrics/metrics.h"
#include "eval/metrics/sorted_scores.h"
#include "eval/predictions_csv.h"
#include "eval/report/report_content.h"
#include "eval/results.h"
#include "eval/score_table.h"
#include "eval/statistics/bootstrap.h"
#include "extract/input/picture.h"
#include "extract/job/encode.h"
#include "extract/job/facts.h"
#include "extract/job/manifest.h"
#include "extract/job/manifest_summary.h"
#include "extract/job/prompt_embeddings.h"
#include "extract/job/table_difference.h"
#include "extract/job/workfile.h"
#include "extract/kernels/conv.h"
#include "extract/kernels/depthwise_conv.h"
#include "extract/kernels/linear.h"
#include "extract/model/card_from.h"
#include "extract/model/model.h"
#include "extract/model/model_card.h"
#include "extract/preprocess/convert.h"
#include "extract/preprocess/resize_taps.h"
#include "extract/text/bpe_merges.h"
#include "extract/text/charsmap.h"
#include "extract/text/clip_vocab.h"
#include "extract/text/piece_trie.h"
#include "extract/text/prompts.h"
#include "extract/text/sentencepiece.h"
#include "extract/text/tokenizer.h"
#include "extract/text/tokenizer_json.h"
#include "extract/text/unicode.h"
#include "extract/text/vocab.h"
#include "extract/towers/attention_pool.h"
#include "extract/towers/bert.h"
#include "extract/towers/clip_pool.h"
#include "extract/towers/clip_text.h"
#include "extract/towers/convnext.h"
#include "extract/towers/densenet.h"
#include "extract/towers/efficientnet.h"
#include "extract/towers/head.h"
#include "extract/towers/image_tower.h"
#include "extract/towers/layers.h"
#include "extract/towers/resnet.h"
#include "extract/towers/swin.h"
#include "extract/towers/text_tower.h"
#include "extract/towers/transformer.h"
#include "extract/towers/vit.h"
#include "extract/weights/pickle.h"
#include "extract/weights/shards.h"
#include "extract/weights/tensor_list.h"
#include "extract/weights/weights.h"
#include "extract/weights/zip.h"
#include "medprobe/embed.h"
#include "medprobe/store.h"
#include "probe/audit.h"
#include "probe/method.h"
#include "probe/probe_data.h"
#include "probe/probes_file.h"
#include "probe/protocols/medprobe.h"
#include "probe/solvers/newton.h"
#include "probe/solvers/span.h"

#include <string.h>

/* Twice, and empty afterwards. */
#define RELEASE(type, function)                                                                              \
    do {                                                                                                     \
        struct type object, empty;                                                                           \
        memset(&object, 0, sizeof object);                                                                   \
        memset(&empty, 0, sizeof empty);                                                                     \
        function(&object);                                                                                   \
        function(&object);                                                                                   \
        if (memcmp(&object, &empty, sizeof object) != 0)                                                     \
            fail_msg(#function " leaves something in an empty object");                                      \
    } while (0)

static void an_empty_object_is_released_twice(void **state)
{
    (void)state;
    RELEASE(mdp_arguments, mdp_arguments_release);
    RELEASE(mdp_atomic, mdp_atomic_release);
    RELEASE(mdp_attention_pool, mdp_attention_pool_release);
    RELEASE(mdp_bert, mdp_bert_release);
    RELEASE(mdp_bert_block, mdp_bert_block_release);
    RELEASE(mdp_clip_text, mdp_clip_text_release);
    RELEASE(mdp_bpe_work, mdp_bpe_work_release);
    RELEASE(mdp_chars, mdp_chars_release);
    RELEASE(mdp_charsmap, mdp_charsmap_release);
    RELEASE(mdp_clip_vocab, mdp_clip_vocab_release);
    RELEASE(mdp_json_model, mdp_json_model_release);
    RELEASE(mdp_json_model_work, mdp_json_model_work_release);
    RELEASE(mdp_json_steps, mdp_json_steps_release);
    RELEASE(mdp_json_words, mdp_json_words_release);
    RELEASE(mdp_piece_trie, mdp_piece_trie_release);
    RELEASE(mdp_tokenizer_json, mdp_tokenizer_json_release);
    RELEASE(mdp_converted, mdp_converted_release);
    RELEASE(mdp_curve_set, mdp_curves_release);
    RELEASE(mdp_draw_source, mdp_draw_source_release);
    RELEASE(mdp_draws, mdp_draws_release);
    RELEASE(mdp_encoder, mdp_encoder_release);
    RELEASE(mdp_facts, mdp_facts_release);
    RELEASE(mdp_head, mdp_head_release);
    RELEASE(mdp_conv, mdp_conv_release);
    RELEASE(mdp_depthwise, mdp_depthwise_release);
    RELEASE(mdp_linear, mdp_linear_release);
    RELEASE(mdp_list, mdp_list_release);
    RELEASE(mdp_manifest, mdp_manifest_release);
    RELEASE(mdp_manifest_summary, mdp_manifest_summary_release);
    RELEASE(mdp_store_rows, mdp_store_rows_release);
    RELEASE(mdp_map, mdp_map_close);
    RELEASE(mdp_folder_file, mdp_folder_file_release);
    RELEASE(mdp_model_card, mdp_model_card_release);
    RELEASE(mdp_model_room, mdp_model_room_release);
    RELEASE(mdp_names, mdp_names_release);
    RELEASE(mdp_newton, mdp_newton_release);
    RELEASE(mdp_norm, mdp_norm_release);
    RELEASE(mdp_outcome, mdp_outcome_release);
    RELEASE(mdp_picture, mdp_picture_release);
    RELEASE(mdp_prediction, mdp_prediction_release);
    RELEASE(mdp_prediction_table, mdp_prediction_table_release);
    RELEASE(mdp_probe_data, mdp_probe_data_release);
    RELEASE(mdp_probe_weights, mdp_probe_weights_release);
    RELEASE(mdp_prompt_embeddings, mdp_prompt_embeddings_release);
    RELEASE(mdp_prompts, mdp_prompts_release);
    RELEASE(mdp_qformer, mdp_qformer_release);
    RELEASE(mdp_report_content, mdp_report_content_release);
    RELEASE(mdp_resamples, mdp_resamples_release);
    RELEASE(mdp_results, mdp_results_release);
    RELEASE(mdp_score_table, mdp_score_table_release);
    RELEASE(mdp_span, mdp_span_release);
    RELEASE(mdp_clip_pool, mdp_clip_pool_release);
    RELEASE(mdp_convnext, mdp_convnext_release);
    RELEASE(mdp_densenet, mdp_densenet_release);
    RELEASE(mdp_efficientnet, mdp_efficientnet_release);
    RELEASE(mdp_resnet, mdp_resnet_release);
    RELEASE(mdp_swin, mdp_swin_release);
    RELEASE(mdp_shards, mdp_shards_release);
    RELEASE(mdp_taps, mdp_taps_release);
    RELEASE(mdp_tensor_list, mdp_tensor_list_release);
    RELEASE(mdp_text, mdp_text_release);
    RELEASE(mdp_transformer, mdp_transformer_release);
    RELEASE(mdp_vit, mdp_vit_release);
    RELEASE(mdp_zip, mdp_zip_release);
}

static void null_is_freed(void **state)
{
    (void)state;
    mdp_aggregate_free(NULL);
    mdp_audit_free(NULL);
    mdp_csv_free(NULL);
    mdp_embedder_close(NULL);
    mdp_h5_close(NULL);
    mdp_h5_strings_free(NULL, 0);
    mdp_image_tower_free(NULL);
    mdp_json_free(NULL);
    mdp_metric_work_free(NULL);
    mdp_model_close(NULL);
    mdp_pickle_free(NULL);
    mdp_pool_free(NULL);
    mdp_predictions_reader_close(NULL);
    mdp_predictions_writer_free(NULL);
    mdp_probes_writer_free(NULL);
    mdp_sha256_free(NULL);
    mdp_sorted_scores_free(NULL);
    mdp_store_close(NULL);
    mdp_text_tower_free(NULL);
    mdp_sentencepiece_free(NULL);
    mdp_tokenizer_free(NULL);
    mdp_bpe_merges_free(NULL);
    mdp_vocab_free(NULL);
    mdp_weights_close(NULL);
    mdp_workfile_close(NULL);
    mdp_yaml_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_object_is_released_twice),
        cmocka_unit_test(null_is_freed),
    };

    return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
