//! The ways in which a service is ended: by SIGKILL after a random time, or by itself at a named place.

use std::fmt;
use std::time::Duration;

use super::dice::Dice;

/// A way to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kill {
    /// SIGKILL this long after the load began.
    After(Duration),
    /// The so manieth time that it comes to a place in the program, compiled in by the feature `failpoints`.
    At(Place, u64),
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
    /// The lease was taken; nothing was asked.
    SyncClaimed,
    /// A page was read; nothing of it is stored.
    PageRead,
    /// A page of devices and its cursor are stored; the sync goes on.
    PageStored,
    /// Some of what a fetch left out is settled.
    MissingSettled,
    /// Everything was fetched and stored, and what it left out is settled; the run goes on.
    FetchEnded,
    /// Everything is stored but the end of the run.
    SyncEnded,
    /// The attempt to define a profile is stored; Apple knows nothing of it yet.
    DefineBegun,
    /// Apple has defined a profile; nobody knows its id.
    DefineAnswered,
    /// Its id is stored; no device has it.
    DefineStored,
    /// The assignment that is about to be asked for is stored; Apple knows nothing of it yet.
    AssignBegun,
    /// Apple has assigned a profile; nothing of it is stored.
    AssignAnswered,
    /// What Apple answered is stored; the next devices wait.
    AssignStored,
    /// The same of a release.
    ReleaseBegun,
    /// Apple has released devices; nothing of it is stored.
    ReleaseAnswered,
    /// What Apple answered is stored.
    ReleaseStored,
    /// After a lost answer, what Apple has was read; nothing of it is stored. Only come to after another kill.
    DetailsRead,
}

impl Place {
    const ALL: [Place; 18] = [
        Place::UploadOpened,
        Place::UploadProven,
        Place::UploadSaved,
        Place::SyncClaimed,
        Place::PageRead,
        Place::PageStored,
        Place::FetchEnded,
        Place::SyncEnded,
        Place::DefineBegun,
        Place::DefineAnswered,
        Place::DefineStored,
        Place::AssignBegun,
        Place::AssignAnswered,
        Place::AssignStored,
        Place::ReleaseBegun,
        Place::ReleaseAnswered,
        Place::ReleaseStored,
        Place::MissingSettled,
    ];

    /// How many of them are come to before any device is listed.
    const BEFORE_DEVICES: usize = 14;

    /// As the program knows it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Place::UploadOpened => "upload-opened",
            Place::UploadProven => "upload-verified",
            Place::UploadSaved => "upload-saved",
            Place::SyncClaimed => "sync-claimed",
            Place::PageRead => "page-read",
            Place::PageStored => "page-stored",
            Place::MissingSettled => "absent-settled",
            Place::FetchEnded => "fetch-ended",
            Place::SyncEnded => "sync-ended",
            Place::DefineBegun => "define-begun",
            Place::DefineAnswered => "define-answered",
            Place::DefineStored => "define-stored",
            Place::AssignBegun => "assign-begun",
            Place::AssignAnswered => "assign-answered",
            Place::AssignStored => "assign-stored",
            Place::ReleaseBegun => "release-begun",
            Place::ReleaseAnswered => "release-answered",
            Place::ReleaseStored => "release-stored",
            Place::DetailsRead => "details-read",
        }
    }

    /// Whether it is come to for each of many.
    fn is_repeated(self) -> bool {
        matches!(self, Place::PageRead | Place::PageStored)
    }

    /// Whether a process that ended here finds a call to Apple whose answer was lost when it starts again.
    pub(super) fn leaves_a_call(self) -> bool {
        use Place::{AssignAnswered, AssignBegun, ReleaseAnswered, ReleaseBegun};
        matches!(self, AssignBegun | AssignAnswered | ReleaseBegun | ReleaseAnswered)
    }

    /// Whether it is come to in an upload.
    pub(super) fn is_in_an_upload(self) -> bool {
        matches!(self, Place::UploadOpened | Place::UploadProven | Place::UploadSaved)
    }
}

impl Kill {
    /// For the first kill of a run no device is listed yet that could be released or missed.
    pub(super) fn choose(dice: &mut Dice, failpoints: bool, is_first: bool) -> Self {
        if failpoints && dice.once_in(2) {
            let places = if is_first { &Place::ALL[..Place::BEFORE_DEVICES] } else { &Place::ALL[..] };
            let place = places[dice.within(0..places.len() as u64) as usize];
            return Kill::At(place, if place.is_repeated() { dice.within(1..5) } else { 1 });
        }
        // Short times fall into the first sync and into the first renewals, long ones into the changes after them.
        let longest = [200, 800, 2500][dice.within(0..3) as usize];
        Kill::After(Duration::from_millis(dice.within(1..longest)))
    }

    /// At most one upload is under way when it ends in the midst of an upload, so that what must be stored is certain.
    pub(super) fn is_in_an_upload(self) -> bool {
        matches!(self, Kill::At(place, _) if place.is_in_an_upload())
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kill::After(time) => write!(f, "after {} ms", time.as_millis()),
            Kill::At(place, 1) => write!(f, "at {}", place.name()),
            Kill::At(place, time) => write!(f, "at {}, time {time}", place.name()),
        }
    }
}
