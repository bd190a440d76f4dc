#!/bin/sh
# Makes the database cluster in PGDATA where there is none, then runs PostgreSQL.
set -eu
. /secrets.sh

case "${1:-}" in -*) set -- postgres "$@" ;; esac
[ "${1:-}" = postgres ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
	mkdir -p "$PGDATA"
	chown -R postgres:postgres "$PGDATA" /var/run/postgresql
	exec gosu postgres "$0" "$@"
fi
mkdir -p "$PGDATA"
chmod 700 "$PGDATA" 2>/dev/null || true

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	setting POSTGRES_PASSWORD
	setting POSTGRES_USER postgres
	setting POSTGRES_DB "$POSTGRES_USER"
	setting POSTGRES_INITDB_ARGS
	method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
	if [ -z "$POSTGRES_PASSWORD" ] && [ "$method" != trust ]; then
		echo >&2 "Error: the database is not initialized and POSTGRES_PASSWORD is not set."
		exit 1
	fi
	# shellcheck disable=SC2086
	printf '%s\n' "${POSTGRES_PASSWORD:-none}" | initdb --username="$POSTGRES_USER" --pwfile=/dev/stdin --encoding=UTF8 --locale=C $POSTGRES_INITDB_ARGS
	echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
	echo "host all all all $method" >>"$PGDATA/pg_hba.conf"
	export PGUSER="$POSTGRES_USER" PGDATABASE=postgres
	pg_ctl -o "-c listen_addresses=" -w start
	[ "$POSTGRES_DB" = postgres ] || createdb --no-password "$POSTGRES_DB"
	PGDATABASE=$POSTGRES_DB
	scripts psql -v ON_ERROR_STOP=1 --no-password
	pg_ctl -m fast -w stop
	unset PGUSER PGDATABASE
fi
exec "$@"
