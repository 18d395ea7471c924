//! Words that do not belong in the project: the two lists of docs/glossary.md, unfinished work, places of one machine,
//! hosts of package registries.

use std::path::Path;

use super::{Finding, TextFile};

/// Words that appear nowhere, with the word that is used instead.
const NOWHERE: [(&str, &str); 10] = [
    ("wish", "desired state"),
    ("mend", "fix"),
    ("anew", "again"),
    ("whoever", "the user, the operator"),
    ("reconciler", "assignment"),
    ("by_hand", "manual_import"),
    ("overtaken", "superseded"),
    ("boarding", "session cache"),
    ("shelf", "session cache"),
    ("common terms", "shared profile options"),
];

/// Names that are no type, and in lower case no module, column or metric.
const NO_TYPE: [&str; 13] = [
    "Call", "Answer", "Place", "Way", "Door", "Patience", "Verdict", "Told", "Given", "Turns", "Asked",
    "Left", "Met",
];

/// Words that are no part of such a name either.
const NO_PART: [&str; 5] = ["story", "prove", "gone", "missed", "hidden"];

/// Where both lists themselves stand.
const LISTS: [&str; 2] = ["docs/glossary.md", "xtask/src/tidy/words.rs"];

/// Texts that appear in no file, each with its rule and how to fix it. Cut in two so that this file is clean of them.
const TEXTS: [(&str, &str); 16] = [
    (concat!("TO", "DO"), UNFINISHED),
    (concat!("FIX", "ME"), UNFINISHED),
    (concat!("X", "XX"), UNFINISHED),
    (concat!("#[ign", "ore"), "a test that does not run verifies nothing: fix it or delete it"),
    (concat!("/ho", "me/"), ONE_MACHINE),
    (concat!("/ro", "ot/"), ONE_MACHINE),
    (concat!("/Us", "ers/"), ONE_MACHINE),
    (concat!("/wo", "rk/"), ONE_MACHINE),
    (concat!("/work", "space/"), ONE_MACHINE),
    (concat!("index.crates", ".io"), REGISTRY),
    (concat!("static.crates", ".io"), REGISTRY),
    (concat!("crates", ".io-index"), REGISTRY),
    (concat!("registry.npmjs", ".org"), REGISTRY),
    (concat!("files.pythonhosted", ".org"), REGISTRY),
    (concat!("pypi.org", "/simple"), REGISTRY),
    (concat!("proxy.golang", ".org"), REGISTRY),
];

const UNFINISHED: &str = "finish it, or open an issue and remove the mark";
const ONE_MACHINE: &str = "this folder exists on one machine: write a relative path or a variable";
const REGISTRY: &str =
    "where packages come from is each builder's own setting: leave it to their configuration";

/// Checks one text file; `root` is the folder in which the project happens to lie.
pub(super) fn check(file: &TextFile, root: &Path) -> Vec<Finding> {
    let root = root.to_string_lossy();
    let is_list = LISTS.contains(&file.path.as_str());
    let mut findings = Vec::new();
    let mut find =
        |line, rule, sentence: String| findings.push(Finding::new(rule, &file.path, line, sentence));
    for (index, line) in file.text.lines().enumerate() {
        let number = index + 1;
        let is_there = |text: &str, fix: &str| match fix {
            REGISTRY => line.contains(text),
            _ => stands_alone(line, text),
        };
        for (text, fix) in TEXTS.iter().filter(|(text, fix)| is_there(text, fix)) {
            find(number, "text", format!("`{text}`: {fix}"));
        }
        if root.len() > 4 && stands_alone(line, &root) {
            find(number, "text", ONE_MACHINE.into());
        }
        if is_list || file.path.starts_with("fixtures/") {
            continue;
        }
        for (word, instead) in NOWHERE.iter().filter(|(word, _)| has_word(line, word)) {
            find(
                number,
                "word",
                format!("`{word}` is not used here: write \"{instead}\" (docs/glossary.md)"),
            );
        }
        if let Some(name) = forbidden_name(&file.path, line) {
            find(number, "name", format!("`{name}` says too little as a name: take one of docs/glossary.md"));
        }
    }
    let stem = file.path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")).unwrap_or_default();
    if !is_list && is_forbidden(stem) {
        find(0, "name", format!("`{stem}` says too little as a module's name: take one of docs/glossary.md"));
    }
    findings
}

