-- Making profiles and desired state so at Apple: what is due, which call is under way, what became of each device.

-- When desired state and what Apple reports are compared next; NULL while nothing is to be done.
ALTER TABLE onboarding_settings ADD COLUMN assignment_due_at BIGINT;
-- Grows with every change of what is wanted, so that nothing is asked of Apple on the ground of an older desired state.
ALTER TABLE onboarding_settings ADD COLUMN desired_generation BIGINT NOT NULL DEFAULT 0;
-- Whether every device has to be looked at, not only those with an `assign_due_at`.
ALTER TABLE onboarding_settings ADD COLUMN scan_all BOOLEAN NOT NULL DEFAULT TRUE;
-- Devices that carried another product's profile when all were looked at last.
ALTER TABLE onboarding_settings ADD COLUMN foreign_devices BIGINT;

CREATE INDEX onboarding_settings_assignment ON onboarding_settings (assignment_due_at);
UPDATE onboarding_settings SET assignment_due_at = 0 WHERE current_token IS NOT NULL;

-- What Apple has of a device is `profile_uuid` and `profile_status`: a success of ours is written there too, and the
-- next record that differs overwrites it. `assigned_uuid` is what Adept assigned last, until a record contradicts it.
ALTER TABLE devices DROP COLUMN assigned_profile;
ALTER TABLE devices DROP COLUMN assigned_revision;
ALTER TABLE devices ADD COLUMN assigned_uuid TEXT;
ALTER TABLE devices ADD COLUMN assigned_at BIGINT;
-- Assignments since `assign_counted_from`; not more than a few a day.
ALTER TABLE devices ADD COLUMN assign_count BIGINT;
ALTER TABLE devices ADD COLUMN assign_counted_from BIGINT;
ALTER TABLE devices ADD COLUMN release_due_at BIGINT;
ALTER TABLE devices ADD COLUMN release_attempts BIGINT;
ALTER TABLE devices ADD COLUMN release_failure TEXT;
UPDATE devices SET release_due_at = release_requested_at WHERE release_requested_at IS NOT NULL;

-- `assign_due_at` says when to look at a device again; devices that wait for nothing have none.
CREATE INDEX devices_due ON devices (tenant, setting, assign_due_at, serial_key) WHERE assign_due_at IS NOT NULL;
DROP INDEX devices_desired;
CREATE INDEX devices_desired ON devices (tenant, setting, desired_profile, serial_key) WHERE desired_profile IS NOT NULL;

-- When Apple said that it does not know the profile any more.
ALTER TABLE apple_profiles ADD COLUMN unknown_at BIGINT;

-- The one call about devices that a setting has under way, written before it is made and taken away with its outcome:
-- what is found here later is a call whose answer was lost.
CREATE TABLE in_flight_calls (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    -- `assign` or `release`.
    kind            TEXT    NOT NULL,
    profile         TEXT,
    revision        BIGINT,
    apple_uuid      TEXT,
    -- Serial numbers as Apple spells them: a JSON array.
    serials         TEXT    NOT NULL,
    started_at      BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting)
);

-- What happened to a device and what was decided about it. A device that is listed for the first time has no row.
CREATE TABLE device_events (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    serial_key      TEXT    COLLATE "binary" NOT NULL,
    at              BIGINT  NOT NULL,
    event           TEXT    NOT NULL,
    profile         TEXT,
    apple_uuid      TEXT,
    detail          TEXT,
    PRIMARY KEY (tenant, setting, serial_key, at, event)
);

CREATE INDEX device_events_at ON device_events (at);
