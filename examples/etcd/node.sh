#!/bin/sh
# One member of the cluster. Its peers know it by its door (local processes) or its name (containers).
set -eu
exec etcd --name "$NAME" --data-dir "$DATA" \
    --listen-client-urls "http://$CLIENTS" --advertise-client-urls "http://$CLIENTS" \
    --listen-peer-urls "http://$PEERS" --initial-advertise-peer-urls "http://$DOOR" \
    --initial-cluster "$(for member in alpha bravo charlie; do
        if [ "etcd-$member" = "$NAME" ]; then door=$DOOR
        else eval "door=\$DOOR_ETCD_$(echo $member | tr a-z A-Z)"; fi
        printf '%setcd-%s=http://%s' "${comma:-}" "$member" "$door"
        comma=,
    done)" \
    --heartbeat-interval "$HEARTBEAT_MS" --election-timeout "$ELECTION_MS" \
    --logger zap --log-outputs stdout
