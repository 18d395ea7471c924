-- A setting may have two calls about devices that are not settled: the answer of one is stored while the next is made.

DROP TABLE in_flight_calls;

CREATE TABLE in_flight_calls (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    -- Sorts by time.
    id              TEXT    NOT NULL,
    -- The profile that the devices are to have, its revision and Apple's id of it; NULL for a release.
    profile         TEXT,
    revision        BIGINT,
    apple_uuid      TEXT,
    -- Serial numbers as Apple spells them: a JSON array.
    serials         TEXT    NOT NULL,
    started_at      BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, id)
);
