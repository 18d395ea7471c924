-- Apple's session of a stored server token, which all processes share. It stands in the token's row, so that it goes
-- when the token goes, and an upload costs no statement more.
ALTER TABLE server_tokens ADD COLUMN session_sealed BYTEA;
-- 0 while there is none; grows with every session that is kept.
ALTER TABLE server_tokens ADD COLUMN session_revision BIGINT NOT NULL DEFAULT 0;
-- Until when one process alone may open another session.
ALTER TABLE server_tokens ADD COLUMN session_claimed_until BIGINT NOT NULL DEFAULT 0;
