/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/weights/torch_tensors.h"

#include "base/memory.h"
#include "base/try.h"

#include <string.h>

enum {
    MAX_DEPTH = 16,       /* containers inside containers */
    MAX_VISITS = 4 << 20, /* values looked at: shared containers may be reached on very many ways */
    MAX_WRAPPERS = 4,     /* parameters around parameters around a tensor */
};

/* Pieces in messages: names from the file, cut. */
#define PIECE(p) (int)((p).n < 80 ? (p).n : 80), (p).at

/* --- storages --- */

static const struct {
    const char *name;
    enum mdp_dtype dtype;
} storage_classes[] = {
    {"FloatStorage", MDP_F32},  {"HalfStorage", MDP_F16}, {"BFloat16Storage", MDP_BF16},
    {"DoubleStorage", MDP_F64}, {"LongStorage", MDP_I64}, {"IntStorage", MDP_I32},
    {"ShortStorage", MDP_I16},  {"CharStorage", MDP_I8},  {"ByteStorage", MDP_U8},
    {"BoolStorage", MDP_BOOL},
};

static mdp_status read_class(const struct mdp_value *class, struct mdp_storage_id *id, struct mdp_error *err)
{
    if (class->kind != MDP_VALUE_GLOBAL)
        return mdp_fail(err, MDP_ERR_FORMAT, "a storage whose class is %s", mdp_value_kind_name(class->kind));
    struct mdp_piece module = class->global.module, name = class->global.name;
    bool torch = mdp_piece_is(module, "torch") || mdp_piece_is(module, "torch.cuda") ||
                 mdp_piece_is(module, "torch.storage");
    id->typed = true;
    for (size_t i = 0; torch && i < sizeof storage_classes / sizeof storage_classes[0]; i++)
        if (mdp_piece_is(name, storage_classes[i].name)) {
            id->dtype = storage_classes[i].dtype;
            return MDP_OK;
        }
    id->typed = false;
    if (torch && mdp_piece_is(name, "UntypedStorage"))
        return MDP_OK;
    return mdp_fail(err, MDP_ERR_UNSUPPORTED, "storages of class %.*s.%.*s are not supported", PIECE(module),
                    PIECE(name));
}

size_t mdp_storage_element_size(const struct mdp_storage_id *id)
{
    return id->typed ? mdp_dtype_size(id->dtype) : 1;
}

bool mdp_persistent_is_class(const struct mdp_value *persistent)
{
    const struct mdp_value *tuple = persistent->id;

    return tuple->kind == MDP_VALUE_TUPLE && tuple->items.n > 0 &&
           tuple->items.at[0]->kind == MDP_VALUE_STRING && mdp_piece_is(tuple->items.at[0]->text, "module");
}

mdp_status mdp_storage_id_read(const struct mdp_value *persistent, struct mdp_storage_id *id,
                               struct mdp_error *err)
{
    const struct mdp_value *tuple = persistent->id;
    size_t bytes = 0;

    if (tuple->kind != MDP_VALUE_TUPLE || tuple->items.n < 5 || tuple->items.n > 6)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "a persistent id that is not ('storage', class, key, location, count)");
    struct mdp_value **at = tuple->items.at;
    if (at[0]->kind != MDP_VALUE_STRING || !mdp_piece_is(at[0]->text, "storage") ||
        at[2]->kind != MDP_VALUE_STRING || at[4]->kind != MDP_VALUE_INT || at[4]->integer < 0)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "a persistent id that is not ('storage', class, key, location, count)");
    if (tuple->items.n == 6 && at[5]->kind != MDP_VALUE_NONE)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED,
                        "storage '%.*s': views of storages (torch before 0.4) are not supported",
                        PIECE(at[2]->text));
    *id = (struct mdp_storage_id){.key = at[2]->text, .count = (size_t)at[4]->integer};
    mdp_status st = read_class(at[1], id, err);
    if (st == MDP_OK && !mdp_mul_size(id->count, mdp_storage_element_size(id), &bytes))
        st = mdp_fail(err, MDP_ERR_FORMAT, "storage '%.*s': the size of %zu elements overflows",
                      PIECE(id->key), id->count);
    return st;
}

/* --- one tensor --- */

