/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/list.h"

#include <stdlib.h>

void mdp_list_release(struct mdp_list *list)
{
    free(list->at);
    *list = (struct mdp_list){0};
}
