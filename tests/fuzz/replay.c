/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a fuzz target without libFuzzer: over files, whole, cut, and with single bytes changed.

       replay_png FILE...        the last line on stdout names what was running when it died */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANGES = 32 }; /* bytes changed of a file, spread over it */

/* A copy of exactly n bytes, so that a sanitizer sees a read behind the end. */
static void run(const uint8_t *bytes, size_t n, size_t changed)
{
    uint8_t *copy = malloc(n ? n : 1);

    if (!copy)
        abort();
    memcpy(copy, bytes, n);
    if (changed < n)
        copy[changed] ^= 0xff;
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static uint8_t *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    uint8_t *bytes = size >= 0 ? malloc((size_t)size + 1) : NULL;

    if (!bytes || fseek(f, 0, SEEK_SET) != 0 || fread(bytes, 1, (size_t)size, f) != (size_t)size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(2);
    }
    fclose(f);
    *n = (size_t)size;
    return bytes;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t n = 0;
        uint8_t *bytes = read_file(argv[i], &n);

        setvbuf(stdout, NULL, _IOLBF, 0);
        printf("%s\n", argv[i]);
        run(bytes, n, n);
        for (size_t k = 0; k < 4 && n > 4; k++) {
            printf("%s, its first %zu bytes\n", argv[i], n * k / 4);
            run(bytes, n * k / 4, n);
        }
        for (size_t k = 0; k < CHANGES && k < n; k++) {
            size_t at = n > CHANGES ? n / CHANGES * k + k : k;
            printf("%s, byte %zu changed\n", argv[i], at);
            run(bytes, n, at);
        }
        free(bytes);
    }
    return argc > 1 ? 0 : 2;
}
