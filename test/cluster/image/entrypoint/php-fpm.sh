#!/bin/sh
# Debian's php-fpm, with the official image's configuration folder and in the foreground.
exec php-fpm8.2 --nodaemonize --fpm-config /usr/local/etc/php-fpm.conf "$@"
