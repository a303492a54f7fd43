#!/bin/sh
# Stands before Patroni on the PATH of the image. A kubelet that applies fsGroup at each mount makes the data directory writable for its group, and PostgreSQL
# refuses such a directory. Only its owner can do something about that.
for directory in /var/lib/postgresql /var/lib/postgresql/* /var/lib/postgresql/*/*; do
    if [ -f "$directory/PG_VERSION" ] && [ -d "$directory/global" ]; then
        chmod 0700 "$directory"
    fi
done
# After a deletion by force the next pod may start on the same volume before the processes of the former one have ended, and PostgreSQL does not see the
# processes of other containers. Whoever holds this lock runs; the others wait, and their startup probe limits the time.
if [ -d /var/lib/postgresql/data ]; then
    exec 9>/var/lib/postgresql/data/.patroni.lock
    flock --nonblock 9 || { echo "Another container uses this volume. Waiting until it has ended." >&2; flock 9; }
fi
# Patroni keeps a copy of its dynamic configuration among the data, and a rewind replaces it with that of the region that it came from: the primary one. If
# Patroni's ConfigMaps are gone, a member of a standby region must not take that for its own.
if grep -qs '"standby_cluster"' /etc/patroni/patroni.yaml; then
    rm -f /var/lib/postgresql/data/*/patroni.dynamic.json
fi
# Patroni and PostgreSQL read certificates at the start, and again when they are told to. Kubernetes changes the files some time after the Secret; nobody outside
# can tell a member whose certificates no longer match anybody's.
certificates=/etc/postgres-tls
if [ -d "$certificates" ]; then
    (
        exec 9>&-
        known=$(cat "$certificates"/* | cksum)
        while sleep 5; do
            now=$(cat "$certificates"/* | cksum)
            [ "$now" = "$known" ] || kill -HUP $$
            known=$now
        done
    ) &
fi
if [ -d /var/lib/postgresql/data ] && [ -n "${KUBERNETES_SERVICE_HOST:-}" ]; then
    shortener-volume 9>&- &
fi
# A member of a group of regions that has been guarded once starts without the right to write, and the guard gives it to it (guard.py). The guard
# starts its own process again when that has ended, and is started again here.
rm -f /run/postgresql/.topology-none
if [ -f /var/lib/postgresql/data/.topology ]; then
    shortener-guard prepare || exit 1
fi
if [ -d /var/lib/postgresql/data ] && [ -n "${KUBERNETES_SERVICE_HOST:-}" ]; then
    (
        exec 9>&-
        while :; do
            shortener-guard
            sleep 0.2
        done
    ) &
fi
# A former primary region that comes back must not lead before its operator has made it follow the other one.
if [ -f /var/lib/postgresql/data/.topology ] && [ -n "${KUBERNETES_SERVICE_HOST:-}" ]; then
    shortener-guard gate 9>&- || exit 1
fi
# Patroni takes its variables out of the environment of what it starts (promote.py).
export MEMBER_NAME="${PATRONI_NAME:-}" MEMBER_ADDRESS="${PATRONI_RESTAPI_CONNECT_ADDRESS:-}"
exec /opt/patroni/bin/patroni "$@"
