#!/bin/sh
# Runs RabbitMQ; it reads RABBITMQ_DEFAULT_USER and _PASS itself.
set -eu
export HOME=/var/lib/rabbitmq
if [ "${1:-}" = rabbitmq-server ] && [ "$(id -u)" = 0 ]; then
	chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
	exec gosu rabbitmq "$0" "$@"
fi
exec "$@"
