/* SPDX-License-Identifier: BSD-3-Clause */
/* Folds inside a support set: grouped by patient, every class in every fold.

   With F = min(5, the smallest number of patients of a class), patient j (from 0, in the order drawn) of each
   class goes to fold j mod F. A patient belongs to the class of its first picture. Every class then has a
   patient in every fold, so that no training part lacks a class, unless a draw of another program put
   patients of several classes into the support. */
#ifndef MDP_PROBE_FOLDS_H
#define MDP_PROBE_FOLDS_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

enum { MDP_MOST_FOLDS = 5 };

/* fold[n] of rows with labels[n] in [0, k) and patients patient[n]; equal numbers are the same patient.
 *n_folds is 0 when a class has one patient only: there is nothing to hold out. */
mdp_status mdp_folds(const int32_t labels[], const uint32_t patient[], size_t n, size_t k, size_t fold[],
                     size_t *n_folds, struct mdp_error *err);

#endif
