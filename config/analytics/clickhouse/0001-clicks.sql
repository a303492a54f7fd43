-- Clicks, as the loader inserts them, and what statistics read. Each statement can run again. Times are UTC, whatever the server's time zone is.
--
-- ${ON_CLUSTER}, ${REPLICATED} and ${WINDOW} are replaced: by nothing, or by what replicated tables on a cluster need.

-- What a batch of clicks is inserted into. It keeps nothing: views pass each row on to the three tables below.
CREATE TABLE IF NOT EXISTS click_inserts ${ON_CLUSTER}
(
    short_code String,
    clicked_at DateTime64(3, 'UTC'),
    id UUID COMMENT 'Of the click event, UUID of version 7',
    is_bot Bool,
    device Enum8('other' = 0, 'desktop' = 1, 'mobile' = 2, 'tablet' = 3),
    country LowCardinality(String) COMMENT 'Empty: unknown',
    city LowCardinality(String) COMMENT 'Empty: unknown, or not to be kept',
    source String COMMENT 'Empty: a direct visit',
    summed_source String COMMENT 'The source as sums of days have it: cut to 255 characters, and of a bounded number of names',
    referrer String,
    user_agent String,
    visitor UInt64 COMMENT 'First 8 bytes of the address hash. 0: not to be kept',
    deadline DateTime('UTC') COMMENT 'Rows that arrive later, by the clock of the server, are ignored'
)
ENGINE = Null;

-- Single clicks. How long they are kept is a setting of the installation: migrate sets the TTL.
CREATE TABLE IF NOT EXISTS clicks ${ON_CLUSTER}
(
    short_code String CODEC(ZSTD(1)),
    clicked_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    id UUID CODEC(ZSTD(1)),
    is_bot Bool,
    device Enum8('other' = 0, 'desktop' = 1, 'mobile' = 2, 'tablet' = 3),
    country LowCardinality(String),
    city LowCardinality(String),
    source String CODEC(ZSTD(1)),
    referrer String CODEC(ZSTD(1)),
    user_agent String CODEC(ZSTD(1)),
    visitor UInt64 CODEC(ZSTD(1))
)
ENGINE = ${REPLICATED}MergeTree
PARTITION BY toDate(clicked_at)
ORDER BY (short_code, clicked_at, id)
SETTINGS ttl_only_drop_parts = 1, ${WINDOW};

-- Sums of quarters of an hour: every time zone's hours start on one.
CREATE TABLE IF NOT EXISTS clicks_by_quarter_hour ${ON_CLUSTER}
(
    short_code String CODEC(ZSTD(1)),
    at DateTime('UTC') CODEC(Delta, ZSTD(1)),
    clicks SimpleAggregateFunction(sum, UInt64) COMMENT 'By people',
    bots SimpleAggregateFunction(sum, UInt64)
)
ENGINE = ${REPLICATED}AggregatingMergeTree
PARTITION BY toYear(at)
ORDER BY (short_code, at)
SETTINGS ${WINDOW};

-- Sums of UTC days. Rows are large, and an answer needs a few of them: a small granule reads few others. All but the bots and the two times are about people.
CREATE TABLE IF NOT EXISTS clicks_by_day ${ON_CLUSTER}
(
    short_code String CODEC(ZSTD(1)),
    day Date,
    clicks SimpleAggregateFunction(sum, UInt64),
    bots SimpleAggregateFunction(sum, UInt64),
    first_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'Of all clicks: a range that holds them all needs no single clicks of the day',
    last_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    visitors AggregateFunction(uniqCombined64, UInt64),
    countries SimpleAggregateFunction(sumMap, Map(String, UInt64)),
    sources SimpleAggregateFunction(sumMap, Map(String, UInt64)),
    devices SimpleAggregateFunction(sumMap, Map(Enum8('other' = 0, 'desktop' = 1, 'mobile' = 2, 'tablet' = 3), UInt64))
)
ENGINE = ${REPLICATED}AggregatingMergeTree
PARTITION BY toYear(day)
ORDER BY (short_code, day)
SETTINGS index_granularity = 512, ${WINDOW};

-- Ids of the events whose clicks are in the tables above, which the loader writes after them and looks up before it inserts.
CREATE TABLE IF NOT EXISTS loaded_events ${ON_CLUSTER}
(
    id_high UInt64 COMMENT 'First half of the id: ordered by time' CODEC(Delta, ZSTD(1)),
    id_low UInt64 COMMENT 'Second half of the id' CODEC(ZSTD(1)),
    topic_id UUID CODEC(ZSTD(1)),
    partition UInt32 CODEC(ZSTD(1)),
    offset UInt64 CODEC(Delta, ZSTD(1)),
    loaded_on Date DEFAULT today()
)
ENGINE = ${REPLICATED}MergeTree
PARTITION BY loaded_on
ORDER BY (id_high, id_low)
TTL loaded_on + INTERVAL 40 DAY
SETTINGS ttl_only_drop_parts = 1, ${WINDOW};

CREATE MATERIALIZED VIEW IF NOT EXISTS click_inserts_to_clicks ${ON_CLUSTER} TO clicks AS
SELECT short_code, clicked_at, id, is_bot, device, country, city, source, referrer, user_agent, visitor
FROM click_inserts
WHERE now() < deadline;

CREATE MATERIALIZED VIEW IF NOT EXISTS click_inserts_to_quarter_hours ${ON_CLUSTER} TO clicks_by_quarter_hour AS
SELECT short_code, toStartOfFifteenMinutes(clicked_at) AS at, countIf(NOT is_bot) AS clicks, countIf(is_bot) AS bots
FROM click_inserts
WHERE now() < deadline
GROUP BY short_code, at;

CREATE MATERIALIZED VIEW IF NOT EXISTS click_inserts_to_days ${ON_CLUSTER} TO clicks_by_day AS
SELECT
    short_code,
    toDate(clicked_at) AS day,
    countIf(NOT is_bot) AS clicks,
    countIf(is_bot) AS bots,
    min(clicked_at) AS first_at,
    max(clicked_at) AS last_at,
    uniqCombined64StateIf(visitor, NOT is_bot AND visitor != 0) AS visitors,
    sumMapIf(map(CAST(country, 'String'), 1::UInt64), NOT is_bot) AS countries,
    sumMapIf(map(summed_source, 1::UInt64), NOT is_bot) AS sources,
    sumMapIf(map(device, 1::UInt64), NOT is_bot) AS devices
FROM click_inserts
WHERE now() < deadline
GROUP BY short_code, day;
