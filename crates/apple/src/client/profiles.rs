//! The calls about enrollment profiles. Apple has none to change, delete or list one: the caller that defines a profile
//! keeps its uuid.

use super::{Request, Session, decode};
use crate::{
    error::{AppleError, Endpoint},
    profile::{DefinedProfile, Definition, Profile},
    serial_status::SerialStatuses,
};

impl Session {
    /// Defines a profile, which no device has yet, and returns its uuid as Apple spells it.
    ///
    /// # Errors
    /// Apple's refusal ([`crate::error::AppleErrorKind::ProfileRefused`] names the field), or none of its answers: then
    /// the profile may exist for ever, unnamed and without devices. The request is never repeated by itself.
    pub async fn define_profile(&self, profile: &Profile) -> Result<String, AppleError> {
        let body = Definition { profile, devices: [] };
        self.call(&Request::json(Endpoint::DefineProfile, &body, decode::defined)?).await
    }

    /// A profile as Apple keeps it.
    ///
    /// # Errors
    /// [`crate::error::AppleErrorKind::NotFound`] for an unknown one, under any status; Apple's refusal, or
    /// none of its answers.
    pub async fn profile(&self, profile_uuid: &str) -> Result<DefinedProfile, AppleError> {
        let request = Request::bare(Endpoint::ReadProfile, decode::profile);
        self.call(&Request { query: Some(("profile_uuid", profile_uuid.to_owned())), ..request }).await
    }

    /// Gives devices a profile: one request of 1 to [`super::MOST_SERIALS`] serial numbers, doubles not counted.
    ///
    /// # Errors
    /// Too many or no serial numbers (nothing was sent); [`crate::error::AppleErrorKind::NotFound`] for an unknown
    /// profile; Apple's refusal, or none of its answers: then each device may or may not have it. Sending it again is
    /// harmless, but counts towards Apple's limit per device.
    pub async fn assign_profile<S: AsRef<str>>(
        &self,
        profile_uuid: &str,
        serials: &[S],
    ) -> Result<SerialStatuses, AppleError> {
        self.act_on_devices(Endpoint::AssignProfile, Some(profile_uuid), serials).await
    }

    /// Takes the profile from devices, whichever they have. A device that has fetched it keeps it until it is erased.
    /// One request of 1 to [`super::MOST_SERIALS`] serial numbers, doubles not counted.
    ///
    /// # Errors
    /// Too many or no serial numbers (nothing was sent), Apple's refusal, or none of its answers: then each device may
    /// or may not have lost it. Sending it again is harmless.
    pub async fn remove_profile<S: AsRef<str>>(&self, serials: &[S]) -> Result<SerialStatuses, AppleError> {
        self.act_on_devices(Endpoint::RemoveProfile, None, serials).await
    }
}
