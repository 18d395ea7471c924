//! Clients at work on whichever replica answers: they upload the first token of each setting, renew tokens, ask for syncs,
//! while devices come, go and change at Apple. A client that gets no answer asks another replica the same again.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use adept::domain::SettingId;
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    fleet::Fleet,
    world::{Onboarded, World, serials},
};
use crate::{assignment::ground::KINDS, support::test_app::S};

/// Who uploads at the same time. Each setting is one uploader's, so that its tokens follow one another.
const UPLOADERS: usize = 6;

/// How long one upload is repeated at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// Numbers that look random and are the same in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number under `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// The clients.
pub struct Load<'a> {
    world: &'a World,
    fleet: &'a Fleet,
    bearer: &'a str,
    http: reqwest::Client,
    /// Goes around the replicas.
    turn: AtomicU64,
    killing_is_over: AtomicBool,
}

impl<'a> Load<'a> {
    pub fn new(world: &'a World, fleet: &'a Fleet, bearer: &'a str) -> Self {
        Self {
            world,
            fleet,
            bearer,
            http: reqwest::Client::new(),
            turn: 0.into(),
            killing_is_over: false.into(),
        }
    }

    /// From now on only first tokens are uploaded.
    pub fn killing_is_over(&self) {
        self.killing_is_over.store(true, Ordering::SeqCst);
    }

    /// Works until the killing is over and every setting has a token; the ends of the tokens that were stored.
    pub async fn run(&self) -> Vec<(SettingId, Vec<String>)> {
        let uploads = futures_util::future::join_all((0..UPLOADERS).map(|number| self.uploads(number)));
        let (issued, (), ()) = tokio::join!(uploads, self.changes(), self.asks());
        issued.into_iter().flatten().collect()
    }

    fn is_over(&self) -> bool {
        self.killing_is_over.load(Ordering::SeqCst)
    }

    /// One uploader: the first tokens of its settings, then renewals of some of them.
    async fn uploads(&self, number: usize) -> Vec<(SettingId, Vec<String>)> {
        let mut dice = Dice::new(100 + number as u64);
        let mine: Vec<&Onboarded> = self.world.settings.iter().skip(number).step_by(UPLOADERS).collect();
        let mut issued: Vec<_> = mine.iter().map(|onboarded| (onboarded.setting, Vec::new())).collect();
        for (onboarded, (_, issued)) in mine.iter().zip(&mut issued) {
            self.upload(onboarded, issued).await;
        }
        while !self.is_over() {
            let place = dice.below(mine.len() as u64) as usize;
            self.upload(mine[place], &mut issued[place].1).await;
        }
        issued
    }

    /// Issues a token, which ends the one before, and uploads it until that is answered with 204.
    async fn upload(&self, onboarded: &Onboarded, issued: &mut Vec<String>) {
        let first = Timestamp::from_second(1_924_992_000).unwrap();
        let end = (first + SignedDuration::from_mins(issued.len() as i64)).to_string();
        let path = format!("/servers/{}/token?expires={end}", onboarded.server);
        let token = self.world.portal.call(Method::POST, &path, String::new()).await;
        issued.push(end);
        let path = format!("{}/uploadDepToken", onboarded.setting);
        let body = json!({ "appleId": "it@example.org", "depToken": token });
        let began = Instant::now();
        loop {
            match self.send(Method::POST, &path, Some(&body)).await {
                Some((204, _)) => return,
                // Nobody, Apple or a database in time did not answer: the same again.
                None | Some((429 | 503, _)) => {}
                Some((status, text)) => panic!("an upload was refused with {status}: {text}"),
            }
            assert!(began.elapsed() < PATIENCE, "an upload to {} comes to nothing", onboarded.setting);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Devices come, go and change at Apple.
    async fn changes(&self) {
        let mut dice = Dice::new(2);
        let portal = &self.world.portal;
        while !self.is_over() {
            let server = &self.world.settings[dice.below(self.world.settings.len() as u64) as usize].server;
            let known = serials(portal, server).await;
            match dice.below(3) {
                0 if !known.is_empty() => {
                    let serial = &known[dice.below(known.len() as u64) as usize];
                    let path = format!("/servers/{server}/devices/{serial}");
                    portal.call(Method::DELETE, &path, String::new()).await;
                }
                1 if !known.is_empty() => {
                    let serial = &known[dice.below(known.len() as u64) as usize];
                    let path = format!("/servers/{server}/devices/{serial}");
                    let change = json!({ "asset_tag": format!("tag {}", dice.below(1000)) });
                    portal.call(Method::PATCH, &path, change.to_string()).await;
                }
                _ => portal.give_devices(server, 1 + dice.below(7) as u32).await,
            }
            tokio::time::sleep(Duration::from_millis(dice.below(40))).await;
        }
    }

    /// Somebody asks for syncs.
    async fn asks(&self) {
        let mut dice = Dice::new(3);
        while !self.is_over() {
            let onboarded = &self.world.settings[dice.below(self.world.settings.len() as u64) as usize];
            let path = format!("{}/syncWithAppleDeviceEnrollmentProgram", onboarded.setting);
            match self.send(Method::POST, &path, None).await {
                // Without a token there is nothing to sync yet; without an answer there is nothing to do.
                None | Some((204 | 409 | 429, _)) => {}
                Some((status, text)) => panic!("a sync was refused with {status}: {text}"),
            }
            tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
        }
    }

    /// Gives each of `settings` a default profile for every platform, named after it.
    pub async fn make_defaults(&self, settings: impl Iterator<Item = &Onboarded>) {
        for Onboarded { setting, .. } in settings {
            for (kind, platform) in KINDS {
                let body =
                    json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "displayName": platform });
                let path = format!("{setting}/enrollmentProfiles");
                let (status, made) = self.send(Method::POST, &path, Some(&body)).await.unwrap();
                assert_eq!(status, 201, "{made}");
                let made: Value = serde_json::from_str(&made).unwrap();
                let id = made["id"].as_str().unwrap().rsplit('_').next().unwrap();
                let path = format!("{setting}/enrollmentProfiles/{id}/setDefaultProfile");
                assert_eq!(self.send(Method::POST, &path, None).await.unwrap().0, 204);
            }
        }
    }

