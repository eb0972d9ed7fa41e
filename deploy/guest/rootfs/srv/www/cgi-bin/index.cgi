#!/bin/sh
# Busybox httpd serves this for "/".
read -r up _ </proc/uptime
printf 'Content-Type: text/html\r\n\r\n<!doctype html><title>%s</title><h1>%s</h1><p>Troupe demo guest, up %s s.</p><p><a href="/cgi-bin/status">status</a></p>\n' "$(hostname)" "$(hostname)" "$up"
