/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines of a run's `provenance` that the report reads: cmd/run_provenance.c and eval/evaluate.c write them, everybody
   else finds them by these names. docs/FORMATS.md says what they hold. */
#ifndef MDP_EVAL_PROVENANCE_KEYS_H
#define MDP_EVAL_PROVENANCE_KEYS_H

/* Of the run. */
#define MDP_FACT_KEY_PROTOCOL "protocol"
#define MDP_FACT_KEY_PROMPT_SET "prompt_set"
#define MDP_FACT_KEY_SHOTS "shots"
#define MDP_FACT_KEY_SUPPORT_PATIENTS "support_patients" /* empty: not looked at */
#define MDP_FACT_KEY_SUPPORT_FEWEST "support_pictures_fewest"
#define MDP_FACT_KEY_FAILURES "left_out.failures"
#define MDP_FACT_KEY_UNLABELLED "left_out.unlabelled"
#define MDP_FACT_KEY_METHODS "methods." /* a method's name follows */
#define MDP_FACT_KEY_C_RULE "c_rule"
#define MDP_FACT_KEY_C_RULE_TEXT "c_rule_text"
#define MDP_FACT_KEY_NOTES "notes"

/* Of its evaluation. */
#define MDP_FACT_KEY_TEST_ROWS "test_rows" /* where episodes are not all scored on the same rows */
#define MDP_FACT_KEY_RAREST_CLASS "rarest.class"
#define MDP_FACT_KEY_RAREST_PATIENTS "rarest.patients"
#define MDP_FACT_KEY_LEVEL "intervals.level"
#define MDP_FACT_KEY_RESAMPLES "intervals.resamples"
#define MDP_FACT_KEY_RESAMPLES_SEED "intervals.seed"
#define MDP_FACT_KEY_BASELINE "intervals.baseline"

#endif
