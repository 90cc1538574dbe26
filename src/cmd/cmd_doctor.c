/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: what this machine offers, and a sentence of advice for each problem. Exit 0 on a machine that
   works. */
#include "base/file.h"
#include "base/formats/json.h"
#include "base/numbers/blas.h"
#include "base/options/options.h"
#include "base/parallel.h"
#include "base/try.h"
#include "cmd/commands.h"
#include "cmd/print.h"
#include "extract/kernels/kernels.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const struct mdp_usage usage = {
    .command = "doctor",
    .synopsis = "[options]",
    .summary = "Looks at this machine: CPU features, kernels, libraries, threads, file locking, disk; says "
               "what to do "
               "about each problem.",
    .example = "  medprobe doctor",
    .most_operands = 0,
};

/* What is printed at the end: lines, or one JSON document. */
struct findings {
    bool json;
    struct mdp_text out;
    struct mdp_json_writer writer; /* into `out` */
    size_t problems;
};

/* One line of the table; advice is NULL where nothing is wrong. */
static void say(const char *what, const char *found, const char *advice, struct findings *f)
{
    f->problems += advice != NULL;
    if (f->json) {
        mdp_json_begin(&f->writer, NULL, '{', NULL);
        mdp_json_put_text(&f->writer, "what", what);
        mdp_json_put_text(&f->writer, "found", found);
        mdp_json_put_text(&f->writer, "advice", advice);
        mdp_json_end(&f->writer, NULL);
        return;
    }
    mdp_text_add(&f->out, "%-18s %s\n", what, found);
    if (advice)
        mdp_text_add(&f->out, "%-18s -> %s\n", "", advice);
}

static void begin_findings(struct findings *f)
{
    f->writer.out = &f->out;
    if (!f->json)
        return;
    mdp_json_begin(&f->writer, NULL, '{', NULL);
    mdp_json_begin(&f->writer, "checks", '[', "\n  ");
}

static mdp_status print_findings(struct findings *f, struct mdp_error *err)
{
    if (f->json) {
        mdp_json_end(&f->writer, "\n");
        mdp_json_put_size(&f->writer, "problems", f->problems);
        mdp_json_end(&f->writer, NULL);
    } else if (f->problems) {
        mdp_text_add(&f->out, "%zu thing%s to look at", f->problems, f->problems == 1 ? "" : "s");
    } else {
        mdp_text_add(&f->out, "no problems");
    }
    mdp_text_add(&f->out, "\n");
    return mdp_print_text(&f->out, err);
}

/* What the towers' kernels can use (extract/kernels/kernels.c). */
static void look_at_cpu(struct findings *f)
{
    struct mdp_text found = {0};
    bool fast = false;

#if defined(__x86_64__)
    __builtin_cpu_init();
    fast = __builtin_cpu_supports("avx2");
    mdp_text_add(&found, "%s%s%s%s", fast ? ", avx2" : "", __builtin_cpu_supports("fma") ? ", fma" : "",
                 __builtin_cpu_supports("avx512f") ? ", avx512f" : "",
                 __builtin_cpu_supports("avx512vnni") ? ", avx512vnni" : "");
#endif
    say("CPU features", found.n ? found.at + strlen(", ") : "none that matter",
        fast ? NULL : "without AVX2 towers run several times slower; nothing to be done here", f);
    mdp_text_release(&found);
}

static mdp_status look_at_kernels(struct findings *f, struct mdp_error *err)
{
    const struct mdp_kernels *kernels = NULL;
    struct mdp_text blas = {0};
    mdp_status st = mdp_kernels_choose(&kernels, err);

    if (st != MDP_OK)
        return st;
    say("tower kernels", kernels->name,
        getenv("MEDPROBE_KERNEL") ? "MEDPROBE_KERNEL forces this variant: unset it for the best one" : NULL,
        f);
    const char *better = mdp_blas_better_core(mdp_blas_core(), __builtin_cpu_supports("avx2"),
                                              __builtin_cpu_supports("avx512f"));
    mdp_text_add(&blas, "core %s", mdp_blas_core());
    if (mdp_blas_mended())
        mdp_text_add(&blas, " (was %s, mended)", mdp_blas_mended());
    say("OpenBLAS", blas.failed ? "" : blas.at,
        better ? "this OpenBLAS does not know the CPU: set OPENBLAS_CORETYPE=Haswell, or use OpenBLAS 0.3.25 "
                 "or newer"
               : NULL,
        f);
    mdp_text_release(&blas);
    return MDP_OK;
}

/* Whether a lock on a file in the working folder keeps a second one out: some network file systems only
 * pretend. */
static bool locks_work(void)
{
    char path[] = "./medprobe-doctor-XXXXXX";
    int fd = mkstemp(path);
    bool works = false;

    if (fd < 0)
        return false;
    int other = open(path, O_RDWR | O_CLOEXEC);
    works = other >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && flock(other, LOCK_EX | LOCK_NB) != 0;
    if (other >= 0)
        close(other);
    close(fd);
    unlink(path);
    return works;
}

static void look_at_folder(struct findings *f)
{
    struct statvfs disk;
    char found[64] = "unknown";
    bool writable = access(".", W_OK) == 0, known = statvfs(".", &disk) == 0;

    if (known)
        snprintf(found, sizeof found, "%.1f GB free",
                 (double)disk.f_bavail * (double)disk.f_frsize / (1024.0 * 1024 * 1024));
    say("disk here", found,
        known && disk.f_bavail * disk.f_frsize < (unsigned long)1 << 30
            ? "less than 1 GB is left: a store of 100,000 pictures needs about 0.3 GB"
            : NULL,
        f);
    say("folder here", writable ? "writable" : "not writable",
        writable ? NULL : "results are written below the working folder: change to another, or use -o", f);
    if (writable) {
        bool works = locks_work();
        say("file locking", works ? "works" : "does not work",
            works ? NULL : "two runs into the same output could disturb each other: use a local disk", f);
    }
}

static bool program_exists(const char *name)
{
    const char *path = getenv("PATH");
    struct mdp_text at = {0};
    bool found = false;

    while (path && *path && !found) {
        size_t n = strcspn(path, ":");
        mdp_text_clear(&at);
        mdp_text_add_bytes(&at, path, n);
        mdp_text_add(&at, "/%s", name);
        found = !at.failed && access(at.at, X_OK) == 0;
        path += n + (path[n] == ':');
    }
    mdp_text_release(&at);
    return found;
}

mdp_status mdp_cmd_doctor(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct mdp_common common;
    struct mdp_arguments args = {0};
    char cores[32];
    struct findings f = {0};
    const struct mdp_option rows[] = {
        {.name = "json", .flag = &f.json, .help = "print JSON instead of a table"},
    };

    (void)exit_code;
    mdp_status st = mdp_options_parse(&usage, rows, 1, argc, argv, &common, &args, err);
    if (st != MDP_OK || args.help)
        goto out;
    begin_findings(&f);
    look_at_cpu(&f);
    OR_OUT(look_at_kernels(&f, err));
    snprintf(cores, sizeof cores, "%zu", mdp_usable_cores());
    say("usable cores", cores, NULL, &f);
    look_at_folder(&f);
    bool gnuplot = program_exists("gnuplot");
    say("gnuplot", gnuplot ? "found" : "missing",
        gnuplot ? NULL : "reports are written without figures: install gnuplot (Debian: gnuplot-nox)", &f);
    st = print_findings(&f, err);
out:
    mdp_text_release(&f.out);
    mdp_arguments_release(&args);
    return st;
}
