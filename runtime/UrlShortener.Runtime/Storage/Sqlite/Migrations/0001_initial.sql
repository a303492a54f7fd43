-- Times are Unix milliseconds, UTC. The column names are the specification's.

CREATE TABLE users (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    email          TEXT    NOT NULL UNIQUE,
    -- SHA-256 of the key as 64 hex digits, or 'revoked:' and the id.
    api_key        TEXT    NOT NULL UNIQUE,
    tier           TEXT    NOT NULL DEFAULT 'free',
    rate_limit     INTEGER NOT NULL DEFAULT 100,
    urls_created   INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL,
    last_active_at INTEGER NULL
);

CREATE TABLE urls (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    short_code       TEXT    NOT NULL UNIQUE,
    original_url     TEXT    NOT NULL,
    user_id          INTEGER NULL REFERENCES users (id),
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NULL,
    click_count      INTEGER NOT NULL DEFAULT 0,
    last_accessed_at INTEGER NULL,
    is_active        INTEGER NOT NULL DEFAULT 1,
    redirect_type    INTEGER NOT NULL DEFAULT 302,
    metadata         TEXT    NOT NULL DEFAULT '{}'
);

CREATE INDEX idx_urls_user_id ON urls (user_id, created_at, id);
CREATE INDEX idx_urls_expires_at ON urls (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX idx_urls_created_at ON urls (created_at);

-- The registry of claimed codes. A code stays here after its link is deleted, so that it is never issued again.
CREATE TABLE kgs_keys (
    short_code TEXT    PRIMARY KEY,
    is_used    INTEGER NOT NULL DEFAULT 0,
    used_at    INTEGER NULL,
    batch_id   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX idx_kgs_unused ON kgs_keys (is_used) WHERE is_used = 0;

-- The clicks of one link within one flush, packed (ClickPacking.cs).
CREATE TABLE click_batches (
    id         INTEGER PRIMARY KEY,
    short_code TEXT    NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    clicks     BLOB    NOT NULL
);

CREATE INDEX idx_clicks_short_code ON click_batches (short_code, last_at);
CREATE INDEX idx_clicks_last_at ON click_batches (last_at);

-- The salt of a day's address hashes. Deleted after that day, and with it the way back to an address.
CREATE TABLE click_salts (
    day  TEXT PRIMARY KEY,
    salt BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    key          TEXT    PRIMARY KEY,
    request_hash TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL,
    status_code  INTEGER NOT NULL,
    location     TEXT    NULL,
    body         BLOB    NOT NULL
) WITHOUT ROWID;

CREATE INDEX idx_idempotency_expires_at ON idempotency_keys (expires_at);
