//! Graph over real HTTP, the tests named like the operations they call.

mod audit_events;
mod batch;
mod headers;
mod imported_apple_device_identities;
mod onboarding_settings;
mod permissions;
mod spellings;
mod upload_dep_token;