struct walk {
    mdp_storage_find *find;
    void *context;
    struct mdp_tensor_list *list;
    struct mdp_text name; /* of the value that is looked at */
    size_t depth, visits;
};

/* The arguments of torch._utils._rebuild_tensor_v2 (v3: with a dtype): (storage, offset, size, stride,
   requires_grad, hooks[, dtype]). */
enum { ARG_STORAGE, ARG_OFFSET, ARG_SIZE, ARG_STRIDE, ARG_DTYPE = 6, MAX_ARGUMENTS = 16 };

static mdp_status read_sizes(const struct mdp_value *tuple, size_t sizes[], struct mdp_error *err)
{
    for (size_t d = 0; d < tuple->items.n; d++) {
        const struct mdp_value *v = tuple->items.at[d];
        if (v->kind != MDP_VALUE_INT || v->integer < 0)
            return mdp_fail(err, MDP_ERR_FORMAT, "a size or stride that is no whole number from 0");
        sizes[d] = (size_t)v->integer;
    }
    return MDP_OK;
}

static mdp_status read_shape(const struct mdp_value *size, const struct mdp_value *stride,
                             struct mdp_tensor *t, struct mdp_error *err)
{
    if (size->kind != MDP_VALUE_TUPLE || stride->kind != MDP_VALUE_TUPLE || size->items.n != stride->items.n)
        return mdp_fail(err, MDP_ERR_FORMAT, "sizes and strides are not two tuples of one length");
    if (size->items.n > MDP_MAX_RANK)
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu dimensions, at most %d are read", size->items.n,
                        MDP_MAX_RANK);
    t->rank = size->items.n;
    mdp_status st = read_sizes(size, t->shape, err);
    return st == MDP_OK ? read_sizes(stride, t->stride, err) : st;
}

static mdp_status read_dtype(const struct mdp_value *v, enum mdp_dtype *dtype, struct mdp_error *err)
{
    if (v->kind == MDP_VALUE_GLOBAL && mdp_piece_is(v->global.module, "torch"))
        for (int d = 0; d < MDP_DTYPE_COUNT; d++)
            if (mdp_piece_is(v->global.name, mdp_dtype_name((enum mdp_dtype)d))) {
                *dtype = (enum mdp_dtype)d;
                return MDP_OK;
            }
    if (v->kind == MDP_VALUE_GLOBAL)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "dtype %.*s.%.*s is not supported", PIECE(v->global.module),
                        PIECE(v->global.name));
    return mdp_fail(err, MDP_ERR_FORMAT, "a dtype that is %s", mdp_value_kind_name(v->kind));
}

/* `arguments` as ARG_*; has_dtype: those of v3. */
static mdp_status read_tensor(struct walk *w, const struct mdp_value *arguments, bool has_dtype,
                              struct mdp_tensor *t, struct mdp_storage *storage, struct mdp_error *err)
{
    struct mdp_value **at = arguments->items.at;
    struct mdp_storage_id id;

    if (arguments->items.n < (has_dtype ? ARG_DTYPE + 1 : ARG_STRIDE + 1) ||
        arguments->items.n > MAX_ARGUMENTS || at[ARG_STORAGE]->kind != MDP_VALUE_PERSISTENT ||
        at[ARG_OFFSET]->kind != MDP_VALUE_INT || at[ARG_OFFSET]->integer < 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "its arguments are not (storage, offset, size, stride, ...)");
    mdp_status st = mdp_storage_id_read(at[ARG_STORAGE], &id, err);
    if (st == MDP_OK)
        st = read_shape(at[ARG_SIZE], at[ARG_STRIDE], t, err);
    if (st != MDP_OK)
        return st;
    if (has_dtype)
        st = read_dtype(at[ARG_DTYPE], &t->dtype, err);
    else if (id.typed)
        t->dtype = id.dtype;
    else
        st = mdp_fail(err, MDP_ERR_FORMAT, "its storage has no type");
    if (st == MDP_OK)
        st = w->find(w->context, &id, &storage->bytes, err);
    if (st == MDP_OK)
        storage->count = id.count * mdp_storage_element_size(&id) / mdp_dtype_size(t->dtype);
    return st;
}

static mdp_status add_tensor(struct walk *w, const struct mdp_value *arguments, bool has_dtype,
                             struct mdp_error *err)
{
    const char *name = w->name.at ? w->name.at : "";
    struct mdp_storage storage = {0};
    struct mdp_tensor t = {0};

