//! Fault rules: which calls to Apple's paths are disturbed, and how. This is the list; what an action does to an answer
//! is `apple/faulty.rs`. The portal side is never disturbed.

mod action;
mod codes;
mod delays;
mod hold;
mod rule;
mod script;

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

pub(crate) use action::{Action, CannedAnswer, Disconnect, Drip, DropDevices, ReplaceText, Truncate, When};
pub(crate) use codes::find as find_code;
pub(crate) use delays::Delays;
pub(crate) use hold::HeldCall;
pub(crate) use rule::{Facts, Wanted};
pub(crate) use script::Script;

use rule::Rule;

/// Rules that are remembered after they were used up, so that they can be asked how it went.
const REMEMBERED: usize = 1000;

/// What a rule does to one call.
#[derive(Default)]
pub(crate) struct Plan {
    /// The rule, when there is one.
    pub(crate) rule: Option<u64>,
    pub(crate) actions: Arc<[Action]>,
}

/// All rules, oldest first.
pub(crate) struct Faults {
    seed: u64,
    made: u64,
    rules: VecDeque<Rule>,
    news: watch::Sender<()>,
}

impl Faults {
    /// No rules; the seed decides what probabilities come to.
    pub(crate) fn new(seed: u64) -> Faults {
        Faults { seed, made: 0, rules: VecDeque::new(), news: watch::Sender::new(()) }
    }

    /// Adds a rule behind the others and returns its id.
    pub(crate) fn add(&mut self, wanted: Wanted) -> u64 {
        self.push(wanted, None)
    }

    /// Adds what `/_sim/answers` received as a rule.
    pub(crate) fn add_script(&mut self, script: Script) -> u64 {
        self.push(script.wanted(), Some(script))
    }

    fn push(&mut self, wanted: Wanted, script: Option<Script>) -> u64 {
        self.made += 1;
        self.rules.push_back(Rule::new(self.made, self.seed, wanted, script));
        self.made
    }

    /// Whether there is nothing to match a call with.
    pub(crate) fn none(&self) -> bool {
        self.rules.is_empty()
    }

    /// Shows a call to every rule. The first that wants to act on it does, and no other.
    pub(crate) fn take(&mut self, facts: &Facts<'_>) -> Plan {
        let mut plan = Plan::default();
        for rule in &mut self.rules {
            if rule.sees(facts) && plan.rule.is_none() {
                plan = Plan { rule: Some(rule.id), actions: rule.act() };
            }
        }
        if plan.rule.is_some() {
            self.forget_some();
            self.news.send_replace(());
        }
        plan
    }

    /// A call has come to where its rule holds it; `None` when the rule was removed.
    pub(crate) fn hold(&mut self, id: u64) -> Option<HeldCall> {
        let held = self.rule_mut(id)?.gate.arrive();
        self.news.send_replace(());
        Some(held)
    }

    /// Lets calls go on that a rule holds, the longest held first; all of them without a count. How many went.
    pub(crate) fn release(&mut self, id: u64, count: Option<u64>) -> Option<u64> {
        Some(self.rule_mut(id)?.gate.release(count))
    }

    /// Takes a rule away and lets the calls go on that it holds.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.news.send_replace(());
        self.rules.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
        self.news.send_replace(());
    }

    pub(crate) fn show(&self, id: u64) -> Option<Value> {
        self.rule(id).map(Rule::to_json)
    }

    /// How many calls a rule has acted on, and how many it holds now.
    pub(crate) fn progress(&self, id: u64) -> Option<(u64, u64)> {
        self.rule(id).map(|rule| (rule.acted, rule.gate.held()))
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.rules.iter().map(Rule::to_json).collect()
    }

    /// What `/_sim/answers` received and still waits for calls.
    pub(crate) fn scripts(&self) -> Vec<Script> {
        self.rules.iter().filter_map(Rule::waiting_script).collect()
    }

    /// Forgets what `/_sim/answers` received.
    pub(crate) fn clear_scripts(&mut self) {
        self.rules.retain(|rule| !rule.is_script());
        self.news.send_replace(());
    }

    /// Notifies when a rule acts, holds or goes away.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    fn rule(&self, id: u64) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    fn rule_mut(&mut self, id: u64) -> Option<&mut Rule> {
        self.rules.iter_mut().find(|rule| rule.id == id)
    }

    fn forget_some(&mut self) {
        let over = |rule: &Rule| rule.used_up() && rule.gate.held() == 0;
        let mut spare = self.rules.iter().filter(|rule| over(rule)).count().saturating_sub(REMEMBERED);
        if spare > 0 {
            self.rules.retain(|rule| {
                let stays = spare == 0 || !over(rule);
                spare -= usize::from(!stays);
                stays
            });
        }
    }
}
