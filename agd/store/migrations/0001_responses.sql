-- Responses as they are told apart: small rows, so that walking a conversation touches little.
CREATE TABLE responses (
    key INTEGER PRIMARY KEY AUTOINCREMENT,      -- grows with time, and is never given twice
    owner TEXT NOT NULL CHECK (owner <> ''),
    id TEXT NOT NULL CHECK (id <> ''),
    created INTEGER NOT NULL,                   -- Unix seconds
    previous TEXT,                              -- id of the response that this one continues, of the same owner
    status TEXT NOT NULL,
    background INTEGER NOT NULL CHECK (background IN (0, 1)),
    used INTEGER NOT NULL,                      -- Unix seconds; of a response that was read or continued, to the day
    leaf INTEGER NOT NULL CHECK (leaf IN (0, 1)),  -- no stored response continues it: only leaves are ever dropped
    bytes INTEGER NOT NULL,                     -- what it takes, with what it is found by
    UNIQUE (owner, id)
);

CREATE INDEX responses_continued ON responses (owner, previous) WHERE previous IS NOT NULL;
CREATE INDEX responses_leaves ON responses (used) WHERE leaf = 1;
CREATE INDEX responses_unfinished ON responses (status) WHERE status IN ('queued', 'in_progress');

-- What all responses take together.
CREATE TABLE tally (bytes INTEGER NOT NULL);
INSERT INTO tally VALUES (0);

CREATE TRIGGER responses_grow AFTER INSERT ON responses BEGIN
    UPDATE tally SET bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER responses_change AFTER UPDATE OF bytes ON responses BEGIN
    UPDATE tally SET bytes = bytes + NEW.bytes - OLD.bytes;
END;
CREATE TRIGGER responses_shrink AFTER DELETE ON responses BEGIN
    UPDATE tally SET bytes = bytes - OLD.bytes;
END;

-- What they say, as JSON in UTF-8.
CREATE TABLE contents (
    response INTEGER PRIMARY KEY REFERENCES responses (key) ON DELETE CASCADE,
    input BLOB NOT NULL,                        -- the request's own items, an array
    body BLOB NOT NULL,                         -- the public Response object
    memory BLOB NOT NULL,                       -- state of the provider, an array of entries
    journal BLOB                                -- the events of a background response as they were sent
);

-- In which response an item stands; clients may send the same item again with a later one.
CREATE TABLE items (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    response INTEGER NOT NULL REFERENCES responses (key) ON DELETE CASCADE,
    PRIMARY KEY (owner, id, response)
) WITHOUT ROWID;

CREATE INDEX items_of_response ON items (response);
