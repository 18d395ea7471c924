//! Somebody who may upload and has a copy of a token file, and no key, learns nothing of what is in it: whatever is made of
//! its blocks, every answer is the same.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{pair, script, upload};
use crate::support::{
    client::{Client, ClientResponse},
    random::Random,
    sealed_file::SealedFile,
    test_app::{TestApp, app_options},
};

const CIPHERS: [&str; 3] = ["aes-128-cbc", "aes-256-cbc", "des-ede3-cbc"];

/// Of the blocks under a random one so many are passed over; all that are known are read under a right guess.
const STEP: usize = 3;

/// All that a caller sees of an answer but its ids and times.
pub fn seen(answer: &ClientResponse) -> Value {
    let error = &answer.json()["error"];
    let varying = ["date", "request-id", "client-request-id"];
    let headers: BTreeMap<_, _> = answer
        .headers
        .iter()
        .filter(|(name, _)| !varying.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    json!([answer.status, error["code"], error["message"], headers])
}

/// Plays the attack on one file; answers what the attacker saw of it and how often it was seen.
async fn attack(client: &Client, setting: &str, file: &str, random: &mut Random) -> BTreeMap<String, u64> {
    let stolen = SealedFile::of(file);
    let mut answers = BTreeMap::new();
    let mut chosen: Vec<_> =
        (0..stolen.blocks()).filter_map(|index| Some((index, stolen.guess(index)?))).collect();
    assert!(chosen.len() >= 7);
    chosen.extend(
        (0..stolen.blocks())
            .step_by(STEP)
            .map(|index| (index, (0..stolen.block).map(|_| random.below(256) as u8).collect())),
    );
    for (index, block) in chosen {
        for spliced in stolen.spliced(&block, index) {
            let answer = upload(client, setting, &spliced.file()).await;
            *answers.entry(seen(&answer).to_string()).or_default() += 1;
        }
    }
    answers
}

#[tokio::test]
async fn a_stolen_file_tells_nothing_however_its_blocks_are_put_together() {
    let test = TestApp::start_as(adept::app::AppOptions { open_failures: 0, ..app_options() }).await;
    let mut random = Random::seeded();
    let mut all = BTreeMap::new();
    for cipher in CIPHERS {
        let client = test.admin().await;
        let pair = pair(&test, &client).await;
        let path = format!("/servers/{}/token?cipher={cipher}", pair.server);
        let file = test.portal.call(Method::POST, &path, String::new()).await;
        assert_eq!(
            upload(&client, &pair.setting, &SealedFile::of(&file).file()).await.status,
            204,
            "{cipher}"
        );
        // A file that is read is accepted by Apple, and the answer is 204.
        all.extend(attack(&client, &pair.setting, &file, &mut random).await);

        // The quiet variant: while Apple's wait is stored, one that is read is 503, and Apple sees none of it.
        let wait = json!({ "Retry-After": "3600" });
        let body = "TOO_MANY_REQUESTS";
        script(&test, json!({ "path": "/account", "status": 429, "headers": wait, "body": body })).await;
        upload(&client, &pair.setting, &file).await.is_refused(503, "ServiceUnavailable", "");
        let refused = upload(&client, &pair.setting, &file).await;
        refused.is_refused(503, "ServiceUnavailable", "Apple asked us to wait");
        all.extend(attack(&client, &pair.setting, &file, &mut random).await);
    }
    assert_eq!(all.len(), 1, "{all:#?}");
    assert!(all.keys().all(|answer| answer.starts_with("[400,\"BadRequest\",")), "{all:#?}");
}
