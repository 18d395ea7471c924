//! What Apple is told of every profile alike, and where devices enroll: of several processes with different options the last
//! that started counts.

use std::time::Duration;

use aws_lc_rs::digest;
use tokio::sync::Mutex;

use super::{Clock, Error, SharedProfileOptions, supervise::within};
use crate::{
    domain::{Profile, check_enrollment_url},
    storage::Assignments,
};

/// How long noting them may take.
const NOTE: Duration = Duration::from_secs(15);

/// How a digest begins without an enrollment URL.
const NO_URL: &str = "no URL ";

/// This process's options, and what it knows of those that are noted in the database.
pub struct SharedOptions {
    pub(super) options: SharedProfileOptions,
    /// Where devices enroll.
    pub(super) mdm_url: Option<String>,
    pub(super) assignments: Assignments,
    pub(super) clock: Clock,
    pub(super) seen: Mutex<SharedOptionsSeen>,
}

/// What a process knows of the shared profile options that are noted in the database.
#[derive(Default)]
pub(super) struct SharedOptionsSeen {
    /// It noted its own.
    is_noted: bool,
    /// It could not be done, and it said so.
    has_failed: bool,
    /// Others are noted by now, and it said so.
    are_others: bool,
}

impl SharedOptions {
    /// Tells apart what the operator has Apple told of every profile alike, and begins with [`NO_URL`] while nobody says
    /// where devices enroll.
    pub(super) fn digest(&self) -> String {
        let SharedProfileOptions { org_magic, support_email_address, language, region, anchor_certs } =
            &self.options;
        let all = serde_json::json!([
            self.mdm_url,
            org_magic,
            support_email_address,
            language,
            region,
            anchor_certs
        ]);
        let hash = digest::digest(&digest::SHA256, all.to_string().as_bytes());
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        if self.mdm_url.is_none() { format!("{NO_URL}{hash}") } else { hash }
    }

    /// The same as [`SharedOptions::desired_digest`] for anyone who tells of devices, beside the process that reconciles: what that
    /// one noted.
    pub(super) async fn noted_digest(&self) -> Result<Option<String>, Error> {
        let Some(noted) = self.assignments.shared_profile_options().await? else {
            return Ok(self.desired_digest());
        };
        Ok((!noted.starts_with(NO_URL)).then_some(noted))
    }

    /// By what a definition at Apple is known to be the present one. While nobody says where devices enroll none can be
    /// replaced, and each is as good as it was.
    pub(super) fn desired_digest(&self) -> Option<String> {
        self.mdm_url.as_ref().map(|_| self.digest())
    }

    /// Has profiles defined again when the operator has other things told of them than before. Notes it once in the life
    /// of a process: of several with different ones the last that started counts.
    pub async fn note(&self) {
        let mut seen = self.seen.lock().await;
        if seen.is_noted {
            return;
        }
        let digest = self.digest();
        let noted =
            async { Ok(self.assignments.note_shared_profile_options(&digest, self.clock.now()).await?) };
        match within(NOTE, noted).await {
            Ok(is_other) => {
                seen.is_noted = true;
                if is_other {
                    tracing::info!(
                        "profiles are defined at Apple with the configured enrollment URL and shared profile options"
                    );
                }
            }
            Err(error) if seen.has_failed => tracing::debug!("nor can they be noted now: {error}"),
            Err(error) => {
                seen.has_failed = true;
                tracing::warn!(
                    "the configured enrollment URL and shared profile options cannot be noted now: {error}"
                );
            }
        }
    }

    /// Whether profiles are still to have what this process has Apple told of them; says it once when they are not.
    pub(super) async fn are_ours(&self) -> Result<bool, Error> {
        let is_ours =
            self.assignments.shared_profile_options().await?.is_none_or(|noted| noted == self.digest());
        let mut seen = self.seen.lock().await;
        if !is_ours && !seen.are_others {
            tracing::warn!(
                "a process with another enrollment URL or other shared profile options started later: this one defines, \
                assigns and releases nothing any more, but goes on to synchronize; start it again with the same ones"
            );
        }
        seen.are_others = !is_ours;
        Ok(is_ours)
    }

    /// With the URL at which devices enroll that have this profile; none while nobody says where, or where it is unfit.
    pub(super) fn with_enrollment_url(&self, profile: Profile) -> Profile {
        let filled = self.mdm_url.as_ref().map(|template| {
            template
                .replace("{settingId}", &profile.setting.to_string())
                .replace("{tenantId}", &profile.tenant.to_string())
        });
        Profile { enrollment_url: filled.filter(|url| check_enrollment_url(url).is_ok()), ..profile }
    }
}
