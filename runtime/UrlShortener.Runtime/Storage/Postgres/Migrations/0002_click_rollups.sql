-- Statistics read sums instead of single clicks. The sums are kept by a trigger, so that they are right whoever writes clicks: during a rolling update the
-- release before this one still does. They stay when single clicks have served their time, and go with their link.

-- Clicks by people, by quarter of an hour: every time zone's hours start on one.
CREATE TABLE click_hours (
    short_code varchar(10) COLLATE "C" NOT NULL,
    hour       timestamptz NOT NULL,
    quarter_1  integer     NOT NULL,
    quarter_2  integer     NOT NULL,
    quarter_3  integer     NOT NULL,
    quarter_4  integer     NOT NULL,
    PRIMARY KEY (short_code, hour)
) WITH (fillfactor = 80);

-- What is counted by UTC day. A day belongs to a range as a whole when first_at and last_at do.
CREATE TABLE click_days (
    short_code varchar(10) COLLATE "C" NOT NULL,
    day        date        NOT NULL,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    -- Distinct address hashes of people. NULL: not counted since a click came; a day is counted once it is over.
    visitors   integer     NULL,
    bots       integer     NOT NULL,
    -- By people. DeviceClass.cs.
    device_0   integer     NOT NULL,
    device_1   integer     NOT NULL,
    device_2   integer     NOT NULL,
    device_3   integer     NOT NULL,
    PRIMARY KEY (short_code, day)
) WITH (fillfactor = 80);

CREATE INDEX idx_click_days_uncounted ON click_days (day, short_code) WHERE visitors IS NULL;

-- Clicks by people from one country or source on one UTC day.
CREATE TABLE click_day_values (
    short_code varchar(10) COLLATE "C" NOT NULL,
    day        date        NOT NULL,
    -- 1: country, 2: source.
    kind       smallint    NOT NULL,
    -- Empty: unknown, direct. Cut so that it fits into the index whatever was stored.
    value      text        COLLATE "C" NOT NULL,
    clicks     integer     NOT NULL,
    PRIMARY KEY (short_code, day, kind, value)
) WITH (fillfactor = 80);

-- Links that were deleted. What visitors left behind goes at due_at; NULL: it is gone. Later clicks set due_at again.
CREATE TABLE deleted_links (
    short_code varchar(10) COLLATE "C" PRIMARY KEY,
    deleted_at timestamptz NOT NULL DEFAULT now(),
    due_at     timestamptz NULL DEFAULT now()
);

