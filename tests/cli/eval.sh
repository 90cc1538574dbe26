#!/usr/bin/env bash
# Protects: eval: tables of predictions, alone and against each other; what it refuses.
. "$(dirname "$0")/../tap.sh"
cd "$work" || exit 1

cat >a.csv <<'X'
id,label,patient_id,score_neg,score_pos,site
1,neg,p1,0.9,0.1,x
2,pos,p1,0.4,0.6,x
3,pos,p2,0.7,0.3,"y, z"
4,neg,p3,0.5,0.5,x
5,pos,,0.1,0.9,x
X
printf '\xef\xbb\xbfscore_pos,id,score_neg,label\r\n0.5,2,0.5,pos\r\n0.2,1,0.8,neg\r\n0.3,3,0.7,pos\r\n0.1,5,0.9,pos\r\n0.5,4,0.5,neg\r\n' >b.csv
printf 'id,label,score_neg,score_pos\n1,pos,0.9,0.1\n2,pos,0.4,0.6\n' >one_side.csv

value() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"; }

check "prints one JSON document" eval '"$medprobe" eval --predictions a.csv --against b.csv --json >out 2>err && [ ! -s err ] &&
  [ "$(value out "list(d)")" = "['"'predictions', 'probe', 'store', 'n', 'n_patients', 'positive_class', 'left_out', 'metrics', 'reasons', 'intervals', 'comparisons'"']" ]'
check "says what was scored" eval '[ "$(value out "d[\"predictions\"], d[\"store\"], d[\"n\"], d[\"n_patients\"], d[\"positive_class\"]")" = "('"'a.csv', None, 5, 4, 'pos'"')" ]
  "$medprobe" eval --predictions a.csv | head -n 1 | grep -qxF "a.csv: 5 pictures of 4 patients; positive class: pos" &&
  "$medprobe" eval --predictions b.csv | head -n 1 | grep -qF "patients not known"'
