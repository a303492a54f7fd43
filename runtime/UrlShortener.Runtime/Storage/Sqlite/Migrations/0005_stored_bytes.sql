-- Bytes that each user stores: links, and answers kept for retries. What counts is said by the two columns "bytes", and by StoredSize.cs for requests.
ALTER TABLE urls ADD COLUMN bytes INTEGER GENERATED ALWAYS AS (256 + octet_length(short_code) + octet_length(original_url) + octet_length(metadata)) VIRTUAL;
ALTER TABLE idempotency_keys ADD COLUMN bytes INTEGER GENERATED ALWAYS AS (256 + coalesce(octet_length(location), 0) + octet_length(body)) VIRTUAL;

ALTER TABLE users ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;
-- NULL: the tier's.
ALTER TABLE users ADD COLUMN quota_bytes INTEGER NULL;

UPDATE users SET stored_bytes =
    coalesce((SELECT sum(bytes) FROM urls WHERE user_id = users.id), 0) + coalesce((SELECT sum(bytes) FROM idempotency_keys WHERE user_id = users.id), 0);

-- New links are counted by the store, once per request: a trigger would update the user's row with each link, which takes half as long as storing it.
CREATE TRIGGER count_bytes_of_deleted_link AFTER DELETE ON urls WHEN OLD.user_id IS NOT NULL BEGIN
    UPDATE users SET stored_bytes = stored_bytes - OLD.bytes WHERE id = OLD.user_id;
END;

CREATE TRIGGER count_bytes_of_changed_link AFTER UPDATE OF original_url, metadata ON urls WHEN NEW.user_id IS NOT NULL AND NEW.bytes <> OLD.bytes BEGIN
    UPDATE users SET stored_bytes = stored_bytes + NEW.bytes - OLD.bytes WHERE id = NEW.user_id;
END;

CREATE TRIGGER count_bytes_of_new_reply AFTER INSERT ON idempotency_keys WHEN NEW.user_id IS NOT NULL BEGIN
    UPDATE users SET stored_bytes = stored_bytes + NEW.bytes WHERE id = NEW.user_id;
END;

CREATE TRIGGER count_bytes_of_deleted_reply AFTER DELETE ON idempotency_keys WHEN OLD.user_id IS NOT NULL BEGIN
    UPDATE users SET stored_bytes = stored_bytes - OLD.bytes WHERE id = OLD.user_id;
END;

CREATE TRIGGER count_bytes_of_replaced_reply AFTER UPDATE ON idempotency_keys BEGIN
    UPDATE users SET stored_bytes = stored_bytes - OLD.bytes WHERE id = OLD.user_id;
    UPDATE users SET stored_bytes = stored_bytes + NEW.bytes WHERE id = NEW.user_id;
END;
