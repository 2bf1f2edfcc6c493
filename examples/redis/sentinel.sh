#!/bin/sh
# One Sentinel. It asks the primary for its replicas when it starts, and then every ten seconds: so it waits for them first.
set -eu
mkdir -p "$DATA"
conf="$DATA/sentinel.conf"
if [ ! -e "$conf" ]; then
    until redis-cli -h "${STORE%:*}" -p "${STORE##*:}" info replication | grep -q connected_slaves:2; do
        sleep 0.1
    done
    {
        echo "bind ${LISTEN%:*}"
        echo "port ${LISTEN##*:}"
        echo "dir $DATA"
        echo "protected-mode no"
        echo "sentinel resolve-hostnames yes"
        echo "sentinel announce-hostnames yes"
        echo "sentinel announce-ip ${DOOR%:*}"
        echo "sentinel announce-port ${DOOR##*:}"
        echo "sentinel monitor main ${DOOR_REDIS_ALPHA%:*} ${DOOR_REDIS_ALPHA##*:} 2"
        echo "sentinel down-after-milliseconds main $DOWN_AFTER_MS"
        echo "sentinel failover-timeout main 6000"
    } > "$conf"
fi
exec redis-sentinel "$conf"
