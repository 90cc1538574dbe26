/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a JPEG. Seeds: tests/fuzz/seed_pictures DIR. */
#include "picture_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        run_picture(bytes, n);
    return 0;
}
