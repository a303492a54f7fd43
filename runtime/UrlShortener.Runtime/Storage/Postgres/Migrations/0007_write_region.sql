-- Which region takes changes. The primary region's database writes its row once a second, and it is replicated like all data: the processes of a standby
-- region read there who writes, and how old what they read is. No row: there is one region only.
CREATE TABLE write_region (
    is_only boolean     PRIMARY KEY DEFAULT true CHECK (is_only),
    region  text        NOT NULL CHECK (region <> ''),
    epoch   bigint      NOT NULL,
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 10);
