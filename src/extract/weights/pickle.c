/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine: a stack, a memo, and one function an opcode. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/weights/pickle_values.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_STACK = 1 << 20, /* values, and marks */
    MAX_MEMO = 1 << 24,
};

struct machine {
    const unsigned char *bytes; /* [n] */
    size_t n, at;
    size_t op_at; /* where the running opcode stands */
    struct mdp_values stack;
    size_t *marks; /* [n_marks] heights of the stack */
    size_t n_marks, marks_capacity;
    struct mdp_values memo; /* NULL where nothing was put */
    size_t memo_next;       /* MEMOIZE puts here */
    struct mdp_pickle *pickle;
    struct mdp_error *err;
    bool stopped;
};

#define FAIL(m, ...) fail_at_byte(m, mdp_fail((m)->err, MDP_ERR_FORMAT, __VA_ARGS__))

static mdp_status fail_at_byte(struct machine *m, mdp_status st)
{
    return mdp_fail_at(m->err, st, "pickle: byte %zu", m->op_at);
}

/* --- values --- */

static struct mdp_value *new_value(struct machine *m, enum mdp_value_kind kind)
{
    struct mdp_value *v = mdp_value_new(m->pickle, kind, m->err);

    if (!v)
        fail_at_byte(m, m->err->status);
    return v;
}

static mdp_status make_room(struct machine *m, struct mdp_value *v, size_t more)
{
    mdp_status st = mdp_value_make_room(m->pickle, v, more, m->err);

    return st == MDP_OK ? st : fail_at_byte(m, st);
}

/* --- reading bytes --- */

static mdp_status take(struct machine *m, uint64_t n, const unsigned char **at)
{
    if (n > m->n - m->at)
        return FAIL(m, "opcode 0x%02x needs %llu bytes, the file has %zu more", m->bytes[m->op_at],
                    (unsigned long long)n, m->n - m->at);
    *at = m->bytes + m->at;
    m->at += (size_t)n;
    return MDP_OK;
}

/* A little-endian number of `size` bytes, at most 8. */
static mdp_status take_number(struct machine *m, int size, uint64_t *number)
{
    const unsigned char *at = NULL;

    TRY(take(m, (uint64_t)size, &at));
    *number = 0;
    for (int i = size; i-- > 0;)
        *number = *number << 8 | at[i];
    return MDP_OK;
}

/* Text up to a line feed, which is taken too. */
static mdp_status take_line(struct machine *m, struct mdp_piece *line)
{
    const unsigned char *begin = m->bytes + m->at;
    const unsigned char *end = memchr(begin, '\n', m->n - m->at);

    if (!end)
        return FAIL(m, "a line without end");
    *line = (struct mdp_piece){(const char *)begin, (size_t)(end - begin)};
    m->at += line->n + 1;
    return MDP_OK;
}

/* --- the stack --- */

static mdp_status push(struct machine *m, struct mdp_value *v)
{
    if (!v)
        return m->err->status;
    if (m->stack.n == MAX_STACK)
        return FAIL(m, "more than %d values on the stack", MAX_STACK);
    TRY(mdp_grow(&m->stack.at, &m->stack.capacity, m->stack.n + 1, sizeof *m->stack.at, m->err));
    m->stack.at[m->stack.n++] = v;
    return MDP_OK;
}

/* Values that may be taken: those above the last mark. */
static size_t height(const struct machine *m)
{
    return m->stack.n - (m->n_marks ? m->marks[m->n_marks - 1] : 0);
}

static mdp_status need(struct machine *m, size_t values)
{
    return height(m) >= values ? MDP_OK : FAIL(m, "the stack is empty");
}

static mdp_status pop(struct machine *m, struct mdp_value **v)
{
    TRY(need(m, 1));
    *v = m->stack.at[--m->stack.n];
    return MDP_OK;
}

/* Takes everything above the last mark, and the mark: (*items)[*n], good until the next push. */
static mdp_status pop_mark(struct machine *m, struct mdp_value ***items, size_t *n)
{
    if (m->n_marks == 0)
        return FAIL(m, "no mark on the stack");
    size_t low = m->marks[--m->n_marks];
    *n = m->stack.n - low;
    *items = *n ? m->stack.at + low : NULL;
    m->stack.n = low;
    return MDP_OK;
}

