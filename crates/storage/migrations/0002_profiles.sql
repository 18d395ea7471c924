-- Enrollment profiles, which of them are defaults, which device wants which, and what is known of them at Apple.

CREATE TABLE enrollment_profiles (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    -- The name of Graph's type.
    kind            TEXT    NOT NULL,
    display_name    TEXT,
    description     TEXT,
    -- Every other property that has a value: a JSON object with Graph's names.
    properties      TEXT    NOT NULL,
    admin_password_sealed BYTEA,
    -- Grows with whatever Apple has to be told: a profile at Apple cannot be changed, so each revision is another one.
    revision        BIGINT  NOT NULL,
    -- Grows with every change, and when the profile becomes a default or wanted; taking it serializes those with its
    -- deletion.
    version         BIGINT  NOT NULL,
    created_at      BIGINT  NOT NULL,
    modified_at     BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, id)
);

CREATE TABLE default_profiles (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    platform        TEXT    NOT NULL,
    profile         TEXT    NOT NULL,
    set_at          BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, platform)
);

-- How often a revision was sent to Apple to be defined; the attempt is written before the call.
CREATE TABLE profile_definitions (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    profile         TEXT    NOT NULL,
    revision        BIGINT  NOT NULL,
    attempts        BIGINT  NOT NULL,
    attempted_at    BIGINT  NOT NULL,
    -- Why it was given up; NULL while it was not.
    failure         TEXT,
    PRIMARY KEY (tenant, setting, profile, revision)
);

-- Every id that Apple ever gave to a profile of ours: Apple lists none of them.
CREATE TABLE apple_profiles (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    apple_uuid      TEXT    NOT NULL,
    profile         TEXT    NOT NULL,
    revision        BIGINT  NOT NULL,
    received_at     BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, apple_uuid)
);

-- `desired_profile` is an explicit desired state; the revision that is wanted is always the profile's own. What Apple confirmed
-- stands beside it, so that the devices that differ are found by a join.
ALTER TABLE devices ADD COLUMN assigned_profile TEXT;
ALTER TABLE devices ADD COLUMN assigned_revision BIGINT;
ALTER TABLE devices ADD COLUMN assign_attempts BIGINT;
ALTER TABLE devices ADD COLUMN assign_due_at BIGINT;
ALTER TABLE devices ADD COLUMN assign_failure TEXT;
-- When someone asked that Apple release the device.
ALTER TABLE devices ADD COLUMN release_requested_at BIGINT;
-- As the wanted profile says, or the import.
ALTER TABLE devices ADD COLUMN supervised BOOLEAN;

CREATE INDEX devices_desired ON devices (tenant, setting, desired_profile) WHERE desired_profile IS NOT NULL;
CREATE INDEX devices_release ON devices (tenant, setting, release_requested_at) WHERE release_requested_at IS NOT NULL;

-- Every tenant has one setting without a token, for policies of Apple Configurator; its id is the tenant's.
INSERT INTO onboarding_settings (tenant, id, token_name, token_type, data_sharing_consent, share_with_sds,
    role_scope_tag_ids, created_at, modified_at, token_state, token_generation, page_limit, cursor_complete,
    cursor_revision, sync_failures, device_count, lease_epoch, lease_until)
SELECT id, id, 'Apple Configurator', 'none', FALSE, FALSE, '["0"]', created_at, created_at, 'none', 0, 1000, FALSE,
    0, 0, 0, 0, 0
FROM tenants;
