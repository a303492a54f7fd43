-- Each link and day keeps at most 1,000 sources by name, since a stranger can send any name with each click. Clicks of further sources are summed up as
-- '(other sources)', which is not a valid host. Clicks without a source always keep their row. Rows of click_days are locked first, so writers of one link and
-- day take turns, and each sees the names of those before. Processes of the release before write through this function as well.
-- Names are counted only where a link has more clicks on the day than it may have names. The settings keep the plans, which are made once per connection, on the
-- primary keys. ClickSources.cs has the same number and name.
CREATE OR REPLACE FUNCTION roll_up_clicks() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
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
    SELECT short_code, day, 1, value, count(*)
    FROM (SELECT short_code, (clicked_at AT TIME ZONE 'UTC')::date AS day, coalesce(country, '') AS value FROM stored WHERE NOT is_bot) named
    GROUP BY short_code, day, value ORDER BY short_code, day, value COLLATE "C"
    ON CONFLICT (short_code, day, kind, value) DO UPDATE SET clicks = v.clicks + excluded.clicks;

    INSERT INTO click_day_values AS v (short_code, day, kind, value, clicks)
    -- Materialized, so that the room is worked out once per link and day, not once per name.
    WITH link AS MATERIALIZED (
        SELECT
            short_code, day, count(*) AS names, array_agg(value ORDER BY clicks DESC) AS name_values, array_agg(clicks ORDER BY clicks DESC) AS name_clicks,
            CASE WHEN (
                SELECT d.device_0 + d.device_1 + d.device_2 + d.device_3 FROM click_days d WHERE d.short_code = counted.short_code AND d.day = counted.day
            ) <= 1000 THEN 1000 ELSE 1000 - (
                SELECT count(*)
                FROM (
                    SELECT FROM click_day_values held
                    WHERE held.short_code = counted.short_code AND held.day = counted.day AND held.kind = 2 AND held.value NOT IN ('', '(other sources)') LIMIT 1000
                ) held_names
            ) END AS room
        FROM (
            SELECT short_code, day, value, count(*) AS clicks
            FROM (SELECT short_code, (clicked_at AT TIME ZONE 'UTC')::date AS day, left(coalesce(source, ''), 255) AS value FROM stored WHERE NOT is_bot) named
            GROUP BY short_code, day, value
        ) counted
        GROUP BY short_code, day
    )
    SELECT short_code, day, 2, value, sum(clicks)
    FROM (
        SELECT
            link.short_code, link.day, name.clicks,
            -- Of many new names those with most clicks get the places that are left. Names that come again take such places, too: a few may stay free.
            CASE
                WHEN link.names <= link.room OR name.place <= link.room OR name.value = '' THEN name.value
                WHEN (
                    SELECT true FROM click_day_values held
                    WHERE held.short_code = link.short_code AND held.day = link.day AND held.kind = 2 AND held.value = name.value
                ) THEN name.value
                ELSE '(other sources)'
            END AS value
        FROM link CROSS JOIN LATERAL unnest(link.name_values, link.name_clicks) WITH ORDINALITY AS name (value, clicks, place)
    ) admitted
    GROUP BY short_code, day, value ORDER BY short_code, day, value COLLATE "C"
    ON CONFLICT (short_code, day, kind, value) DO UPDATE SET clicks = v.clicks + excluded.clicks;

    UPDATE deleted_links SET due_at = now() WHERE short_code = ANY (ARRAY(SELECT DISTINCT short_code FROM stored));
    RETURN NULL;
END
$$;
