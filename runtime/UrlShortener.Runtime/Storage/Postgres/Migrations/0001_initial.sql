-- The tables of the specification, and what they need beside them. Codes compare byte by byte (COLLATE "C"): they are names, not words.

CREATE TABLE users (
    id             bigserial    PRIMARY KEY,
    email          varchar(255) NOT NULL CONSTRAINT idx_users_email UNIQUE,
    -- SHA-256 of the key as 64 hex digits, or 'revoked:' and the id.
    api_key        varchar(64)  NOT NULL UNIQUE,
    tier           varchar(20)  NOT NULL DEFAULT 'free',
    rate_limit     integer      NOT NULL DEFAULT 100,
    urls_created   bigint       NOT NULL DEFAULT 0,
    created_at     timestamptz  NOT NULL DEFAULT now(),
    last_active_at timestamptz  NULL
);

CREATE INDEX idx_users_api_key ON users USING hash (api_key);

-- Links that users created lately, one row per statement and user, folded into users.urls_created now and then: an update of the user's row
-- with every create would make all creates of one user wait for each other.
CREATE TABLE user_link_counts (
    id      bigserial PRIMARY KEY,
    user_id bigint    NOT NULL REFERENCES users (id),
    links   bigint    NOT NULL
);

CREATE INDEX idx_user_link_counts_user_id ON user_link_counts (user_id);

CREATE TABLE urls (
    id               bigserial,
    short_code       varchar(10) COLLATE "C" NOT NULL,
    original_url     text        NOT NULL,
    user_id          bigint      NULL REFERENCES users (id),
    created_at       timestamptz NOT NULL DEFAULT now(),
    expires_at       timestamptz NULL,
    click_count      bigint      NOT NULL DEFAULT 0,
    last_accessed_at timestamptz NULL,
    is_active        boolean     NOT NULL DEFAULT true,
    metadata         jsonb       NOT NULL DEFAULT '{}',
    redirect_type    smallint    NOT NULL DEFAULT 302,
    -- One more with every change of what a visitor gets: tells caches which of two states is the newer one.
    version          integer     NOT NULL DEFAULT 1,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);

-- UNIQUE (short_code) cannot stand here: a partitioned table's unique keys must hold the partition key. kgs_keys makes codes unique instead.
CREATE INDEX idx_urls_short_code ON urls USING hash (short_code);
-- Led by what the specification indexes; the rest serves the list of a user's links, newest first.
CREATE INDEX idx_urls_user_id ON urls (user_id, created_at, id);
CREATE INDEX idx_urls_expires_at ON urls (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX idx_urls_created_at ON urls (created_at);

-- Takes what has no partition, so that nothing fails when the partition job did not run. Monthly partitions are made ahead by that job.
CREATE TABLE urls_default PARTITION OF urls DEFAULT;

-- The registry of every code that was ever claimed, and of those kept ahead of demand. used_at is the link's created_at, so that a lookup goes from here
-- to the one partition of urls that holds the link. A code stays here after its link is deleted, so that it is never issued again.
CREATE TABLE kgs_keys (
    short_code varchar(10) COLLATE "C" NOT NULL,
    is_used    boolean     NOT NULL DEFAULT false,
    used_at    timestamptz NULL,
    -- The batch in kgs_batches; 0: claimed without having been in a pool.
    batch_id   integer     NOT NULL,
    PRIMARY KEY (short_code)
) PARTITION BY HASH (short_code);

DO $$
BEGIN
    FOR remainder IN 0..15 LOOP
        EXECUTE format('CREATE TABLE kgs_keys_%s PARTITION OF kgs_keys FOR VALUES WITH (MODULUS 16, REMAINDER %s) WITH (fillfactor = 90)', remainder, remainder);
    END LOOP;
END
$$;

CREATE INDEX idx_kgs_unused ON kgs_keys (is_used, batch_id) WHERE is_used = false;

-- Codes generated together. pooled_at is set once all of them are in the region's pool; where it is not, their worker died and another adopts them.
CREATE TABLE kgs_batches (
    id         serial      PRIMARY KEY,
    epoch      integer     NOT NULL,
    -- NULL: taken by one process for itself.
    region     varchar(63) NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    pooled_at  timestamptz NULL
);

CREATE INDEX idx_kgs_batches_unpooled ON kgs_batches (region, claimed_at) WHERE pooled_at IS NULL;

-- Opening an epoch voids every unused code of older ones: those whose batch is below first_batch, and those that say so themselves.
CREATE TABLE kgs_epochs (
    epoch       integer     PRIMARY KEY,
    first_batch integer     NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT now()
);

-- What changed, written with the change and replicated with it. Each region reads its own replica and voids what its caches hold.
CREATE TABLE link_changes (
    id         bigserial   PRIMARY KEY,
    short_code varchar(10) COLLATE "C" NOT NULL,
    version    integer     NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX idx_link_changes_changed_at ON link_changes (changed_at);

CREATE TABLE idempotency_keys (
    key          varchar(64) PRIMARY KEY,
    request_hash varchar(64) NOT NULL,
    expires_at   timestamptz NOT NULL,
    status_code  smallint    NOT NULL,
    location     text        NULL,
    body         bytea       NOT NULL
);

CREATE INDEX idx_idempotency_expires_at ON idempotency_keys (expires_at);

CREATE TABLE click_events (
    id         bigserial,
    short_code varchar(10) COLLATE "C" NOT NULL,
    clicked_at timestamptz  NOT NULL DEFAULT now(),
    referrer   text         NULL,
    user_agent text         NULL,
    -- Empty when the visitor asked not to be tracked.
    ip_hash    varchar(64)  NOT NULL,
    country    varchar(2)   NULL,
    city       varchar(100) NULL,
    -- Host of the referrer.
    source     text         NULL,
    -- DeviceClass.cs.
    device     smallint     NOT NULL,
    is_bot     boolean      NOT NULL,
    PRIMARY KEY (id, clicked_at)
) PARTITION BY RANGE (clicked_at);

CREATE INDEX idx_clicks_short_code ON click_events (short_code, clicked_at);

CREATE TABLE click_events_default PARTITION OF click_events DEFAULT;

-- Batches of clicks that were stored lately: one that comes again, because the answer to its first try was lost, is not stored twice.
CREATE TABLE click_batches (
    id        uuid        PRIMARY KEY,
    stored_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_click_batches_stored_at ON click_batches (stored_at);

-- The salt of a day's address hashes. Deleted after that day, and with it the way back to an address.
CREATE TABLE click_salts (
    day  date  PRIMARY KEY,
    salt bytea NOT NULL
);
