-- Each process asks twice a second for the age of the oldest batch, and each part of a round takes the oldest ones. Without the index both read all that waits,
-- so that a long inbox takes ever longer. One entry is written for each batch, of some hundred clicks.
CREATE INDEX idx_click_inbox_stored_at ON click_inbox (stored_at, batch);