    /// Waits until Apple has given each device of `settings` the default profile of its platform.
    pub async fn wait_for_defaults(&self, settings: impl Iterator<Item = &Onboarded>, patience: Duration) {
        let began = Instant::now();
        for onboarded in settings {
            let mut rounds = 0;
            loop {
                let wanted = self.present(onboarded).await;
                let wanted: BTreeMap<_, _> =
                    wanted.into_iter().map(|(serial, platform)| (serial, Some(platform))).collect();
                let truth = self.world.truth(&onboarded.server).await;
                if wanted == truth {
                    break;
                }
                assert!(
                    began.elapsed() < patience,
                    "{}: {wanted:?}, and at Apple {truth:?}",
                    onboarded.setting
                );
                rounds += 1;
                if rounds % 20 == 0 {
                    self.world.let_a_day_pass().await;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// Graph lists every device of Apple's once and as present, and no other one as present. Where there is no default,
    /// nobody has given a device a profile.
    pub async fn compare_inventories(&self, has_defaults: impl Fn(&Onboarded) -> bool) {
        let has_defaults = &has_defaults;
        let compared = stream::iter(&self.world.settings).map(|onboarded| async move {
            let setting = onboarded.setting;
            let present = self.present(onboarded).await;
            let truth = self.world.truth(&onboarded.server).await;
            assert!(present.keys().eq(truth.keys()), "{setting} lists {present:?}, Apple has {truth:?}");
            assert_eq!(self.get(&setting.to_string()).await["syncedDeviceCount"], present.len(), "{setting}");
            let untouched = truth.values().all(Option::is_none);
            assert!(
                untouched || has_defaults(onboarded),
                "nobody asked for profiles in {setting}: {truth:?}"
            );
            present.len()
        });
        let counts: Vec<usize> = compared.buffer_unordered(8).collect().await;
        assert_eq!(counts.len(), self.world.settings.len());
        assert!(counts.iter().sum::<usize>() > 1000);
    }

    /// The devices that Graph lists as present: serial number and platform.
    async fn present(&self, onboarded: &Onboarded) -> BTreeMap<String, String> {
        let path = format!(
            "{}/importedAppleDeviceIdentities?$top=999&$select=serialNumber,isDeleted,platform",
            onboarded.setting
        );
        let listed = self.get(&path).await;
        assert!(listed["@odata.nextLink"].is_null(), "more devices than a page holds");
        let mut present = BTreeMap::new();
        for row in listed["value"].as_array().unwrap().iter().filter(|row| row["isDeleted"] == false) {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            assert!(
                present.insert(text("serialNumber"), text("platform")).is_none(),
                "{row} is listed twice"
            );
        }
        present
    }

    async fn get(&self, path: &str) -> Value {
        let (status, text) = self.send(Method::GET, path, None).await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Asks the next replica; none, if it gave no whole answer.
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(u16, String)> {
        let replica = self.fleet.url(self.turn.fetch_add(1, Ordering::Relaxed));
        let request =
            self.http.request(method, format!("{replica}/beta/{S}/{path}")).bearer_auth(self.bearer);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.text().await.ok()?))
    }
}