printf "id,label,score_neg,score_pos\n1,pos,0.1,0.9\n2,pos,0.2,0.8\n3,neg,0.9,0.1\n4,neg,0.8,0.2\n" >apart.csv
check "an interval of no width is remarked" eval '"$medprobe" eval --predictions apart.csv --json >out &&
  [ "$(value out "[(i[\"ci_low\"], \"nothing of other patients\" in i[\"remark\"]) for i in d[\"intervals\"] if i[\"method\"] == \"delong\"]")" = "[(1.0, True)]" ] &&
  "$medprobe" eval --predictions apart.csv | grep -q "^\* every picture of the class stands alike"
  "$medprobe" eval --predictions a.csv --json >out && [ "$(value out "any(\"remark\" in i for i in d[\"intervals\"])")" = False ]'
# Fault that was there: accuracy of several pictures a patient had intervals as of independent ones without a word.
check "several pictures of a patient are remarked beside accuracy, where that was asked for" eval '
  "$medprobe" eval --predictions a.csv | has "with 5 pictures of 4 patients they are too narrow" /dev/stdin &&
  ! "$medprobe" eval --predictions a.csv --metrics auc | grep -q "too narrow" && ! "$medprobe" eval --predictions b.csv | grep -q "too narrow"'
check "values that can be seen by eye" eval '[ "$(value out "d[\"metrics\"][\"accuracy\"], d[\"metrics\"][\"auc:pos\"] * 6")" = "(0.8, 5.0)" ]'
check "intervals are given whatever --metrics says" eval '"$medprobe" eval --predictions a.csv --metrics brier --json >out &&
  [ "$(value out "list(d[\"metrics\"]), [i[\"method\"] for i in d[\"intervals\"]]")" = \
    "(['"'brier'], ['wilson', 'clopper-pearson', 'delong', 'delong-clustered'"'])" ]'
check "pairs by id, whatever the order of rows and columns" eval '"$medprobe" eval --predictions a.csv --against b.csv --json >out &&
  [ "$(value out "[(c[\"test\"], round(c[\"difference\"], 9)) for c in d[\"comparisons\"]]")" = \
    "[('"'mcnemar-exact', 0.4), ('delong', 0.416666667), ('delong-clustered', 0.416666667)"']" ]'
check "against itself there is no difference" eval '"$medprobe" eval --predictions a.csv --against a.csv --against b.csv --json >out &&
  [ "$(value out "{(c[\"difference\"], c[\"p\"]) for c in d[\"comparisons\"] if c[\"against\"] == \"a.csv\"}")" = "{(0.0, 1.0)}" ]'
check "p_adjusted is Holm over the tables" eval '
  [ "$(value out "[c[\"p_adjusted\"] for c in d[\"comparisons\"] if c[\"test\"] == \"mcnemar-exact\"]")" = "[1.0, 1.0]" ]'
check "undefined is null with a sentence, and exit 0" eval '"$medprobe" eval --predictions one_side.csv --json >out &&
  [ "$(value out "d[\"metrics\"][\"auc:pos\"], \"pos\" in d[\"reasons\"][\"auc:pos\"], d[\"metrics\"][\"auprc:pos\"]")" = "(None, True, 1.0)" ] &&
  [ "$(value out "[i for i in d[\"intervals\"] if i[\"method\"] == \"delong\"][0][\"ci_low\"]")" = None ]'
check "the table for readers" eval '"$medprobe" eval --predictions a.csv | grep -q "^accuracy  *0.8000$"'
check "a name without a class asks for all" eval '"$medprobe" eval --predictions a.csv --metrics auc,pauc@fpr=0.2 --json >out &&
  [ "$(value out "list(d[\"metrics\"])")" = "['"'auc:pos', 'pauc@fpr=0.20:pos'"']" ]'

wrong() { # wrong STATUS "text" "content of the table"
  printf "$3" >bad.csv
  check "refused: $2" refuses "$1" "bad.csv: $2" "$medprobe" eval --predictions bad.csv --json
}
wrong 1 "line 3, column 'label': no column score_maybe for label 'maybe'" 'id,label,score_a,score_b\n1,a,0,1\n2,maybe,0,1\n'
wrong 1 "line 2, column 'score_b': no score" 'id,label,score_a,score_b\n1,a,0,\n'
wrong 1 "line 2, column 'score_b': '1x' is no number" 'id,label,score_a,score_b\n1,a,0,1x\n'
wrong 1 "line 2, column 'score_a': '0,5' is no number" 'id,label,score_a,score_b\n1,a,"0,5",0.5\n'
wrong 1 "line 2, column 'score_a': 'nan' is no number" 'id,label,score_a,score_b\n1,a,nan,0.5\n'
wrong 1 "line 2" 'id,label,score_a,score_b\n1,a,0.5,0.\0005\n'
wrong 1 "line 3, column 'id': id '1' was in line 2 already" 'id,label,score_a,score_b\n1,a,0,1\n1,a,0,1\n'
wrong 1 "line 2, column 'id': no id" 'id,label,score_a,score_b\n,a,0,1\n'
wrong 1 "line 2, column 'label': no label" 'id,label,score_a,score_b\n1,,0,1\n'
wrong 1 "no rows" 'id,label,score_a,score_b\n'
wrong 1 "has 1 score columns" 'id,label,score_a\n1,a,0\n'
wrong 1 "column 'score_' names no class" 'id,label,score_,score_a\n1,a,0,1\n'

head -n 4 a.csv >few.csv
check "a missing id is an error" refuses 1 "few.csv: no row with id '4', which a.csv has" "$medprobe" eval --predictions a.csv --against few.csv --json
check "in either direction" refuses 1 "few.csv: no row with id '4', which a.csv has" "$medprobe" eval --predictions few.csv --against a.csv --json
sed 's/^4,neg/4,pos/' a.csv >other.csv
check "labels must agree" refuses 1 "other.csv: id '4' has label 'pos', in a.csv 'neg'" "$medprobe" eval --predictions a.csv --against other.csv
check "an unknown metric gets the nearest" refuses 2 "no metric 'acuracy' (did you mean 'accuracy'?)" "$medprobe" eval --predictions a.csv --metrics acuracy
check "an unknown class gets the nearest" refuses 2 "no class 'pas' (did you mean 'pos'?)" "$medprobe" eval --predictions a.csv --metrics auc:pas
check "of two classes the second is positive" refuses 2 "it is given for the second, 'pos'" "$medprobe" eval --predictions a.csv --metrics auc:neg
check "nothing to score is wrong use" refuses 2 "expected --predictions FILE or --probes FILE" "$medprobe" eval
check "no file" refuses 1 "nowhere.csv" "$medprobe" eval --predictions nowhere.csv --json
check "a named pipe is refused" eval 'mkfifo pipe && refuses 1 "pipe: is a named pipe" timeout 10 "$medprobe" eval --predictions pipe'
done_testing