static mdp_status push_items(struct machine *m, enum mdp_value_kind kind, struct mdp_value **items, size_t n)
{
    struct mdp_value *v = new_value(m, kind);

    if (!v)
        return push(m, NULL);
    TRY(make_room(m, v, n));
    if (n)
        memcpy(v->items.at, items, n * sizeof *items);
    v->items.n = n;
    return push(m, v);
}

/* --- opcodes: numbers and text --- */

static mdp_status op_none(struct machine *m, int unused)
{
    (void)unused;
    return push(m, new_value(m, MDP_VALUE_NONE));
}

static mdp_status op_bool(struct machine *m, int truth)
{
    struct mdp_value *v = new_value(m, MDP_VALUE_BOOL);

    if (v)
        v->truth = truth != 0;
    return push(m, v);
}

static mdp_status push_int(struct machine *m, int64_t integer)
{
    struct mdp_value *v = new_value(m, MDP_VALUE_INT);

    if (v)
        v->integer = integer;
    return push(m, v);
}

/* BININT1, BININT2 are unsigned, BININT is signed. */
static mdp_status op_int(struct machine *m, int size)
{
    uint64_t number = 0;

    TRY(take_number(m, size, &number));
    return push_int(m, size == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number);
}

static mdp_status push_piece(struct machine *m, enum mdp_value_kind kind, uint64_t n)
{
    const unsigned char *at = NULL;

    TRY(take(m, n, &at));
    struct mdp_value *v = new_value(m, kind);
    if (v)
        v->text = (struct mdp_piece){(const char *)at, (size_t)n};
    return push(m, v);
}

/* LONG1, LONG4: a length of `size` bytes, then the two's complement number. */
static mdp_status op_long(struct machine *m, int size)
{
    uint64_t n = 0, bits = 0;
    const unsigned char *at = NULL;

    TRY(take_number(m, size, &n));
    if (size == 4 && n > INT32_MAX)
        return FAIL(m, "an integer of negative length");
    if (n > 8)
        return push_piece(m, MDP_VALUE_LONG, n);
    TRY(take(m, n, &at));
    if (n && at[n - 1] & 0x80)
        bits = UINT64_MAX;
    for (size_t i = (size_t)n; i-- > 0;)
        bits = bits << 8 | at[i];
    return push_int(m, (int64_t)bits);
}

static mdp_status op_float(struct machine *m, int unused)
{
    const unsigned char *at = NULL;
    uint64_t bits = 0;

    (void)unused;
    TRY(take(m, 8, &at));
    for (int i = 0; i < 8; i++) /* big-endian, unlike all the rest */
        bits = bits << 8 | at[i];
    struct mdp_value *v = new_value(m, MDP_VALUE_FLOAT);
    if (v)
        memcpy(&v->number, &bits, sizeof v->number);
    return push(m, v);
}

static mdp_status op_string(struct machine *m, int size)
{
    uint64_t n = 0;

    TRY(take_number(m, size, &n));
    return push_piece(m, MDP_VALUE_STRING, n);
}

static mdp_status op_bytes(struct machine *m, int size)
{
    uint64_t n = 0;

    TRY(take_number(m, size, &n));
    return push_piece(m, MDP_VALUE_BYTES, n);
}

/* --- opcodes: containers --- */

static mdp_status op_empty(struct machine *m, int kind)
{
    return push_items(m, (enum mdp_value_kind)kind, NULL, 0);
}

/* TUPLE1, TUPLE2, TUPLE3. */
static mdp_status op_short_tuple(struct machine *m, int n)
{
    TRY(need(m, (size_t)n));
    m->stack.n -= (size_t)n;
    return push_items(m, MDP_VALUE_TUPLE, m->stack.at + m->stack.n, (size_t)n);
}

/* Everything since the mark: TUPLE, LIST, DICT, FROZENSET. */
static mdp_status op_since_mark(struct machine *m, int kind)
{
    struct mdp_value **items = NULL;
    size_t n = 0;

    TRY(pop_mark(m, &items, &n));
    if (kind == MDP_VALUE_DICT && n % 2)
        return FAIL(m, "a dictionary key without a value");
    return push_items(m, (enum mdp_value_kind)kind, items, n);
}

