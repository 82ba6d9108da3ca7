#!/bin/sh
# Writes .env beside docker-compose.yml: a secret of its own for everyone who needs one. There are no
# default passwords. It never overwrites: to rotate, edit a line, and see docs/deployment.md.
set -eu
umask 077
file="${1:-$(dirname "$0")/../../.env}"
if [ -e "$file" ]; then
  echo "$file is there already" >&2
  exit 1
fi
# A letter first, and nothing that a URL or a configuration file would read as something else.
secret() { printf 'k%s' "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"; }
unfinished="$file.$$"
trap 'rm -f "$unfinished"' EXIT
for name in \
  POSTGRES_PASSWORD \
  BETTER_AUTH_POSTGRES_PASSWORD TENANTGATE_POSTGRES_PASSWORD \
  TENANTGATE_REDIS_PASSWORD READER_REDIS_PASSWORD \
  TENANTGATE_NATS_PASSWORD BETTER_AUTH_NATS_PASSWORD ADMINISTRATOR_NATS_PASSWORD \
  BETTER_AUTH_SECRET \
  TENANTGATE_CACHE_KEY TENANTGATE_ASSERTION_SECRET; do
  value=$(secret)
  # A shell goes on after a command that failed within a pipe.
  [ "${#value}" -eq 65 ] || { echo "no random bytes: is od there?" >&2; exit 1; }
  echo "$name=$value"
done > "$unfinished"
mv "$unfinished" "$file"
echo "written: $file"
