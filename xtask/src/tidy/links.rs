//! Links between the project's own pages: every one leads to a file; and the tests that docs/reliability.md names exist. Addresses
//! elsewhere are not looked up.

use super::{Finding, TextFile};

/// The page whose promises name their tests.
const RELIABILITY: &str = "docs/reliability.md";

/// Checks every Markdown file.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in files.iter().filter(|file| file.path.ends_with(".md")) {
        let mut in_block = false;
        for (index, line) in page.text.lines().enumerate() {
            in_block ^= line.trim_start().starts_with("```");
            let targets = if in_block { Vec::new() } else { targets(line) };
            for target in targets {
                let Some(path) = resolve(&page.path, target) else { continue };
                let folder = format!("{}/", path.trim_end_matches('/'));
                if !files.iter().any(|file| file.path == path || file.path.starts_with(&folder)) {
                    let sentence =
                        format!("the link to `{target}` leads nowhere: correct it, or write that page");
                    findings.push(Finding::new("links", &page.path, index + 1, sentence));
                }
            }
            let names_tests = page.path == RELIABILITY && !in_block;
            let missing = if names_tests { missing_tests(line, files) } else { Vec::new() };
            for test in missing {
                let sentence = format!("no test begins with `{test}`: name the one that holds this");
                findings.push(Finding::new("links", &page.path, index + 1, sentence));
            }
        }
    }
    findings
}

/// Names of tests in backticks, which are sentences of at least five words, that no function's name begins with.
fn missing_tests<'a>(line: &'a str, files: &[TextFile]) -> Vec<&'a str> {
    let is_test = |word: &&str| {
        word.matches('_').count() >= 4
            && word.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    let named = line.split('`').skip(1).step_by(2).filter(is_test);
    let is_known = |name: &str| {
        let code = files.iter().filter(|file| file.path.ends_with(".rs"));
        let function = format!("fn {name}");
        code.into_iter().any(|file| file.text.contains(&function) || file.text.contains(&format!(" {name},")))
    };
    named.filter(|name| !is_known(name)).collect()
}

/// What stands in the round brackets of `[…](…)`, and pages of `docs/` named in backticks.
fn targets(line: &str) -> Vec<&str> {
    let linked = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let quoted = line.split('`').skip(1).step_by(2).filter(|word| {
        word.starts_with("docs/") && word.ends_with(".md") && !word.contains(['*', '<', '{', ' '])
    });
    linked.chain(quoted).collect()
}

/// The path from the project's root, or nothing for an address elsewhere or a place on the same page.
fn resolve(page: &str, target: &str) -> Option<String> {
    let path = target.split(['#', '?']).next().filter(|path| !path.is_empty() && !path.contains(':'))?;
    let folder = if path.starts_with("docs/") && !page.starts_with("docs/") { "" } else { folder(page) };
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    Some(parts.join("/"))
}

fn folder(page: &str) -> &str {
    page.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_promises_name_exist() {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let files = [
            file(RELIABILITY, "`nothing_is_lost_in_a_fire` `nothing_is_lost_in_a_flood` `a_short_name`"),
            file("a.rs", "async fn nothing_is_lost_in_a_flood_on_sqlite() {}"),
        ];
        let found = check(&files);
        assert_eq!(found.len(), 1);
        assert!(found[0].sentence.contains("`nothing_is_lost_in_a_fire`"), "{}", found[0].sentence);
    }

    #[test]
    fn links_lead_to_files() {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let files = [
            file(
                "README.md",
                "[a](docs/a.md) [b](docs/b.md#c) [c](https://x.org/d) [d](#e) [e](docs) `docs/z.md`",
            ),
            file(
                "docs/a.md",
                "[up](../README.md) [side](./a.md)\n```\n[not](checked.md)\n```\n[gone](gone.md)",
            ),
        ];
        let found: Vec<String> =
            check(&files).into_iter().map(|f| format!("{}:{}", f.path, f.sentence)).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[0].contains("docs/b.md") && found[1].contains("docs/z.md") && found[2].contains("gone.md")
        );
    }
}
