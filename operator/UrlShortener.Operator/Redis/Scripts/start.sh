# Starts the node. Written by the operator; REDIS_* and POD_* come from the pod.
set -eu
. "$REDIS_CONFIG/common.sh"
[ -n "$REDISCLI_AUTH" ] || {
    echo "The Secret has no password of letters, digits, - and _ in auth.conf. Waiting for the operator, which writes it again."
    exit 1
}

# Whether another node of the cluster knows that this one owns no slots any more.
is_replaced() {
    [ -n "$id" ] || return 1
    for peer in $peers; do
        nodes=$(ask "$peer" cluster nodes)
        case $nodes in *myself*) ;; *) continue ;; esac
        # The ninth field is the first range of slots.
        set -- $(echo "$nodes" | grep "^$id ")
        [ $# -ge 9 ] || return 0
    done
    return 1
}

# Replicas connect to an address, whichever node is there, and copy its data. A master that is back within seconds without its data would empty them. It does not
# listen until a replica has taken over, and then starts as a new node, which the operator makes a replica.
if ! ls "$REDIS_DATA"/appendonlydir/*.manifest >/dev/null 2>&1 && { [ -s "$REDIS_DATA/nodes.conf" ] || [ -e "$REDIS_RUN/started" ]; }; then
    echo "The append-only file is gone. Waiting until a replica has taken over, then starting as a new node."
    touch "$REDIS_DATA/nodes.conf"
    id=$(sed -n 's/^\([0-9a-f]*\) .*myself.*/\1/p' "$REDIS_DATA/nodes.conf")
    peers=$(grep -v myself "$REDIS_DATA/nodes.conf" | sed -n 's/^[0-9a-f]* \([^ ]*\):[0-9]*@.*/\1/p')
    # Longer than an election of the nodes takes, shorter than the liveness probe waits.
    left=$(($(sed -n 's/^cluster-node-timeout //p' "$REDIS_CONFIG/redis.conf") * 8 / 1000 + 10))
    [ "$left" -le 40 ] || left=40
    while [ "$left" -gt 0 ] && ! is_replaced; do
        sleep 0.5
        left=$((left - 1))
    done
    mv -f "$REDIS_DATA/nodes.conf" "$REDIS_DATA/nodes.conf.lost"
fi
touch "$REDIS_RUN/started"
rm -f "$REDIS_RUN/told"
keep

exec redis-server "$REDIS_CONFIG/redis.conf" \
    --include "$ACCEPTED" \
    --dir "$REDIS_DATA" \
    --bind "$POD_IP" \
    --cluster-announce-ip "$POD_IP" \
    --cluster-announce-hostname "$POD_NAME.$REDIS_HOST" \
    --replica-announce-ip "$POD_IP" \
    --tls-cert-file "$REDIS_TLS/tls.crt" \
    --tls-key-file "$REDIS_TLS/tls.key" \
    --tls-ca-cert-file "$REDIS_TLS/ca-bundle.crt"
