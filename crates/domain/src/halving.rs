//! A call about many devices that Apple refuses as a whole without saying why: it is split in halves until the device that
//! causes it stands alone. Pure; `app/assignment` makes the calls.

use jiff::SignedDuration;

/// Calls that a run makes at most to find such devices.
const MOST_CALLS: usize = 64;

/// So many devices may stand alone in a run in which Apple accepted nobody; with more it is not about devices.
const MOST_ALONE: usize = 8;

/// When what a run could not split any more goes on.
pub const AFTER_HALVING: SignedDuration = SignedDuration::from_mins(15);

/// Apple's code that names no device either.
const MALFORMED: &str = "MALFORMED_REQUEST_BODY";

/// Whether Apple refused a call as a whole in words that may be about one of its devices.
pub fn is_about_devices(status: Option<u16>, code: Option<&str>) -> bool {
    matches!(status, Some(400 | 413)) && code.is_none_or(|code| code.eq_ignore_ascii_case(MALFORMED))
}

/// What a run knows of the calls that were refused so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Halving {
    calls: usize,
    alone: usize,
    accepted: bool,
}

/// What follows from a refused call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedCall<T> {
    /// Each half is a call of its own.
    Halves(Vec<T>, Vec<T>),
    /// This device causes it.
    Alone(T),
    /// It is not about devices.
    NotAboutDevices,
}

impl Halving {
    /// Apple answered a call device by device: what it refuses otherwise is about devices.
    pub fn on_accepted(&mut self) {
        self.accepted = true;
    }

    /// Whether a refusal is about devices for sure.
    pub fn has_accepted(&self) -> bool {
        self.accepted
    }

    /// Whether this run may make another call about a half; counts it.
    pub fn may_call(&mut self) -> bool {
        let may = self.calls < MOST_CALLS;
        self.calls += usize::from(may);
        may
    }

    /// Apple refused a call about these devices as a whole.
    pub fn on_refused<T>(&mut self, mut devices: Vec<T>) -> RefusedCall<T> {
        if devices.len() > 1 {
            let second = devices.split_off(devices.len().div_ceil(2));
            return RefusedCall::Halves(devices, second);
        }
        let Some(device) = devices.pop() else { return RefusedCall::NotAboutDevices };
        self.alone += 1;
        if self.alone > MOST_ALONE && !self.accepted {
            return RefusedCall::NotAboutDevices;
        }
        RefusedCall::Alone(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_without_a_reason_of_its_own_is_split() {
        for (status, code, expected) in [
            (Some(400), None, true),
            (Some(413), None, true),
            (Some(400), Some("MALFORMED_REQUEST_BODY"), true),
            (Some(413), Some("malformed_request_body"), true),
            (Some(400), Some("PROFILE_UUID_REQUIRED"), false),
            (Some(400), Some("DEVICE_ID_REQUIRED"), false),
            (Some(401), None, false),
            (Some(403), Some("T_C_NOT_SIGNED"), false),
            (Some(403), None, false),
            (Some(404), None, false),
            (Some(429), None, false),
            (Some(500), None, false),
            (Some(503), Some("MALFORMED_REQUEST_BODY"), false),
            (None, None, false),
        ] {
            assert_eq!(is_about_devices(status, code), expected, "{status:?} {code:?}");
        }
    }

    /// What became of devices 0 to `devices` - 1 when Apple refuses every call that names one of `refused`.
    struct Played {
        alone: Vec<usize>,
        accepted: usize,
        left: usize,
        calls: usize,
        is_about_devices: bool,
    }

    fn play(devices: usize, refused: impl Fn(usize) -> bool) -> Played {
        let mut halving = Halving::default();
        let mut played = Played { alone: vec![], accepted: 0, left: 0, calls: 0, is_about_devices: true };
        let mut waiting: Vec<Vec<usize>> = vec![];
        let mut next = Some((0..devices).collect::<Vec<_>>());
        while let Some(call) = next {
            if call.iter().any(|device| refused(*device)) {
                match halving.on_refused(call) {
                    RefusedCall::Halves(first, second) => waiting.extend([second, first]),
                    RefusedCall::Alone(device) => played.alone.push(device),
                    RefusedCall::NotAboutDevices => {
                        played.is_about_devices = false;
                        return played;
                    }
                }
            } else {
                halving.on_accepted();
                played.accepted += call.len();
            }
            assert_eq!(halving.has_accepted(), played.accepted > 0, "after {} devices", played.accepted);
            next = waiting.pop();
            if next.is_some() && !halving.may_call() {
                played.left = next.map_or(0, |call| call.len()) + waiting.iter().map(Vec::len).sum::<usize>();
                return played;
            }
            played.calls += usize::from(next.is_some());
        }
        played
    }

    #[test]
    fn a_refused_call_is_halved_until_the_devices_that_cause_it_stand_alone() {
        for (devices, refused) in [
            (1, vec![0]),
            (2, vec![1]),
            (3, vec![0, 2]),
            (1000, vec![0]),
            (1000, vec![999]),
            (1000, vec![17, 640]),
            (8, (0..8).collect()),
        ] {
            let played = play(devices, |device| refused.contains(&device));
            assert_eq!(played.alone, refused, "of {devices}");
            assert_eq!(
                (played.accepted, played.left),
                (devices - refused.len(), 0),
                "{refused:?} of {devices}"
            );
            assert!(played.calls <= 40, "{} calls for {refused:?} of {devices}", played.calls);
        }
    }

    #[test]
    fn a_run_makes_no_more_than_sixty_four_such_calls_and_leaves_the_rest() {
        let played = play(1000, |device| device % 100 == 99);
        assert_eq!(played.calls, 64);
        assert!(played.is_about_devices && played.left > 0 && played.accepted > 0);
        assert_eq!(played.alone.len() + played.accepted + played.left, 1000);
    }

    #[test]
    fn when_nine_stand_alone_and_nobody_is_accepted_it_is_not_about_devices() {
        assert!(play(8, |_| true).is_about_devices);
        for devices in [9, 10, 100, 1000] {
            let played = play(devices, |_| true);
            assert!(!played.is_about_devices, "{devices}");
            assert!(played.calls < 40, "{} calls for {devices}", played.calls);
        }
        assert!(play(30, |device| device != 0).is_about_devices, "one was accepted first");
    }
}