/// The name of a type that the line defines, or of a column or a metric, if it is one of the list.
fn forbidden_name<'a>(path: &str, line: &'a str) -> Option<&'a str> {
    let text = line.trim_start();
    if path.ends_with(".sql") {
        let column = text.split(' ').next()?;
        return Some(column).filter(|column| is_forbidden(column));
    }
    if !path.ends_with(".rs") {
        return None;
    }
    let metric = line.split('"').skip(1).step_by(2).find(|name| name.starts_with("adept_"));
    if metric.is_some_and(is_forbidden) {
        return metric;
    }
    let text =
        text.trim_start_matches("pub ").trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
    let defined = ["struct ", "enum ", "type ", "trait "].iter().find_map(|word| text.strip_prefix(word))?;
    let name = defined.split(|c: char| !c.is_alphanumeric()).next()?;
    Some(name).filter(|name| NO_TYPE.contains(name))
}

/// Whether a module, column or metric may not have this name.
fn is_forbidden(name: &str) -> bool {
    NO_TYPE.iter().any(|word| name == word.to_lowercase())
        || name.split('_').any(|part| NO_PART.contains(&part))
}

/// A word with its usual endings; the parts of a name are words too, so `no_wishes` and `NoWish` hold one.
fn has_word(line: &str, word: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    lower.match_indices(word).any(|(at, _)| {
        let begins = line[..at].chars().next_back().is_none_or(|before| {
            !before.is_alphanumeric()
                || (before.is_lowercase() && line[at..].starts_with(|c: char| c.is_uppercase()))
        });
        // Apple's own pane is called OnBoarding.
        let begins = begins && !lower[..at].ends_with("on");
        let ending = lower[at + word.len()..].split(|c: char| !c.is_alphabetic()).next();
        begins && ending.is_some_and(|ending| ["", "s", "es", "ed", "ing"].contains(&ending))
    })
}

/// Whether a text begins here, and not in the middle of a longer word, path or address.
fn stands_alone(line: &str, text: &str) -> bool {
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '}' | '*' | '~');
        before.is_none_or(|before| !is_inside(before))
            && (text.ends_with('/') || !line[at + text.len()..].starts_with(|c: char| c.is_alphanumeric()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        let file = TextFile { path: path.into(), text: text.into() };
        check(&file, Path::new(concat!("/sr", "v/adept"))).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn words_of_the_first_list_are_found_in_names_and_sentences() {
        for text in
            ["a wish", "NoWish", "has_wishes", "Whoever comes", "the Common Terms", "by_hand()", "mending"]
        {
            assert_eq!(rules("a.md", text), ["word"], "{text}");
        }
        for text in ["onboarding", "recommend", "amendment", "shelfful", "wishbone"] {
            assert_eq!(rules("a.md", text), [""; 0], "{text}");
        }
        assert_eq!(rules("docs/glossary.md", "wish"), [""; 0]);
    }

    #[test]
    fn names_of_the_second_list_are_no_type_module_column_or_metric() {
        assert_eq!(rules("a.rs", "pub(crate) struct Call {"), ["name"]);
        assert_eq!(rules("a.rs", "struct CallLimit {"), [""; 0]);
        assert_eq!(rules("app/gone.rs", "//! A file."), ["name"]);
        assert_eq!(rules("a.sql", "    missed_at BIGINT,"), ["name"]);
        assert_eq!(rules("a.rs", "register(\"adept_devices_gone\")"), ["name"]);
        assert_eq!(rules("a.rs", "let missed = a.left;"), [""; 0]);
    }

    #[test]
    fn unfinished_work_machines_and_registries_are_found() {
        for text in [
            concat!("// TO", "DO: later"),
            concat!("#[ign", "ore]"),
            concat!("in /ho", "me/someone"),
            concat!("at /sr", "v/adept/x"),
            concat!("https://pypi.org", "/simple/a"),
        ] {
            assert_eq!(rules("a.md", text), ["text"], "{text}");
        }
        assert_eq!(rules("a.md", concat!("../wo", "rk/a and a/ho", "me/b")), [""; 0]);
    }
}
