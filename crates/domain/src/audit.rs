//! What is written down about each change: who did what to which object, old and new value, never a secret.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Caller, DeviceRow, Profile, ProfileKind, Setting};

/// One changed property. Values are already fit to be read by anyone who may read the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The property's name in Graph's words.
    pub property: &'static str,
    /// The value before; none where there was none.
    pub old: Option<String>,
    /// The value after; none where it was cleared.
    pub new: Option<String>,
}

impl Change {
    /// A change from `old` to `new`, or none when both are equal.
    pub fn between(property: &'static str, old: Option<&str>, new: Option<&str>) -> Option<Self> {
        (old != new).then(|| Self { property, old: old.map(str::to_owned), new: new.map(str::to_owned) })
    }

    /// The changes among these properties, each with its value before and after.
    pub fn among<const N: usize>(properties: [(&'static str, Option<&str>, Option<&str>); N]) -> Vec<Self> {
        let change = |(property, old, new)| Self::between(property, old, new);
        properties.into_iter().filter_map(change).collect()
    }
}

/// The object that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditResource {
    /// Graph's type name, such as `DepOnboardingSetting`.
    pub kind: &'static str,
    /// The object's id as Graph shows it.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
}

impl From<&Setting> for AuditResource {
    fn from(setting: &Setting) -> Self {
        let name = setting.token_name.clone();
        Self { kind: "DepOnboardingSetting", id: setting.id.to_string(), name }
    }
}

impl From<&DeviceRow> for AuditResource {
    fn from(device: &DeviceRow) -> Self {
        let name = Some(device.serial.clone());
        Self { kind: "ImportedAppleDeviceIdentity", id: device.id.to_string(), name }
    }
}

impl From<&Profile> for AuditResource {
    fn from(profile: &Profile) -> Self {
        let kind = match profile.kind {
            ProfileKind::Plain => "EnrollmentProfile",
            ProfileKind::Dep => "DepEnrollmentProfile",
            ProfileKind::Ios => "DepIOSEnrollmentProfile",
            ProfileKind::MacOs => "DepMacOSEnrollmentProfile",
            ProfileKind::TvOs => "DepTvOSEnrollmentProfile",
            ProfileKind::VisionOs => "DepVisionOSEnrollmentProfile",
        };
        Self { kind, id: profile.full_id(), name: profile.display_name.clone() }
    }
}

/// One entry of the audit log, written in the transaction of the change itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Sortable by time.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it; none when Adept acted by itself.
    pub actor: Option<Caller>,
    /// The operation's name in Graph's words, such as `uploadDepToken`.
    pub activity: &'static str,
    /// `Create`, `Delete`, `Patch` or `Action`.
    pub operation: &'static str,
    /// What was changed.
    pub resource: AuditResource,
    /// Which properties changed.
    pub changes: Vec<Change>,
    /// The request that caused it.
    pub correlation: Uuid,
}

/// An entry of the audit log as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Sortable by time.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: AuditActor,
    /// The operation's name, such as `uploadDepToken`.
    pub activity: String,
    /// The activity together with the type of its resource, such as `uploadDepToken DepOnboardingSetting`.
    pub activity_type: String,
    /// `Create`, `Delete`, `Patch` or `Action`.
    pub operation: String,
    /// Graph's type name of what was changed.
    pub resource_kind: String,
    /// The object's id as Graph shows it.
    pub resource_id: String,
    /// What people call it.
    pub resource_name: Option<String>,
    /// `Success` or `Failure`.
    pub result: String,
    /// How often it happened: of sign-ins and refused requests many alike are one entry.
    pub times: i64,
    /// When it last did, where it happened more than once.
    pub last_at: Option<Timestamp>,
    /// Which properties changed.
    pub changes: Vec<RecordedChange>,
    /// The request that caused it.
    pub correlation: Uuid,
}

/// Who did something, as the log remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditActor {
    /// The person, where it was one; applications, the operator and Adept itself are none.
    pub user: Option<String>,
    /// The person's sign-in name.
    pub principal_name: Option<String>,
    /// The calling application's id.
    pub client: Option<String>,
    /// The application's name; of the operator and of Adept itself what they call themselves.
    pub client_name: Option<String>,
    /// The IP address that the call came from.
    pub address: Option<String>,
}

/// A changed property as the log remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedChange {
    /// The property's name in Graph's words.
    pub property: String,
    /// The value before.
    pub old: Option<String>,
    /// The value after.
    pub new: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_a_change_and_it_names_both_values() {
        for value in [None, Some(""), Some("a")] {
            assert_eq!(Change::between("tokenName", value, value), None, "{value:?}");
        }
        for (old, new) in [(None, Some("")), (Some("a"), None), (Some("a"), Some("A"))] {
            let change = Change::between("tokenName", old, new).unwrap();
            let values = (change.property, change.old.as_deref(), change.new.as_deref());
            assert_eq!(values, ("tokenName", old, new));
        }
    }
}
