-- When a definition is sent again that Apple refused for a reason that is not the profile's; NULL: not by itself.
ALTER TABLE profile_definitions ADD COLUMN again_at BIGINT;

-- What was given up before the two were told apart is sent once more.
UPDATE onboarding_settings SET scan_all = TRUE, assignment_due_at = 0 WHERE current_token IS NOT NULL AND EXISTS
    (SELECT 1 FROM profile_definitions WHERE profile_definitions.tenant = onboarding_settings.tenant
     AND profile_definitions.setting = onboarding_settings.id AND profile_definitions.failure IS NOT NULL);
DELETE FROM profile_definitions WHERE failure IS NOT NULL;

-- `assign_count` goes on while less than a day lies between two assignments; `assigned_at` tells.
ALTER TABLE devices DROP COLUMN assign_counted_from;
