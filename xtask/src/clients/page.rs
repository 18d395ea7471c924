//! A page of Markdown as a person follows it: its code blocks in order, each with what to do with it. Not a Markdown
//! parser: it knows fences and headings only.

use crate::run::Result;

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The line of its fence, from 1.
    pub(super) line: usize,
    /// What it holds, without the indentation of its fence.
    pub(super) text: String,
    pub(super) does: Does,
}

/// What a reader does with a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// `sh`: types it into a shell.
    Run,
    /// The line before says "Save this as `NAME`": puts it into that file.
    Save(String),
}

/// The blocks of a page, or of one of its sections. A block without a known use is an error.
pub(super) fn blocks(page: &str, section: Option<&str>) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut inside = section.is_none();
    let mut said = "";
    let mut lines = page.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            if let Some(section) = section
                && line.starts_with("## ")
            {
                inside = line == format!("## {section}");
            }
            if !line.trim().is_empty() {
                said = line;
            }
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let held = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
        let text: String = held.map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect();
        if !inside {
            continue;
        }
        let does = match (language, saved_as(said)) {
            ("sh", _) => Does::Run,
            (_, Some(name)) => Does::Save(name.to_owned()),
            (language, None) => {
                return Err(format!(
                    "Line {}: a reader cannot know what to do with this block of `{language}`. Write \"Save this as \
                     `NAME`:\" above it.",
                    index + 1
                ));
            }
        };
        blocks.push(Block { line: index + 1, text, does });
    }
    if blocks.is_empty() { Err("There is no command on the page.".into()) } else { Ok(blocks) }
}

fn saved_as(said: &str) -> Option<&str> {
    said.split_once("ave this as `")?.1.strip_suffix("`:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A page\n\n```sh\none\n```\n\n## Do it\n\n1. First:\n\n   ```sh\n   two \\\n     more\n   ```\n\n\
                        Save this as `a.py`:\n\n```python\nthree\n```\n\n## Other\n\n```text\nfour\n```\n";

    #[test]
    fn a_section_is_read_with_what_is_to_be_done() {
        let run = Block { line: 11, text: "two \\\n  more\n".into(), does: Does::Run };
        let save = Block { line: 18, text: "three\n".into(), does: Does::Save("a.py".into()) };
        assert_eq!(blocks(PAGE, Some("Do it")), Ok(vec![run, save]));
    }

    #[test]
    fn what_nobody_can_follow_is_a_fault() {
        assert!(blocks(PAGE, None).is_err_and(|sentence| sentence.starts_with("Line 24: ")));
        assert!(blocks(PAGE, Some("Nothing")).is_err());
    }
}
