-- What the Flink job (config/analytics/flink) makes of click events, as the loader inserts it. Rows may come several times and in any order. Each statement can
-- run again.

-- Sums per code and minute. A sum only grows while its minute goes on, so the largest is the last one.
CREATE TABLE IF NOT EXISTS clicks_by_minute ${ON_CLUSTER}
(
    short_code String CODEC(ZSTD(1)),
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    clicks SimpleAggregateFunction(max, UInt64) COMMENT 'By people',
    bots SimpleAggregateFunction(max, UInt64),
    last_at SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = ${REPLICATED}AggregatingMergeTree
PARTITION BY toDate(minute)
ORDER BY (short_code, minute)
TTL minute + INTERVAL 3 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1, ${WINDOW};

-- Up to when the sums have clicks, by day.
CREATE TABLE IF NOT EXISTS newest_results ${ON_CLUSTER}
(
    day Date,
    last_at SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = ${REPLICATED}AggregatingMergeTree
ORDER BY day
TTL day + INTERVAL 40 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, ${WINDOW};

CREATE MATERIALIZED VIEW IF NOT EXISTS clicks_by_minute_to_newest_results ${ON_CLUSTER} TO newest_results AS
SELECT toDate(sums.last_at) AS day, max(sums.last_at) AS last_at
FROM clicks_by_minute AS sums
GROUP BY day;

-- Links that trended in the hour that ends with a minute.
CREATE TABLE IF NOT EXISTS link_trends ${ON_CLUSTER}
(
    short_code String CODEC(ZSTD(1)),
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    last_hour UInt64 COMMENT 'Clicks by people',
    usual_hour Float64 COMMENT 'Clicks by people in an hour of the day before'
)
ENGINE = ${REPLICATED}ReplacingMergeTree
PARTITION BY toDate(minute)
ORDER BY (minute, short_code)
TTL minute + INTERVAL 3 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1, ${WINDOW};

-- Links that were followed far more often in a minute than usual, and visitors who followed links far more often.
CREATE TABLE IF NOT EXISTS click_floods ${ON_CLUSTER}
(
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    short_code String COMMENT 'Empty: the flood is a visitor',
    visitor String COMMENT 'Address hash. Empty: the flood is of a link',
    clicks UInt64 COMMENT 'By people and bots',
    usual_minute Float64 COMMENT 'Clicks in a minute of the hour before'
)
ENGINE = ${REPLICATED}ReplacingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, short_code, visitor)
TTL minute + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1, ${WINDOW};
