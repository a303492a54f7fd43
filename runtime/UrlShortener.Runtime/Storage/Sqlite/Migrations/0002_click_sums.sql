-- Sums of the clicks of one link on one UTC day (DaySums.cs), made when the day is over. A day has its place here once click_sums_state says so.
CREATE TABLE click_days (
    short_code TEXT    NOT NULL,
    -- Days since 1970-01-01.
    day        INTEGER NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    sums       TEXT    NOT NULL,
    PRIMARY KEY (short_code, day)
) WITHOUT ROWID;

-- One row: every day up to last_day is summed up, and the links of begun_day are, one after the other.
CREATE TABLE click_sums_state (
    last_day  INTEGER NOT NULL,
    begun_day INTEGER NOT NULL
);

INSERT INTO click_sums_state (last_day, begun_day)
SELECT day, day FROM (SELECT coalesce((SELECT min(first_at) FROM click_batches) / 86400000 - 1, unixepoch() / 86400 - 3) AS day);

-- Links that were deleted. is_due: visitors left something behind, which goes soon.
CREATE TABLE deleted_links (
    short_code TEXT    PRIMARY KEY,
    deleted_at INTEGER NOT NULL,
    is_due     INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

CREATE INDEX idx_deleted_links_due ON deleted_links (deleted_at) WHERE is_due = 1;
CREATE INDEX idx_deleted_links_deleted_at ON deleted_links (deleted_at);

-- Links that an older release deleted left their clicks behind.
INSERT INTO deleted_links (short_code, deleted_at)
SELECT DISTINCT short_code, unixepoch() * 1000 FROM click_batches WHERE short_code NOT IN (SELECT short_code FROM urls);

-- What commands changed while the product serves, for its caches.
CREATE TABLE link_changes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    short_code TEXT    NOT NULL,
    changed_at INTEGER NOT NULL
);

CREATE INDEX idx_link_changes_changed_at ON link_changes (changed_at);

-- Set when the deletion of a user began; such a user is nobody to every request.
ALTER TABLE users ADD COLUMN deleted_at INTEGER NULL;

-- Whose answer it is, so that it goes with the user; NULL: an anonymous caller's, or stored by an older release.
ALTER TABLE idempotency_keys ADD COLUMN user_id INTEGER NULL;
CREATE INDEX idx_idempotency_user_id ON idempotency_keys (user_id) WHERE user_id IS NOT NULL;
