//! A Rust file as the rules see it: code with comments and text blanked out, comments and strings apart, and which
//! lines are tests. A small lexer, not a parser: macros are read like any other code.

/// A comment or a string literal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Counted from 1.
    pub(super) line: usize,
    /// With its `//` for a comment, without its quotes for a string.
    pub(super) text: String,
    /// Lies in `#[cfg(test)]` code or in a test file.
    pub(super) test: bool,
}

/// A word, `::`, or a single sign.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) line: usize,
    pub(super) text: &'a str,
}

/// One Rust file.
pub(super) struct Source {
    pub(super) path: String,
    /// The text as it is.
    pub(super) text: String,
    /// All code; comments and the insides of strings are spaces, lines stay where they are.
    pub(super) code: String,
    /// The same without test code.
    pub(super) production: String,
    pub(super) comments: Vec<Piece>,
    pub(super) strings: Vec<Piece>,
    /// Lines that are not tests.
    pub(super) production_lines: usize,
}

impl Source {
    /// Splits `text`, which lies at `path` from the project's root.
    pub(super) fn read(path: &str, text: &str) -> Self {
        let mut split = Split::default();
        split.run(&text.chars().collect::<Vec<_>>());
        let Split { code, mut comments, mut strings, .. } = split;
        let all = code.lines().count();
        let tests = if is_test_file(path) { vec![(1, all)] } else { test_regions(&code) };
        let is_test = |line: usize| tests.iter().any(|(first, last)| (*first..=*last).contains(&line));
        for piece in comments.iter_mut().chain(&mut strings) {
            piece.test = is_test(piece.line);
        }
        let lines = code.lines().enumerate().map(|(index, line)| if is_test(index + 1) { "" } else { line });
        let production = lines.collect::<Vec<_>>().join("\n");
        let production_lines = (1..=all).filter(|line| !is_test(*line)).count();
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            production,
            comments,
            strings,
            production_lines,
        }
    }
}

/// Whole files of tests: under a `tests` or `benches` folder, or named `tests.rs`.
fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests" || part == "benches")
}

/// Splits blanked code into tokens.
pub(super) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    for (index, text) in code.lines().enumerate() {
        let line = index + 1;
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            found.push(Token { line, text: token });
            rest = after.trim_start();
        }
    }
    found
}

/// Letters, digits and `_`, as in names.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// First and last line of every item under `#[cfg(test)]`.
fn test_regions(code: &str) -> Vec<(usize, usize)> {
    let tokens = tokens(code);
    let opens = |at: usize, words: &[&str]| {
        tokens
            .get(at..at + words.len())
            .is_some_and(|found| found.iter().map(|t| t.text).eq(words.iter().copied()))
    };
    let mut regions: Vec<(usize, usize)> = Vec::new();
    for at in 0..tokens.len() {
        let first = tokens[at].line;
        let is_marked = opens(at, &["#", "[", "cfg", "(", "test", ")", "]"])
            || opens(at, &["#", "[", "cfg", "(", "all", "(", "test", ","]);
        if is_marked && regions.last().is_none_or(|(_, last)| *last < first) {
            regions.push((first, end_of_item(&tokens[at..])));
        }
    }
    regions
}

/// The line where an item ends: its closing brace, or a semicolon outside all brackets.
fn end_of_item(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0usize;
    for token in tokens {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return token.line;
                }
            }
            ";" if depth == 0 => return token.line,
            _ => {}
        }
    }
    tokens.last().map_or(0, |token| token.line)
}

/// The lexer's state: what it has written and where it stands.
#[derive(Default)]
struct Split {
    code: String,
    comments: Vec<Piece>,
    strings: Vec<Piece>,
    line: usize,
}

