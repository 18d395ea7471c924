//! Defining a profile's revision at Apple: without devices, so that one whose answer got lost can hold none; each attempt
//! is stored before it is made; what Apple refuses is not sent again.

use adept_apple::{
    account::normalized_uuid,
    error::{AppleError, AppleErrorKind as Kind, Endpoint},
    profile::Profile as AppleProfile,
};
use jiff::Timestamp;

use super::{Run, Stop, may_be_done};
use crate::{
    app::{AssignmentRunner, audit::event, failpoint},
    domain::{AFTER_REFUSED_DEFINITION, Change, Definition, Pairing, Profile, about_definition, definition},
    storage::PlannedProfile,
};

/// What became of a revision.
pub(super) enum Defined {
    /// Apple knows it by this id.
    As(String),
    /// It is sent later.
    At(Timestamp),
    /// It is not sent any more.
    Never,
}

impl Run<'_> {
    /// Has Apple define a revision that it does not know yet.
    pub(super) async fn define(&mut self, planned: &PlannedProfile) -> Result<Defined, Stop> {
        let profile = self.runner.shared.with_enrollment_url(planned.profile.clone());
        let now = self.now();
        match definition(planned.tries.as_ref(), profile.enrollment_url.is_some(), now) {
            Definition::Now => {}
            Definition::At(time) => return Ok(Defined::At(time)),
            Definition::Never(failure) => {
                let tries = planned.tries.as_ref();
                if tries.and_then(|tries| tries.failure.as_deref()) != Some(&*failure) {
                    self.store_failure(&planned.profile, &failure, None).await?;
                }
                return Ok(Defined::Never);
            }
        }
        let lengths = self.runner.lengths;
        if !self
            .assignments
            .begin_definition(&self.lease, self.desired_generation, &profile, now, &lengths)
            .await?
        {
            return Err(Stop::StalePlan);
        }
        self.calls += 1;
        failpoint::at("define-begun");
        let (session, assignments, clock) =
            (self.bounded_session(), self.assignments.clone(), self.runner.clock.clone());
        let (told, digest) = (self.runner.told(&profile), self.runner.shared.digest());
        let defined = profile.clone();
        // What Apple gives is stored, whatever becomes of the run.
        let defining = async move {
            let answer = session.define_profile(&told).await;
            failpoint::at("define-answered");
            let uuid = normalized_uuid(&answer?);
            tracing::info!(setting = %defined.setting, profile = %defined.id, revision = defined.revision, uuid,
                "a profile was defined at Apple");
            let changes = Change::among([("appleProfileUuid", None, Some(&uuid))]);
            let event = event(&clock, None, "defineProfileAtApple", &defined, changes);
            assignments.keep_definition(&defined, &uuid, &digest, clock.now(), &event).await?;
            failpoint::at("define-stored");
            Ok(uuid)
        };
        match self.to_its_end(defining).await {
            Ok(uuid) => Ok(Defined::As(uuid)),
            // With 503 Apple says itself that it did not do it.
            Err(Stop::Apple(error)) if !may_be_done(&error) || error.status == Some(503) => {
                self.assignments.take_back_definition(&self.lease, &profile).await?;
                self.refused(&profile, error).await
            }
            Err(stop) => Err(stop),
        }
    }

    /// What follows from an answer with which Apple surely defined nothing.
    async fn refused(&self, profile: &Profile, error: AppleError) -> Result<Defined, Stop> {
        let again_at = match error.kind {
            _ if error.endpoint != Endpoint::DefineProfile => return Err(Stop::Apple(error)),
            Kind::ProfileRefused(_) => None,
            Kind::MalformedRequest | Kind::AccessDenied | Kind::Refused => {
                self.now().checked_add(AFTER_REFUSED_DEFINITION).ok()
            }
            _ => return Err(Stop::Apple(error)),
        };
        let code = error.code.unwrap_or_else(|| "without a code".to_owned());
        self.store_failure(profile, &code, again_at).await?;
        Ok(again_at.map_or(Defined::Never, Defined::At))
    }

    async fn store_failure(
        &self,
        profile: &Profile,
        failure: &str,
        again_at: Option<Timestamp>,
    ) -> Result<(), Stop> {
        self.assignments.give_up_definition(&self.lease, profile, failure, again_at).await?;
        tracing::warn!(setting = %self.lease.key.id, profile = %profile.id, revision = profile.revision,
            failure, "{}", about_definition(failure, again_at, self.now()));
        Ok(())
    }
}

impl AssignmentRunner {
    /// What Apple is told of a profile.
    fn told(&self, profile: &Profile) -> AppleProfile {
        let terms = profile.apple_terms();
        let common = &self.shared.options;
        let url = profile.enrollment_url.clone().unwrap_or_default();
        let (allow_pairing, supervising_host_certs) = match terms.pairing {
            Pairing::Allowed => (true, Vec::new()),
            Pairing::Refused => (false, Vec::new()),
            Pairing::Hosts(certificates) => (false, certificates.iter().map(|text| compact(text)).collect()),
        };
        AppleProfile {
            profile_name: terms.name,
            configuration_web_url: terms.web_sign_in.then(|| url.clone()),
            url,
            allow_pairing,
            supervising_host_certs,
            is_supervised: terms.supervised,
            is_mandatory: terms.mandatory,
            is_mdm_removable: terms.removable,
            await_device_configured: terms.awaits_configuration,
            is_multi_user: terms.multi_user,
            auto_advance_setup: terms.auto_advance,
            department: terms.department,
            support_phone_number: terms.support_phone,
            skip_setup_items: terms.skipped,
            org_magic: common.org_magic.clone(),
            support_email_address: common.support_email_address.clone(),
            language: common.language.clone(),
            region: common.region.clone(),
            anchor_certs: common.anchor_certs.clone(),
            ..AppleProfile::default()
        }
    }
}

/// Base64 without the line ends that people paste.
fn compact(text: &str) -> String {
    text.split_ascii_whitespace().collect()
}
