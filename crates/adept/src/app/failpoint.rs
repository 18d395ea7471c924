//! What the crash tests need of the program: places at which it ends, and a clock that is ahead. Without the feature
//! `failpoints` there is nothing here.
//!
//! | place | what is stored there |
//! |---|---|
//! | `upload-opened` | nothing; Apple knows nothing of it yet |
//! | `upload-verified` | nothing; Apple accepted the token |
//! | `upload-saved` | everything; the caller was not answered |
//! | `sync-claimed` | the lease |
//! | `page-read` | what the pages before it brought |
//! | `page-stored` | the page, its cursor and its part of the history |
//! | `absent-settled` | some of the devices that a complete fetch did not list are marked, the others not yet |
//! | `fetch-ended` | the whole fetch, and when the next one is owed |
//! | `sync-ended` | the run's end |
//! | `define-begun`, `assign-begun`, `release-begun` | that the call is about to be made |
//! | `define-answered`, `assign-answered`, `release-answered` | the same; Apple has done it |
//! | `define-stored`, `assign-stored`, `release-stored` | what Apple answered |
//! | `details-read` | nothing yet of the details that were read after a lost answer |

use jiff::SignedDuration;

/// Ends the process at once, as a power cut would, when `ADEPT_FAILPOINT` names this place: `page-stored`, or
/// `page-stored 3` for the third time that it is come to.
#[cfg(feature = "failpoints")]
pub(super) fn at(place: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};

    static TIMES: AtomicU32 = AtomicU32::new(0);
    let Ok(wanted) = std::env::var("ADEPT_FAILPOINT") else { return };
    let (name, time) = wanted.split_once(' ').unwrap_or((&wanted, "1"));
    if name == place && TIMES.fetch_add(1, Ordering::SeqCst) + 1 >= time.parse().unwrap_or(1) {
        std::process::abort();
    }
}

/// How far this process's clock is ahead of the system's: the crash tests let days pass between two starts.
#[cfg(feature = "failpoints")]
pub(super) fn clock_ahead() -> SignedDuration {
    let seconds = std::env::var("ADEPT_CLOCK_AHEAD").ok().and_then(|seconds| seconds.parse().ok());
    SignedDuration::from_secs(seconds.unwrap_or_default())
}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
pub(super) fn at(_: &str) {}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
pub(super) fn clock_ahead() -> SignedDuration {
    SignedDuration::ZERO
}
