#!/bin/sh
# Makes the topic of click events, the one for events that a reader could not use, and those of the results of Flink. A topic that exists stays as it is.
#
#   create-topics.sh BOOTSTRAP_SERVERS [TOPIC]
#
# Needs kafka-topics.sh of Kafka on the PATH, or in KAFKA_BIN. Variables, with their defaults:
#   COMMAND_CONFIG      file with the client's settings, for brokers with TLS or passwords
#   PARTITIONS=12       most readers that share the work
#   REPLICAS=3          brokers that have each event
#   IN_SYNC=2           of these, how many must have an event before it counts as arrived
#   RETENTION_DAYS=7    how long events stay; those for inspection stay four times as long
set -eu
servers=${1:?usage: create-topics.sh BOOTSTRAP_SERVERS [TOPIC]}
topic=${2:-clicks}
days=${RETENTION_DAYS:-7}

create() {
    "${KAFKA_BIN:+$KAFKA_BIN/}kafka-topics.sh" --bootstrap-server "$servers" ${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"} \
        --create --if-not-exists --topic "$1" --partitions "$2" --replication-factor "${REPLICAS:-3}" \
        --config min.insync.replicas="${IN_SYNC:-2}" \
        --config retention.ms=$(($3 * 86400000)) \
        --config cleanup.policy=delete \
        --config compression.type=producer \
        --config unclean.leader.election.enable=false
}

create "$topic" "${PARTITIONS:-12}" "$days"
create "$topic.dead-letters" 3 $((days * 4))
# What the Flink job makes of the events.
create "$topic.minutes" "${PARTITIONS:-12}" "$days"
create "$topic.trends" 3 "$days"
create "$topic.floods" 3 "$days"
