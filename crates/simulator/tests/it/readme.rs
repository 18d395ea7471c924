//! `README.md` does what it says: its commands are run in their order, and every action has an example.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Recipe, Sim, certificate};

const README: &str = include_str!("../../README.md");

/// The `curl` commands in the blocks marked `sh`, one a line.
fn commands() -> Vec<&'static str> {
    let blocks = README.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    blocks.flat_map(str::lines).filter(|line| line.starts_with("curl ")).collect()
}

/// A command as its shell splits it, with variables in the place of their names.
fn words(command: &str, variables: &BTreeMap<&str, String>) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut rest = command.chars().peekable();
    let mut quote = None;
    while let Some(next) = rest.next() {
        let word = words.last_mut().unwrap();
        match (next, quote) {
            ('\'' | '"', None) => quote = Some(next),
            (end, Some(open)) if end == open => quote = None,
            ('\\', Some('"')) => word.push(rest.next().unwrap()),
            ('$', None | Some('"')) => {
                let mut name = String::new();
                while let Some(letter) = rest.next_if(char::is_ascii_uppercase) {
                    name.push(letter);
                }
                word.push_str(&variables[name.as_str()]);
            }
            (' ', None) => words.push(String::new()),
            ('#', None) if word.is_empty() => break,
            (other, _) => word.push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[tokio::test]
async fn every_command_of_the_readme_is_understood() {
    let sim = Sim::start().await;
    let mut variables = BTreeMap::from([("SIM", format!("{}/_sim", sim.simulator.url()))]);
    assert!(commands().len() > 50);
    for command in commands() {
        let words = words(command, &variables);
        let (mut method, mut url, mut body) = ("GET", None, Vec::new());
        let mut rest = words[1..].iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "-X" => method = rest.next().unwrap(),
                "-d" => body = rest.next().unwrap().clone().into_bytes(),
                "--data-binary" => {
                    body = match rest.next().unwrap().strip_prefix('@').unwrap() {
                        "cert.pem" => certificate(&Recipe::default()),
                        file => {
                            std::fs::read(format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
                        }
                    }
                }
                "-s" | "-OJ" => {}
                other => url = Some(other),
            }
        }
        let response =
            sim.http.request(method.parse().unwrap(), url.unwrap()).body(body).send().await.unwrap();
        let (status, bytes) = (response.status(), response.bytes().await.unwrap());
        assert!(status.is_success(), "{command}: {status} {}", String::from_utf8_lossy(&bytes));
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if let Some(uuid) = answer["server_uuid"].as_str() {
            let name = if variables.contains_key("UUID") { "OTHER" } else { "UUID" };
            variables.insert(name, uuid.to_owned());
            variables.insert("ORG", answer["org_id"].as_str().unwrap().to_owned());
        }
        if let Some(id) = answer["id"].as_u64() {
            variables.insert("ID", id.to_string());
        }
    }
}

#[tokio::test]
async fn every_action_has_its_example() {
    let sim = Sim::start().await;
    let refusal = sim.portal(400, "POST", "/faults", json!({ "do": "explode" })).await;
    let actions: Vec<_> = refusal["error"].as_str().unwrap().split('`').skip(3).step_by(2).collect();
    assert!(actions.len() > 20, "{refusal}");
    for name in actions {
        let examples = commands().into_iter().filter(|command| command.contains("$SIM/faults"));
        assert!(README.contains(&format!("\"{name}\"")), "{name}");
        assert!(examples.filter(|command| command.contains(&format!("\"{name}\""))).count() > 0, "{name}");
    }
}
