/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/weights/tensor_list.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NAME_BYTES = 64 << 20 }; /* of all names together */

static mdp_status check_name(const char *name, size_t n, struct mdp_error *err)
{
    if (n > MDP_MAX_TENSOR_NAME)
        return mdp_fail(err, MDP_ERR_LIMIT, "tensor name '%.40s...': %zu bytes long, at most %d are allowed",
                        name, n, MDP_MAX_TENSOR_NAME);
    size_t valid = mdp_utf8_valid(name, n);
    if (valid < n)
        return mdp_fail(err, MDP_ERR_FORMAT, "tensor name '%.*s': not UTF-8 at byte %zu", (int)valid, name,
                        valid);
    const char *nul = n ? memchr(name, '\0', n) : NULL;
    if (nul)
        return mdp_fail(err, MDP_ERR_FORMAT, "tensor name '%s': a NUL at byte %zu", name,
                        (size_t)(nul - name));
    return MDP_OK;
}

bool mdp_row_major(size_t rank, const size_t shape[], size_t stride[])
{
    size_t step = 1;

    for (size_t d = rank; d-- > 0;) {
        stride[d] = step;
        if (!mdp_mul_size(step, shape[d] ? shape[d] : 1, &step))
            return false;
    }
    return true;
}

/* Index of the last element, counted from the first; the tensor is not empty. */
static bool span_of(const struct mdp_tensor *t, size_t *span)
{
    *span = 0;
    for (size_t d = 0; d < t->rank; d++) {
        size_t step = 0;
        if (!mdp_mul_size(t->shape[d] - 1, t->stride[d], &step) || !mdp_add_size(*span, step, span))
            return false;
    }
    return true;
}

/* The product of the shape, also where one factor is 0 and the others would overflow. */
static bool count_of(const struct mdp_tensor *t, size_t *count)
{
    *count = 1;
    for (size_t d = 0; d < t->rank; d++)
        if (t->shape[d] == 0)
            *count = 0;
    for (size_t d = 0; d < t->rank && *count; d++)
        if (!mdp_mul_size(*count, t->shape[d], count))
            return false;
    size_t bytes = 0;
    return mdp_mul_size(*count, mdp_dtype_size(t->dtype), &bytes);
}

static bool is_row_major(const struct mdp_tensor *t)
{
    size_t step = 1;

    for (size_t d = t->rank; d-- > 0;) {
        if (t->shape[d] != 1 && t->stride[d] != step)
            return t->count == 0;
        step *= t->shape[d];
    }
    return true;
}

static mdp_status place(struct mdp_tensor *t, const struct mdp_storage *storage, size_t offset,
                        struct mdp_error *err)
{
    size_t span = 0, last = 0;

    if (!count_of(t, &t->count))
        return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': the product of its sizes overflows", t->name);
    if (t->count == 0) {
        if (offset > storage->count)
            return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': begins at element %zu of a storage of %zu",
                            t->name, offset, storage->count);
    } else if (!span_of(t, &span) || !mdp_add_size(offset, span, &last) || last >= storage->count) {
        return mdp_fail(
            err, MDP_ERR_FORMAT,
            "tensor '%s': its sizes, strides and offset %zu reach outside its storage of %zu elements",
            t->name, offset, storage->count);
    }
    t->contiguous = is_row_major(t);
    t->bytes = storage->bytes + offset * mdp_dtype_size(t->dtype);
    return MDP_OK;
}

mdp_status mdp_tensor_list_add(struct mdp_tensor_list *list, const char *name, size_t name_n,
                               const struct mdp_tensor *tensor, const struct mdp_storage *storage,
                               size_t offset, struct mdp_error *err)
{
    mdp_status st = check_name(name, name_n, err);
    struct mdp_tensor t = *tensor;

    if (st != MDP_OK)
        return st;
    if (list->n == MDP_MAX_TENSORS || name_n > MAX_NAME_BYTES - list->name_bytes)
        return mdp_fail(err, MDP_ERR_LIMIT, "more than %zu tensors, or names that are too long together",
                        list->n);
    char *copy = mdp_new_array(name_n + 1, 1, err, &st);
    if (!copy)
        return st;
    memcpy(copy, name, name_n);
    t.name = copy;
    st = place(&t, storage, offset, err);
    if (st == MDP_OK)
        st = mdp_grow(&list->at, &list->capacity, list->n + 1, sizeof *list->at, err);
    if (st != MDP_OK) {
        free(copy);
        return st;
    }
    list->at[list->n++] = t;
    list->name_bytes += name_n;
    return MDP_OK;
}

void mdp_tensor_list_release(struct mdp_tensor_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free((void *)(uintptr_t)list->at[i].name);
    free(list->at);
    *list = (struct mdp_tensor_list){0};
}
