#!/bin/sh
# Writes PgBouncer's configuration from the environment where none is mounted, then runs PgBouncer.
set -eu
conf=/etc/pgbouncer/pgbouncer.ini users=/etc/pgbouncer/userlist.txt

if [ ! -e "$users" ] && [ -n "${DB_USER:-}" ] && [ -n "${DB_PASSWORD:-}" ]; then
	printf '"%s" "%s"\n' "$DB_USER" "$DB_PASSWORD" >"$users"
fi
if [ ! -e "$conf" ]; then
	cat >"$conf" <<-END
		[databases]
		${DB_NAME:-*} = host=${DB_HOST:?set DB_HOST, or mount $conf} port=${DB_PORT:-5432} auth_user=${DB_USER:-postgres}
		[pgbouncer]
		listen_addr = ${LISTEN_ADDR:-0.0.0.0}
		listen_port = ${LISTEN_PORT:-5432}
		unix_socket_dir =
		user = postgres
		auth_file = $users
		auth_type = ${AUTH_TYPE:-md5}
		pool_mode = ${POOL_MODE:-session}
		max_client_conn = ${MAX_CLIENT_CONN:-100}
		default_pool_size = ${DEFAULT_POOL_SIZE:-20}
		ignore_startup_parameters = ${IGNORE_STARTUP_PARAMETERS:-extra_float_digits}
		admin_users = ${ADMIN_USERS:-postgres}
		stats_users = ${STATS_USERS:-}
	END
fi
exec "$@"