    mdp_status st = read_tensor(w, arguments, has_dtype, &t, &storage, err);
    if (st != MDP_OK)
        return mdp_fail_at(err, st, "tensor '%s'", name);
    return mdp_tensor_list_add(w->list, name, w->name.n, &t, &storage,
                               (size_t)arguments->items.at[ARG_OFFSET]->integer, err);
}

static bool begins_with(struct mdp_piece piece, const char *text)
{
    return piece.n >= strlen(text) && memcmp(piece.at, text, strlen(text)) == 0;
}

/* A callable of torch that rebuilds some tensor. */
static bool rebuilds(const struct mdp_value *callable)
{
    return callable->kind == MDP_VALUE_GLOBAL &&
           (begins_with(callable->global.module, "torch._utils") ||
            begins_with(callable->global.module, "torch._tensor")) &&
           begins_with(callable->global.name, "_rebuild");
}

struct call {
    const struct mdp_value *callable, *arguments;
};

/* Goes from a call that only wraps a tensor to the call that makes the tensor; false when there is nothing to
   unwrap. */
static bool unwrap(struct call *c)
{
    const struct mdp_value *a = c->arguments;

    if (mdp_value_is_global(c->callable, "torch._utils", "_rebuild_parameter") ||
        mdp_value_is_global(c->callable, "torch._utils", "_rebuild_parameter_with_state")) {
        if (a->items.n < 1 || a->items.at[0]->kind != MDP_VALUE_OBJECT)
            return false;
        *c = (struct call){a->items.at[0]->object.callable, a->items.at[0]->object.arguments};
        return true;
    }
    /* (function, class, its arguments, state): a tensor with attributes, or of a subclass. */
    if (mdp_value_is_global(c->callable, "torch._tensor", "_rebuild_from_type_v2")) {
        if (a->items.n < 3 || a->items.at[2]->kind != MDP_VALUE_TUPLE)
            return false;
        *c = (struct call){a->items.at[0], a->items.at[2]};
        return true;
    }
    return false;
}

/* What a callable of torch rebuilds. */
static mdp_status add_object(struct walk *w, const struct mdp_value *object, struct mdp_error *err)
{
    struct call c = {object->object.callable, object->object.arguments};
    const char *name = w->name.at ? w->name.at : "";

    for (int i = 0; i < MAX_WRAPPERS && unwrap(&c);)
        i++;
    if (mdp_value_is_global(c.callable, "torch._utils", "_rebuild_tensor_v2") ||
        mdp_value_is_global(c.callable, "torch._utils", "_rebuild_tensor"))
        return add_tensor(w, c.arguments, false, err);
    if (mdp_value_is_global(c.callable, "torch._utils", "_rebuild_tensor_v3"))
        return add_tensor(w, c.arguments, true, err);
    if (c.callable->kind == MDP_VALUE_GLOBAL)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "tensor '%s': made by %.*s.%.*s, which is not supported",
                        name, PIECE(c.callable->global.module), PIECE(c.callable->global.name));
    return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': made by %s", name,
                    mdp_value_kind_name(c.callable->kind));
}

/* --- the walk --- */

static mdp_status walk_value(struct walk *w, const struct mdp_value *value, struct mdp_error *err);

/* Adds a member's name; false when the key is none. Returns through *kept how long the name was before. */
static bool enter(struct walk *w, const struct mdp_value *key, size_t number, size_t *kept)
{
    *kept = w->name.n;
    if (key && key->kind != MDP_VALUE_STRING && key->kind != MDP_VALUE_INT)
        return false;
    if (w->depth > 1)
        mdp_text_add(&w->name, ".");
    if (!key)
        mdp_text_add(&w->name, "%zu", number);
    else if (key->kind == MDP_VALUE_INT)
        mdp_text_add(&w->name, "%lld", (long long)key->integer);
    else /* one byte more than is allowed is enough to be refused */
        mdp_text_add_bytes(&w->name, key->text.at,
                           key->text.n <= MDP_MAX_TENSOR_NAME ? key->text.n : MDP_MAX_TENSOR_NAME + 1);
    return true;
}

