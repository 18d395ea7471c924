//! Places at which the crash tests end the process. Without the feature `failpoints` there is nothing here.
//!
//! | place | what is stored there |
//! |---|---|
//! | `upload-opened` | nothing; Apple knows nothing of it yet |
//! | `upload-proven` | nothing; Apple accepted the token |
//! | `upload-saved` | everything; the caller was not answered |
//! | `sync-claimed` | the lease |
//! | `page-read` | what the pages before it brought |
//! | `page-stored` | the page, its cursor and its part of the history |
//! | `missing-settled` | some of the devices that a complete fetch did not list are marked, the others not yet |
//! | `fetch-ended` | the whole fetch, and when the next one is owed |
//! | `sync-ended` | the run's end |
//! | `define-begun`, `assign-begun`, `release-begun` | that the call is about to be made |
//! | `define-answered`, `assign-answered`, `release-answered` | the same; Apple has done it |
//! | `define-stored`, `assign-stored`, `release-stored` | what Apple answered |
//! | `details-read` | nothing yet of the details that were read after a lost answer |

/// Ends the process at once, as a power cut would, when `ADEPT_FAILPOINT` names this place.
#[cfg(feature = "failpoints")]
pub(super) fn at(place: &str) {
    if std::env::var("ADEPT_FAILPOINT").is_ok_and(|wanted| wanted == place) {
        std::process::abort();
    }
}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
pub(super) fn at(_: &str) {}
