# awk -f strip.awk -f calls.awk FILE...: calls that overflow, keep state between threads, or start a shell.
BEGIN {
  banned = "(^|[^a-zA-Z_0-9>.])(gets|strcpy|strcat|strncpy|strncat|v?sprintf|strtok|ato[fil]|atoll|s?rand|random|" \
    "system|popen|tmpnam|tempnam|mktemp|alloca|gmtime|localtime|ctime|asctime|strerror) ?\\("
}
{
  code = strip($0)
  if (!match(code, banned)) next
  call = substr(code, RSTART, RLENGTH)
  gsub(/^[^a-z]+|[ (]+$/, "", call)
  print FILENAME ": line " FNR ": " call "() is not used here"
}
