//! Whatever people want, whatever the portal does and however Apple fails meanwhile: when it is quiet again, Apple has
//! what is wanted, and no device was touched that nobody asked for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::{FOREIGN, Ground, KINDS};
use crate::{
    onboarding::script,
    support::{database::Kind, test_app::S},
};

/// Numbers that follow from a seed. Source: Sebastiano Vigna's SplitMix64, in the public domain.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn some(&mut self, of: &[String]) -> Vec<String> {
        let count = 1 + self.below(of.len().min(5));
        let chosen: BTreeSet<usize> = (0..count).map(|_| self.below(of.len())).collect();
        chosen.into_iter().map(|index| of[index].clone()).collect()
    }
}

/// What the test itself asked for.
#[derive(Default)]
struct AskedOfApple {
    /// The profile that is wanted for a device, by its place in `profiles`.
    wanted: BTreeMap<String, usize>,
    /// The default of a platform.
    defaults: BTreeMap<&'static str, usize>,
    /// Platforms that ever had a default.
    ever_default: BTreeSet<&'static str>,
    /// Devices that ever got another product's profile.
    foreign: BTreeSet<String>,
    /// The present names of the profiles.
    names: Vec<String>,
}

async fn play(kind: Kind, seed: u64, steps: usize) {
    let mut dice = Dice(seed);
    let ground = Ground::new(kind, 40).await;
    let mut asked = AskedOfApple::default();
    // Two for each of two platforms; the other platforms never have a default.
    let kinds = [KINDS[0], KINDS[0], KINDS[1], KINDS[1]];
    let mut profiles = Vec::new();
    for (index, (of, _)) in kinds.iter().enumerate() {
        asked.names.push(format!("Profile {index}"));
        profiles.push(ground.profile(of, &asked.names[index]).await);
    }
    let platforms: BTreeMap<String, String> = {
        let mut platforms = BTreeMap::new();
        for (_, platform) in KINDS {
            for serial in ground.serials(Some(platform)).await {
                platforms.insert(serial, platform.to_owned());
            }
        }
        platforms
    };
    let all: Vec<String> = platforms.keys().cloned().collect();
    for done in 0..steps {
        // What makes every device be looked at heals everything, so the second half does without.
        let rolled = dice.below(16);
        let rolled = if done * 2 > steps && (2..=4).contains(&rolled) { 6 } else { rolled };
        step(&ground, rolled, &mut dice, &mut asked, &profiles, &kinds, &all).await;
    }

    ground.test.portal.call(Method::DELETE, "/answers", String::new()).await;
    ground.test.portal.call(Method::DELETE, "/statuses", String::new()).await;
    for _ in 0..4 {
        ground.pass(SignedDuration::from_hours(25)).await;
        ground.sync().await;
    }
    let truth = ground.truth().await;
    assert_eq!(truth.len(), all.len());
    for (serial, has) in &truth {
        let platform = platforms[serial].as_str();
        let has = has.as_deref();
        match (asked.wanted.get(serial), asked.defaults.get(platform)) {
            (Some(wanted), _) => {
                assert_eq!(has, Some(asked.names[*wanted].as_str()), "seed {seed}, {serial}")
            }
            (None, Some(_)) if asked.foreign.contains(serial) && has == Some(FOREIGN) => {}
            (None, Some(default)) => {
                assert_eq!(has, Some(asked.names[*default].as_str()), "seed {seed}, {serial} by default");
            }
            (None, None) if asked.ever_default.contains(platform) => {}
            (None, None) => assert!(
                has.is_none() || (has == Some(FOREIGN) && asked.foreign.contains(serial)),
                "seed {seed}: nobody asked for {serial}, which has {has:?}"
            ),
        }
    }
}

async fn step(
    ground: &Ground,
    rolled: usize,
    dice: &mut Dice,
    asked: &mut AskedOfApple,
    profiles: &[String],
    kinds: &[(&'static str, &'static str)],
    all: &[String],
) {
    let profile = dice.below(profiles.len());
    let serial = &all[dice.below(all.len())];
    let device = format!("/servers/{}/devices/{serial}", ground.server);
    match rolled {
        0 | 1 => {
            let serials = dice.some(all);
            ground.want(&profiles[profile], &serials).await;
            asked.wanted.extend(serials.into_iter().map(|serial| (serial, profile)));
        }
        2 => {
            ground.make_default(&profiles[profile]).await;
            asked.defaults.insert(kinds[profile].1, profile);
            asked.ever_default.insert(kinds[profile].1);
        }
        3 => {
            let (navigation, platform) =
                [("defaultIosEnrollmentProfile", "ios"), ("defaultMacOsEnrollmentProfile", "macOS")]
                    [profile % 2];
            let path = format!("/beta/{S}/{}/{navigation}", ground.setting);
            ground.client().await.delete(&path).await;
            asked.defaults.remove(platform);
        }
        4 => {
            asked.names[profile].push('+');
            ground.rename(&profiles[profile], kinds[profile].0, &asked.names[profile]).await;
        }
        5 => {
            let carried = json!({ "profile_status": "assigned", "profile_uuid": FOREIGN });
            ground.portal(Method::PATCH, &device, carried).await;
            asked.foreign.insert(serial.clone());
        }
        6 => {
            ground.portal(Method::POST, &format!("{device}/move"), json!({ "to": ground.server })).await;
        }
        7 => {
            ground.portal(Method::PATCH, &device, json!({ "asset_tag": format!("tag {profile}") })).await;
        }
        8 => {
            let status = ["FAILED", "THROTTLED", "NOT_ACCESSIBLE"][dice.below(3)];
            ground.script_status(serial, "assign", status, json!({})).await;
        }
        9 => script(&ground.test, json!({ "path": "/profile/devices", "cut": true })).await,
        10 => script(&ground.test, json!({ "path": "/profile", "cut": true })).await,
        11 => {
            script(&ground.test, json!({ "path": "/profile/devices", "status": 500, "body": "<html>" })).await
        }
        12 => ground.pass(SignedDuration::from_mins(7)).await,
        13 => {
            ground.test.app.scheduler.assign_what_is_due().await.unwrap();
        }
        _ => ground.sync().await,
    }
}

#[tokio::test]
async fn when_it_is_quiet_apple_has_what_is_wanted_on_sqlite() {
    for seed in 1..=4 {
        play(Kind::Sqlite, seed, 40).await;
    }
}

#[tokio::test]
async fn when_it_is_quiet_apple_has_what_is_wanted_on_postgresql() {
    play(Kind::Postgres, 5, 60).await;
}
