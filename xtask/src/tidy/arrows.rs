//! Which part of the project may use which. Reads `use` lines and full paths in code that is not a test, and the
//! crates' manifests. The table below is the one in ARCHITECTURE.md, word for word.

mod paths;

use super::source::Source;
use super::{Finding, TextFile};

/// One module of `crates/adept/src`: what it may use, and what to do instead of using more.
struct Arrow {
    from: &'static str,
    to: &'static [&'static str],
    fix: &'static str,
}

const MODULES: &[Arrow] = &[
    Arrow {
        from: "cli",
        to: &[
            "config",
            "serve",
            "graph",
            "console",
            "oauth",
            "app",
            "auth",
            "storage",
            "domain",
            "apple",
            "odata",
            "simulator",
        ],
        fix: "add the new module to the table in xtask/src/tidy/arrows.rs and to ARCHITECTURE.md",
    },
    Arrow { from: "config", to: &["domain"], fix: "let `cli` put the two together" },
    Arrow {
        from: "serve",
        to: &["graph", "console", "oauth", "app", "auth", "domain"],
        fix: "add an operation to `app` and call that, or let `cli` hand the value in",
    },
    Arrow {
        from: "graph",
        to: &["app", "auth", "domain", "odata"],
        fix: "add an operation to `app` and call that",
    },
    Arrow { from: "console", to: &["app", "auth", "domain"], fix: "add an operation to `app` and call that" },
    Arrow {
        from: "oauth",
        to: &["app", "auth", "domain"],
        fix: "add an operation to `app` or `auth` and call that",
    },
    Arrow { from: "auth", to: &["storage", "domain"], fix: "take what is needed as an argument" },
    Arrow {
        from: "app",
        to: &["storage", "apple", "domain", "odata"],
        fix: "take what is needed as an argument; a `Caller` is a word of `domain`",
    },
    Arrow { from: "storage", to: &["domain", "odata"], fix: "take the value as an argument from `app`" },
    Arrow { from: "domain", to: &[], fix: "pass the value in, or move the rule to `app`" },
];

/// Our crates, as their manifests may name each other.
const CRATES: &[Arrow] = &[
    Arrow {
        from: "adept",
        to: &["apple", "odata", "simulator"],
        fix: "let the crate start `adept` as a program",
    },
    // The simulator for the example in its README.
    Arrow { from: "apple", to: &["simulator"], fix: "keep Apple's side usable alone; pass the value in" },
    Arrow { from: "odata", to: &[], fix: "stay generic over the field type" },
    Arrow {
        from: "simulator",
        to: &[],
        fix: "write it again from the contract, so that no misreading passes twice",
    },
    Arrow { from: "xtask", to: &["apple", "odata", "simulator"], fix: "start `adept` as a program" },
];

/// Checks one Rust file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let Some(place) = Place::of(&source.path) else { return Vec::new() };
    let mut findings = Vec::new();
    for used in paths::used(&source.production, &place.module) {
        let sentence = match place.crate_name.as_str() {
            "adept" => inside(&place, &used.path),
            from => across(from, &used.path),
        };
        findings.extend(sentence.map(|sentence| Finding::new("arrows", &source.path, used.line, sentence)));
    }
    findings.dedup();
    findings
}

/// Checks which of our crates a crate's manifest names, for its tests as well.
pub(super) fn check_manifest(file: &TextFile) -> Vec<Finding> {
    let Some(from) = file.path.trim_end_matches("/Cargo.toml").rsplit('/').next() else { return Vec::new() };
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        if let Some(to) = our_crate(&name.replace('-', "_")).filter(|_| line.contains("workspace")) {
            let sentence = refuse(CRATES, from, to);
            findings.extend(sentence.map(|sentence| Finding::new("arrows", &file.path, index + 1, sentence)));
        }
    }
    findings
}

/// Which crate and module a file is.
struct Place {
    crate_name: String,
    module: Vec<String>,
}

impl Place {
    /// `None` for files that are no crate's source.
    fn of(path: &str) -> Option<Self> {
        let (crate_name, inside) = path.strip_prefix("crates/").unwrap_or(path).split_once("/src/")?;
        let module = match inside {
            "lib.rs" | "main.rs" => Vec::new(),
            inside => inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect(),
        };
        Some(Self { crate_name: crate_name.to_owned(), module })
    }
}

