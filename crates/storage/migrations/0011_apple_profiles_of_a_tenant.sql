-- Whether a profile at Apple is ours is asked for the whole tenant: a setting may be deleted and made again for its server.
CREATE INDEX apple_profiles_uuid ON apple_profiles (tenant, apple_uuid);
