# The node is ready if the cluster works in its eyes, and if it has a link to its master in case it is a replica.
. "$REDIS_CONFIG/common.sh"
# Tells the operator, by a user that cannot log in, which password this pod has in its file: the former one may end when all have the new one.
digest=$(printf '%s' "$REDISCLI_AUTH" | sha256sum | cut -d ' ' -f 1)
if [ "$digest" != "$(cat "$REDIS_RUN/told" 2>/dev/null)" ] && [ "$(ask "$POD_IP" acl setuser mounted reset "#$digest")" = OK ]; then
    echo "$digest" >"$REDIS_RUN/told"
fi
ask "$POD_IP" cluster info | grep -q '^cluster_state:ok' || exit 1
! ask "$POD_IP" info replication | grep -q '^master_link_status:down'
