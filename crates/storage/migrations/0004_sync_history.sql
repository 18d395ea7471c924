-- What each sync did, when everything is fetched again, and what a complete fetch did not list.

-- When a complete fetch is owed next; NULL until the first one came to its end.
ALTER TABLE onboarding_settings ADD COLUMN full_fetch_due_at BIGINT;
-- Devices per page of the fetch that the cursor belongs to: a fetch under another limit starts over.
ALTER TABLE onboarding_settings ADD COLUMN cursor_limit BIGINT;
-- Runs in a row that ended because Apple gave a cursor for the second time.
ALTER TABLE onboarding_settings ADD COLUMN cursor_repeats BIGINT NOT NULL DEFAULT 0;

-- When a complete fetch first did not list the device, where too many were missing at once to believe it.
ALTER TABLE devices ADD COLUMN absent_since BIGINT;

CREATE INDEX devices_absent ON devices (tenant, setting, serial_key) WHERE absent_since IS NOT NULL;
CREATE INDEX devices_tombstone ON devices (tombstone_at) WHERE tombstone_at IS NOT NULL;

CREATE TABLE sync_runs (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    -- The epoch of the lease that the run held.
    run             BIGINT  NOT NULL,
    started_at      BIGINT  NOT NULL,
    ended_at        BIGINT,
    -- Runs that this line stands for: of several in a row that stored nothing and ended alike there is one line.
    runs            BIGINT  NOT NULL,
    kind            TEXT    NOT NULL,
    pages           BIGINT  NOT NULL,
    added           BIGINT  NOT NULL,
    changed         BIGINT  NOT NULL,
    removed         BIGINT  NOT NULL,
    -- Of these, what a full resync found that no delta had told.
    drift_added     BIGINT  NOT NULL,
    drift_changed   BIGINT  NOT NULL,
    drift_removed   BIGINT  NOT NULL,
    -- Devices that the fetch did not list and that were left as they are.
    missed          BIGINT  NOT NULL,
    -- `running`, `cut_short`, `ok`, `superseded`, `broken_off`, `repeated_cursor`, or the state of the token.
    outcome         TEXT    NOT NULL,
    -- Apple's code, where it gave one.
    code            TEXT,
    PRIMARY KEY (tenant, setting, run)
);

UPDATE onboarding_settings SET full_fetch_due_at = cursor_issued_at + 604800000000 WHERE cursor_complete;
