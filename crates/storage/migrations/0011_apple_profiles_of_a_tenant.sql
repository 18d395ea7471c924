-- Whether a profile at Apple is ours is asked for the whole tenant: a setting may be deleted and made again for its server.
CREATE INDEX apple_profiles_uuid ON apple_profiles (tenant, apple_uuid);

-- Creates that carried a client-request-id: a repetition within a day answers with what the first one made.
CREATE TABLE created_requests (
    tenant      BYTEA   NOT NULL,
    -- SHA-256 of the caller, the client's id of the request, the path and the body.
    request     BYTEA   NOT NULL,
    entity      BYTEA   NOT NULL,
    created_at  BIGINT  NOT NULL,
    PRIMARY KEY (tenant, request)
);
CREATE INDEX created_requests_age ON created_requests (created_at);
