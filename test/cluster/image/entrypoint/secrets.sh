# setting NAME [DEFAULT] sets and exports NAME from the file that NAME_FILE names, where that is set.
setting() {
	eval "value=\${$1:-} file=\${${1}_FILE:-}"
	[ -z "$file" ] || value=$(cat "$file")
	eval "export $1=\${value:-\${2:-}}"
	unset "${1}_FILE"
}

# scripts COMMAND... runs what is in /docker-entrypoint-initdb.d: shell scripts, and SQL through COMMAND.
scripts() {
	for f in /docker-entrypoint-initdb.d/*; do
		case "$f" in
		*.sh) . "$f" ;;
		*.sql) "$@" <"$f" ;;
		*.sql.gz) gunzip -c "$f" | "$@" ;;
		esac
	done
}
