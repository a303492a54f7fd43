-- How far click events are loaded from Kafka into ClickHouse, by partition. The totals of links change in the same transaction, so each event counts once. A
-- topic that is made anew under the same name has another id, and its offsets begin again.
CREATE TABLE click_loads (
    topic_id    uuid        NOT NULL,
    partition   integer     NOT NULL CHECK (partition >= 0),
    next_offset bigint      NOT NULL CHECK (next_offset >= 0),
    -- End of the batch that begins at next_offset and may be inserted in part; NULL: none was begun.
    begun_to    bigint      NULL CHECK (begun_to > next_offset),
    changed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic_id, partition)
) WITH (fillfactor = 50);
