//! One rule: which calls it is about, when it acts, and how often it did.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::hold::Gate;
use super::{Action, Script};

/// What is known of a call before it is judged.
pub(crate) struct Facts<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
    /// The `server_uuid` that its session or its consumer key belongs to.
    pub(crate) server: Option<&'a str>,
    /// The consumer key that it signs with, or that its session's newest token has.
    pub(crate) consumer_key: Option<&'a str>,
}

/// Which calls a rule is about; what is absent does not matter.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    /// In any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    /// Without the query. `/profile*` is every path that begins so, `!/session` every other path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// A `server_uuid`; dashes and case do not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) consumer_key: Option<String>,
    /// Text that the body of the call contains: a serial number, a cursor, a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body_contains: Option<String>,
    /// The first of these calls to act on, counted from 1 and from when the rule was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nth: Option<u64>,
    /// From then on act on each so many-th only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) every: Option<u64>,
    /// From then on act with this probability, 0 to 1. The world's seed decides, so it repeats itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) probability: Option<f64>,
}

/// A rule as it is asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default, rename = "match")]
    pub(super) on: Match,
    /// How many calls to act on; null is until the rule is removed.
    #[serde(default = "once")]
    pub(super) times: Option<u64>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    /// One action or several, in any order.
    #[serde(rename = "do", deserialize_with = "one_or_several")]
    pub(super) actions: Vec<Action>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted { on: Match::default(), times: once(), note: None, actions: Vec::new() }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the default of a field has the field's type")]
fn once() -> Option<u64> {
    Some(1)
}

fn one_or_several<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Action>, D::Error> {
    let several = match Value::deserialize(from)? {
        Value::Array(several) => several,
        one => vec![one],
    };
    several.into_iter().map(|one| action(one).map_err(serde::de::Error::custom)).collect()
}

/// An action whose every setting has a default may be written as its name alone.
fn action(input: Value) -> serde_json::Result<Action> {
    serde_json::from_value(input.clone()).or_else(|error| match input {
        Value::String(name) => serde_json::from_value(json!({ name: {} })).map_err(|_| error),
        _ => Err(error),
    })
}

impl Wanted {
    /// The first thing that makes no sense, in a sentence.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Match { nth, every, probability, .. } = &self.on;
        if self.times == Some(0) || *nth == Some(0) || *every == Some(0) {
            return Err("times, nth and every are 1 or more.".to_owned());
        }
        if probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err("probability is 0 to 1.".to_owned());
        }
        if self.actions.is_empty() {
            return Err("Say what to do: \"do\" is an action or a list of them.".to_owned());
        }
        self.actions.iter().try_for_each(Action::check)?;
        let instead: Vec<_> = self.actions.iter().filter(|action| action.is_instead()).collect();
        if instead.len() > 1 {
            return Err("A call has one answer: give one of answer, refuse, redirect, disconnect.".to_owned());
        }
        Ok(())
    }
}

/// A rule at work.
pub(super) struct Rule {
    pub(super) id: u64,
    /// Calls that it acted on.
    pub(super) acted: u64,
    pub(super) gate: Gate,
    seed: u64,
    /// Calls that it is about, whether or not it acted.
    seen: u64,
    wanted: Wanted,
    actions: Arc<[Action]>,
    script: Option<Script>,
}

impl Rule {
    pub(super) fn new(id: u64, seed: u64, wanted: Wanted, script: Option<Script>) -> Rule {
        let actions = wanted.actions.clone().into();
        Rule { id, acted: 0, gate: Gate::new(), seed, seen: 0, wanted, actions, script }
    }

    /// Counts a call that the rule is about; whether it wants to act on it.
    pub(super) fn sees(&mut self, facts: &Facts<'_>) -> bool {
        let on = &self.wanted.on;
        if !on.is_about(facts) {
            return false;
        }
        self.seen += 1;
        if self.used_up() {
            return false;
        }
        let Some(past) = self.seen.checked_sub(on.nth.unwrap_or(1)) else { return false };
        past.is_multiple_of(on.every.unwrap_or(1)) && self.falls(on.probability)
    }

    fn falls(&self, probability: Option<f64>) -> bool {
        let Some(probability) = probability else { return true };
        let drawn = mix(self.seed ^ mix(self.id ^ mix(self.seen)));
        // 53 bits are what a number between 0 and 1 holds.
        (drawn >> 11) as f64 / (1_u64 << 53) as f64 <= probability && probability > 0.0
    }

    pub(super) fn act(&mut self) -> Arc<[Action]> {
        self.acted += 1;
        self.actions.clone()
    }

    pub(super) fn used_up(&self) -> bool {
        self.wanted.times.is_some_and(|times| self.acted >= times)
    }

    pub(super) fn is_script(&self) -> bool {
        self.script.is_some()
    }

