-- Metadata comes back as it was sent: jsonb orders members anew and spells numbers out, 1e131071 to 131,072 digits. From this version on the column holds
-- the text itself, as a jsonb string. No row is rewritten and no lock is held: rows of older versions hold objects, processes of older versions go on
-- writing them during a rolling update or after a rollback, and both are read.

-- What to store for a text.
CREATE FUNCTION link_metadata_of(sent text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN sent = '{}' THEN '{}'::jsonb ELSE to_jsonb(sent) END;

-- The text of what is stored. Objects whose numbers would take far more room than they were sent with are answered as {}: the room is what they were sent for.
CREATE FUNCTION link_metadata_text(stored jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN jsonb_typeof(stored) = 'string' THEN stored #>> '{}'
        WHEN stored @? '$.** ? (@.type() == "number" && (@ > 1e400 || @ < -1e400 || (@ != 0 && @ < 1e-400 && @ > -1e-400)))' THEN '{}'
        ELSE stored::text
    END;

-- Serves the list of a user's links by end; those that never expire come last. Without the partitions that are there already: theirs are built one by one
-- after the migrations, beside ongoing writes (PostgresPartitions.EnsureIndexes).
CREATE INDEX idx_urls_user_end ON ONLY urls (user_id, coalesce(expires_at, 'infinity'::timestamptz), id);
