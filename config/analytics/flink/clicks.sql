-- Flink job over the topic of click events: sums per code and minute, links that trend, floods. It runs with any SQL client or gateway of Flink 2.2 that has
-- the Kafka connector. Before that, put your servers in the place of kafka:9092, and your topic in that of clicks if it has another name.

SET 'pipeline.name' = 'clicks';

-- Results are visible when a checkpoint is complete.
SET 'execution.checkpointing.interval' = '10 s';

-- How long ids of events, and sums of minutes that no event comes to any more, are remembered.
SET 'table.exec.state.ttl' = '1 d';

-- A partition without events does not hold windows of the others up. Sums per minute have no windows.
SET 'table.exec.source.idle-timeout' = '30 s';

SET 'table.local-time-zone' = 'UTC';

-- Click events, version 1. Whatever may be in the topic must not end the job.
CREATE TABLE clicks (
    schema_version INT,
    id STRING,
    short_code STRING,
    clicked_at STRING,
    ip_hash STRING,
    device STRING,
    is_bot BOOLEAN,
    arrived AS PROCTIME(),
    clicked AS TO_TIMESTAMP_LTZ(clicked_at, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''', 'UTC'),
    -- An event that is ahead of the clock must not make all others late.
    WATERMARK FOR clicked AS CASE WHEN clicked <= CURRENT_TIMESTAMP + INTERVAL '10' SECOND THEN clicked - INTERVAL '20' SECOND END
) WITH (
    'connector' = 'kafka',
    'topic' = 'clicks',
    'format' = 'json',
    'properties.bootstrap.servers' = 'kafka:9092',
    'properties.group.id' = 'urlshortener-flink',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    -- Partitions that are added are read from their beginning, after this time.
    'scan.topic-partition-discovery.interval' = '1 min',
    'json.ignore-parse-errors' = 'true'
);

-- What the loader takes, each once. It looks at the optional properties as well.
CREATE VIEW events AS
SELECT short_code, clicked, ip_hash, is_bot
FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY arrived) AS place
    FROM clicks
    WHERE schema_version >= 1
        AND REGEXP(id, '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$')
        AND REGEXP(short_code, '^[A-Za-z0-9_-]{4,10}$')
        AND device IN ('other', 'desktop', 'mobile', 'tablet')
        AND is_bot IS NOT NULL
        AND clicked BETWEEN CURRENT_TIMESTAMP - INTERVAL '29' DAY AND CURRENT_TIMESTAMP + INTERVAL '1' HOUR
)
WHERE place = 1;

-- Results are written in transactions, which end with a checkpoint. Brokers abort one that is not ended in time; 15 minutes are the most that they allow out of
-- the box.
-- Ids of transactions are used again (POOLING): otherwise each checkpoint takes new ones, which brokers keep for 7 days.

-- Sums per code and minute, by the time of the click. Each row replaces the one before of the same code and minute, so that late events are counted too.
CREATE TABLE minutes (
    short_code STRING,
    `minute` TIMESTAMP_LTZ(0),
    clicks BIGINT,
    people BIGINT,
    bots BIGINT,
    last_click TIMESTAMP_LTZ(3),
    PRIMARY KEY (short_code, `minute`) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka',
    'topic' = 'clicks.minutes',
    'key.format' = 'json',
    'key.json.timestamp-format.standard' = 'ISO-8601',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'properties.bootstrap.servers' = 'kafka:9092',
    'properties.transaction.timeout.ms' = '900000',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transaction-naming-strategy' = 'POOLING',
    'sink.transactional-id-prefix' = 'clicks-minutes',
    -- One row for many events of a minute.
    'sink.buffer-flush.max-rows' = '10000',
    'sink.buffer-flush.interval' = '5 s'
);

CREATE TABLE trends (
    short_code STRING,
    `minute` TIMESTAMP_LTZ(0),
    last_hour BIGINT,
    usual_hour DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'clicks.trends',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601',
    'properties.bootstrap.servers' = 'kafka:9092',
    'properties.transaction.timeout.ms' = '900000',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transaction-naming-strategy' = 'POOLING',
    'sink.transactional-id-prefix' = 'clicks-trends'
);

CREATE TABLE floods (
    kind STRING,
    name STRING,
    `minute` TIMESTAMP_LTZ(0),
    clicks BIGINT,
    usual_minute DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'clicks.floods',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601',
    'properties.bootstrap.servers' = 'kafka:9092',
    'properties.transaction.timeout.ms' = '900000',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transaction-naming-strategy' = 'POOLING',
    'sink.transactional-id-prefix' = 'clicks-floods'
);

CREATE VIEW code_minutes AS
SELECT short_code AS name, window_start, window_time, COUNT(*) AS clicks, COUNT(*) FILTER (WHERE NOT is_bot) AS people
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(clicked), INTERVAL '1' MINUTE))
GROUP BY short_code, window_start, window_end, window_time;

CREATE VIEW visitor_minutes AS
SELECT ip_hash AS name, window_start, window_time, COUNT(*) AS clicks
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(clicked), INTERVAL '1' MINUTE))
WHERE ip_hash IS NOT NULL
GROUP BY ip_hash, window_start, window_end, window_time;

BEGIN STATEMENT SET;

INSERT INTO minutes
SELECT
    short_code,
    CAST(FLOOR(clicked TO MINUTE) AS TIMESTAMP_LTZ(0)),
    COUNT(*),
    COUNT(*) FILTER (WHERE NOT is_bot),
    COUNT(*) FILTER (WHERE is_bot),
    MAX(clicked)
FROM (SELECT short_code, CAST(clicked AS TIMESTAMP_LTZ(3)) AS clicked, is_bot FROM events)
GROUP BY short_code, CAST(FLOOR(clicked TO MINUTE) AS TIMESTAMP_LTZ(0));

-- Links that people follow at least 30 times in an hour, and 3 times as often as in the hours of the day before.
INSERT INTO trends
SELECT name, CAST(window_start AS TIMESTAMP_LTZ(0)), last_hour, (last_day - last_hour) / 23.0E0
FROM (
    SELECT
        name,
        window_start,
        last_day,
        SUM(people) OVER (PARTITION BY name ORDER BY window_time RANGE BETWEEN INTERVAL '59' MINUTE PRECEDING AND CURRENT ROW) AS last_hour
    FROM (
        SELECT
            name,
            window_start,
            window_time,
            people,
            SUM(people) OVER (PARTITION BY name ORDER BY window_time RANGE BETWEEN INTERVAL '23:59' HOUR TO MINUTE PRECEDING AND CURRENT ROW) AS last_day
        FROM code_minutes
    )
)
WHERE last_hour >= 30 AND last_hour >= 3 * (last_day - last_hour) / 23.0E0;

-- Codes with at least 600 clicks in a minute, and visitors with at least 120, that are 10 times as many as in the minutes of the hour before. Bots count.
INSERT INTO floods
SELECT kind, name, CAST(window_start AS TIMESTAMP_LTZ(0)), clicks, (last_hour - clicks) / 60.0E0
FROM (
    SELECT
        'code' AS kind,
        600 AS least,
        name,
        window_start,
        clicks,
        SUM(clicks) OVER (PARTITION BY name ORDER BY window_time RANGE BETWEEN INTERVAL '60' MINUTE PRECEDING AND CURRENT ROW) AS last_hour
    FROM code_minutes
    UNION ALL
    SELECT
        'visitor' AS kind,
        120 AS least,
        name,
        window_start,
        clicks,
        SUM(clicks) OVER (PARTITION BY name ORDER BY window_time RANGE BETWEEN INTERVAL '60' MINUTE PRECEDING AND CURRENT ROW) AS last_hour
    FROM visitor_minutes
)
WHERE clicks >= least AND clicks >= 10 * (last_hour - clicks) / 60.0E0;

END;
