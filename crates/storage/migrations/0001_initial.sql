-- The schema, whole. One text for SQLite and PostgreSQL (docs/decisions/0003-one-sql-text.md); what comes after it is
-- written as docs/decisions/0014-migrations-that-the-version-before-survives.md says.
--
-- Times are microseconds since 1970-01-01 UTC; ids are the 16 bytes of a UUID; `…_sealed` columns hold values that only
-- the sealing key opens. Every key begins with the tenant; deployment-wide rows use the nil tenant. What belongs to a
-- setting goes with it, and everything goes with its tenant.

CREATE TABLE tenants (
    id              BYTEA   NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL,
    disabled        BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL,
    -- Grows whenever a setting of the tenant is bound to a server; taking it serializes those checks.
    bindings        BIGINT  NOT NULL
);

-- Which programs may write: one row, which every migration updates.
CREATE TABLE schema_compatibility (
    tenant          BYTEA   NOT NULL PRIMARY KEY,
    -- The oldest schema version whose programs may still write.
    oldest_writer   BIGINT  NOT NULL
);

INSERT INTO schema_compatibility (tenant, oldest_writer) VALUES (unhex('00000000000000000000000000000000'), 1);

-- One row per fact about the whole deployment, such as which tenant is the default.
CREATE TABLE deployment (
    tenant          BYTEA   NOT NULL,
    name            TEXT    NOT NULL,
    value           TEXT    NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- `canary` verifies that the sealing key is the right one; `issuer` is the key that signs bearer tokens, `client-secrets` the
-- one that secrets of applications are hashed with.
CREATE TABLE deployment_secrets (
    tenant          BYTEA   NOT NULL,
    name            TEXT    NOT NULL,
    label           TEXT    NOT NULL,
    value_sealed    BYTEA   NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- Applications that may ask the built-in issuer for tokens.
CREATE TABLE clients (
    tenant          BYTEA   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id              BYTEA   NOT NULL,
    name            TEXT    NOT NULL,
    -- HMAC-SHA-256, and which of the deployment's keys it was made with.
    secret_key_id   TEXT    NOT NULL,
    secret_hash     BYTEA   NOT NULL,
    permissions     TEXT    NOT NULL,
    disabled        BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Onboarding settings, as people typed them. Every tenant has one without a token, for policies of Apple Configurator; its
-- id is the tenant's.
CREATE TABLE settings (
    tenant              BYTEA   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id                  BYTEA   NOT NULL,
    token_name          TEXT,
    data_sharing_consent BOOLEAN NOT NULL,
    share_with_sds      BOOLEAN NOT NULL,
    role_scope_tag_ids  TEXT,
    created_at          BIGINT  NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- What the machine knows of a setting: one value of `domain`, loaded and saved whole under its row's lock.
CREATE TABLE setting_states (
    tenant              BYTEA   NOT NULL,
    setting             BYTEA   NOT NULL,
    apple_identifier    TEXT,
    token_type          TEXT    NOT NULL,
    modified_at         BIGINT  NOT NULL,
    -- Set when the setting was deleted; such rows are purged later, and cannot be restored once that began.
    deleted_at          BIGINT,
    purging             BOOLEAN NOT NULL,

    -- Grows whenever another token is used.
    token_generation    BIGINT  NOT NULL,
    -- Rows of server_tokens: the one in use; the last one that Apple accepted; a newer one that Apple refused since.
    token_in_use        BYTEA,
    token_verified      BYTEA,
    token_newer         BYTEA,
    token_expires_at    BIGINT,
    -- What Apple last said of the one in use.
    token_state         TEXT    NOT NULL,
    token_checked_at    BIGINT,
    credential_refused  BOOLEAN NOT NULL,
    -- Refusals in a row without a code of Apple's, and the first of them.
    bare_refusals       BIGINT  NOT NULL,
    bare_refused_since  BIGINT,
    server_uuid         TEXT,
    org_id              TEXT,
    server_name         TEXT,
    org_name            TEXT,
    page_limit          BIGINT  NOT NULL,

    -- The synchronization. Every commit of it states generation, epoch and revision.
    cursor              TEXT,
    cursor_issued_at    BIGINT,
    cursor_complete     BOOLEAN NOT NULL,
    cursor_revision     BIGINT  NOT NULL,
    -- Devices per page of the fetch that the cursor belongs to: a fetch under another limit starts over.
    cursor_limit        BIGINT,
    -- Runs in a row that ended because Apple gave a cursor for the second time.
    cursor_repeats      BIGINT  NOT NULL,
    sync_due_at         BIGINT,
    -- Grows with every request, so that a run's end sees those that were made meanwhile.
    sync_requests       BIGINT  NOT NULL,
    sync_triggered_at   BIGINT,
    sync_started_at     BIGINT,
    sync_succeeded_at   BIGINT,
    sync_failures       BIGINT  NOT NULL,
    -- When a complete fetch is owed next; NULL until the first one came to its end.
    full_fetch_due_at   BIGINT,
    device_count        BIGINT  NOT NULL,

    lease_epoch         BIGINT  NOT NULL,
    -- NULL while nobody works on the setting.
    lease_until         BIGINT,

    -- When desired state and what Apple reports are compared next; NULL while nothing is to be done.
    assignment_due_at   BIGINT,
    assignment_requests BIGINT  NOT NULL,
    -- What Apple showed of the token when profiles were defined or assigned, and how often in a row: a sync that
    -- succeeds meanwhile does not hide it, and it is tried again after 1, 5 and 15 minutes as a sync is.
    assignment_fault    TEXT,
    assignment_failures BIGINT  NOT NULL,
    -- Grows with every change of desired state, so that nothing is asked of Apple on the ground of an older one.
    desired_generation  BIGINT  NOT NULL,
    -- Whether every device has to be looked at, not only those with an `assign_due_at`.
    scan_all            BOOLEAN NOT NULL,
    -- Devices that carried another product's profile when all were looked at last.
    foreign_devices     BIGINT,
    PRIMARY KEY (tenant, setting),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

CREATE INDEX setting_states_sync ON setting_states (sync_due_at);
CREATE INDEX setting_states_assignment ON setting_states (assignment_due_at);
CREATE INDEX setting_states_server ON setting_states (tenant, server_uuid);

-- A setting as it is shown: what people typed beside what the machine knows. Read only.
CREATE VIEW setting_overview AS
    SELECT settings.tenant, settings.id, token_name, data_sharing_consent, share_with_sds, role_scope_tag_ids, created_at,
        apple_identifier, token_type, modified_at, deleted_at, purging, token_generation, token_in_use, token_verified, token_newer,
        token_expires_at, token_state, token_checked_at, credential_refused, server_uuid, org_id, server_name, org_name,
        sync_triggered_at, sync_succeeded_at, sync_failures, device_count, lease_epoch, lease_until, foreign_devices
    FROM settings JOIN setting_states
        ON setting_states.tenant = settings.tenant AND setting_states.setting = settings.id;

CREATE TABLE key_pairs (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    id              BYTEA   NOT NULL,
    created_at      BIGINT  NOT NULL,
    -- `pending` never opened a token, `current` opened the one in use, `previous` an earlier one.
    status          TEXT    NOT NULL,
    certificate     BYTEA   NOT NULL,
    private_key_sealed BYTEA NOT NULL,
    PRIMARY KEY (tenant, setting, id),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

CREATE TABLE server_tokens (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    id              BYTEA   NOT NULL,
    key_pair        BYTEA   NOT NULL,
    expires_at      BIGINT  NOT NULL,
    token_sealed    BYTEA   NOT NULL,
    -- Apple's session, which all processes share. It stands in the token's row, so that it goes when the token goes, and
    -- an upload costs no statement more.
    session_sealed  BYTEA,
    -- 0 while there is none; grows with every session that is kept.
    session_revision BIGINT NOT NULL DEFAULT 0,
    -- Until when one process alone may open another session.
    session_claimed_until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, setting, id),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

-- A wait that Apple asked for, per setting and consumer key (its digest).
CREATE TABLE apple_waits (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    consumer        TEXT    NOT NULL,
    until           BIGINT  NOT NULL,
    -- The longest that a wait of its kind may last, in microseconds: one that lies further ahead is not believed.
    longest         BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, consumer),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

-- Uploads that could not be opened, by key pair and caller: when the budget of failures is whole again. An empty caller stands
-- for all of them together.
CREATE TABLE open_failures (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    key_pair        BYTEA   NOT NULL,
    caller          BYTEA   NOT NULL,
    refilled_at     BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, key_pair, caller),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

CREATE INDEX open_failures_age ON open_failures (refilled_at);

-- How many devices a tenant asked to release since the first of them; counts for a day.
CREATE TABLE release_days (
    tenant          BYTEA   PRIMARY KEY NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    began_at        BIGINT  NOT NULL,
    devices         BIGINT  NOT NULL
);

-- There may be a million rows, and their ids stand in two indexes.
CREATE TABLE devices (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    -- The serial number in ASCII lower case: the identity, and what is compared and ordered by.
    serial_key      TEXT    COLLATE "binary" NOT NULL,
    serial          TEXT    NOT NULL,
    id              BYTEA   NOT NULL,
    platform        TEXT    NOT NULL,
    source          TEXT    NOT NULL DEFAULT 'deviceEnrollmentProgram',
    description     TEXT,
    deleted         BOOLEAN NOT NULL DEFAULT FALSE,
    tombstone_at    BIGINT,
    created_at      BIGINT  NOT NULL,
    operation_at    BIGINT,
    -- When a complete fetch first did not list the device, where too many were absent at once to believe it.
    absent_since    BIGINT,
    -- Apple's record as it came, unknown keys included, and its digest.
    record          TEXT    NOT NULL,
    digest          TEXT    NOT NULL,

    -- What Apple has of the device: a success of ours is written here too, and the next record that differs overwrites it.
    profile_uuid    TEXT,
    profile_status  TEXT,
    -- An explicit desired state; the revision that is desired is always the profile's own.
    desired_profile BYTEA,
    desired_at      BIGINT,
    -- As the desired profile says, or the import.
    supervised      BOOLEAN,

    -- What Adept assigned last, until a record contradicts it.
    assigned_uuid   TEXT,
    assigned_at     BIGINT,
    -- When to look at the device again; devices that wait for nothing have none.
    assign_due_at   BIGINT,
    assign_attempts BIGINT,
    assign_failure  TEXT,
    -- Goes on while less than a day lies between two assignments; not more than a few a day.
    assign_count    BIGINT,

    -- When someone asked that Apple release the device.
    release_requested_at BIGINT,
    release_due_at  BIGINT,
    release_attempts BIGINT,
    release_failure TEXT,
    -- What lists order by and filter that has few values, as one number; `device_counts` has the same.
    facets          SMALLINT GENERATED ALWAYS AS (
        (CASE platform WHEN 'ios' THEN 1 WHEN 'macOS' THEN 2 WHEN 'visionOS' THEN 3 WHEN 'tvOS' THEN 4 ELSE 0 END) * 32
        + (CASE source WHEN 'deviceEnrollmentProgram' THEN 0 WHEN 'adminImport' THEN 1 ELSE 2 END) * 8
        + (CASE WHEN deleted THEN 4 ELSE 0 END) + (CASE WHEN supervised THEN 2 ELSE 0 END)
        + (CASE WHEN desired_profile IS NULL THEN 0 ELSE 1 END)
    ) STORED,
    PRIMARY KEY (tenant, setting, serial_key),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

-- Of arrival, too: ids tell when they were made. Without the tenant, as all that lists are found by and that are not in the
-- order of serial numbers: beside the primary key PostgreSQL would else take them for as good when looking for a serial number.
CREATE UNIQUE INDEX devices_id ON devices (setting, id);
CREATE INDEX devices_desired ON devices (tenant, setting, desired_profile, serial_key) WHERE desired_profile IS NOT NULL;
CREATE INDEX devices_due ON devices (tenant, setting, assign_due_at, serial_key) WHERE assign_due_at IS NOT NULL;
CREATE INDEX devices_release ON devices (tenant, setting, release_requested_at) WHERE release_requested_at IS NOT NULL;
CREATE INDEX devices_absent ON devices (tenant, setting, serial_key) WHERE absent_since IS NOT NULL;
-- Of those alone that are not as a first sync brings iPhones, iPads and Macs, or every sync would pay for it.
CREATE INDEX devices_facets ON devices (setting, facets) WHERE facets NOT IN (32, 64);
CREATE INDEX devices_desired_at ON devices (setting, COALESCE(desired_at, -9223372036854775807)) WHERE desired_at IS NOT NULL;
CREATE INDEX devices_tombstone ON devices (tombstone_at) WHERE tombstone_at IS NOT NULL;

-- The serial numbers of a setting's devices in lower case, each with a line end behind it, so many in a row that PostgreSQL
-- keeps it whole: what looks for a part of one reads these, and what lists devices by their descriptions.
CREATE TABLE serial_blocks (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    -- In ASCII lower case; of a long one the beginning, and empty where there is none.
    description     TEXT    COLLATE "binary" NOT NULL,
    block           BIGINT  NOT NULL,
    serial_keys     TEXT    COLLATE "binary" NOT NULL,
    PRIMARY KEY (tenant, setting, description, block),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

-- How many devices of a setting are alike, gone ones included: counting them reads these few rows. Written in the transaction
-- of every change of devices.
CREATE TABLE device_counts (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    platform        TEXT    NOT NULL,
    source          TEXT    NOT NULL,
    deleted         BOOLEAN NOT NULL,
    supervised      BOOLEAN NOT NULL,
    -- 16 zero bytes where none is wanted explicitly.
    desired_profile BYTEA   NOT NULL,
    -- Empty where Apple says nothing.
    profile_status  TEXT    NOT NULL,
    number          BIGINT  NOT NULL,
    facets          SMALLINT GENERATED ALWAYS AS (
        (CASE platform WHEN 'ios' THEN 1 WHEN 'macOS' THEN 2 WHEN 'visionOS' THEN 3 WHEN 'tvOS' THEN 4 ELSE 0 END) * 32
        + (CASE source WHEN 'deviceEnrollmentProgram' THEN 0 WHEN 'adminImport' THEN 1 ELSE 2 END) * 8
        + (CASE WHEN deleted THEN 4 ELSE 0 END) + (CASE WHEN supervised THEN 2 ELSE 0 END)
        + (CASE WHEN desired_profile = unhex('00000000000000000000000000000000') THEN 0 ELSE 1 END)
    ) STORED,
    PRIMARY KEY (tenant, setting, platform, source, deleted, supervised, desired_profile, profile_status),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

-- The same with the columns of `devices`, so that a filter reads either. Read only.
CREATE VIEW counted_devices AS
    SELECT tenant, setting, platform, source, deleted, supervised,
        NULLIF(desired_profile, unhex('00000000000000000000000000000000')) AS desired_profile,
        NULLIF(profile_status, '') AS profile_status, number, facets
    FROM device_counts;

-- What happened to a device and what was decided about it. A device that is listed for the first time has no row.
CREATE TABLE device_events (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    serial_key      TEXT    COLLATE "binary" NOT NULL,
    at              BIGINT  NOT NULL,
    event           TEXT    NOT NULL,
    profile         BYTEA,
    apple_uuid      TEXT,
    detail          TEXT,
    PRIMARY KEY (tenant, setting, serial_key, at, event),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

CREATE INDEX device_events_at ON device_events (at);

-- The history of syncs: a line per run.
CREATE TABLE sync_runs (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
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
    unconfirmed     BIGINT  NOT NULL,
    -- Records without a serial number.
    unreadable      BIGINT  NOT NULL,
    -- `running`, `cut_short`, `ok`, `superseded`, `interrupted`, `broken_off`, `repeated_cursor`, or the state of the token.
    outcome         TEXT    NOT NULL,
    -- Apple's code, where it gave one.
    code            TEXT,
    PRIMARY KEY (tenant, setting, run),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

CREATE TABLE enrollment_profiles (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    id              BYTEA   NOT NULL,
    -- The name of Graph's type.
    kind            TEXT    NOT NULL,
    display_name    TEXT,
    description     TEXT,
    -- Every other property that has a value: a JSON object with Graph's names.
    properties      TEXT    NOT NULL,
    admin_password_sealed BYTEA,
    -- Grows with whatever Apple has to be told: a profile at Apple cannot be changed, so each revision is another one.
    revision        BIGINT  NOT NULL,
    -- Grows with every change, and when the profile becomes a default or desired; taking it serializes those with its
    -- deletion.
    version         BIGINT  NOT NULL,
    created_at      BIGINT  NOT NULL,
    modified_at     BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, id),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

CREATE TABLE default_profiles (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    platform        TEXT    NOT NULL,
    profile         BYTEA   NOT NULL,
    set_at          BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, platform),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

-- How often a revision was sent to Apple to be defined; the attempt is written before the call.
CREATE TABLE profile_definitions (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    profile         BYTEA   NOT NULL,
    revision        BIGINT  NOT NULL,
    attempts        BIGINT  NOT NULL,
    attempted_at    BIGINT  NOT NULL,
    -- Why it was given up; NULL while it was not.
    failure         TEXT,
    -- When it is sent again where Apple refused it for a reason that is not the profile's; NULL: not by itself.
    again_at        BIGINT,
    PRIMARY KEY (tenant, setting, profile, revision),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

-- Every id that Apple ever gave to a profile of ours: Apple lists none of them. They outlive their setting, which may be
-- made again for its server.
CREATE TABLE apple_profiles (
    tenant          BYTEA   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    setting         BYTEA   NOT NULL,
    apple_uuid      TEXT    NOT NULL,
    profile         BYTEA   NOT NULL,
    revision        BIGINT  NOT NULL,
    received_at     BIGINT  NOT NULL,
    -- When Apple said that it does not know the profile any more.
    unknown_at      BIGINT,
    -- A digest of what the operator has Apple told of every profile alike; a profile is defined again when that changes.
    shared_options_digest TEXT,
    PRIMARY KEY (tenant, setting, apple_uuid)
);

-- Profiles of other products that devices carry: Apple was asked about each once.
CREATE TABLE foreign_profiles (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    apple_uuid      TEXT    NOT NULL,
    checked_at      BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, apple_uuid),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

-- Whether a profile at Apple is ours is asked for the whole tenant.
CREATE INDEX apple_profiles_uuid ON apple_profiles (tenant, apple_uuid);

-- The calls about devices that a setting has under way, written before they are made and taken away with their outcome:
-- what is found here later is a call whose answer was lost. A setting may have two, since the answer of one is stored
-- while the next is made.
CREATE TABLE in_flight_calls (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    -- Sorts by time.
    id              BYTEA   NOT NULL,
    -- The profile that the devices are to have, its revision and Apple's id of it; NULL for a release.
    profile         BYTEA,
    revision        BIGINT,
    apple_uuid      TEXT,
    -- Serial numbers as Apple spells them: a JSON array.
    serials         TEXT    NOT NULL,
    started_at      BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, id),
    FOREIGN KEY (tenant, setting) REFERENCES settings (tenant, id) ON DELETE CASCADE
);

CREATE TABLE audit_events (
    tenant          BYTEA   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id              BYTEA   NOT NULL,
    at              BIGINT  NOT NULL,
    activity        TEXT    NOT NULL,
    operation       TEXT    NOT NULL,
    resource_type   TEXT    NOT NULL,
    resource_id     TEXT    NOT NULL,
    resource_name   TEXT,
    actor           TEXT    NOT NULL,
    changes         TEXT    NOT NULL,
    correlation     BYTEA   NOT NULL,
    result          TEXT    NOT NULL DEFAULT 'Success',
    -- Sign-ins and refused requests that are alike are one row, whose number grows until their minute or hour is over; of other
    -- rows nothing ever changes.
    times           BIGINT  NOT NULL DEFAULT 1,
    last_at         BIGINT,
    PRIMARY KEY (tenant, id)
);

-- The audit log is read by time, newest first, page after page. Ids break ties.
CREATE INDEX audit_events_at ON audit_events (tenant, at DESC, id);

-- Creates that carried a client-request-id: a repetition within a day answers with what the first one made.
CREATE TABLE created_requests (
    tenant          BYTEA   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- SHA-256 of the caller, the client's id of the request, the path and the body.
    request         BYTEA   NOT NULL,
    entity          BYTEA   NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (tenant, request)
);

CREATE INDEX created_requests_age ON created_requests (created_at);
