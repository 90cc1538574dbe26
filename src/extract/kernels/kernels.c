/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/kernels/kernels.h"

#include "base/names.h"
#include "base/numbers/blas.h"
#include "extract/kernels/variants.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const mdp_activation_names[MDP_ACTIVATION_COUNT] = {
    [MDP_ACTIVATION_NONE] = "none",
    [MDP_ACTIVATION_GELU] = "gelu",
    [MDP_ACTIVATION_QUICK_GELU] = "quick-gelu",
    [MDP_ACTIVATION_GELU_TANH] = "gelu-tanh",
    [MDP_ACTIVATION_RELU] = "relu",
    [MDP_ACTIVATION_SILU] = "silu",
    [MDP_ACTIVATION_SIGMOID] = "sigmoid",
    [MDP_ACTIVATION_TANH] = "tanh",
};

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("fma");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

/* The one list of variants, the best first. */
static const struct {
    const struct mdp_kernels *kernels;
    bool (*runs_here)(void);
} variants[] = {
#if defined(__x86_64__)
    {&mdp_kernels_avx512, has_avx512},
    {&mdp_kernels_avx2, has_avx2},
#endif
    {&mdp_kernels_portable, always},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

size_t mdp_kernels_count(void)
{
    return VARIANTS;
}

const struct mdp_kernels *mdp_kernels_at(size_t i, bool *runs_here)
{
    assert(i < VARIANTS);
    if (runs_here)
        *runs_here = variants[i].runs_here();
    return variants[i].kernels;
}

mdp_status mdp_kernels_choose(const struct mdp_kernels **kernels, struct mdp_error *err)
{
    const char *wanted = getenv("MEDPROBE_KERNEL"), *names[VARIANTS];

    if (wanted && !*wanted)
        wanted = NULL;
    for (size_t i = 0; i < VARIANTS; i++) {
        names[i] = variants[i].kernels->name;
        const bool named = wanted && strcmp(wanted, names[i]) == 0;
        if (named && !variants[i].runs_here())
            return mdp_fail(err, MDP_ERR_USAGE, "MEDPROBE_KERNEL: this CPU cannot run '%s'", wanted);
        if (named || (!wanted && variants[i].runs_here())) {
            *kernels = variants[i].kernels;
            if ((*kernels)->by_blas)
                mdp_blas_one_thread();
            return MDP_OK;
        }
    }
    return mdp_fail(err, MDP_ERR_USAGE, "MEDPROBE_KERNEL: no kernels named '%s' (%s)", wanted,
                    mdp_name_hint(wanted, names, VARIANTS).text);
}
