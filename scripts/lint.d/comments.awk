# awk -f strip.awk -f comments.awk HEADER...: functions of headers that nothing is said about. A comment speaks for the
# declarations below it until an empty line; one behind a declaration speaks for that one. Comments of public headers
# (include/) also say when the function fails.
function fault(what) { printf "%s: line %d: %s() %s\n", FILENAME, at, name, what }

# Arrays of numbers: const T *, or T x[]. (`T *x` may be one value.)
function is_array(declaration) {
  return declaration ~ /const (float|double|u?int(8|16|32|64)_t|size_t) \*/ ||
    declaration ~ /(float|double|u?int(8|16|32|64)_t|size_t) [a-z_0-9]+\[\]/
}

function judge(declaration, said) {
  if (declaration !~ /^(const |struct |enum )*[a-z_0-9]+ [*]*mdp_[a-z_0-9]+\(/ || declaration ~ /^typedef/) return
  name = declaration
  sub(/\(.*/, "", name)
  sub(/.*[ *]/, "", name)
  if (said == "") fault("has no comment")
  else if (is_array(declaration) && said !~ /\[/) fault("takes or gives an array, its comment has no shape in brackets")
  else if (FILENAME ~ /(^|\/)include\// && declaration ~ /^mdp_status / && said !~ /[Ee]rror|[Rr]efuse|fail|MDP_(ERR|OK)/)
    fault("can fail, its comment does not say when")
}

FNR == 1 { above = behind = declaration = ""; depth = 0; joined = 0 }
{
  code = strip($0)
  sub(/^[ \t]+/, "", code)
  if (code ~ /^#/ || macro) { macro = code ~ /\\$/; next }
  if (code == "" && declaration == "" && depth == 0) {
    if (!commented) { above = ""; joined = 0 }        # an empty line ends a group
    else { above = (joined ? above : "") comment; joined = 1 } # lines of one comment
    next
  }
  joined = 0
  if (code ~ /^extern "" \{$/) next
  if (declaration == "") { at = FNR; behind = "" }
  declaration = declaration (declaration == "" ? "" : " ") code
  behind = behind comment
  depth += gsub(/\{/, "{", code) - gsub(/\}/, "}", code)
  if (depth < 0) { depth = 0; declaration = "" } # the end of extern "C"
  if (depth == 0 && code ~ /[;}]$/) {
    judge(declaration, above behind)
    declaration = ""
  }
}
