//! Why a device has the profile that it has: everything that is stored of it, in sentences for people. Apple is not asked.

use jiff::Timestamp;

use crate::{
    app::{Devices, Error},
    domain::{
        AssignmentResult, Profile, ProfileId, SettingId, SettingKey, TokenStanding, TokenState,
        about_definition,
    },
    storage::{DeviceStory, Plan},
};

/// What is to be told of a device under one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceExplanation {
    /// The setting.
    pub setting: SettingId,
    /// The device and the setting, as people call them.
    pub title: String,
    /// How it stands.
    pub sentences: Vec<String>,
    /// What happened, oldest first.
    pub history: Vec<(Timestamp, String)>,
}

impl Devices {
    /// Tells of a device under every setting that lists it; for the operator.
    pub async fn explain(&self, serial: &str) -> Result<Vec<DeviceExplanation>, Error> {
        let mut told = Vec::new();
        for story in self.devices.everywhere(serial).await? {
            told.push(self.tell(story).await?);
        }
        Ok(told)
    }

    async fn tell(&self, story: DeviceStory) -> Result<DeviceExplanation, Error> {
        let (setting, device) = (&story.setting, &story.device);
        let common = self.shared.noted_digest().await?;
        let plan = self.assignments.plan(setting.key(), common.as_deref()).await?;
        let failure = device.release_failure.as_deref();
        let mut sentences = vec![self.has(&story).await?];
        if device.deleted {
            sentences.push(
                "It is gone from this server at Apple; nothing is done for it until it is back.".to_owned(),
            );
        } else if device.release_requested_at.is_some() {
            sentences.push(about_requested_release(device.release_due_at, failure, self.clock.now()));
        } else {
            sentences.extend(self.wants(&story, &plan).await?);
        }
        if let Some(failure) = failure.filter(|_| device.release_requested_at.is_none()) {
            sentences.push(format!("{failure}: {}", AssignmentResult::of_apple(failure).about_release()));
        }
        let mut history = Vec::with_capacity(story.events.len());
        for event in &story.events {
            let name = self.profile_name(setting.key(), event.profile).await?;
            history.push((event.at, event.sentence(&name)));
        }
        let name = setting.token_name.as_deref().unwrap_or("(no name)");
        let title = format!(
            "{} ({}) under \"{name}\", setting {}",
            device.serial,
            device.platform.as_str(),
            setting.id
        );
        Ok(DeviceExplanation { setting: setting.id, title, sentences, history })
    }

    /// What Apple has.
    async fn has(&self, story: &DeviceStory) -> Result<String, Error> {
        let (setting, device) = (&story.setting, &story.device);
        if !device.is_apples {
            return Ok("It was imported by hand; Apple has not listed it yet.".to_owned());
        }
        let status = device.profile_status.as_deref().unwrap_or("assigned");
        let Some(uuid) = device.profile_uuid.as_deref().filter(|_| !matches!(status, "empty" | "removed"))
        else {
            return Ok("At Apple it has no profile.".to_owned());
        };
        let which = self.which_profile(setting.key(), uuid).await?;
        Ok(format!("At Apple it has {which} ({status}; Apple's id {uuid})."))
    }

    /// What Apple knows by this id, in our words.
    pub(super) async fn which_profile(&self, key: SettingKey, uuid: &str) -> Result<String, Error> {
        Ok(match self.assignments.profile_of_uuid(key, uuid).await? {
            Some((id, revision)) => {
                format!("{}, revision {revision}", self.profile_name(key, Some(id)).await?)
            }
            None => "a profile that Adept did not make".to_owned(),
        })
    }

