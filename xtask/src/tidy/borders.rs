//! Borders that cargo and the compiler do not keep: which of our crates a manifest may name, which modules of the
//! service use each other, and who knows SQL, HTTP and the two databases. Plain text search in code that is not a test.

use super::{Finding, TextFile, production};

/// Our crates and which others of ours their manifests may name. `adept` names the simulator for `cli` alone.
const CRATES: [(&str, &[&str]); 7] = [
    ("adept", &["adept-domain", "adept-storage", "adept-apple", "adept-odata", "adept-simulator"]),
    ("storage", &["adept-domain", "adept-odata"]),
    ("domain", &[]),
    ("apple", &["adept-simulator"]),
    ("odata", &[]),
    ("simulator", &[]),
    ("xtask", &["adept-apple", "adept-odata", "adept-simulator"]),
];

/// Libraries that `domain` would need only to be more than plain words and rules.
const NOT_PLAIN: [&str; 6] = ["serde", "serde_json", "sqlx", "tokio", "axum", "reqwest"];

/// Modules of `crates/adept/src` and which other modules and crates of ours each may use; `cli` may use all.
const MODULES: [(&str, &[&str]); 7] = [
    ("config", &["domain"]),
    ("serve", &["graph", "console", "oauth", "app", "auth", "domain", "adept_apple"]),
    ("graph", &["app", "auth", "domain", "adept_odata"]),
    ("console", &["app", "auth", "domain"]),
    ("oauth", &["app", "auth", "domain"]),
    ("auth", &["storage", "domain"]),
    ("app", &["storage", "domain", "adept_apple", "adept_odata"]),
];

/// Crates that the service may name, as paths begin with them.
const OUR_PATHS: [&str; 5] =
    ["adept_apple", "adept_odata", "adept_simulator", "adept_domain", "adept_storage"];

/// Beginnings of statements. SQL is written in capitals here.
const SQL: [&str; 7] =
    ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "ALTER TABLE ", "PRAGMA "];

/// Words of only one of the two databases.
const DIALECT: [&str; 8] = [
    "SqlitePool",
    "PgPool",
    "SqliteConnection",
    "PgConnection",
    "jsonb_",
    "json_array_elements",
    "PRAGMA ",
    "sqlite_master",
];

/// Checks which crates a manifest names.
pub(super) fn manifest(file: &TextFile) -> Vec<Finding> {
    let Some(from) = file.path.trim_end_matches("/Cargo.toml").rsplit('/').next() else { return Vec::new() };
    let Some((_, may)) = CRATES.iter().find(|(name, _)| *name == from) else { return Vec::new() };
    let mut findings = Vec::new();
    let dependencies = file.text.lines().enumerate().filter(|(_, line)| line.contains("workspace = true"));
    for (index, line) in dependencies {
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        let sentence = if name.starts_with("adept") && !may.contains(&name) {
            format!("`{from}` may not use `{name}`: pass the value in, or move the code to a crate that may")
        } else if from == "domain" && NOT_PLAIN.contains(&name) {
            format!("`domain` is plain words and rules, without `{name}`: do this where it is needed")
        } else {
            continue;
        };
        findings.push(Finding::new("borders", &file.path, index + 1, sentence));
    }
    findings
}

/// Checks one Rust file.
pub(super) fn code(file: &TextFile) -> Vec<Finding> {
    let Some((name, inside)) = file.path.strip_prefix("crates/").and_then(|path| path.split_once("/src/"))
    else {
        return Vec::new();
    };
    let code = production(&file.text);
    let mut findings = if name == "adept" { arrows(file, inside) } else { Vec::new() };
    for (index, line) in code.lines().enumerate().filter(|(_, line)| !is_comment(line)) {
        let mut find =
            |sentence: String| findings.push(Finding::new("borders", &file.path, index + 1, sentence));
        if name == "adept" && is_sql(line) {
            find("only `storage` knows SQL: add a function there and call it".into());
        }
        let knows_no_http = ["app", "auth", "config"].contains(&module(inside));
        if name == "adept" && knows_no_http && (line.contains("axum::") || line.contains("StatusCode")) {
            find(
                "only the edges know HTTP: return an error of this layer and let `graph` give it a status"
                    .into(),
            );
        }
        let in_db = inside.starts_with("db.rs") || inside.starts_with("db/");
        if let Some(word) = DIALECT.iter().find(|word| line.contains(*word))
            && name == "storage"
            && !in_db
        {
            find(format!("`{word}` belongs to one of the databases: keep it in crates/storage/src/db.rs"));
        }
    }
    findings
}

