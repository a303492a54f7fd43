-- Opened after a restore, which makes older unused codes void, and links held in memory.
CREATE TABLE kgs_epochs (
    epoch     INTEGER PRIMARY KEY,
    opened_at INTEGER NOT NULL
);

-- One row, written by the health check: what it meets, every write meets.
CREATE TABLE health_checks (
    id         INTEGER PRIMARY KEY,
    checked_at INTEGER NOT NULL,
    padding    BLOB    NOT NULL
);
