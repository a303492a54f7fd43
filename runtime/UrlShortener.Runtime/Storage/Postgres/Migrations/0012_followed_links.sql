-- The minute in which people followed a link last, for the list of a user's links that are followed now. An index on urls would serve the list as well, but no
-- count of clicks could be updated in place any more: each would write an entry into every index of urls. This table changes once per link and minute.
-- Empty at first: an hour after all processes are of this release, it knows all that the list asks for.
CREATE TABLE followed_links (
    short_code varchar(10) COLLATE "C" PRIMARY KEY,
    user_id    bigint      NOT NULL,
    minute     timestamptz NOT NULL
);

CREATE INDEX idx_followed_links_user_id ON followed_links (user_id, minute, short_code);
