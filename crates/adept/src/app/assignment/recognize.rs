//! Profiles that devices carry at Apple and that we do not know: before one counts as another product's, Apple is asked for
//! it, once.

use adept_apple::error::AppleErrorKind as Kind;

use super::{Run, Stop};
use crate::domain::{EnrollmentUrl, Ownership, RecognizedProfile};

/// Apple is asked about so many profiles in one run; the rest is asked about in the next.
const PROFILES_PER_RUN: i64 = 20;

impl Run<'_> {
    /// Finds out which unknown profiles are ours. A clear answer is remembered; a failed or unclear one is not, and the
    /// profile counts as another product's for this run. While nobody configured where devices enroll nothing can be told.
    pub(super) async fn recognize_profiles(&mut self, all: bool) -> Result<(), Stop> {
        let Some(template) = self.runner.shared.mdm_url.clone().map(EnrollmentUrl) else { return Ok(()) };
        let now = self.now();
        let unknown =
            self.assignments.unknown_apple_profiles(&self.lease, all, now, PROFILES_PER_RUN).await?;
        if unknown.is_empty() {
            return Ok(());
        }
        let names = self.assignments.profile_names(&self.lease).await?;
        for apple_uuid in unknown {
            self.renew().await?;
            let ownership = match self.bounded_session().profile(&apple_uuid).await {
                Ok(defined) => {
                    let profile = &defined.profile;
                    let key = self.lease.key;
                    match template.is_own_profile(key, &profile.url, &profile.profile_name, &names) {
                        true => Ownership::Own,
                        false => Ownership::Foreign,
                    }
                }
                // Apple does not have it any more: nobody can tell whose it was.
                Err(error) if error.kind == Kind::NotFound => Ownership::Foreign,
                Err(error) if error.kind == Kind::NotUnderstood || error.kind == Kind::AccessDenied => {
                    tracing::info!(setting = %self.lease.key.id, apple_uuid, "apple_profile_unclear: {error}");
                    continue;
                }
                Err(error) => return Err(Stop::Apple(error)),
            };
            tracing::info!(setting = %self.lease.key.id, apple_uuid, ownership = ?ownership, "apple_profile_recognized");
            let recognized = RecognizedProfile { apple_uuid, ownership, at: self.now() };
            if !self.assignments.keep_recognized_profile(&self.lease, &recognized).await? {
                return Err(Stop::Superseded);
            }
        }
        Ok(())
    }
}
