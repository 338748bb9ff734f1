-- What is known of the accounts, so that a restart does not forget it; see agd/accounts/state.py. No secret is in it.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    state BLOB NOT NULL,                        -- JSON in UTF-8
    seen INTEGER NOT NULL                       -- Unix seconds, to the day: when it was last in the configuration
) WITHOUT ROWID;

-- What accounts of one project share; only those that something is held against.
CREATE TABLE purses (
    upstream TEXT NOT NULL,
    name TEXT NOT NULL,
    state BLOB NOT NULL,                        -- JSON in UTF-8
    PRIMARY KEY (upstream, name)
) WITHOUT ROWID;

-- The version of what the two tables hold, in a single row once there is anything.
CREATE TABLE account_version (version INTEGER NOT NULL);