static mdp_status add_items(struct machine *m, enum mdp_value_kind kind, struct mdp_value **items, size_t n)
{
    TRY(need(m, 1));
    struct mdp_value *target = m->stack.at[m->stack.n - 1];
    if (target->kind == MDP_VALUE_OBJECT)
        return MDP_OK; /* of a class unknown to us, whose contents nobody asks for */
    if (target->kind != kind)
        return FAIL(m, "items for %s", mdp_value_kind_name(target->kind));
    if (kind == MDP_VALUE_DICT && n % 2)
        return FAIL(m, "a dictionary key without a value");
    TRY(make_room(m, target, n));
    if (n)
        memcpy(target->items.at + target->items.n, items, n * sizeof *items);
    target->items.n += n;
    return MDP_OK;
}

/* APPENDS, SETITEMS, ADDITEMS. */
static mdp_status op_add_since_mark(struct machine *m, int kind)
{
    struct mdp_value **items = NULL;
    size_t n = 0;

    TRY(pop_mark(m, &items, &n));
    return add_items(m, (enum mdp_value_kind)kind, items, n);
}

/* APPEND takes one value, SETITEM two. */
static mdp_status op_add(struct machine *m, int kind)
{
    size_t n = kind == MDP_VALUE_DICT ? 2 : 1;

    TRY(need(m, n + 1));
    m->stack.n -= n;
    return add_items(m, (enum mdp_value_kind)kind, m->stack.at + m->stack.n, n);
}

/* --- opcodes: stack and memo --- */

static mdp_status op_mark(struct machine *m, int unused)
{
    (void)unused;
    if (m->n_marks == MAX_STACK)
        return FAIL(m, "more than %d marks", MAX_STACK);
    TRY(mdp_grow(&m->marks, &m->marks_capacity, m->n_marks + 1, sizeof *m->marks, m->err));
    m->marks[m->n_marks++] = m->stack.n;
    return MDP_OK;
}

/* POP takes a mark when nothing is above it. */
static mdp_status op_pop(struct machine *m, int unused)
{
    struct mdp_value *v = NULL;

    (void)unused;
    if (m->n_marks && height(m) == 0) {
        m->n_marks--;
        return MDP_OK;
    }
    return pop(m, &v);
}

static mdp_status op_pop_mark(struct machine *m, int unused)
{
    struct mdp_value **items = NULL;
    size_t n = 0;

    (void)unused;
    return pop_mark(m, &items, &n);
}

static mdp_status op_dup(struct machine *m, int unused)
{
    (void)unused;
    TRY(need(m, 1));
    return push(m, m->stack.at[m->stack.n - 1]);
}

static mdp_status put(struct machine *m, uint64_t index)
{
    TRY(need(m, 1));
    if (index >= MAX_MEMO)
        return FAIL(m, "memo index %llu, at most %d are read", (unsigned long long)index, MAX_MEMO);
    size_t i = (size_t)index, had = m->memo.n;
    TRY(mdp_grow(&m->memo.at, &m->memo.capacity, i + 1, sizeof *m->memo.at, m->err));
    if (i >= had) {
        memset(m->memo.at + had, 0, (i + 1 - had) * sizeof *m->memo.at);
        m->memo.n = i + 1;
    }
    m->memo.at[i] = m->stack.at[m->stack.n - 1];
    return MDP_OK;
}

static mdp_status op_put(struct machine *m, int size)
{
    uint64_t index = 0;

    TRY(take_number(m, size, &index));
    return put(m, index);
}

/* Python numbers by the size of its memo, which is the same for files that only use MEMOIZE. */
static mdp_status op_memoize(struct machine *m, int unused)
{
    (void)unused;
    return put(m, m->memo_next++);
}

static mdp_status op_get(struct machine *m, int size)
{
    uint64_t index = 0;

    TRY(take_number(m, size, &index));
    if (index >= m->memo.n || !m->memo.at[index])
        return FAIL(m, "memo %llu was never put", (unsigned long long)index);
    return push(m, m->memo.at[index]);
}

/* --- opcodes: objects --- */

static mdp_status push_global(struct machine *m, struct mdp_piece module, struct mdp_piece name)
{
    struct mdp_value *v = new_value(m, MDP_VALUE_GLOBAL);

    if (v) {
        v->global.module = module;
        v->global.name = name;
    }
    return push(m, v);
}

static mdp_status op_global(struct machine *m, int unused)
{
    struct mdp_piece module, name;

    (void)unused;
    TRY(take_line(m, &module));
    TRY(take_line(m, &name));
    return push_global(m, module, name);
}

