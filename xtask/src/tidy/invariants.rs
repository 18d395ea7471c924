//! Who may know what inside the service: SQL, the two databases, status codes, camelCase, the clock. The compiler
//! sees none of these borders; the words that cross them are few, so words are what is looked for.

use super::Finding;
use super::source::{Piece, Source, Token, tokens};

/// Crates that `domain` would need only to be more than plain words and rules.
const NOT_PLAIN: [&str; 11] = [
    "serde",
    "serde_json",
    "sqlx",
    "axum",
    "reqwest",
    "tokio",
    "rustls",
    "rand",
    "getrandom",
    "aws_lc_rs",
    "clap",
];

/// Calls that read the clock or make an id from nothing.
const FROM_NOTHING: [&str; 6] = ["SystemTime", "Instant", "now", "new_v4", "now_v7", "thread_rng"];

/// Words of only one of the two databases' SQL.
const DIALECT: [&str; 6] =
    ["jsonb_", "json_array_elements", "PRAGMA", "pg_", "sqlite_master", "BEGIN IMMEDIATE"];

/// Checks one Rust file of the service.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let Some(inside) = source.path.strip_prefix("crates/adept/src/") else { return Vec::new() };
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    let is_in = |modules: &[&str]| modules.contains(&module);
    let is_db = inside == "storage/db.rs" || inside.starts_with("storage/db/");
    let mut findings = Vec::new();
    let mut find =
        |line, rule, sentence: String| findings.push(Finding::new(rule, &source.path, line, sentence));

    let tokens = tokens(&source.production);
    for (at, token) in tokens.iter().enumerate() {
        let word = token.text;
        if word == "sqlx" && !is_in(&["storage"]) {
            find(token.line, "sql", "only `storage` knows SQL: add a function there and call it".into());
        }
        if matches!(word, "StatusCode" | "axum") && is_in(&["app", "auth", "storage", "domain", "config"]) {
            let sentence = format!(
                "only `graph`, `console`, `oauth` and `serve` know HTTP (`{word}`): return an error of this layer and \
                 let the edge give it a status"
            );
            find(token.line, "http", sentence);
        }
        if names_a_database(word) && !is_db && !is_in(&["cli", "config"]) {
            let sentence = format!(
                "only storage/db.rs knows that there are two databases (`{word}`): write what works on both, or move \
                 the difference there"
            );
            find(token.line, "two databases", sentence);
        }
        if module == "domain" && NOT_PLAIN.contains(&word) && begins_a_path(&tokens, at) {
            let sentence =
                format!("`domain` is plain words and rules, without `{word}`: do this where it is needed");
            find(token.line, "plain domain", sentence);
        }
        if is_in(&["domain", "storage"]) && FROM_NOTHING.contains(&word) && is_reached(&tokens, at) {
            let sentence = format!(
                "`{module}` is handed its times and ids (`{word}`): take the value as an argument from `app`"
            );
            find(token.line, "handed values", sentence);
        }
    }
    for string in source.strings.iter().filter(|string| !string.test) {
        if is_sql(string) && !is_in(&["storage"]) {
            find(
                string.line,
                "sql",
                "this reads as SQL: only `storage` knows SQL; move the statement there".into(),
            );
        }
        if let Some(word) = DIALECT.iter().find(|word| has_call_word(&string.text, word)).filter(|_| !is_db)
            && module == "storage"
        {
            let sentence = format!(
                "`{word}` is the SQL of one database: keep it in storage/db.rs and take it from there"
            );
            find(string.line, "two databases", sentence);
        }
        if string.text == "camelCase" && !is_in(&["graph", "console", "cli"]) {
            find(
                string.line,
                "camelCase",
                "only `graph` knows Graph's spelling: translate names there".into(),
            );
        }
    }
    // One line in many words is one finding.
    findings.dedup_by_key(|finding| (finding.rule, finding.line));
    findings
}

fn names_a_database(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let is_pg =
        word.strip_prefix("Pg").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    is_pg || lower.contains("sqlite") || lower.contains("postgres")
}