/* What has been looked at, whatever the way to it: shared values may be reached on very many. */
static mdp_status count_visits(struct walk *w, size_t more, struct mdp_error *err)
{
    w->visits += more; /* below 2^64: `more` is bounded by the memory of a pickle */
    return w->visits <= MAX_VISITS
               ? MDP_OK
               : mdp_fail(err, MDP_ERR_LIMIT, "more than %d values in its containers", MAX_VISITS);
}

static mdp_status go_deeper(struct walk *w, struct mdp_error *err)
{
    if (w->depth == MAX_DEPTH)
        return mdp_fail(err, MDP_ERR_LIMIT, "containers inside containers more than %d deep", MAX_DEPTH);
    w->depth++;
    return MDP_OK;
}

/* A value under the name of its container and its own: `key`, or `number` where that is NULL. */
static mdp_status walk_member(struct walk *w, const struct mdp_value *key, size_t number,
                              const struct mdp_value *value, struct mdp_error *err)
{
    size_t kept = 0;

    if (value->kind < MDP_VALUE_TUPLE || !enter(w, key, number, &kept))
        return MDP_OK;
    mdp_status st = mdp_text_status(&w->name, err);
    if (st == MDP_OK)
        st = walk_value(w, value, err);
    w->name.n = kept;
    if (w->name.at)
        w->name.at[kept] = '\0';
    return st;
}

static mdp_status walk_items(struct walk *w, const struct mdp_value *container, struct mdp_error *err)
{
    bool dictionary = container->kind == MDP_VALUE_DICT;
    size_t step = dictionary ? 2 : 1;

    TRY(go_deeper(w, err));
    TRY(count_visits(w, container->items.n / step, err));
    for (size_t i = 0; i < container->items.n; i += step) {
        struct mdp_value **at = container->items.at + i;
        TRY(walk_member(w, dictionary ? at[0] : NULL, i, at[step - 1], err));
    }
    w->depth--;
    return MDP_OK;
}

/* --- modules: objects whose attributes are tensors and modules --- */

/* The last value of this key, as Python keeps it, where it is of this kind; else NULL. */
static const struct mdp_value *attribute(const struct mdp_value *dictionary, const char *key,
                                         enum mdp_value_kind kind)
{
    const struct mdp_value *found = NULL;

    for (size_t i = 0; i < dictionary->items.n; i += 2) {
        const struct mdp_value *k = dictionary->items.at[i];
        if (k->kind == MDP_VALUE_STRING && mdp_piece_is(k->text, key))
            found = dictionary->items.at[i + 1];
    }
    return found && found->kind == kind ? found : NULL;
}

/* Of TorchScript, where every class has a name of this kind. */
static bool is_script(const struct mdp_value *object)
{
    const struct mdp_value *callable = object->object.callable;

    return callable->kind == MDP_VALUE_GLOBAL && begins_with(callable->global.module, "__torch__");
}

/* torch.nn.Module of any class: known by what each of them has. */
static bool is_module(const struct mdp_value *object)
{
    const struct mdp_value *state = object->object.state;

    return state && state->kind == MDP_VALUE_DICT && attribute(state, "_parameters", MDP_VALUE_DICT) &&
           attribute(state, "_modules", MDP_VALUE_DICT);
}

/* The items of a set that protocol 4 wrote as such, or that older ones make of a list: set([...]). */
static const struct mdp_value *set_items(const struct mdp_value *set)
{
    if (set && set->kind == MDP_VALUE_OBJECT)
        set = set->object.arguments->items.n == 1 ? set->object.arguments->items.at[0] : NULL;
    return set && set->kind == MDP_VALUE_LIST ? set : NULL;
}

static bool holds_text(const struct mdp_value *list, const struct mdp_value *text)
{
    for (size_t i = 0; list && text->kind == MDP_VALUE_STRING && i < list->items.n; i++) {
        const struct mdp_value *item = list->items.at[i];
        if (item->kind == MDP_VALUE_STRING && item->text.n == text->text.n &&
            memcmp(item->text.at, text->text.at, text->text.n) == 0)
            return true;
    }
    return false;
}

/* The tensors and modules of a dictionary, but for those in the list `left_out` (or NULL). Lists and other containers are
   no part of a state dict. */
