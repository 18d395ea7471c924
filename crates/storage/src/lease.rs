//! The right to work for one setting: what every write of what was learned from Apple states.

use adept_domain::SettingKey;

/// The right to synchronize one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The setting.
    pub key: SettingKey,
    /// Grows with every take-over.
    pub epoch: i64,
    /// The token under which everything is learned.
    pub generation: i64,
}