impl Split {
    fn run(&mut self, text: &[char]) {
        self.line = 1;
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let after_word = at > 0 && is_word(text[at - 1]);
            at += match rest {
                ['/', '/', ..] => self.comment(rest, rest.iter().take_while(|c| **c != '\n').count()),
                ['/', '*', ..] => self.comment(rest, block_comment(rest)),
                ['"', ..] => self.string(rest, 1, 0),
                ['r', next, ..] if !after_word && matches!(next, '"' | '#') => self.raw(rest, 1),
                ['b' | 'c', 'r', next, ..] if !after_word && matches!(next, '"' | '#') => self.raw(rest, 2),
                ['\'', ..] => self.quote(rest),
                _ => self.keep(rest, 1),
            };
        }
    }

    fn keep(&mut self, text: &[char], count: usize) -> usize {
        for c in &text[..count] {
            self.code.push(*c);
            self.line += usize::from(*c == '\n');
        }
        count
    }

    fn blank(&mut self, text: &[char]) {
        for c in text {
            self.code.push(if *c == '\n' { '\n' } else { ' ' });
            self.line += usize::from(*c == '\n');
        }
    }

    fn comment(&mut self, text: &[char], length: usize) -> usize {
        self.comments.push(Piece { line: self.line, text: text[..length].iter().collect(), test: false });
        self.blank(&text[..length]);
        length
    }

    /// `opening` signs, then text up to a quote and as many `#` as `hashes`; escapes count where there are none.
    fn string(&mut self, text: &[char], opening: usize, hashes: usize) -> usize {
        let is_raw = opening > 1;
        let mut end = opening;
        while end < text.len() {
            match text[end] {
                '\\' if !is_raw => end += 1,
                '"' if text[end + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes => break,
                _ => {}
            }
            end += 1;
        }
        let end = end.min(text.len());
        self.strings.push(Piece { line: self.line, text: text[opening..end].iter().collect(), test: false });
        self.keep(text, opening);
        self.blank(&text[opening..end]);
        let closing = (text.len() - end).min(1 + hashes);
        self.keep(&text[end..], closing);
        end + closing
    }

    /// A raw string, or a raw name such as `r#gen`.
    fn raw(&mut self, text: &[char], prefix: usize) -> usize {
        let hashes = text[prefix..].iter().take_while(|c| **c == '#').count();
        match text.get(prefix + hashes) {
            Some('"') => self.string(text, prefix + hashes + 1, hashes),
            _ => self.keep(text, prefix + hashes),
        }
    }

    /// A character literal, or a lifetime.
    fn quote(&mut self, text: &[char]) -> usize {
        let length = match text {
            ['\'', '\\', _, rest @ ..] => 4 + rest.iter().take_while(|c| !matches!(c, '\'' | '\n')).count(),
            ['\'', _, '\'', ..] => 3,
            _ => return self.keep(text, 1),
        };
        let length = length.min(text.len());
        self.blank(&text[..length]);
        length
    }
}

/// Length of a block comment, inner ones included.
fn block_comment(text: &[char]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < text.len() {
        match text[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_leave_the_code() {
        let source = Source::read(
            "a.rs",
            "let a = \"x // \\\" y\"; // why\nlet b = r#\"\"q\"\"#; /* a /* b */ c */ f()\n",
        );
        assert_eq!(
            source.strings.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(),
            ["x // \\\" y", "\"q\""]
        );
        assert_eq!(
            source.comments.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(),
            ["// why", "/* a /* b */ c */"]
        );
        assert_eq!(source.code.chars().count(), source.text.chars().count());
        assert!(source.code.contains("f()") && !source.code.contains("why"));
    }

    #[test]
    fn a_quote_sign_is_a_character_or_a_lifetime() {
        let source =
            Source::read("a.rs", "fn a<'a>(b: &'a str) { c('\"', '\\'', '\\u{1F600}', 'é') } // d\n");
        assert_eq!(source.strings, []);
        assert_eq!(source.comments.len(), 1);
    }

    #[test]
    fn raw_names_are_not_strings() {
        assert_eq!(Source::read("a.rs", "r#gen::run(br\"x\")").strings.len(), 1);
    }

    #[test]
    fn test_items_do_not_count_as_production() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() -> [u8; 3] { [0; 3] }\n}\nfn c() {}\n#[cfg(test)]\nuse d;\n";
        let source = Source::read("crates/x/src/a.rs", text);
        assert_eq!(source.production_lines, 2);
        assert!(source.production.contains("fn c") && !source.production.contains("fn b"));
        assert_eq!(Source::read("crates/x/tests/it/a.rs", text).production_lines, 0);
    }

    #[test]
    fn unfinished_text_ends_at_the_end() {
        for text in ["\"abc", "r#\"abc\"", "/* abc", "'\\", "'\\u{", "b", "r#"] {
            Source::read("a.rs", text);
        }
    }
}
