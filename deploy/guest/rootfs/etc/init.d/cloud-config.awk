# Reads the part of #cloud-config that the demo guest knows and writes to the folder `out`:
# hostname, passwords (user:password lines), keys, runcmd (a shell script) and ignored (unknown keys).
function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t\r]+$/, "", s); return s }
function scalar(s, q) {
  s = trim(s); q = substr(s, 1, 1)
  if (q == "\"" || q == "'") {
    s = substr(s, 2, length(s) - 2)
    if (q == "\"") { gsub(/\\"/, "\"", s); gsub(/\\n/, "\n", s); gsub(/\\\\/, "\\", s) } else gsub(/''/, "'", s)
    return s
  }
  sub(/[ \t]+#.*$/, "", s)
  return s
}
function quote(s) { gsub(/'/, "'\\''", s); return "'" s "'" }
# [a, "b c", 'd'] -> shell words; commas inside quotes stay
function words(s, i, c, q, item, line) {
  s = substr(trim(s), 2); line = ""; item = ""; q = ""
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1)
    if (q != "") { item = item c; if (c == "\\" && q == "\"") item = item substr(s, ++i, 1); else if (c == q) q = "" }
    else if (c == "\"" || c == "'") { q = c; item = item c }
    else if (c == "," || c == "]") { line = line " " quote(scalar(item)); item = ""; if (c == "]") break }
    else item = item c
  }
  return substr(line, 2)
}
function command(s) {
  s = trim(s)
  if (s ~ /^\[/) print words(s) >(out "/runcmd")
  else print scalar(s) >(out "/runcmd")
}
function entry(s) {
  if (section == "runcmd" || section == "bootcmd") command(s)
  else if (section == "ssh_authorized_keys") print scalar(s) >(out "/keys")
}
function indent(s) { match(s, /^ */); return RLENGTH }
BEGIN { print "#!/bin/sh" >(out "/runcmd"); printf "" >(out "/ignored") }
{ sub(/\r$/, "") }
block != "" { # inside "|": everything deeper than the line that opened it
  if ($0 ~ /^[ \t]*$/ || indent($0) > opened) {
    if (depth == 0) depth = indent($0)
    text = substr($0, depth + 1)
    if (block == "list") { if (text != "") print trim(text) >(out "/passwords") }
    else print text >(out "/runcmd")
    next
  }
  block = ""
}
/^[ \t]*(#|$)/ { next }
/^[A-Za-z_][A-Za-z0-9_-]*:/ {
  section = substr($0, 1, index($0, ":") - 1); value = trim(substr($0, index($0, ":") + 1))
  if (section == "hostname" || (section == "fqdn" && !named)) {
    named = 1; name = scalar(value); sub(/\..*/, "", name); print name >(out "/hostname"); close(out "/hostname")
  } else if (section == "password") print "demo:" scalar(value) >(out "/passwords")
  else if (section == "chpasswd" || section == "runcmd" || section == "bootcmd" || section == "ssh_authorized_keys") {
    if (section != "chpasswd" && value ~ /^\[/) print section " as a flow list" >(out "/ignored")
  } else if (section !~ /^(ssh_pwauth|disable_root|manage_etc_hosts|preserve_hostname)$/) print section >(out "/ignored")
  next
}
section == "chpasswd" && /^[ \t]+list:/ {
  if ($0 ~ /\|/) { block = "list"; opened = indent($0); depth = 0 }
  next
}
section == "chpasswd" && /^[ \t]*- *[^ :]+:[^ ]/ { sub(/^[ \t]*- */, ""); print scalar($0) >(out "/passwords"); next }
/^[ \t]*- *[|][-+]?[ \t]*$/ { if (section == "runcmd" || section == "bootcmd") { block = "run"; opened = indent($0); depth = 0 } next }
# A block list inside a list entry ("- - ls" then "  - -l") is one command.
/^[ \t]*- *- / && section ~ /^(runcmd|bootcmd)$/ { flush_words(); sub(/^[ \t]*- */, ""); pending = quote(scalar(substr(trim($0), 3))); next }
pending != "" && /^[ \t]+- / { pending = pending " " quote(scalar(substr(trim($0), 3))); next }
/^[ \t]*- / { flush_words(); sub(/^[ \t]*- */, ""); entry($0); next }
function flush_words() { if (pending != "") print pending >(out "/runcmd"); pending = "" }
END { flush_words() }
