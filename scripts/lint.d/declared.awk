# awk -f strip.awk -f declared.awk -v type=mdp_codec HEADER...: the names that headers declare as `extern const struct type` or
# as functions of `type`, one a line. A declaration may go over lines; pointers and arrays are none.
/^ *(#.*)?$/ { declaration = ""; next }
{
  declaration = declaration " " strip($0)
  if (declaration !~ /;/) next
  if (sub("^ *(extern const struct )?" type " ", "", declaration)) {
    gsub(/[ ;]/, "", declaration)
    n = split(declaration, name, ",")
    for (i = 1; i <= n; i++)
      if (name[i] ~ /^mdp_[a-z0-9_]+$/) print name[i]
  }
  declaration = ""
}
