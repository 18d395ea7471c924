//! How a Rust file is laid out: its length, its opening words, its name.

use super::{Finding, TextFile, production};

/// Lines of a file, tests apart, over which it should be two files.
const LONGEST: usize = 400;

/// Checks one Rust file.
pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |rule, sentence: String| findings.push(Finding::new(rule, &file.path, 0, sentence));
    let is_test = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    let lines = if is_test { 0 } else { production(&file.text).lines().count() };
    if lines > LONGEST {
        let sentence = format!(
            "{lines} lines without tests are over {LONGEST}: split the file by operation into a folder of its name"
        );
        find("length", sentence);
    }
    let opening = file.text.lines().map(str::trim).find(|line| !line.is_empty());
    if !opening.is_some_and(|line| line.starts_with("//!") && line.len() > "//! ".len()) {
        find("opening", "open the file with `//!`: one or two lines on what it is and what it is not".into());
    }
    if file.path.ends_with("/mod.rs") {
        let folder = file.path.trim_end_matches("/mod.rs");
        find("name", format!("rename this file to {folder}.rs, beside its folder"));
    }
    let stem = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    if stem
        .split('_')
        .any(|part| matches!(part, "utils" | "util" | "helper" | "helpers" | "manager" | "misc"))
    {
        find("name", format!("`{stem}` says nothing: name the file after the operation it holds"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&TextFile { path: path.into(), text: text.into() })
            .into_iter()
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn long_files_are_found_and_their_tests_do_not_count() {
        let long = format!("//! A file.\n{}", "fn a() {}\n".repeat(400));
        assert_eq!(rules("crates/x/src/a.rs", &long), ["length"]);
        let tested = format!("//! A file.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(400));
        assert_eq!(rules("crates/x/src/a.rs", &tested), [""; 0]);
    }

    #[test]
    fn every_file_opens_with_what_it_is() {
        assert_eq!(rules("crates/x/src/a.rs", "use b;\n"), ["opening"]);
        assert_eq!(rules("crates/x/src/a.rs", ""), ["opening"]);
        assert_eq!(rules("crates/x/src/a.rs", "//! \n"), ["opening"]);
    }

    #[test]
    fn names_say_what_is_inside() {
        assert_eq!(rules("crates/x/src/a/mod.rs", "//! A file.\n"), ["name"]);
        assert_eq!(rules("crates/x/src/token_utils.rs", "//! A file.\n"), ["name"]);
        assert_eq!(rules("crates/x/src/modern.rs", "//! A file.\n"), [""; 0]);
    }
}