    pub(super) fn waiting_script(&self) -> Option<Script> {
        let script = self.script.as_ref().filter(|_| !self.used_up())?;
        Some(script.after(self.acted))
    }

    pub(super) fn to_json(&self) -> Value {
        let mut rule = json!(self.wanted);
        rule["id"] = self.id.into();
        rule["seen"] = self.seen.into();
        rule["acted"] = self.acted.into();
        rule["held"] = self.gate.held().into();
        rule["used_up"] = self.used_up().into();
        rule
    }
}

impl Match {
    fn is_about(&self, facts: &Facts<'_>) -> bool {
        let plain = |uuid: &str| uuid.replace('-', "").to_ascii_uppercase();
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(facts.method))
            && self.path.as_ref().is_none_or(|wanted| path_fits(wanted, facts.path))
            && self
                .server
                .as_ref()
                .is_none_or(|wanted| facts.server.is_some_and(|known| plain(wanted) == known))
            && self.consumer_key.as_ref().is_none_or(|wanted| facts.consumer_key == Some(wanted))
            && self.body_contains.as_ref().is_none_or(|wanted| contains(facts.body, wanted.as_bytes()))
    }
}

fn path_fits(wanted: &str, path: &str) -> bool {
    match (wanted.strip_prefix('!'), wanted.strip_suffix('*')) {
        (Some(other), _) => !path_fits(other, path),
        (None, Some(start)) => path.starts_with(start),
        (None, None) => wanted == path,
    }
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || body.windows(wanted.len()).any(|part| part == wanted)
}

/// The finalizer of SplitMix64: every bit of the input moves every bit of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(wanted: Value) -> Rule {
        let wanted: Wanted = serde_json::from_value(wanted).unwrap();
        wanted.check().unwrap();
        Rule::new(1, 1, wanted, None)
    }

    fn call<'a>(method: &'a str, path: &'a str) -> Facts<'a> {
        let server = Some("0123456789ABCDEF0123456789ABCDEF");
        Facts { method, path, body: b"{\"devices\":[\"C02\"]}", server, consumer_key: Some("CK_1") }
    }

    /// Which of so many calls the rule acts on.
    fn acts(rule: &mut Rule, calls: usize) -> Vec<usize> {
        let mut acted = Vec::new();
        for number in 1..=calls {
            if rule.sees(&call("GET", "/account")) {
                rule.act();
                acted.push(number);
            }
        }
        acted
    }

    #[test]
    fn a_rule_is_about_what_its_match_says() {
        for (on, fits) in [
            (json!({}), true),
            (json!({ "method": "post", "path": "/devices" }), true),
            (json!({ "method": "GET" }), false),
            (json!({ "path": "/dev*" }), true),
            (json!({ "path": "!/session" }), true),
            (json!({ "path": "!/dev*" }), false),
            (json!({ "server": "01234567-89ab-cdef-0123-456789abcdef" }), true),
            (json!({ "server": "1" }), false),
            (json!({ "consumer_key": "CK_1" }), true),
            (json!({ "consumer_key": "CK_2" }), false),
            (json!({ "body_contains": "C02" }), true),
            (json!({ "body_contains": "C03" }), false),
        ] {
            let mut rule = rule(json!({ "match": on, "do": "gzip" }));
            assert_eq!(rule.sees(&call("POST", "/devices")), fits, "{:?}", rule.wanted.on);
        }
    }

    #[test]
    fn nth_every_and_times_count_from_when_the_rule_was_made() {
        let acted = |wanted| acts(&mut rule(wanted), 10);
        assert_eq!(acted(json!({ "do": "gzip" })), [1]);
        assert_eq!(acted(json!({ "do": "gzip", "times": 3 })), [1, 2, 3]);
        assert_eq!(acted(json!({ "do": "gzip", "match": { "nth": 4 }, "times": 2 })), [4, 5]);
        let every = json!({ "do": "gzip", "match": { "nth": 2, "every": 3 }, "times": null });
        assert_eq!(acted(every), [2, 5, 8]);
    }

    #[test]
    fn a_probability_repeats_itself_and_is_about_right() {
        let wanted = json!({ "do": "gzip", "match": { "probability": 0.25 }, "times": null });
        let first = acts(&mut rule(wanted.clone()), 4000);
        assert_eq!(acts(&mut rule(wanted), 4000), first);
        assert!((900..1100).contains(&first.len()), "{}", first.len());
        let never = json!({ "do": "gzip", "match": { "probability": 0.0 }, "times": null });
        let always = json!({ "do": "gzip", "match": { "probability": 1.0 }, "times": null });
        assert_eq!((acts(&mut rule(never), 100).len(), acts(&mut rule(always), 100).len()), (0, 100));
    }
}
