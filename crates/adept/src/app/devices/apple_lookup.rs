//! What Apple says of a device right now, for anyone who does not want to wait for a sync. Nothing is stored but a wait that
//! Apple asks for.

use adept_apple::{
    account::normalized_uuid,
    device::{Device, ProfileStatus},
};

use crate::{
    app::{Devices, Error, apple, apple_access::NoAccess},
    domain::{Setting, SettingId, TokenStanding, is_same_serial},
};

/// What came of asking with the token of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppleLookup {
    /// The setting.
    pub setting: SettingId,
    /// The setting, as people call it.
    pub title: String,
    /// Whether Apple answered.
    pub is_answered: bool,
    /// What it said, or why not.
    pub sentences: Vec<String>,
}

impl Devices {
    /// Asks Apple about a device: with the token of `only`, or of every setting that lists it. For the operator.
    pub async fn ask_apple(&self, serial: &str, only: Option<SettingId>) -> Result<Vec<AppleLookup>, Error> {
        // Apple may not know a serial number in another case than its own.
        let stories = self.devices.everywhere(serial).await?.into_iter();
        let mut about: Vec<(Setting, String)> =
            stories.map(|story| (story.setting, story.device.serial)).collect();
        if let Some(id) = only {
            about.retain(|(setting, _)| setting.id == id);
            if about.is_empty() {
                let all = self.settings.health().await?.into_iter().map(|health| health.setting);
                about.extend(
                    all.filter(|setting| setting.id == id).map(|setting| (setting, serial.trim().to_owned())),
                );
            }
        }
        let mut asked = Vec::with_capacity(about.len());
        for (setting, serial) in about {
            let (is_answered, sentences) = match self.device_at_apple(&setting, &serial).await? {
                Ok(device) => (true, self.said(&setting, device).await?),
                Err(reason) => (false, vec![reason]),
            };
            let name = setting.token_name.as_deref().unwrap_or("(no name)");
            let title = format!("{serial} under \"{name}\", setting {}", setting.id);
            asked.push(AppleLookup { setting: setting.id, title, is_answered, sentences });
        }
        Ok(asked)
    }

    /// Apple's record of a device, if its answer has one; or why there is no answer.
    async fn device_at_apple(
        &self,
        setting: &Setting,
        serial: &str,
    ) -> Result<Result<Option<Device>, String>, Error> {
        let access = match self.apple.access(setting.key(), None).await? {
            Ok(access) => access,
            Err(NoAccess::Gone) => return Err(Error::NO_SETTING),
            Err(NoAccess::Superseded(setting) | NoAccess::Expired(setting)) => {
                return Ok(Err(setting.standing(self.clock.now()).sentence().into_owned()));
            }
            Err(NoAccess::Wait(_, until)) => {
                return Ok(Err(format!("Apple requires a back-off until {until:.0}; no request was sent.")));
            }
        };
        match access.session.device_details(&[serial]).await {
            Ok(details) => {
                let mut devices = details.into_values();
                Ok(Ok(devices.find(|device| is_same_serial(&device.serial_number, serial))))
            }
            Err(error) => {
                self.apple.keep_wait(setting.key(), &access.consumer, &error).await?;
                Ok(Err(TokenStanding::State(apple::state_of(&error)).sentence().into_owned()))
            }
        }
    }

    async fn said(&self, setting: &Setting, device: Option<Device>) -> Result<Vec<String>, Error> {
        let Some(device) = device else {
            return Ok(vec!["Apple's answer leaves it out.".to_owned()]);
        };
        match device.response_status.as_deref() {
            None => {}
            Some(word) if word.eq_ignore_ascii_case("SUCCESS") => {}
            Some(word) if word.eq_ignore_ascii_case("NOT_ACCESSIBLE") => {
                return Ok(vec![
                    "NOT_ACCESSIBLE: it is not assigned to this server at Apple: it was moved to another one or released, \
                     or the serial number is another."
                        .to_owned(),
                ]);
            }
            Some(word) => return Ok(vec![format!("Apple answers {word} and tells no more of it.")]),
        }
        let at = |time: Option<jiff::Timestamp>, what: &str| time.map(|time| format!("{what} {time:.0}."));
        let status = device.profile_status.unwrap_or(ProfileStatus::Empty);
        let uuid = device.profile_uuid.as_deref().map(normalized_uuid);
        let uuid = uuid.filter(|_| !matches!(status, ProfileStatus::Empty | ProfileStatus::Removed));
        let has = match &uuid {
            None => format!("Apple says that it has no profile ({}).", status.as_str()),
            Some(uuid) => {
                let name = self.which_profile(setting.key(), uuid).await?;
                format!("Apple says that it has {name} ({}; Apple's id {uuid}).", status.as_str())
            }
        };
        let profile_times = [
            at(device.profile_assign_time, "The profile was assigned at"),
            at(device.profile_push_time, "The device fetched it at"),
        ];
        let by = device.device_assigned_by.map(|by| format!(" by {by}")).unwrap_or_default();
        let server = device
            .device_assigned_date
            .map(|date| format!("It was assigned to this server at {date:.0}{by}."));
        let times = profile_times.into_iter().filter(|_| uuid.is_some()).flatten();
        Ok([has].into_iter().chain(times).chain(server).collect())
    }
}
