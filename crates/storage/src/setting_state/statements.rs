//! What the statements of this crate may say of `setting_states`: they load and save its rows, and decide nothing.

use std::{fs, path::Path};

use super::columns;

/// The word by which statements name the table.
const TABLE: &str = "setting_states";

/// Every source file but those of tests, without its comments and its own tests: path below `src`, text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with("tests.rs") && !name.ends_with("statements.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push((name, lines.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    found
}

/// The word before each mention of `name`: for a table it is what a statement does with it.
fn uses(text: &str, name: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name)
        .filter(|(at, _)| !text[..*at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part))
        .map(|(at, _)| text[..at].split_whitespace().next_back().unwrap_or_default().to_owned())
        .collect()
}

/// Every `CASE … END`; one within another stands alone too.
fn cases(text: &str) -> Vec<&str> {
    text.match_indices("CASE ")
        .map(|(at, _)| &text[at..])
        .map(|rest| rest.find("END").map_or(rest, |end| &rest[..end]))
        .collect()
}

#[test]
fn one_select_and_one_update_name_the_table_outside_the_claims() {
    let mut all = Vec::new();
    for (file, text) in sources() {
        let uses = uses(&text, TABLE);
        if file == "leases.rs" {
            assert!(uses.iter().all(|word| word == "FROM"), "claims look for candidates only: {uses:?}");
        } else {
            let word_of = |word: String| word.rsplit('"').next().unwrap_or_default().to_owned();
            all.extend(uses.into_iter().map(|word| (file.clone(), word_of(word))));
        }
    }
    all.sort();
    let expected = ["FROM", "INTO", "UPDATE"].map(|word| ("setting_state.rs".to_owned(), word.to_owned()));
    assert_eq!(all, expected);
}

#[test]
fn no_case_stands_over_its_columns() {
    let mut stand = Vec::new();
    for (file, text) in sources() {
        for case in cases(&text) {
            let named = columns().into_iter().skip(2).filter(|column| !uses(case, column).is_empty());
            stand.extend(named.map(|column| format!("{file}: {column}")));
        }
    }
    stand.sort();
    stand.dedup();
    // Lists show a number for each state, from the one table of them, by which people filter and order.
    assert_eq!(stand, ["settings.rs: token_state"]);
}

#[test]
fn a_case_and_its_columns_are_found_in_a_text() {
    let text = "UPDATE a SET b = CASE WHEN sync_due_at > $1 THEN sync_due_at ELSE $1 END, token_states = 1";
    assert_eq!(cases(text).len(), 1);
    assert_eq!(uses(cases(text)[0], "sync_due_at"), ["WHEN", "THEN"]);
    assert!(uses(text, "token_state").is_empty());
    assert_eq!(uses("SELECT 1 FROM setting_states, devices JOIN setting_states", TABLE), ["FROM", "JOIN"]);
}
