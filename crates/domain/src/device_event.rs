//! What happens to a device and what is decided about it: the words of its history, and the sentences for people.

use jiff::Timestamp;

use super::{AssignmentResult, ProfileId, Reason};

/// Why Adept says that a profile was assigned: its answer was lost, but the device's details show it.
pub const READ_BACK: &str = "read_back";

words! {
    /// What a line of a device's history tells.
    pub enum DeviceEventKind: eq {
        /// Someone wants a profile for it.
        Wanted = "wanted",
        /// Nobody wants one for it any more.
        Unwanted = "unwanted",
        /// Apple took the assignment of a profile.
        Assigned = "assigned",
        /// Apple did not.
        NotAssigned = "not_assigned",
        /// Apple reported another profile than the one that Adept assigned.
        Contradicted = "contradicted",
        /// It left the server.
        Absent = "absent",
        /// It is listed again.
        ListedAgain = "listed_again",
        /// Someone wants Apple to release it.
        ReleaseRequested = "release_requested",
        /// Apple released it.
        Released = "released",
        /// Apple did not.
        NotReleased = "not_released",
    }
}

/// A line of a device's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: DeviceEventKind,
    /// Our profile that it is about.
    pub profile: Option<ProfileId>,
    /// Apple's id of a profile that it is about.
    pub apple_uuid: Option<String>,
    /// Apple's word, or the reason.
    pub detail: Option<String>,
}

impl DeviceEvent {
    /// One sentence for people; `profile` is what they call the profile.
    pub fn sentence(&self, profile: &str) -> String {
        let detail = self.detail.as_deref().unwrap_or_default();
        match self.kind {
            DeviceEventKind::Wanted => format!("{profile} was requested for it."),
            DeviceEventKind::Unwanted => "No profile of its own was requested for it any more.".to_owned(),
            DeviceEventKind::Assigned if detail == Reason::Wanted.as_str() => {
                format!("Apple assigned {profile}, as requested for this device.")
            }
            DeviceEventKind::Assigned if detail == READ_BACK => {
                format!("Apple's answer was lost, but Apple reported {profile} for it.")
            }
            DeviceEventKind::Assigned => format!("Apple assigned {profile}, the default of its platform."),
            DeviceEventKind::NotAssigned => {
                format!(
                    "{profile} was not assigned ({detail}). {}",
                    AssignmentResult::of_apple(detail).about_assignment()
                )
            }
            DeviceEventKind::Contradicted => match detail {
                "" | "empty" | "removed" => "Apple reported that it has no profile any more.".to_owned(),
                uuid => format!("Apple reported that it has another profile, {uuid}."),
            },
            DeviceEventKind::Absent => "Apple no longer listed it for this server.".to_owned(),
            DeviceEventKind::ListedAgain => "Apple listed it for this server again.".to_owned(),
            DeviceEventKind::ReleaseRequested => {
                "Its release from the organization was requested.".to_owned()
            }
            DeviceEventKind::Released => "Apple released it from the organization.".to_owned(),
            DeviceEventKind::NotReleased => {
                format!(
                    "Apple did not release it ({detail}). {}",
                    AssignmentResult::of_apple(detail).about_release()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for kind in DeviceEventKind::ALL {
            assert_eq!(DeviceEventKind::from_word(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn each_line_of_the_history_says_what_happened_and_why() {
        let default = Reason::Default(crate::DevicePlatform::Ios).as_str();
        for (kind, detail, expected) in [
            (DeviceEventKind::Wanted, None, "Classroom was requested"),
            (DeviceEventKind::Unwanted, None, "No profile of its own"),
            (DeviceEventKind::Assigned, Some(Reason::Wanted.as_str()), "assigned Classroom, as requested"),
            (DeviceEventKind::Assigned, Some(default), "assigned Classroom, the default"),
            (DeviceEventKind::Assigned, Some(READ_BACK), "answer was lost, but Apple reported Classroom"),
            (DeviceEventKind::NotAssigned, Some("THROTTLED"), "not assigned (THROTTLED)"),
            (DeviceEventKind::NotAssigned, Some("THROTTLED"), AssignmentResult::Throttled.about_assignment()),
            (DeviceEventKind::Contradicted, None, "no profile any more"),
            (DeviceEventKind::Contradicted, Some("empty"), "no profile any more"),
            (DeviceEventKind::Contradicted, Some("removed"), "no profile any more"),
            (DeviceEventKind::Contradicted, Some("0A1B"), "another profile, 0A1B"),
            (DeviceEventKind::Absent, None, "no longer listed"),
            (DeviceEventKind::ListedAgain, None, "again"),
            (DeviceEventKind::ReleaseRequested, None, "release from the organization was requested"),
            (DeviceEventKind::Released, None, "Apple released it"),
            (DeviceEventKind::NotReleased, Some("ACCESS_DENIED"), "not release it (ACCESS_DENIED)"),
            (DeviceEventKind::NotReleased, Some("ACCESS_DENIED"), AssignmentResult::Denied.about_release()),
        ] {
            let event = DeviceEvent {
                at: Timestamp::UNIX_EPOCH,
                kind,
                profile: None,
                apple_uuid: None,
                detail: detail.map(str::to_owned),
            };
            let sentence = event.sentence("Classroom");
            assert!(
                sentence.contains(expected) && sentence.ends_with('.'),
                "{kind:?} {detail:?}: {sentence}"
            );
        }
    }

    #[test]
    fn the_stored_reason_of_an_assignment_is_one_of_two_words() {
        let default = crate::DevicePlatform::ALL.map(|platform| Reason::Default(platform).as_str());
        assert_eq!((Reason::Wanted.as_str(), default), ("wanted", ["default"; 5]));
    }
}