static mdp_status walk_attributes(struct walk *w, const struct mdp_value *dictionary,
                                  const struct mdp_value *left_out, struct mdp_error *err)
{
    size_t each = left_out ? left_out->items.n : 0;

    for (size_t i = 0; i < dictionary->items.n; i += 2) {
        const struct mdp_value *key = dictionary->items.at[i], *value = dictionary->items.at[i + 1];
        TRY(count_visits(w, 1 + each, err));
        if (value->kind == MDP_VALUE_OBJECT && !holds_text(left_out, key))
            TRY(walk_member(w, key, 0, value, err));
    }
    return MDP_OK;
}

/* What its state_dict() would list, by the same names and in the same order (torch.nn.Module: parameters, buffers
   that are persistent, modules). */
static mdp_status walk_module(struct walk *w, const struct mdp_value *state, struct mdp_error *err)
{
    static const char *const parts[] = {"_parameters", "_buffers", "_modules"};
    static const char set[] = "_non_persistent_buffers_set";

    TRY(count_visits(w, state->items.n, err));
    const struct mdp_value *passing = attribute(state, set, MDP_VALUE_LIST);
    if (!passing)
        passing = set_items(attribute(state, set, MDP_VALUE_OBJECT));
    for (size_t i = 0; i < MDP_COUNT(parts); i++) {
        const struct mdp_value *part = attribute(state, parts[i], MDP_VALUE_DICT);
        if (part)
            TRY(walk_attributes(w, part, strcmp(parts[i], "_buffers") == 0 ? passing : NULL, err));
    }
    return MDP_OK;
}

/* Objects of other classes are passed over. */
static mdp_status walk_object(struct walk *w, const struct mdp_value *object, struct mdp_error *err)
{
    const struct mdp_value *state = object->object.state;

    if (rebuilds(object->object.callable))
        return add_object(w, object, err);
    if (!state || state->kind != MDP_VALUE_DICT)
        return MDP_OK;
    TRY(count_visits(w, state->items.n, err));
    bool script = is_script(object);
    if (!script && !is_module(object))
        return MDP_OK;
    TRY(go_deeper(w, err));
    TRY(script ? walk_attributes(w, state, NULL, err) : walk_module(w, state, err));
    w->depth--;
    return MDP_OK;
}

static mdp_status walk_value(struct walk *w, const struct mdp_value *value, struct mdp_error *err)
{
    switch (value->kind) {
    case MDP_VALUE_OBJECT:
        return walk_object(w, value, err);
    case MDP_VALUE_DICT:
    case MDP_VALUE_LIST:
    case MDP_VALUE_TUPLE:
        return walk_items(w, value, err);
    default:
        return MDP_OK;
    }
}

static mdp_status check_root(const struct mdp_value *root, struct mdp_error *err)
{
    const struct mdp_value *callable = root->kind == MDP_VALUE_OBJECT ? root->object.callable : NULL;

    if (root->kind == MDP_VALUE_DICT || root->kind == MDP_VALUE_LIST || root->kind == MDP_VALUE_TUPLE)
        return MDP_OK;
    if (!callable)
        return mdp_fail(err, MDP_ERR_FORMAT, "holds %s, expected a state dict or a module",
                        mdp_value_kind_name(root->kind));
    if (rebuilds(callable) || is_script(root) || is_module(root))
        return MDP_OK;
    if (callable->kind != MDP_VALUE_GLOBAL)
        return mdp_fail(err, MDP_ERR_FORMAT, "holds an object made by %s, expected a state dict or a module",
                        mdp_value_kind_name(callable->kind));
    return mdp_fail(
        err, MDP_ERR_UNSUPPORTED,
        "holds a pickled %.*s.%.*s, expected a state dict or a module (save model.state_dict() instead)",
        PIECE(callable->global.module), PIECE(callable->global.name));
}

mdp_status mdp_torch_tensors(const struct mdp_value *root, mdp_storage_find *find, void *context,
                             struct mdp_tensor_list *list, struct mdp_error *err)
{
    struct walk w = {.find = find, .context = context, .list = list};
    mdp_status st = check_root(root, err);

    if (st == MDP_OK && root->kind == MDP_VALUE_OBJECT && rebuilds(root->object.callable))
        mdp_text_add(&w.name, "tensor");
    if (st == MDP_OK)
        st = walk_value(&w, root, err);
    mdp_text_release(&w.name);
    return st;
}
