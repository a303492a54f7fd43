-- The loader forgets a batch once its insert is acknowledged. Without these settings a part may then be in the memory of the system only, and a machine that
-- loses its power loses clicks that nobody loads again. Each statement can run again.
ALTER TABLE clicks ${ON_CLUSTER} MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE clicks_by_quarter_hour ${ON_CLUSTER} MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE clicks_by_day ${ON_CLUSTER} MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE loaded_events ${ON_CLUSTER} MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
