-- A change belongs to an epoch, as a code does: of two states of a link the one of the newer epoch is the newer one, whatever their numbers.
-- VOLATILE, so that a statement that waited for the opening of an epoch sees it. A default, so that processes of the release before fill it in as well.
CREATE FUNCTION kgs_current_epoch() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT coalesce(max(epoch), 0) FROM kgs_epochs';

ALTER TABLE link_changes ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE link_changes ALTER COLUMN epoch SET DEFAULT kgs_current_epoch();

-- A few rows, written by the health check: what it meets, every write meets.
CREATE TABLE health_checks (
    id         integer     PRIMARY KEY,
    checked_at timestamptz NOT NULL
);
