-- When the clicks of a deleted link are to be erased from the server of statistics. NULL: that is done. Without such a server nothing reads it.
ALTER TABLE deleted_links ADD COLUMN analytics_due_at timestamptz NULL DEFAULT now();

CREATE INDEX idx_deleted_links_analytics_due_at ON deleted_links (analytics_due_at) WHERE analytics_due_at IS NOT NULL;
