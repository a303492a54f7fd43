# The password does not appear in the arguments of a process.
REDISCLI_AUTH=$(sed -n 's/^requirepass //p' "$REDIS_AUTH/auth.conf")
export REDISCLI_AUTH
ask() {
    host=$1
    shift
    timeout 2 redis-cli -h "$host" -p 6379 --tls --cacert "$REDIS_TLS/ca-bundle.crt" --no-auth-warning "$@" 2>&1 | tr -d '\r'
}