static mdp_status op_stack_global(struct machine *m, int unused)
{
    struct mdp_value *name = NULL, *module = NULL;

    (void)unused;
    TRY(pop(m, &name));
    TRY(pop(m, &module));
    if (name->kind != MDP_VALUE_STRING || module->kind != MDP_VALUE_STRING)
        return FAIL(m, "a global whose name is not text");
    return push_global(m, module->text, name->text);
}

static mdp_status op_persistent(struct machine *m, int unused)
{
    struct mdp_value *id = NULL;
    struct mdp_values *all = &m->pickle->persistent;

    (void)unused;
    TRY(pop(m, &id));
    struct mdp_value *v = new_value(m, MDP_VALUE_PERSISTENT);
    if (!v)
        return push(m, NULL);
    v->id = id;
    TRY(mdp_grow(&all->at, &all->capacity, all->n + 1, sizeof *all->at, m->err));
    all->at[all->n++] = v;
    return push(m, v);
}

static bool makes_dictionary(const struct mdp_value *callable)
{
    return mdp_value_is_global(callable, "collections", "OrderedDict") ||
           mdp_value_is_global(callable, "collections", "defaultdict");
}

/* A dictionary from a list of pairs, as Python 2 wrote ordered ones; anything else in it stays empty. */
static mdp_status push_dictionary(struct machine *m, const struct mdp_value *arguments)
{
    const struct mdp_value *pairs = arguments->items.n ? arguments->items.at[0] : NULL;

    TRY(push_items(m, MDP_VALUE_DICT, NULL, 0));
    if (!pairs || pairs->kind != MDP_VALUE_LIST)
        return MDP_OK;
    for (size_t i = 0; i < pairs->items.n; i++) {
        const struct mdp_value *pair = pairs->items.at[i];
        if ((pair->kind != MDP_VALUE_LIST && pair->kind != MDP_VALUE_TUPLE) || pair->items.n != 2)
            return FAIL(m, "an ordered dictionary made of something else than pairs");
        TRY(add_items(m, MDP_VALUE_DICT, pair->items.at, 2));
    }
    return MDP_OK;
}

/* REDUCE calls, NEWOBJ makes: for us both are an object that stays closed. */
static mdp_status op_object(struct machine *m, int keywords)
{
    struct mdp_value *arguments = NULL, *callable = NULL, *dropped = NULL;

    if (keywords)
        TRY(pop(m, &dropped));
    TRY(pop(m, &arguments));
    TRY(pop(m, &callable));
    if (arguments->kind != MDP_VALUE_TUPLE)
        return FAIL(m, "arguments are %s, expected a tuple", mdp_value_kind_name(arguments->kind));
    if (makes_dictionary(callable))
        return push_dictionary(m, arguments);
    struct mdp_value *v = new_value(m, MDP_VALUE_OBJECT);
    if (v) {
        v->object.callable = callable;
        v->object.arguments = arguments;
    }
    return push(m, v);
}

/* The attributes of a dictionary (a state dict's _metadata) are dropped. */
static mdp_status op_build(struct machine *m, int unused)
{
    struct mdp_value *state = NULL;

    (void)unused;
    TRY(pop(m, &state));
    TRY(need(m, 1));
    struct mdp_value *target = m->stack.at[m->stack.n - 1];
    if (target->kind == MDP_VALUE_OBJECT)
        target->object.state = state;
    return MDP_OK;
}

/* --- opcodes: frame of the whole --- */

static mdp_status op_protocol(struct machine *m, int unused)
{
    uint64_t protocol = 0;

    (void)unused;
    TRY(take_number(m, 1, &protocol));
    return protocol <= 5 ? MDP_OK : FAIL(m, "protocol %d, 2 to 5 are read", (int)protocol);
}

static mdp_status op_frame(struct machine *m, int unused)
{
    uint64_t n = 0;

    (void)unused;
    TRY(take_number(m, 8, &n));
    return n <= m->n - m->at ? MDP_OK
                             : FAIL(m, "a frame of %llu bytes passes the end", (unsigned long long)n);
}

static mdp_status op_stop(struct machine *m, int unused)
{
    (void)unused;
    TRY(pop(m, &m->pickle->root));
    m->stopped = true;
    return MDP_OK;
}

