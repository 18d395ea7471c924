//! How many devices a tenant may release within a day: a release takes a device from its organization for good, and one wrong list
//! must not take all of them. Pure.

use jiff::{SignedDuration, Timestamp};

use super::deadline::later;

/// Releases a tenant may request within a day where nothing else is configured.
pub const RELEASES_A_DAY: u32 = 1000;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Releases within a day that began with the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseDay {
    /// When it began.
    pub began_at: Timestamp,
    /// Devices whose release was requested since.
    pub devices: i64,
}

/// Too many releases within a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseQuotaExceeded {
    /// How many are still admitted.
    pub left: i64,
    /// When as many are admitted again as a day has.
    pub renewed_at: Timestamp,
}

impl ReleaseDay {
    /// The day that goes on, with `more` devices; or why these are too many. A day that lies ahead began now.
    pub fn with(
        stored: Option<Self>,
        more: i64,
        most: i64,
        now: Timestamp,
    ) -> Result<Self, ReleaseQuotaExceeded> {
        let fresh = Self { began_at: now, devices: 0 };
        let stored = stored.map(|day| Self { began_at: day.began_at.min(now), ..day });
        let day = stored.filter(|day| now < later(day.began_at, DAY)).unwrap_or(fresh);
        let devices = day.devices.saturating_add(more);
        if devices > most {
            let left = (most - day.devices).max(0);
            return Err(ReleaseQuotaExceeded { left, renewed_at: later(day.began_at, DAY) });
        }
        Ok(Self { devices, ..day })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn at(hours: i64) -> Timestamp {
        later(NOW, SignedDuration::from_hours(hours))
    }

    #[test]
    fn a_day_has_so_many_releases_from_the_first_of_them() {
        let day = |hours, devices| ReleaseDay { began_at: at(hours), devices };
        let exceeded = |left, hours| ReleaseQuotaExceeded { left, renewed_at: at(hours) };
        for (stored, more, expected) in [
            (None, 0, Ok(day(0, 0))),
            (None, 10, Ok(day(0, 10))),
            (None, 11, Err(exceeded(10, 24))),
            (Some(day(-1, 9)), 1, Ok(day(-1, 10))),
            (Some(day(-1, 9)), 2, Err(exceeded(1, 23))),
            (Some(day(-23, 10)), 1, Err(exceeded(0, 1))),
            (Some(day(-24, 10)), 10, Ok(day(0, 10))),
            // Fewer are admitted than yesterday.
            (Some(day(-1, 50)), 1, Err(exceeded(0, 23))),
            // A clock was ahead.
            (Some(day(500, 9)), 1, Ok(day(0, 10))),
            (Some(day(500, 9)), 2, Err(exceeded(1, 24))),
            (Some(day(-1, i64::MAX)), i64::MAX, Err(exceeded(0, 23))),
        ] {
            assert_eq!(ReleaseDay::with(stored, more, 10, NOW), expected, "{stored:?} {more}");
        }
    }
}
