# The password does not appear in the arguments of a process.
REDISCLI_AUTH=$(sed -n 's/^requirepass //p' "$REDIS_AUTH/auth.conf" 2>/dev/null || true)
# The last password of the Secret that the node accepted. Without it, nobody could log in after somebody has edited the Secret: the node has the former one.
ACCEPTED="$REDIS_RUN/auth.conf"
accepted() {
    sed -n 's/^requirepass //p' "$ACCEPTED" 2>/dev/null || true
}
# Keeps the password for the next start and for the time when the file has another one.
keep() {
    (umask 077 && printf 'requirepass %s\nmasterauth %s\n' "$REDISCLI_AUTH" "$REDISCLI_AUTH" >"$ACCEPTED.new") && mv -f "$ACCEPTED.new" "$ACCEPTED"
}
# The operator puts no such password into the Secret, and repairs it.
case $REDISCLI_AUTH in "" | *[!A-Za-z0-9_-]*) REDISCLI_AUTH=$(accepted) ;; esac
export REDISCLI_AUTH
ask() {
    host=$1
    shift
    timeout 2 redis-cli -h "$host" -p 6379 --tls --cacert "$REDIS_TLS/ca-bundle.crt" --no-auth-warning "$@" 2>&1 | tr -d '\r'
}
