//! Times in HTTP headers: `Date` and `Retry-After` (RFC 9110, sections 5.6.7 and 10.2.3). Unreadable ones count as absent.

use std::time::Duration;

use jiff::{
    SignedDuration, Timestamp,
    fmt::{rfc2822::DateTimeParser, strtime},
    tz::Offset,
};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The longest wait that is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How far Apple's clock and ours may be apart before it is worth a word.
const TOLERATED_SKEW: SignedDuration = SignedDuration::from_secs(120);

/// The weekday is not checked: the date is what counts.
static IMF_FIXDATE: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// Apple's clock minus ours, if they are over two minutes apart.
pub(super) fn clock_skew(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let skew = date(headers)?.duration_since(now);
    (skew.abs() > TOLERATED_SKEW).then_some(skew)
}

/// Apple's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(text(headers, DATE)?)
}

/// The wait that the answer asks for. A date is compared with Apple's own clock, where the answer has it.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only a number that is too large for the type fails here.
        value.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let now = text(headers, DATE).and_then(http_date).unwrap_or(now);
        http_date(value)?.duration_since(now).max(SignedDuration::ZERO).unsigned_abs()
    };
    Some(wait.min(LONGEST_WAIT))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The three forms that RFC 9110 wants read: the usual one and the two old ones.
fn http_date(value: &str) -> Option<Timestamp> {
    IMF_FIXDATE.parse_timestamp(value).ok().or_else(|| {
        ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].iter().find_map(|form| {
            let time = strtime::parse(form, value).ok()?.to_datetime().ok()?;
            Offset::UTC.to_timestamp(time).ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    const NOW: &str = "1994-11-06T08:49:37Z";

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn every_form_of_an_http_date_is_read() {
        for value in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(http_date(value), NOW.parse().ok(), "{value}");
        }
        for value in ["", "soon", "1994-11-06", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(http_date(value), None, "{value}");
        }
    }

    #[test]
    fn a_wait_is_read_from_seconds_and_from_dates() {
        let now = NOW.parse().unwrap();
        let wait = |value| retry_after(&headers(&[(RETRY_AFTER, value)]), now).map(|wait| wait.as_secs());
        assert_eq!(wait("30"), Some(30));
        assert_eq!(wait("0"), Some(0));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(wait("99999999999999999999999"), Some(7 * 86400));
        assert_eq!(wait("Mon, 01 Jan 9999 00:00:00 GMT"), Some(7 * 86400));
        for nonsense in ["", "-5", "1.5", "soon", "+3"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_date_to_wait_for_is_measured_on_the_clock_that_set_it() {
        let answer = headers(&[
            (RETRY_AFTER, "Sun, 06 Nov 1994 12:01:00 GMT"),
            (DATE, "Sun, 06 Nov 1994 12:00:00 GMT"),
        ]);
        assert_eq!(retry_after(&answer, NOW.parse().unwrap()), Some(Duration::from_secs(60)));
    }

    #[test]
    fn clocks_up_to_two_minutes_apart_count_as_equal() {
        let now = NOW.parse().unwrap();
        let skew = |value| clock_skew(&headers(&[(DATE, value)]), now).map(|skew| skew.as_secs());
        assert_eq!(skew("Sun, 06 Nov 1994 08:51:37 GMT"), None);
        assert_eq!(skew("Sun, 06 Nov 1994 08:47:37 GMT"), None);
        assert_eq!(skew("Sun, 06 Nov 1994 08:51:38 GMT"), Some(121));
        assert_eq!(skew("Sun, 06 Nov 1994 08:47:36 GMT"), Some(-121));
        assert_eq!(skew("yesterday"), None);
    }
}
