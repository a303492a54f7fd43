# The node is ready if the cluster works in its eyes, and if it has a link to its master in case it is a replica.
. "$REDIS_CONFIG/common.sh"
# Tells the operator, by a user that cannot log in, which password this pod has in its file: the former one may end when all have the new one.
digest=$(printf '%s' "$REDISCLI_AUTH" | sha256sum | cut -d ' ' -f 1)
tell() {
    [ "$(ask "$POD_IP" acl setuser mounted reset "#$digest")" = OK ]
}
# If the passwords of a Secret are lost, the operator makes a new one, and only the pod can still log in to its node: the node accepts the new one too.
admit() (
    REDISCLI_AUTH=$(accepted)
    [ -n "$REDISCLI_AUTH" ] && ask "$POD_IP" acl setuser default "#$digest" >/dev/null
)
if [ "$digest" != "$(cat "$REDIS_RUN/told" 2>/dev/null)" ]; then
    if tell || { admit && tell; }; then
        keep
        echo "$digest" >"$REDIS_RUN/told"
    fi
fi
ask "$POD_IP" cluster info | grep -q '^cluster_state:ok' || exit 1
! ask "$POD_IP" info replication | grep -q '^master_link_status:down'
