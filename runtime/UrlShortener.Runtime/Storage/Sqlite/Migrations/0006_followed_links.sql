-- The minute in which people followed a link last, for the list of a user's links that are followed now. An index on urls would change with each flush of clicks;
-- this table changes once per link and minute.
CREATE TABLE followed_links (
    short_code TEXT    PRIMARY KEY,
    user_id    INTEGER NOT NULL,
    -- Minutes since 1970-01-01.
    minute     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX idx_followed_links_user_id ON followed_links (user_id, minute, short_code);

-- The list has those of the last hour. All other links come in with their next click.
INSERT INTO followed_links (short_code, user_id, minute)
SELECT short_code, user_id, last_accessed_at / 60000 FROM urls WHERE user_id IS NOT NULL AND last_accessed_at >= (unixepoch() - 7200) * 1000;

CREATE TRIGGER note_followed_link AFTER UPDATE OF last_accessed_at ON urls
    WHEN NEW.user_id IS NOT NULL AND NEW.last_accessed_at / 60000 IS NOT OLD.last_accessed_at / 60000
BEGIN
    INSERT INTO followed_links (short_code, user_id, minute) VALUES (NEW.short_code, NEW.user_id, NEW.last_accessed_at / 60000)
    ON CONFLICT (short_code) DO UPDATE SET minute = excluded.minute;
END;

CREATE TRIGGER forget_followed_link AFTER DELETE ON urls WHEN OLD.user_id IS NOT NULL
BEGIN
    DELETE FROM followed_links WHERE short_code = OLD.short_code;
END;
