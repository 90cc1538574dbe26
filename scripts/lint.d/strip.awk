# Takes comments and string literals out of C, line by line. strip(line) gives the code that is left; comment is what was
# said, commented whether the line began, ended or lay in a comment.
function strip(line,    code, at) {
  comment = ""
  commented = in_comment
  while (line != "") {
    if (in_comment) {
      at = index(line, "*/")
      comment = comment " " (at ? substr(line, 1, at - 1) : line)
      line = at ? substr(line, at + 2) : ""
      in_comment = !at
    } else if (match(line, /\/\*|"([^"\\]|\\.)*"|'([^'\\]|\\.)+'/)) {
      code = code substr(line, 1, RSTART - 1)
      if (substr(line, RSTART, 2) == "/*") in_comment = commented = 1
      else code = code (substr(line, RSTART, 1) == "\"" ? "\"\"" : "0")
      line = substr(line, RSTART + RLENGTH)
    } else {
      code = code line
      line = ""
    }
  }
  sub(/[ \t]+$/, "", code)
  return code
}
FNR == 1 { in_comment = 0 }
