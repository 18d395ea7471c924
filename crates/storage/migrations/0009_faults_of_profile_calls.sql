-- What Apple showed of the token when profiles were defined or assigned, and how often in a row: a sync that succeeds
-- meanwhile does not hide it, and it is tried again after 1, 5 and 15 minutes as a sync is.
ALTER TABLE onboarding_settings ADD COLUMN assignment_fault TEXT;
ALTER TABLE onboarding_settings ADD COLUMN assignment_failures BIGINT NOT NULL DEFAULT 0;

-- A digest of what the operator has Apple told of every profile alike; a profile is defined again when that changes.
-- NULL: defined before digests were kept, and taken for the present one.
ALTER TABLE apple_profiles ADD COLUMN shared_options_digest TEXT;
