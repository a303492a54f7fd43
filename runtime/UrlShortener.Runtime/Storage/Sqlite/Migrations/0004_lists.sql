-- Serves the list of a user's links by end; those that never expire come last.
CREATE INDEX idx_urls_user_end ON urls (user_id, coalesce(expires_at, 9223372036854775807), id);
