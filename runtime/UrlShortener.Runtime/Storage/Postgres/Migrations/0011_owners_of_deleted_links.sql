-- Whose link it was, so that the deletion of a user waits for their links alone. NULL: nobody's, deleted by an older release, or nothing is left to erase.
ALTER TABLE deleted_links ADD COLUMN user_id bigint NULL;
