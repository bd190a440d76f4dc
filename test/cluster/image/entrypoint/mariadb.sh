#!/bin/sh
# Makes the data folder where there is none, then runs MariaDB. Every MARIADB_X may be MYSQL_X too.
set -eu
. /secrets.sh

case "${1:-}" in -*) set -- mariadbd "$@" ;; mysqld) shift; set -- mariadbd "$@" ;; esac
[ "${1:-}" = mariadbd ] || exec "$@"
data=/var/lib/mysql socket=/run/mysqld/mysqld.sock
if [ "$(id -u)" = 0 ]; then
	chown -R mysql:mysql "$data" /run/mysqld
	exec gosu mysql "$0" "$@"
fi

quote() { printf "'%s'" "$(printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e "s/'/\\\\'/g")"; }

accounts() {
	root=$(quote "$MARIADB_ROOT_PASSWORD")
	echo "SET @@SESSION.SQL_LOG_BIN=0;"
	echo "DELETE FROM mysql.global_priv WHERE User = '' OR Host <> 'localhost';"
	echo "DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost';"
	echo "FLUSH PRIVILEGES;"
	echo "ALTER USER root@localhost IDENTIFIED BY $root;"
	[ "$MARIADB_ROOT_HOST" = localhost ] || {
		echo "CREATE USER root@$(quote "$MARIADB_ROOT_HOST") IDENTIFIED BY $root;"
		echo "GRANT ALL ON *.* TO root@$(quote "$MARIADB_ROOT_HOST") WITH GRANT OPTION;"
	}
	[ -z "$MARIADB_DATABASE" ] || echo "CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;"
	[ -z "$MARIADB_USER" ] || {
		echo "CREATE USER $(quote "$MARIADB_USER")@'%' IDENTIFIED BY $(quote "$MARIADB_PASSWORD");"
		[ -z "$MARIADB_DATABASE" ] || echo "GRANT ALL ON \`$MARIADB_DATABASE\`.* TO $(quote "$MARIADB_USER")@'%';"
	}
}

if [ ! -d "$data/mysql" ]; then
	for name in ROOT_PASSWORD USER PASSWORD DATABASE ROOT_HOST ALLOW_EMPTY_ROOT_PASSWORD; do
		setting "MYSQL_$name"
		eval "setting MARIADB_$name \"\$MYSQL_$name\""
	done
	: "${MARIADB_ROOT_HOST:=%}" "${MYSQL_ALLOW_EMPTY_PASSWORD:=$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD}"
	if [ -z "$MARIADB_ROOT_PASSWORD$MYSQL_ALLOW_EMPTY_PASSWORD" ]; then
		echo >&2 "Error: the database is not initialized and MARIADB_ROOT_PASSWORD is not set."
		exit 1
	fi
	mariadb-install-db --datadir="$data" --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve
	"$@" --skip-networking --socket="$socket" &
	server=$!
	until mariadb-admin --no-defaults --user=root --socket="$socket" ping >/dev/null 2>&1; do
		kill -0 "$server"
		sleep 0.2
	done
	accounts | mariadb --no-defaults --user=root --socket="$socket"
	export MYSQL_PWD="$MARIADB_ROOT_PASSWORD"
	scripts mariadb --no-defaults --user=root --socket="$socket" ${MARIADB_DATABASE:+"$MARIADB_DATABASE"}
	unset MYSQL_PWD
	kill "$server"
	wait "$server"
fi
exec "$@"
