//! Defining a profile's revision at Apple: without devices, so that one whose answer got lost can hold none; each attempt
//! is stored before it is made; what Apple refuses is not sent again.

use adept_apple::{
    account::normalised_uuid,
    error::{AppleErrorKind as Kind, Endpoint},
    profile::Profile as AppleProfile,
};
use aws_lc_rs::digest;
use jiff::Timestamp;

use super::{Run, Stop, may_be_done};
use crate::{
    app::{App, CommonTerms, failpoint, profiles},
    domain::{Change, Definition, Pairing, Profile, about_definition, definition},
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
    /// Wishes changed meanwhile.
    Stale,
}

impl Run<'_> {
    /// Has Apple define a revision that it does not know yet.
    pub(super) async fn define(&mut self, planned: &PlannedProfile) -> Result<Defined, Stop> {
        let profile = self.app.with_enrolment_url(planned.profile.clone());
        let now = self.app.clock.now();
        match definition(planned.tries.as_ref(), profile.enrolment_url.is_some(), now) {
            Definition::Now => {}
            Definition::At(time) => return Ok(Defined::At(time)),
            Definition::Never(failure) => return self.give_up(planned, &failure).await,
        }
        let storage = &self.app.storage;
        let until = self.app.lease_end();
        if !storage.begin_definition(&self.lease, self.wishes, &profile, now, until).await? {
            return Ok(Defined::Stale);
        }
        self.calls += 1;
        failpoint::at("define-begun");
        let told = self.app.told(&profile);
        let answer = self.bounded_session().define_profile(&told).await;
        failpoint::at("define-answered");
        match answer {
            Ok(uuid) => {
                let uuid = normalised_uuid(&uuid);
                let changes =
                    vec![Change { property: "appleProfileUuid", old: None, new: Some(uuid.clone()) }];
                let resource = profiles::resource(&profile);
                let event = self.app.event_about(resource, None, "defineProfileAtApple", "Action", changes);
                let common = self.app.common_digest();
                storage.keep_definition(&profile, &uuid, &common, self.app.clock.now(), &event).await?;
                failpoint::at("define-stored");
                tracing::info!(setting = %self.lease.setting, profile = %profile.id, revision = profile.revision,
                    uuid, "a profile was defined at Apple");
                Ok(Defined::As(uuid))
            }
            // With 503 Apple says itself that it did not do it.
            Err(error) if may_be_done(&error) && error.status != Some(503) => Err(Stop::Apple(error)),
            Err(error) => {
                storage.take_back_definition(&self.lease, &profile).await?;
                let is_final = matches!(
                    error.kind,
                    Kind::ProfileRefused(_) | Kind::MalformedRequest | Kind::AccessDenied | Kind::Refused
                );
                if is_final && error.endpoint == Endpoint::DefineProfile {
                    let code = error.code.clone().unwrap_or_else(|| "without a code".to_owned());
                    return self.give_up(planned, &code).await;
                }
                Err(Stop::Apple(error))
            }
        }
    }

    async fn give_up(&self, planned: &PlannedProfile, failure: &str) -> Result<Defined, Stop> {
        let profile = &planned.profile;
        let is_known = planned.tries.as_ref().is_some_and(|tries| tries.failure.as_deref() == Some(failure));
        if !is_known {
            let now = self.app.clock.now();
            self.app.storage.give_up_definition(&self.lease, profile, failure, now).await?;
            tracing::warn!(setting = %self.lease.setting, profile = %profile.id, revision = profile.revision,
                failure, "{}", about_definition(failure));
        }
        Ok(Defined::Never)
    }
}

impl App {
    /// Tells apart what the operator has Apple told of every profile alike.
    pub(in crate::app) fn common_digest(&self) -> String {
        let CommonTerms { org_magic, support_email_address, language, region, anchor_certs } =
            &self.options.common_terms;
        let all = serde_json::json!([
            self.options.mdm_url,
            org_magic,
            support_email_address,
            language,
            region,
            anchor_certs
        ]);
        let hash = digest::digest(&digest::SHA256, all.to_string().as_bytes());
        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// By what a definition at Apple is known to be the present one. While nobody says where devices enrol none can be
    /// replaced, and each is as good as it was.
    pub(in crate::app) fn wanted_common_digest(&self) -> Option<String> {
        self.options.mdm_url.as_ref().map(|_| self.common_digest())
    }

    /// What Apple is told of a profile.
    fn told(&self, profile: &Profile) -> AppleProfile {
        let terms = profile.apple_terms();
        let common = &self.options.common_terms;
        let url = profile.enrolment_url.clone().unwrap_or_default();
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
