//! Graph over real HTTP, the tests named like the operations they call.

pub mod access_audit;
mod answer_size;
mod apple_configurator;
mod audit_events;
mod bad_input;
mod batch;
mod contract;
mod default_profiles;
mod enrollment_profiles;
mod expand;
mod field_cases;
mod headers;
mod import_apple_device_identity_list;
mod imported_apple_device_identities;
mod isolation;
mod lost_updates;
mod onboarding_settings;
mod permissions;
mod query_language;
mod recorded_requests;
mod repeated_creates;
pub mod seeds;
mod shares;
mod spellings;
mod throttling;
mod unconfirmed_commit;
mod upload_dep_token;
