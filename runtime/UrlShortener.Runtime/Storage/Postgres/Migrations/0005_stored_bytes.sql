-- Bytes that each user stores: links, and answers kept for retries. Triggers count them, so that the sums are right whoever writes: during a rolling update the
-- release before this one still does. What counts is said by the two functions below, and by StoredSize.cs for requests.

CREATE FUNCTION link_bytes(short_code text, original_url text, metadata jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 256 + octet_length(short_code) + octet_length(original_url) + CASE WHEN metadata = '{}'::jsonb THEN 2 ELSE octet_length(link_metadata_text(metadata)) END;

CREATE FUNCTION reply_bytes(location text, body bytea) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 256 + coalesce(octet_length(location), 0) + octet_length(body);

-- Changes of late, one row per statement and user, folded into users.stored_bytes every few seconds, as user_link_counts is. No foreign key: rows of a user who
-- is gone fold into nothing.
CREATE TABLE user_byte_counts (
    id      bigserial PRIMARY KEY,
    user_id bigint    NOT NULL,
    bytes   bigint    NOT NULL
);

CREATE INDEX idx_user_byte_counts_user_id ON user_byte_counts (user_id);

CREATE FUNCTION count_link_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO user_byte_counts (user_id, bytes)
        SELECT user_id, sum(link_bytes(short_code, original_url, metadata)) FROM stored WHERE user_id IS NOT NULL GROUP BY user_id;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO user_byte_counts (user_id, bytes)
        SELECT user_id, -sum(link_bytes(short_code, original_url, metadata)) FROM removed WHERE user_id IS NOT NULL GROUP BY user_id;
    ELSE
        INSERT INTO user_byte_counts (user_id, bytes)
        SELECT NEW.user_id, link_bytes(NEW.short_code, NEW.original_url, NEW.metadata) - link_bytes(OLD.short_code, OLD.original_url, OLD.metadata);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_reply_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO user_byte_counts (user_id, bytes)
        SELECT user_id, sum(reply_bytes(location, body)) FROM stored WHERE user_id IS NOT NULL GROUP BY user_id;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO user_byte_counts (user_id, bytes)
        SELECT user_id, -sum(reply_bytes(location, body)) FROM removed WHERE user_id IS NOT NULL GROUP BY user_id;
    ELSE
        INSERT INTO user_byte_counts (user_id, bytes)
        SELECT user_id, sum(bytes)
        FROM (SELECT user_id, reply_bytes(location, body) AS bytes FROM stored UNION ALL SELECT user_id, -reply_bytes(location, body) FROM removed) replaced
        WHERE user_id IS NOT NULL GROUP BY user_id;
    END IF;
    RETURN NULL;
END
$$;

-- Locks in the order in which a create takes them: urls, idempotency_keys, users. All are short, since nothing is counted here.
CREATE TRIGGER count_bytes_of_new_links AFTER INSERT ON urls REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION count_link_bytes();
CREATE TRIGGER count_bytes_of_deleted_links AFTER DELETE ON urls REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_link_bytes();
-- By row, which allows for a list of columns: counts of clicks are updated all the time.
CREATE TRIGGER count_bytes_of_changed_links AFTER UPDATE OF original_url, metadata ON urls FOR EACH ROW
    WHEN (NEW.user_id IS NOT NULL AND (NEW.original_url <> OLD.original_url OR NEW.metadata <> OLD.metadata)) EXECUTE FUNCTION count_link_bytes();

CREATE TRIGGER count_bytes_of_new_replies AFTER INSERT ON idempotency_keys REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION count_reply_bytes();
CREATE TRIGGER count_bytes_of_deleted_replies AFTER DELETE ON idempotency_keys REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_reply_bytes();
CREATE TRIGGER count_bytes_of_replaced_replies AFTER UPDATE ON idempotency_keys REFERENCING OLD TABLE AS removed NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION count_reply_bytes();

-- NULL: what they stored before this migration is not counted yet. That follows the migrations, user by user and beside ongoing writes (PostgresUsage.CountUncounted).
ALTER TABLE users ADD COLUMN stored_bytes bigint NULL;
ALTER TABLE users ALTER COLUMN stored_bytes SET DEFAULT 0;

-- NULL: the tier's.
ALTER TABLE users ADD COLUMN quota_bytes bigint NULL;