/// A path used in the service: the first part after the crate is the module, another crate counts as one.
fn inside(place: &Place, path: &[String]) -> Option<String> {
    // lib.rs and main.rs only name the modules.
    let from = place.module.first()?;
    let to = match path {
        [root, module, ..] if root == "crate" || root == "adept" => module.as_str(),
        [other, ..] => our_crate(other)?,
        [] => return None,
    };
    if to == from { None } else { refuse(MODULES, from, to) }
}

/// A path used in another crate of ours.
fn across(from: &str, path: &[String]) -> Option<String> {
    let to = our_crate(path.first()?)?;
    if to == from { None } else { refuse(CRATES, from, to) }
}

/// `adept_apple` is `apple` in the tables.
fn our_crate(name: &str) -> Option<&str> {
    if name == "adept" { Some(name) } else { name.strip_prefix("adept_") }
}

/// Why `from` may not use `to`, or nothing.
fn refuse(table: &[Arrow], from: &str, to: &str) -> Option<String> {
    let Some(arrow) = table.iter().find(|arrow| arrow.from == from) else {
        return Some(format!(
            "`{from}` has no arrows yet: say in xtask/src/tidy/arrows.rs and in ARCHITECTURE.md what it may use"
        ));
    };
    if arrow.to.contains(&to) {
        return None;
    }
    if to == "config" {
        return Some(format!(
            "`{from}` may not read `config`: let `cli` take the value out and hand it over"
        ));
    }
    let may = if arrow.to.is_empty() { "nothing of ours".to_owned() } else { arrow.to.join(", ") };
    Some(format!("`{from}` may not use `{to}` (it may use {may}): {}", arrow.fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(path: &str, text: &str) -> Vec<String> {
        check(&Source::read(path, text)).into_iter().map(|finding| finding.sentence).collect()
    }

    #[test]
    fn an_arrow_against_the_table_is_found_in_every_spelling() {
        for text in [
            "use crate::storage::Database;",
            "use crate::{app::App, storage};",
            "use crate::{app::{self, Clock}, storage::{devices, db::Db}};",
            "fn a() { crate::storage::devices::list() }",
            "fn a(b: super::super::storage::Db) {}",
            "use super::super::{storage as s};",
            "pub(crate) use crate::storage;",
        ] {
            let found = sentences("crates/adept/src/graph/devices.rs", text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with("`graph` may not use `storage`"), "{}", found[0]);
        }
    }

    #[test]
    fn allowed_arrows_and_our_own_module_pass() {
        let text = "use crate::{app::App, domain::Caller, graph::error};\nuse super::router;\nuse self::a::b;\n\
                    use adept_odata::Filter;\npub(crate) fn a() { std::mem::take(b) }";
        assert_eq!(sentences("crates/adept/src/graph/devices.rs", text), [""; 0]);
        assert_eq!(sentences("crates/adept/src/lib.rs", "pub mod graph;\npub use graph::router;"), [""; 0]);
    }

    #[test]
    fn tests_and_comments_may_name_anything() {
        let text = "// crate::storage::a\n#[cfg(test)]\nmod tests {\n    use crate::storage::Db;\n}\n";
        assert_eq!(sentences("crates/adept/src/graph.rs", text), [""; 0]);
    }

    #[test]
    fn only_cli_reads_config() {
        let text = "use crate::config::Config;";
        assert_eq!(sentences("crates/adept/src/cli/serve.rs", text), [""; 0]);
        assert!(sentences("crates/adept/src/app.rs", text)[0].contains("let `cli` take the value out"));
    }

    #[test]
    fn crates_keep_to_themselves() {
        assert_eq!(sentences("crates/apple/src/token.rs", "use adept_odata::Filter;").len(), 1);
        assert_eq!(sentences("crates/adept/src/app/sync.rs", "use adept_simulator::Portal;").len(), 1);
        assert_eq!(sentences("crates/adept/src/cli/demo.rs", "use adept_simulator::Portal;"), [""; 0]);
        let file = |path: &str| TextFile { path: path.into(), text: "adept-apple.workspace = true\n".into() };
        assert_eq!(check_manifest(&file("crates/simulator/Cargo.toml")).len(), 1);
        assert_eq!(check_manifest(&file("crates/adept/Cargo.toml")), []);
    }

    #[test]
    fn a_new_module_must_be_given_arrows() {
        let found = sentences("crates/adept/src/billing.rs", "use crate::domain::Caller;");
        assert!(found[0].contains("has no arrows yet"));
    }
}
