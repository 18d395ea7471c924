-- The first schema. One text for SQLite and PostgreSQL (docs/decisions/0003-one-sql-text.md).
-- Times are microseconds since 1970-01-01 UTC; ids are hyphenated lower-case UUIDs; `…_sealed` columns hold values
-- that only the sealing key opens. Every key begins with the tenant; deployment-wide rows use the nil tenant.

CREATE TABLE tenants (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    disabled    BOOLEAN NOT NULL,
    created_at  BIGINT  NOT NULL,
    -- Grows whenever a setting of the tenant is bound to a server; taking it serializes those checks.
    bindings    BIGINT  NOT NULL
);

-- One row per fact about the whole deployment, such as which tenant is the default.
CREATE TABLE deployment (
    tenant      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    value       TEXT    NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- `canary` verifies that the sealing key is the right one; `issuer` is the key that signs bearer tokens.
CREATE TABLE deployment_secrets (
    tenant      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    label       TEXT    NOT NULL,
    value_sealed BYTEA  NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE clients (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    secret_hash TEXT    NOT NULL,
    permissions TEXT    NOT NULL,
    disabled    BOOLEAN NOT NULL,
    created_at  BIGINT  NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE onboarding_settings (
    tenant              TEXT    NOT NULL,
    id                  TEXT    NOT NULL,
    token_name          TEXT,
    apple_identifier    TEXT,
    token_type          TEXT    NOT NULL,
    data_sharing_consent BOOLEAN NOT NULL,
    share_with_sds      BOOLEAN NOT NULL,
    role_scope_tag_ids  TEXT,
    created_at          BIGINT  NOT NULL,
    modified_at         BIGINT  NOT NULL,
    -- Set when the setting was deleted; hidden rows are purged later.
    deleted_at           BIGINT,

    -- What Apple last said of the token. The generation grows with every token.
    token_state         TEXT    NOT NULL,
    token_checked_at    BIGINT,
    token_generation    BIGINT  NOT NULL,
    -- Rows of server_tokens: the one in use, and the last one that Apple accepted. They differ while terms wait.
    current_token       TEXT,
    verified_token        TEXT,
    token_expires_at    BIGINT,
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
    sync_due_at         BIGINT,
    sync_triggered_at   BIGINT,
    sync_started_at     BIGINT,
    sync_succeeded_at   BIGINT,
    sync_failures       BIGINT  NOT NULL,
    device_count        BIGINT  NOT NULL,
    lease_epoch         BIGINT  NOT NULL,
    lease_until         BIGINT  NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX onboarding_settings_due ON onboarding_settings (sync_due_at);
CREATE INDEX onboarding_settings_server ON onboarding_settings (tenant, server_uuid);

CREATE TABLE key_pairs (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    -- `pending` never opened a token, `current` opened the one in use, `previous` an earlier one.
    status          TEXT    NOT NULL,
    certificate     BYTEA   NOT NULL,
    private_key_sealed BYTEA NOT NULL,
    PRIMARY KEY (tenant, setting, id)
);

CREATE TABLE server_tokens (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    key_pair        TEXT    NOT NULL,
    expires_at      BIGINT  NOT NULL,
    token_sealed    BYTEA   NOT NULL,
    PRIMARY KEY (tenant, setting, id)
);

-- A wait that Apple asked for, per setting and consumer key (its digest).
CREATE TABLE apple_waits (
    tenant          TEXT    NOT NULL,
    setting         TEXT    NOT NULL,
    consumer        TEXT    NOT NULL,
    until           BIGINT  NOT NULL,
    PRIMARY KEY (tenant, setting, consumer)
);

-- Ids of 16 bytes, not text: there may be a million rows, and each stands in two indexes.
CREATE TABLE devices (
    tenant          BYTEA   NOT NULL,
    setting         BYTEA   NOT NULL,
    -- The serial number in ASCII lower case: the identity, and what is compared and ordered by.
    serial_key      TEXT    COLLATE "binary" NOT NULL,
    serial          TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    platform        TEXT    NOT NULL,
    source          TEXT    NOT NULL DEFAULT 'deviceEnrollmentProgram',
    description     TEXT,
    deleted         BOOLEAN NOT NULL DEFAULT FALSE,
    tombstone_at         BIGINT,
    created_at      BIGINT  NOT NULL,
    operation_at    BIGINT,
    profile_uuid    TEXT,
    profile_status  TEXT,
    desired_profile  TEXT,
    desired_at       BIGINT,
    -- Apple's record as it came, unknown keys included, and its digest.
    record          TEXT    NOT NULL,
    digest          TEXT    NOT NULL,
    PRIMARY KEY (tenant, setting, serial_key)
);

-- Without the setting: beside the primary key PostgreSQL would else take it for as good when looking for a serial number.
CREATE UNIQUE INDEX devices_id ON devices (tenant, id);

CREATE TABLE audit_events (
    tenant          TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    at              BIGINT  NOT NULL,
    activity        TEXT    NOT NULL,
    operation       TEXT    NOT NULL,
    resource_type   TEXT    NOT NULL,
    resource_id     TEXT    NOT NULL,
    resource_name   TEXT,
    actor           TEXT    NOT NULL,
    changes         TEXT    NOT NULL,
    correlation     TEXT    NOT NULL,
    PRIMARY KEY (tenant, id)
);
