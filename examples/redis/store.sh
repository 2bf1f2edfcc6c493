#!/bin/sh
# One Redis server. What Sentinel changes at run time is kept in its configuration file, so a restart remembers it.
set -eu
mkdir -p "$DATA"
conf="$DATA/redis.conf"
if [ ! -e "$conf" ]; then
    {
        echo "bind ${LISTEN%:*}"
        echo "port ${LISTEN##*:}"
        echo "dir $DATA"
        echo 'save ""'
        echo "protected-mode no"
        echo "repl-diskless-sync-delay 0"
        echo "replica-announce-ip ${DOOR%:*}"
        echo "replica-announce-port ${DOOR##*:}"
        echo "min-replicas-to-write $MIN_REPLICAS"
        echo "min-replicas-max-lag 2"
        if [ "$BEGINS_AS" = replica ]; then
            echo "replicaof ${DOOR_REDIS_ALPHA%:*} ${DOOR_REDIS_ALPHA##*:}"
        fi
    } > "$conf"
fi
exec redis-server "$conf"
