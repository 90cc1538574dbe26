/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/sentencepiece.h"

#include <sentencepiece_processor.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

struct mdp_sentencepiece {
    sentencepiece::SentencePieceProcessor processor;
};

namespace
{
/* The library reports by a status, the trie in it and the allocator by exceptions; C callers get one line of either. */
template <typename F> mdp_status guarded(struct mdp_error *err, mdp_status status, F f)
{
    try {
        const sentencepiece::util::Status found = f();
        if (found.ok())
            return MDP_OK;
        std::string line = found.error_message();
        for (char &c : line)
            c = c == '\n' || c == '\r' ? ' ' : c;
        return mdp_fail(err, status, "SentencePiece: %s", line.c_str());
    } catch (const std::bad_alloc &) {
        return mdp_fail(err, MDP_ERR_MEMORY, "out of memory: SentencePiece");
    } catch (const std::exception &e) {
        return mdp_fail(err, status, "SentencePiece: %s", e.what());
    } catch (...) {
        return mdp_fail(err, status, "SentencePiece failed");
    }
}
} // namespace

mdp_status mdp_sentencepiece_new(const char *bytes, size_t n, bool without_prefix,
                                 struct mdp_sentencepiece **model, struct mdp_error *err)
{
    std::unique_ptr<mdp_sentencepiece> made;

    *model = nullptr;
    mdp_status st = guarded(err, MDP_ERR_FORMAT, [&] {
        std::string proto(bytes, n);
        if (without_prefix) /* messages are merged: normalizer_spec {add_dummy_prefix: false} */
            proto.append("\x1A\x02\x18\x00", 4);
        made = std::make_unique<mdp_sentencepiece>();
        return made->processor.LoadFromSerializedProto(proto);
    });
    if (st == MDP_OK)
        *model = made.release();
    return st;
}

void mdp_sentencepiece_free(struct mdp_sentencepiece *model)
{
    delete model;
}

size_t mdp_sentencepiece_count(const struct mdp_sentencepiece *model)
{
    return static_cast<size_t>(model->processor.GetPieceSize());
}

int32_t mdp_sentencepiece_unknown(const struct mdp_sentencepiece *model)
{
    return model->processor.unk_id();
}

int32_t mdp_sentencepiece_find(const struct mdp_sentencepiece *model, const char *piece)
{
    int id = -1;

    mdp_status st = guarded(nullptr, MDP_ERR_VALUE, [&] {
        id = model->processor.PieceToId(piece);
        if (id < 0 || id >= model->processor.GetPieceSize() || model->processor.IdToPiece(id) != piece)
            id = -1;
        return sentencepiece::util::Status();
    });
    return st == MDP_OK ? id : -1;
}

mdp_status mdp_sentencepiece_encode(const struct mdp_sentencepiece *model, const char *text, size_t n,
                                    int32_t **ids, size_t *n_ids, struct mdp_error *err)
{
    *ids = nullptr;
    *n_ids = 0;
    return guarded(err, MDP_ERR_VALUE, [&] {
        std::vector<int> found;
        const sentencepiece::util::Status st = model->processor.Encode(absl::string_view(text, n), &found);
        if (!st.ok())
            return st;
        *ids = static_cast<int32_t *>(std::malloc((found.size() + 1) * sizeof **ids));
        if (!*ids)
            throw std::bad_alloc();
        for (size_t i = 0; i < found.size(); i++)
            (*ids)[i] = found[i];
        *n_ids = found.size();
        return st;
    });
}

const char *mdp_sentencepiece_library(void)
{
    return MDP_SENTENCEPIECE;
}
