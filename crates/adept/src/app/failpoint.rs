//! Places at which the crash tests end the process. Without the feature `failpoints` there is nothing here.

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