/// The word is a crate: the start of a path or of a derive, not a field or a variable.
fn begins_a_path(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
    let after = tokens.get(at + 1).map_or("", |after| after.text);
    before != "::" && before != "." && (after == "::" || before == "use")
}

/// Called or imported, rather than a plain word such as an argument `now`.
fn is_reached(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
    let after = tokens.get(at + 1).map_or("", |after| after.text);
    match tokens[at].text {
        "SystemTime" | "Instant" => {
            after == "::" && tokens.get(at + 2).is_some_and(|next| next.text == "now")
        }
        "thread_rng" => true,
        _ => after == "(" && before == "::",
    }
}

/// Begins like a statement and goes on like one.
fn is_sql(string: &Piece) -> bool {
    let text = string.text.trim_start().to_ascii_uppercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["SELECT", rest @ ..] => rest.contains(&"FROM"),
        ["INSERT" | "REPLACE", "INTO", ..] | ["DELETE", "FROM", ..] | ["CREATE", "TABLE" | "INDEX", ..] => {
            true
        }
        ["UPDATE", _, "SET", ..] | ["PRAGMA", ..] | ["ALTER" | "DROP", "TABLE", ..] => true,
        _ => false,
    }
}

/// The word begins at a border, so that `pg_` is not found in `jpg_a`.
fn has_call_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&Source::read(path, text)).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn sql_lives_in_storage() {
        for text in [
            "\"SELECT a FROM b\"",
            "\"\n    insert into a values ($1)\"",
            "\"UPDATE a SET b = 1\"",
            "sqlx::query(a)",
        ] {
            assert_eq!(rules("crates/adept/src/app/devices.rs", text), ["sql"], "{text}");
            assert_eq!(rules("crates/adept/src/storage/devices.rs", text), [""; 0], "{text}");
        }
        assert_eq!(rules("crates/adept/src/app.rs", "\"Select a profile\"; \"Update the token\""), [""; 0]);
    }

    #[test]
    fn only_db_tells_the_databases_apart() {
        for text in ["SqlitePool", "PgPool", "let is_postgres = a;", "\"select value from jsonb_each($1)\""] {
            assert_eq!(rules("crates/adept/src/storage/devices.rs", text), ["two databases"], "{text}");
            assert_eq!(rules("crates/adept/src/storage/db.rs", text), [""; 0], "{text}");
        }
        assert_eq!(rules("crates/adept/src/config.rs", "sqlite_max_pages: u32"), [""; 0]);
        assert_eq!(rules("crates/adept/src/storage/a.rs", "\"a jpg_b\"; Page"), [""; 0]);
    }

    #[test]
    fn status_codes_stay_at_the_edge() {
        assert_eq!(rules("crates/adept/src/app.rs", "use axum::http::StatusCode;"), ["http"]);
        assert_eq!(rules("crates/adept/src/graph/error.rs", "use axum::http::StatusCode;"), [""; 0]);
    }

    #[test]
    fn domain_is_plain_and_handed_its_values() {
        let path = "crates/adept/src/domain/device.rs";
        assert_eq!(rules(path, "use serde::Serialize;"), ["plain domain"]);
        assert_eq!(rules(path, "#[derive(serde::Serialize)] struct A;"), ["plain domain"]);
        assert_eq!(rules(path, "let a = Timestamp::now();"), ["handed values"]);
        assert_eq!(rules(path, "fn a(now: Timestamp) { now(b); self.serde; }"), [""; 0]);
        assert_eq!(rules("crates/adept/src/storage/device.rs", "Uuid::now_v7()"), ["handed values"]);
    }

    #[test]
    fn tests_may_know_everything() {
        let text = "#[cfg(test)]\nmod tests {\n    use axum::http::StatusCode;\n    const A: &str = \"SELECT a FROM b\";\n}\n";
        assert_eq!(rules("crates/adept/src/domain.rs", text), [""; 0]);
    }
}
