# Before the node stops, a replica takes over from it together with it, so that no write is lost and nobody waits for the node timeout.
. "$REDIS_CONFIG/common.sh"
nodes=$(ask "$POD_IP" cluster nodes)
self=$(echo "$nodes" | grep 'myself,master') || exit 0
# The ninth field is the first range of slots. A master without slots has nothing to hand over.
set -- $self
[ $# -ge 9 ] || exit 0
heirs=$(echo "$nodes" | grep " slave $1 " | grep ' connected' | sed 's/^[^ ]* \([^ ]*\):[0-9]*@.*/\1/')
for heir in $heirs; do
    ask "$heir" info replication | grep -q '^master_link_status:up' || continue
    ask "$heir" cluster failover
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
        ask "$POD_IP" info replication | grep -q '^role:slave' && exit 0
        sleep 0.2
    done
    exit 0
done
exit 0
