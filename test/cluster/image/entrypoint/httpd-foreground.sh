#!/bin/sh
# Runs Apache in the foreground.
set -e
rm -f /usr/local/apache2/logs/httpd.pid
exec /usr/local/apache2/bin/httpd -d /usr/local/apache2 -f conf/httpd.conf -DFOREGROUND "$@"
