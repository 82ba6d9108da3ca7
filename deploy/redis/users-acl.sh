#!/bin/sh
# Prints users.acl with the SHA-256 of the passwords that the environment holds in the place of their
# names, as Redis wants them (it takes no variables, and a file of passwords in the clear is one too many):
#
#   TENANTGATE_REDIS_PASSWORD=... READER_REDIS_PASSWORD=... sh users-acl.sh > /run/redis/users.acl
#   redis-server --aclfile /run/redis/users.acl
#
# `tenantgate` reads and writes perm: keys; TIME and INFO are what `tenantgate doctor` asks for. With a
# database number in REDIS_URL it needs +select. `reader` is for services that look permissions up.
set -eu
acl=$(cat "$(dirname "$0")/users.acl")
for name in TENANTGATE_REDIS_PASSWORD READER_REDIS_PASSWORD; do
  password=$(printenv "$name") || { echo "$name is not set" >&2; exit 1; }
  [ "${#password}" -ge 16 ] || { echo "$name has fewer than 16 characters" >&2; exit 1; }
  hash=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
  [ "${#hash}" -eq 64 ] || { echo "no SHA-256: is sha256sum there?" >&2; exit 1; }
  acl=$(printf '%s\n' "$acl" | sed "s/#$name/#$hash/")
done
printf '%s\n' "$acl"