/* Every opcode that is read; the letters are Python's. */
static const struct opcode {
    mdp_status (*run)(struct machine *m, int argument);
    int argument;
} opcodes[256] = {
    [0x80] = {op_protocol, 0},
    [0x95] = {op_frame, 0},
    ['.'] = {op_stop, 0},
    ['N'] = {op_none, 0},
    [0x88] = {op_bool, 1},
    [0x89] = {op_bool, 0},
    ['K'] = {op_int, 1},
    ['M'] = {op_int, 2},
    ['J'] = {op_int, 4},
    [0x8A] = {op_long, 1},
    [0x8B] = {op_long, 4},
    ['G'] = {op_float, 0},
    ['U'] = {op_string, 1}, /* SHORT_BINSTRING, BINSTRING: str of Python 2 */
    ['T'] = {op_string, 4},
    [0x8C] = {op_string, 1}, /* SHORT_BINUNICODE, BINUNICODE, BINUNICODE8 */
    ['X'] = {op_string, 4},
    [0x8D] = {op_string, 8},
    ['C'] = {op_bytes, 1}, /* SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8 */
    ['B'] = {op_bytes, 4},
    [0x8E] = {op_bytes, 8},
    [0x96] = {op_bytes, 8},
    [')'] = {op_empty, MDP_VALUE_TUPLE},
    [']'] = {op_empty, MDP_VALUE_LIST},
    ['}'] = {op_empty, MDP_VALUE_DICT},
    [0x8F] = {op_empty, MDP_VALUE_LIST}, /* EMPTY_SET */
    [0x85] = {op_short_tuple, 1},
    [0x86] = {op_short_tuple, 2},
    [0x87] = {op_short_tuple, 3},
    ['t'] = {op_since_mark, MDP_VALUE_TUPLE},
    ['l'] = {op_since_mark, MDP_VALUE_LIST},
    ['d'] = {op_since_mark, MDP_VALUE_DICT},
    [0x91] = {op_since_mark, MDP_VALUE_LIST}, /* FROZENSET */
    ['a'] = {op_add, MDP_VALUE_LIST},
    ['s'] = {op_add, MDP_VALUE_DICT},
    ['e'] = {op_add_since_mark, MDP_VALUE_LIST},
    ['u'] = {op_add_since_mark, MDP_VALUE_DICT},
    [0x90] = {op_add_since_mark, MDP_VALUE_LIST}, /* ADDITEMS */
    ['('] = {op_mark, 0},
    ['0'] = {op_pop, 0},
    ['1'] = {op_pop_mark, 0},
    ['2'] = {op_dup, 0},
    ['q'] = {op_put, 1},
    ['r'] = {op_put, 4},
    [0x94] = {op_memoize, 0},
    ['h'] = {op_get, 1},
    ['j'] = {op_get, 4},
    ['c'] = {op_global, 0},
    [0x93] = {op_stack_global, 0},
    ['Q'] = {op_persistent, 0},
    ['R'] = {op_object, 0},
    [0x81] = {op_object, 0}, /* NEWOBJ */
    [0x92] = {op_object, 1}, /* NEWOBJ_EX */
    ['b'] = {op_build, 0},
};

static mdp_status run(struct machine *m)
{
    while (!m->stopped) {
        if (m->at == m->n) {
            m->op_at = m->at;
            return FAIL(m, "ends without STOP");
        }
        m->op_at = m->at++;
        const struct opcode *op = &opcodes[m->bytes[m->op_at]];
        if (!op->run)
            return mdp_fail(m->err, MDP_ERR_UNSUPPORTED, "pickle: byte %zu: opcode 0x%02x is not supported",
                            m->op_at, m->bytes[m->op_at]);
        TRY(op->run(m, op->argument));
    }
    return MDP_OK;
}

mdp_status mdp_pickle_parse(const unsigned char *bytes, size_t n, struct mdp_pickle **pickle, size_t *used,
                            struct mdp_error *err)
{
    struct mdp_error own = MDP_ERROR_INIT;
    struct machine m = {.bytes = bytes, .n = n, .err = err ? err : &own};
    mdp_status st = MDP_OK;

    *pickle = NULL;
    m.pickle = calloc(1, sizeof *m.pickle);
    if (!m.pickle)
        return mdp_fail(err, MDP_ERR_MEMORY, "out of memory for a pickle");
    st = run(&m);
    free(m.stack.at);
    free(m.marks);
    free(m.memo.at);
    if (st != MDP_OK) {
        mdp_pickle_free(m.pickle);
        return st;
    }
    *pickle = m.pickle;
    *used = m.at;
    return MDP_OK;
}
