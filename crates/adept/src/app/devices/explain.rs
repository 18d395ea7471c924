//! Why a device has the profile that it has: everything that is stored of it, in sentences for people. Apple is not asked.

use jiff::Timestamp;

use crate::{
    app::{App, Error},
    domain::{AssignmentResult, Profile, ProfileId, SettingId, TokenStanding, TokenState, about_definition},
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

impl App {
    /// Tells of a device under every setting that lists it; for the operator.
    pub async fn device_stories(&self, serial: &str) -> Result<Vec<DeviceExplanation>, Error> {
        let mut told = Vec::new();
        for story in self.storage.device_stories(serial).await? {
            told.push(self.tell(story).await?);
        }
        Ok(told)
    }

    async fn tell(&self, story: DeviceStory) -> Result<DeviceExplanation, Error> {
        let (setting, device) = (&story.setting, &story.device);
        let common = self.noted_options_digest().await?;
        let plan = self.storage.plan(setting.key(), common.as_deref()).await?;
        let mut sentences = vec![self.has(&story).await?];
        if device.deleted {
            sentences.push(
                "It is gone from this server at Apple; nothing is done for it until it is back.".to_owned(),
            );
        } else if device.release_requested_at.is_some() {
            sentences.push(
                "Its release from the organization is wanted; Apple is asked at the next run.".to_owned(),
            );
        } else {
            sentences.extend(self.wants(&story, &plan).await?);
        }
        if let Some(failure) = &device.release_failure {
            sentences.push(format!("{failure}: {}", AssignmentResult::from_word(failure).about_release()));
        }
        let mut history = Vec::with_capacity(story.events.len());
        for event in &story.events {
            let name = self.profile_name(&story, event.profile).await?;
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
        Ok(match self.storage.profile_of_uuid(setting.key(), uuid).await? {
            Some((profile, revision)) => {
                let name = self.profile_name(story, Some(profile)).await?;
                format!("At Apple it has {name}, revision {revision} ({status}; Apple's id {uuid}).")
            }
            None => {
                format!("At Apple it has a profile that Adept did not make ({status}; Apple's id {uuid}).")
            }
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
            Some(uuid) => self.storage.profile_of_uuid(setting.key(), uuid).await?,
            None => None,
        };
        let has_none = device.profile_uuid.is_none()
            || matches!(device.profile_status.as_deref(), Some("empty" | "removed"));
        let (planned, why) = match (explicit, default) {
            (Some(planned), _) => (planned, "which was wanted for it"),
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
            sentences.push("So it is as it should be.".to_owned());
            return Ok(sentences);
        }
        if let Some(tries) = &planned.tries
            && let Some(failure) = &tries.failure
        {
            sentences.push(about_definition(failure, tries.again_at));
        } else if !has_none && ours == Some((profile.id, profile.revision)) {
            sentences.push(
                "What it has was defined with another enrollment URL or other shared profile options."
                    .to_owned(),
            );
        }
        if let Some(failure) = &device.assign_failure {
            sentences.push(format!("{failure}: {}", AssignmentResult::from_word(failure).about_assignment()));
        }
        let now = self.clock.now();
        let standing = setting.standing(now);
        sentences.push(match device.assign_due_at.filter(|due| *due > now) {
            Some(due) => format!("It rests until {due:.0}."),
            None if matches!(
                standing,
                TokenStanding::State(TokenState::Ok) | TokenStanding::Expiring { .. }
            ) =>
            {
                "It is assigned at the next run.".to_owned()
            }
            None => format!("It waits for the server token ({}). {}", standing.as_str(), standing.sentence()),
        });
        Ok(sentences)
    }

    async fn profile_name(&self, story: &DeviceStory, id: Option<ProfileId>) -> Result<String, Error> {
        let Some(id) = id else { return Ok("a profile".to_owned()) };
        let profile = self.storage.profile(story.setting.key(), id).await?;
        Ok(profile.map_or_else(|| format!("the deleted profile {id}"), |profile| called(&profile)))
    }
}

fn called(profile: &Profile) -> String {
    format!("profile \"{}\"", profile.display_name.as_deref().unwrap_or("(no name)"))
}