/// Modules used against the table.
fn arrows(file: &TextFile, inside: &str) -> Vec<Finding> {
    let from = module(inside);
    // lib.rs and main.rs name the modules, and `cli` wires them together.
    if ["lib", "main", "cli"].contains(&from) {
        return Vec::new();
    }
    let Some((_, may)) = MODULES.iter().find(|(name, _)| *name == from) else {
        let sentence =
            format!("`{from}` is new: add it to xtask/src/tidy/borders.rs and to ARCHITECTURE.md, Arrows");
        return vec![Finding::new("borders", &file.path, 0, sentence)];
    };
    let mut findings = Vec::new();
    for (line, to) in used(production(&file.text)) {
        if to != from && !may.contains(&to) {
            let may = may.join(", ");
            let sentence = format!(
                "`{from}` may not use `{to}` (it may use {may}): take the value as an argument, or add a function to \
                 a module that may"
            );
            findings.push(Finding::new("borders", &file.path, line, sentence));
        }
    }
    findings
}

/// The line and name of every module behind `crate::`, the first ones of a group included, and of every crate of ours.
fn used(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    let is_code = |at: usize| !is_comment(code[..at].rsplit('\n').next().unwrap_or_default());
    for (at, _) in code.match_indices("crate::").filter(|(at, _)| is_code(*at)) {
        let path = &code[at + "crate::".len()..];
        let Some(group) = path.strip_prefix('{') else {
            found.push((line_of(at), word(path)));
            continue;
        };
        let mut depth = 0;
        let parts = group.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth < 0 || (c == ',' && depth == 0)
        });
        let end = group.find("};").unwrap_or(group.len());
        let start = group.as_ptr() as usize;
        let parts = parts.take_while(|part| part.as_ptr() as usize - start < end);
        found.extend(
            parts.map(|part| (line_of(at), word(part.trim_start()))).filter(|(_, name)| !name.is_empty()),
        );
    }
    for name in OUR_PATHS {
        let uses = code.match_indices(name).filter(|(at, _)| is_code(*at));
        found.extend(uses.map(|(at, _)| (line_of(at), name)));
    }
    found
}

/// The name at the start of a path.
fn word(path: &str) -> &str {
    path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

fn module(inside: &str) -> &str {
    inside.split(['/', '.']).next().unwrap_or_default()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// A statement begins at the start of a string or of a line.
fn is_sql(line: &str) -> bool {
    let line = line.trim_start();
    SQL.iter().any(|begin| line.starts_with(begin) || line.contains(&format!("\"{begin}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn lines(path: &str, text: &str) -> Vec<usize> {
        code(&file(path, text)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_module_uses_what_the_table_names() {
        let path = "crates/adept/src/graph/devices.rs";
        let allowed =
            "use crate::{app::App, domain::{Caller, storage}, graph::error};\nuse adept_odata::Filter;\n";
        assert_eq!(lines(path, allowed), [0; 0]);
        assert_eq!(lines(path, "//!\nuse crate::storage::Database;\n"), [2]);
        assert_eq!(lines(path, "use crate::{\n    app::{App, Clock},\n    storage,\n};\n"), [1]);
        assert_eq!(lines(path, "fn a() { crate::config::read() }\nuse adept_apple::Token;\n"), [1, 2]);
        assert_eq!(
            lines(path, "// crate::storage\n#[cfg(test)]\nmod tests {\n    use crate::storage;\n}\n"),
            [0; 0]
        );
        assert_eq!(lines("crates/adept/src/cli/serve.rs", "use crate::config::Config;"), [0; 0]);
        assert_eq!(lines("crates/adept/src/billing.rs", ""), [0], "a new module needs a line in the table");
    }

    #[test]
    fn sql_and_http_stay_where_they_belong() {
        let sql =
            "sqlx::query(\"SELECT a FROM b\")\n\"\n    INSERT INTO a VALUES ($1)\"\n\"Select a profile\"\n";
        assert_eq!(lines("crates/adept/src/app/devices.rs", sql), [1, 3]);
        assert_eq!(lines("crates/storage/src/devices.rs", sql), [0; 0]);
        assert_eq!(lines("crates/storage/src/devices.rs", "PgPool"), [1]);
        assert_eq!(lines("crates/storage/src/db/statement.rs", "PgPool"), [0; 0]);
        assert_eq!(lines("crates/adept/src/app/devices.rs", "use axum::http::StatusCode;"), [1]);
        assert_eq!(lines("crates/adept/src/graph/error.rs", "use axum::http::StatusCode;"), [0; 0]);
    }

    #[test]
    fn manifests_name_no_crate_that_they_may_not() {
        let text = "[dependencies]\nadept-odata.workspace = true\nserde.workspace = true\n";
        assert_eq!(manifest(&file("crates/adept/Cargo.toml", text)), []);
        assert_eq!(manifest(&file("crates/storage/Cargo.toml", text)), []);
        assert_eq!(manifest(&file("crates/domain/Cargo.toml", text)).len(), 2);
        assert_eq!(manifest(&file("crates/simulator/Cargo.toml", text)).len(), 1);
    }
}
