-- Keys of clients that were created while agd ran. A revoked one stays, so that its name still says whose it was.
CREATE TABLE client_keys (
    name TEXT PRIMARY KEY CHECK (name <> ''),
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),   -- SHA-256 of the key, which itself is kept nowhere
    created INTEGER NOT NULL,                   -- Unix seconds, as all times here
    revoked INTEGER,
    expires REAL,
    models TEXT NOT NULL,                       -- names and patterns, a JSON array; empty: every model
    rpm INTEGER,                                -- limits; NULL: none
    tpm INTEGER,
    concurrency INTEGER,
    budgets TEXT NOT NULL                       -- as they are written, "1000000/day, 20000000/month"; empty: none
) WITHOUT ROWID;

-- Tokens that were spent of budgets, also of keys that stand in the configuration.
CREATE TABLE spent (
    owner TEXT NOT NULL CHECK (owner <> ''),
    period TEXT NOT NULL,                       -- day, month, total
    label TEXT NOT NULL,                        -- which day or month, in UTC
    tokens INTEGER NOT NULL,
    PRIMARY KEY (owner, period)
) WITHOUT ROWID;