    /// What it is to have, and why it has not got it yet.
    async fn wants(&self, story: &DeviceStory, plan: &Plan) -> Result<Vec<String>, Error> {
        let (setting, device) = (&story.setting, &story.device);
        let explicit = plan.0.iter().find(|planned| device.desired_profile == Some(planned.profile.id));
        let default = plan.0.iter().find(|planned| {
            planned.profile.is_default && planned.profile.kind.platform() == Some(device.platform)
        });
        let ours = match device.profile_uuid.as_deref() {
            Some(uuid) => self.assignments.profile_of_uuid(setting.key(), uuid).await?,
            None => None,
        };
        let has_none = device.profile_uuid.is_none()
            || matches!(device.profile_status.as_deref(), Some("empty" | "removed"));
        let (planned, why) = match (explicit, default) {
            (Some(planned), _) => (planned, "as requested for this device"),
            (None, Some(planned)) if has_none || ours.is_some() => (planned, "the default of its platform"),
            (None, Some(planned)) => {
                return Ok(vec![format!(
                    "{}, the default of its platform, is left aside, because the device has another product's profile; \
                     assign a profile to the device itself to replace that.",
                    called(&planned.profile)
                )]);
            }
            (None, None) => {
                return Ok(vec!["Nothing is wanted for it, so Apple's state is left alone.".to_owned()]);
            }
        };
        let profile = &planned.profile;
        let mut sentences =
            vec![format!("It is to have {}, revision {}, {why}.", called(profile), profile.revision)];
        if !has_none && planned.apple_uuid.is_some() && planned.apple_uuid == device.profile_uuid {
            sentences.push("It is in the desired state.".to_owned());
            return Ok(sentences);
        }
        // What failed before Apple knew the profile says nothing any more.
        let tries = planned.tries.as_ref().filter(|_| planned.apple_uuid.is_none());
        let definition = tries.and_then(|tries| Some((tries.failure.as_deref()?, tries.again_at)));
        if definition.is_none() && !has_none && ours == Some((profile.id, profile.revision)) {
            sentences.push(
                "What it has was defined with another enrollment URL or other shared profile options."
                    .to_owned(),
            );
        }
        let now = self.clock.now();
        let standing = setting.standing(now);
        let is_accepted =
            matches!(standing, TokenStanding::State(TokenState::Ok) | TokenStanding::Expiring { .. });
        let expectation = Expectation {
            is_apples: device.is_apples,
            definition,
            failure: device.assign_failure.as_deref(),
            due_at: device.assign_due_at,
            token: (!is_accepted).then(|| format!("({}). {}", standing.as_str(), standing.sentence())),
        };
        sentences.extend(expectation.sentences(now));
        Ok(sentences)
    }

    async fn profile_name(&self, key: SettingKey, id: Option<ProfileId>) -> Result<String, Error> {
        let Some(id) = id else { return Ok("a profile".to_owned()) };
        let profile = self.profiles.get(key, id).await?;
        Ok(profile.map_or_else(|| format!("the deleted profile {id}"), |profile| called(&profile)))
    }
}

fn called(profile: &Profile) -> String {
    format!("profile \"{}\"", profile.display_name.as_deref().unwrap_or("(no name)"))
}

/// What stands between a device and the profile that it is to have.
struct Expectation<'a> {
    /// Whether Apple listed it, rather than an import.
    is_apples: bool,
    /// Why Apple does not know the profile, and when it is sent again.
    definition: Option<(&'a str, Option<Timestamp>)>,
    /// Apple's word about the last assignment, when that failed.
    failure: Option<&'a str>,
    /// When the device is looked at again.
    due_at: Option<Timestamp>,
    /// The problem of the server token.
    token: Option<String>,
}

impl Expectation<'_> {
    /// Each obstacle once, and what follows; no sentence promises what another one denies.
    fn sentences(&self, now: Timestamp) -> Vec<String> {
        if !self.is_apples {
            return vec!["It is assigned once Apple lists it.".to_owned()];
        }
        let mut sentences = Vec::new();
        let rest = self.due_at.filter(|due| *due > now);
        match (self.definition, self.failure) {
            (Some((failure, again_at)), _) => sentences.push(about_definition(failure, again_at, now)),
            (None, Some(word)) => {
                sentences.push(format!("{word}: {}", AssignmentResult::of_apple(word).about_assignment()));
            }
            (None, None) => {}
        }
        match (self.definition, rest, &self.token) {
            (Some(_), Some(due), _) => sentences
                .push(format!("It is assigned once the profile is defined at Apple, not before {due:.0}.")),
            (Some(_), None, _) => {
                sentences.push("It is assigned once the profile is defined at Apple.".to_owned());
            }
            (None, Some(due), _) => sentences.push(format!("It rests until {due:.0}.")),
            (None, None, None) => sentences.push("It is assigned at the next run.".to_owned()),
            (None, None, Some(_)) => {}
        }
        if let Some(token) = &self.token {
            sentences.push(format!("It waits for the server token {token}"));
        }
        sentences
    }
}

