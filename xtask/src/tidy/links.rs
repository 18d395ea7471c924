//! Links between the project's own pages: every one leads to a file. Addresses elsewhere are not looked up.

use super::{Finding, TextFile};

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
        }
    }
    findings
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
