//! The ways in which a service is ended: by SIGKILL after a random time, or by itself at a named place.

use std::fmt;
use std::time::Duration;

use super::dice::Dice;

/// A way to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kill {
    /// SIGKILL this long after the load began.
    After(Duration),
    /// At a place in the program, compiled in by the feature `failpoints`.
    At(Place),
}

/// The places of `ADEPT_FAILPOINT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The token was opened; Apple knows nothing of it yet.
    UploadOpened,
    /// Apple accepted the token; nothing is stored.
    UploadProven,
    /// Everything is stored; the caller was not answered.
    UploadSaved,
    /// A page of devices and its cursor are stored; the sync goes on.
    PageStored,
}

impl Place {
    const ALL: [Place; 4] = [Place::UploadOpened, Place::UploadProven, Place::UploadSaved, Place::PageStored];

    /// As the program knows it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Place::UploadOpened => "upload-opened",
            Place::UploadProven => "upload-proven",
            Place::UploadSaved => "upload-saved",
            Place::PageStored => "page-stored",
        }
    }
}

impl Kill {
    pub(super) fn choose(dice: &mut Dice, failpoints: bool) -> Self {
        if failpoints && dice.once_in(4) {
            return Kill::At(Place::ALL[dice.within(0..Place::ALL.len() as u64) as usize]);
        }
        // Short times fall into the first sync and into the first renewals, long ones into the changes after them.
        let longest = [200, 800, 2500][dice.within(0..3) as usize];
        Kill::After(Duration::from_millis(dice.within(1..longest)))
    }

    /// At most one upload is under way when it ends in the midst of an upload, so that what must be stored is certain.
    pub(super) fn is_in_an_upload(self) -> bool {
        matches!(self, Kill::At(Place::UploadOpened | Place::UploadProven | Place::UploadSaved))
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kill::After(time) => write!(f, "after {} ms", time.as_millis()),
            Kill::At(place) => write!(f, "at {}", place.name()),
        }
    }
}