/// What is told of a release that somebody requested and that Apple did not make yet.
fn about_requested_release(due_at: Option<Timestamp>, failure: Option<&str>, now: Timestamp) -> String {
    let when = match due_at.filter(|due| *due > now) {
        Some(due) => format!("at {due:.0}"),
        None => "at the next run".to_owned(),
    };
    match failure {
        Some(word) => format!(
            "Its release from the organization is requested. Apple did not release it ({word}) and is asked again {when}."
        ),
        None => format!("Its release from the organization is requested; Apple is asked {when}."),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::{ANSWER_LOST, NO_MDM_URL};

    /// What must stand in the text, and what must not.
    type Claims = (&'static [&'static str], &'static [&'static str]);

    #[test]
    fn no_combination_of_definition_device_and_token_contradicts_itself() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (soon, past) = (now + SignedDuration::from_hours(3), now - SignedDuration::from_hours(3));
        type Failure = Option<(&'static str, Option<Timestamp>)>;
        let definitions: [(Failure, Claims); 6] = [
            (None, (&[], &["defined"])),
            (
                Some(("FLAGS_INVALID", None)),
                (
                    &[
                        "refuses to define this profile (FLAGS_INVALID)",
                        "sent again as soon as the profile changes, or the operator changes the shared profile options",
                        "assigned once the profile is defined",
                    ],
                    &["at the next run", "rests until"],
                ),
            ),
            (
                Some((ANSWER_LOST, None)),
                (
                    &["lost 3 times", "sent again as soon as", "assigned once the profile is defined"],
                    &["at the next run", "rests until"],
                ),
            ),
            (
                Some((NO_MDM_URL, None)),
                (&["--mdm-url", "assigned once the profile is defined"], &["at the next run", "rests until"]),
            ),
            (
                Some(("ACCESS_DENIED", Some(soon))),
                (
                    &["sent again at 2027-01-15T11:00:00Z", "assigned once the profile is defined"],
                    &["at the next run", "rests until"],
                ),
            ),
            (
                Some(("ACCESS_DENIED", Some(past))),
                (
                    &["sent again at the next run", "assigned once the profile is defined"],
                    &["assigned at the next run", "rests until", "2027-01-15T05"],
                ),
            ),
        ];
        let words = AssignmentResult::ALL.map(AssignmentResult::as_str);
        let failures = std::iter::once(None).chain(words.into_iter().skip(1).map(Some));
        let dues = [None, Some(past), Some(soon)];
        let tokens = [None, Some("(revoked). Upload a new one.".to_owned())];
        for failure in failures {
            for (definition, (must, never)) in &definitions {
                for (due_at, token) in dues.iter().flat_map(|due| tokens.iter().map(move |it| (*due, it))) {
                    let expectation = Expectation {
                        is_apples: true,
                        definition: *definition,
                        failure,
                        due_at,
                        token: token.clone(),
                    };
                    let text = expectation.sentences(now).join(" ");
                    let case = format!("{definition:?} {failure:?} {due_at:?} {token:?}:\n{text}");
                    assert!(must.iter().all(|part| text.contains(part)), "{case}");
                    assert!(!never.iter().any(|part| text.contains(part)), "{case}");
                    let rests = due_at == Some(soon);
                    let promises_run = text.contains("It is assigned at the next run.");
                    assert_eq!(promises_run, definition.is_none() && !rests && token.is_none(), "{case}");
                    assert_eq!(text.contains("rests until"), definition.is_none() && rests, "{case}");
                    assert_eq!(text.contains("not before"), definition.is_some() && rests, "{case}");
                    assert_eq!(
                        text.contains("waits for the server token (revoked)"),
                        token.is_some(),
                        "{case}"
                    );
                    let tells_failure = failure.is_some_and(|word| text.contains(&format!("{word}: ")));
                    assert_eq!(tells_failure, failure.is_some() && definition.is_none(), "{case}");
                }
            }
        }
    }

    #[test]
    fn a_device_that_only_an_import_knows_waits_for_apple_to_list_it() {
        let now = Timestamp::UNIX_EPOCH;
        let imported =
            Expectation { is_apples: false, definition: None, failure: None, due_at: None, token: None };
        assert_eq!(imported.sentences(now), ["It is assigned once Apple lists it."]);
    }

    #[test]
    fn a_release_that_is_tried_again_does_not_ask_people_to_request_it_again() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let hour = now + SignedDuration::from_hours(1);
        for (due_at, failure, expected) in [
            (Some(now), None, "Apple is asked at the next run."),
            (Some(hour), None, "Apple is asked at 2027-01-15T09:00:00Z."),
            (Some(hour), Some("FAILED"), "(FAILED) and is asked again at 2027-01-15T09:00:00Z."),
        ] {
            let text = about_requested_release(due_at, failure, now);
            assert!(text.ends_with(expected) && !text.contains("ask for its release again"), "{text}");
        }
    }
}
