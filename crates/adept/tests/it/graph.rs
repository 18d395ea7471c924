//! Graph over real HTTP, the tests named like the operations they call.

mod apple_configurator;
mod audit_events;
mod batch;
mod default_profiles;
mod enrollment_profiles;
mod headers;
mod import_apple_device_identity_list;
mod imported_apple_device_identities;
mod onboarding_settings;
mod permissions;
mod spellings;
mod upload_dep_token;