CREATE INDEX idx_deleted_links_due_at ON deleted_links (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX idx_deleted_links_deleted_at ON deleted_links (deleted_at);

-- Set when the deletion of a user began; such a user is nobody to every request.
ALTER TABLE users ADD COLUMN deleted_at timestamptz NULL;

-- Whose answer it is, so that it goes with the user; NULL: an anonymous caller's, or stored by an older release.
ALTER TABLE idempotency_keys ADD COLUMN user_id bigint NULL;
CREATE INDEX idx_idempotency_user_id ON idempotency_keys (user_id) WHERE user_id IS NOT NULL;

-- Rows are written in the order of their keys, so that processes that store clicks of the same links do not wait for each other in a circle. No joins: the
-- plans are made once, whatever the size of the first batch.
CREATE FUNCTION roll_up_clicks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO click_days AS d (short_code, day, first_at, last_at, bots, device_0, device_1, device_2, device_3)
    SELECT
        short_code, (clicked_at AT TIME ZONE 'UTC')::date AS day, min(clicked_at), max(clicked_at), count(*) FILTER (WHERE is_bot),
        count(*) FILTER (WHERE NOT is_bot AND device = 0), count(*) FILTER (WHERE NOT is_bot AND device = 1),
        count(*) FILTER (WHERE NOT is_bot AND device = 2), count(*) FILTER (WHERE NOT is_bot AND device = 3)
    FROM stored GROUP BY short_code, day ORDER BY short_code, day
    ON CONFLICT (short_code, day) DO UPDATE SET
        first_at = least(d.first_at, excluded.first_at), last_at = greatest(d.last_at, excluded.last_at), visitors = NULL, bots = d.bots + excluded.bots,
        device_0 = d.device_0 + excluded.device_0, device_1 = d.device_1 + excluded.device_1,
        device_2 = d.device_2 + excluded.device_2, device_3 = d.device_3 + excluded.device_3;

    INSERT INTO click_hours AS h (short_code, hour, quarter_1, quarter_2, quarter_3, quarter_4)
    SELECT
        short_code, hour, count(*) FILTER (WHERE since < interval '15 minutes'), count(*) FILTER (WHERE since >= interval '15 minutes' AND since < interval '30 minutes'),
        count(*) FILTER (WHERE since >= interval '30 minutes' AND since < interval '45 minutes'), count(*) FILTER (WHERE since >= interval '45 minutes')
    FROM (
        SELECT short_code, date_bin('1 hour', clicked_at, 'epoch') AS hour, clicked_at - date_bin('1 hour', clicked_at, 'epoch') AS since FROM stored WHERE NOT is_bot
    ) people
    GROUP BY short_code, hour ORDER BY short_code, hour
    ON CONFLICT (short_code, hour) DO UPDATE SET
        quarter_1 = h.quarter_1 + excluded.quarter_1, quarter_2 = h.quarter_2 + excluded.quarter_2,
        quarter_3 = h.quarter_3 + excluded.quarter_3, quarter_4 = h.quarter_4 + excluded.quarter_4;

    INSERT INTO click_day_values AS v (short_code, day, kind, value, clicks)
    SELECT short_code, day, kind, value, count(*)
    FROM (
        SELECT
            short_code, (clicked_at AT TIME ZONE 'UTC')::date AS day, kind, left(coalesce(CASE kind WHEN 1 THEN country ELSE source END, ''), 255) AS value
        FROM stored CROSS JOIN (VALUES (1), (2)) AS kinds (kind) WHERE NOT is_bot
    ) named
    GROUP BY short_code, day, kind, value ORDER BY short_code, day, kind, value COLLATE "C"
    ON CONFLICT (short_code, day, kind, value) DO UPDATE SET clicks = v.clicks + excluded.clicks;

    UPDATE deleted_links SET due_at = now() WHERE short_code = ANY (ARRAY(SELECT DISTINCT short_code FROM stored));
    RETURN NULL;
END
$$;

-- What is stored already. Days gone by are read while clicks are still being written; for yesterday and today clicks wait in the memory of the processes, so that
-- none is left out and none is counted twice.
CREATE FUNCTION pg_temp.roll_up(lower_at timestamptz, upper_at timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO click_days (short_code, day, first_at, last_at, visitors, bots, device_0, device_1, device_2, device_3)
    SELECT
        short_code, (clicked_at AT TIME ZONE 'UTC')::date AS day, min(clicked_at), max(clicked_at),
        CASE WHEN max(clicked_at) < date_bin('1 day', now(), 'epoch') THEN count(DISTINCT ip_hash COLLATE "C") FILTER (WHERE NOT is_bot AND ip_hash <> '') END,
        count(*) FILTER (WHERE is_bot), count(*) FILTER (WHERE NOT is_bot AND device = 0), count(*) FILTER (WHERE NOT is_bot AND device = 1),
        count(*) FILTER (WHERE NOT is_bot AND device = 2), count(*) FILTER (WHERE NOT is_bot AND device = 3)
    FROM click_events WHERE clicked_at >= lower_at AND clicked_at < upper_at GROUP BY 1, 2;

    INSERT INTO click_hours (short_code, hour, quarter_1, quarter_2, quarter_3, quarter_4)
    SELECT
        short_code, hour, count(*) FILTER (WHERE since < interval '15 minutes'), count(*) FILTER (WHERE since >= interval '15 minutes' AND since < interval '30 minutes'),
        count(*) FILTER (WHERE since >= interval '30 minutes' AND since < interval '45 minutes'), count(*) FILTER (WHERE since >= interval '45 minutes')
    FROM (
        SELECT short_code, date_bin('1 hour', clicked_at, 'epoch') AS hour, clicked_at - date_bin('1 hour', clicked_at, 'epoch') AS since
        FROM click_events WHERE clicked_at >= lower_at AND clicked_at < upper_at AND NOT is_bot
    ) people
    GROUP BY short_code, hour;

    INSERT INTO click_day_values (short_code, day, kind, value, clicks)
    SELECT short_code, day, kind, value, count(*)
    FROM (
        SELECT short_code, (clicked_at AT TIME ZONE 'UTC')::date AS day, kind, left(coalesce(CASE kind WHEN 1 THEN country ELSE source END, ''), 255) AS value
        FROM click_events CROSS JOIN (VALUES (1), (2)) AS kinds (kind) WHERE clicked_at >= lower_at AND clicked_at < upper_at AND NOT is_bot
    ) named
    GROUP BY short_code, day, kind, value;
$$;

SET LOCAL work_mem = '64MB';

DO $$
DECLARE
    yesterday timestamptz := date_bin('1 day', now(), 'epoch') - interval '1 day';
    part      timestamptz := (SELECT date_bin('1 day', min(clicked_at), 'epoch') FROM click_events);
BEGIN
    WHILE part < yesterday LOOP
        PERFORM pg_temp.roll_up(part, part + interval '1 day');
        part := part + interval '1 day';
    END LOOP;
    LOCK TABLE click_events IN SHARE ROW EXCLUSIVE MODE;
    PERFORM pg_temp.roll_up(yesterday, 'infinity');
END
$$;

-- The connection goes back to its pool, where it would keep the function.
DROP FUNCTION pg_temp.roll_up(timestamptz, timestamptz);

CREATE TRIGGER roll_up_clicks AFTER INSERT ON click_events REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION roll_up_clicks();

-- Links that an older release deleted left their clicks behind.
INSERT INTO deleted_links (short_code)
SELECT DISTINCT short_code FROM click_days WHERE NOT EXISTS (SELECT 1 FROM urls WHERE urls.short_code = click_days.short_code);
