//! Takes the values of OAuth's parameters out of log lines. No line of this project holds one; an
//! answer or an error of others might repeat what it was sent.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use tracing_subscriber::fmt::MakeWriter;

const PREFIX: &str = "oauth_";
const MASK: &str = "***";

/// `line` with `***` in place of the value of every parameter whose name begins with `oauth_`, as it stands in a header, a
/// form, a signature's base string, JSON or a quoted text.
pub(super) fn masked(line: &str) -> Cow<'_, str> {
    let (mut rest, mut out) = (line, String::new());
    while let Some(at) = find(rest) {
        let name_end = at + length_while(&rest[at..], |c| c.is_ascii_alphanumeric() || c == '_');
        let value_at = name_end + separator(&rest[name_end..]);
        let is_parameter =
            rest[name_end..value_at].contains(['=', ':']) || rest[name_end..value_at].contains("3D");
        let value_end = match is_parameter {
            true => {
                value_at
                    + length_while(&rest[value_at..], |c| !c.is_whitespace() && !"\"'\\,&;}<>".contains(c))
            }
            false => value_at,
        };
        out.push_str(&rest[..value_at]);
        if value_end > value_at {
            out.push_str(MASK);
        }
        rest = &rest[value_end..];
    }
    if out.is_empty() { Cow::Borrowed(line) } else { Cow::Owned(out + rest) }
}

fn find(text: &str) -> Option<usize> {
    text.as_bytes().windows(PREFIX.len()).position(|part| part.eq_ignore_ascii_case(PREFIX.as_bytes()))
}

fn length_while(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|c| !fits(c)).unwrap_or(text.len())
}

/// The length of what stands between a name and its value: quotes, escapes, blanks, `=` or `:`, also percent-encoded.
fn separator(text: &str) -> usize {
    let mut rest = text;
    loop {
        let next = ["%3D", "%3d", "%22", "%253D", "%253d"].iter().find_map(|code| rest.strip_prefix(code));
        let Some(next) = next.or_else(|| rest.strip_prefix(['"', '\'', '\\', '=', ':', ' '])) else { break };
        rest = next;
    }
    text.len() - rest.len()
}

/// Writes log lines to `W`, masked. A line comes in one piece.
#[derive(Clone)]
pub(super) struct Masked<W>(pub(super) W);

impl<W: Write> Write for Masked<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(line).map(masked) {
            Ok(Cow::Owned(masked)) => self.0.write_all(masked.as_bytes())?,
            Ok(Cow::Borrowed(_)) | Err(_) => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Masked<W> {
    type Writer = Masked<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Masked(self.0.make_writer())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_of_oauth_parameters_are_masked_in_every_spelling() {
        for (line, expected) in [
            (
                r#"OAuth realm="ADM", oauth_token="AT_1", oauth_nonce="x""#,
                r#"OAuth realm="ADM", oauth_token="***", oauth_nonce="***""#,
            ),
            ("a=1&oauth_signature=ab%2Bc%3D&b=2", "a=1&oauth_signature=***&b=2"),
            ("OAUTH_Token: abc done", "OAUTH_Token: *** done"),
            (r#"{"oauth_token":"AT_1","a":"b"}"#, r#"{"oauth_token":"***","a":"b"}"#),
            (r#""{\"oauth_token\": \"AT_1\"}""#, r#""{\"oauth_token\": \"***\"}""#),
            ("GET&x&oauth_token%3DAT_1%26oauth_nonce%3Dx done", "GET&x&oauth_token%3D*** done"),
            ("oauth_token=", "oauth_token="),
            ("the member oauth_token is missing", "the member oauth_token is missing"),
            ("xoauth_token=é, y", "xoauth_token=***, y"),
        ] {
            assert_eq!(masked(line), expected);
        }
    }

    #[test]
    fn a_line_is_written_masked_and_whole() {
        let mut written = Vec::new();
        Masked(&mut written).write_all(b"cause=oauth_token=\"AT_1\" end\n").unwrap();
        assert_eq!(written, b"cause=oauth_token=\"***\" end\n");
    }

    proptest! {
        #[test]
        fn no_value_is_left_and_nothing_else_is_lost(before in "[^o]*", value in "[A-Za-z0-9_%.~-]{8,40}", after in "[^o]*") {
            for (open, close) in [("oauth_token=\"", "\""), ("oauth_token=", "&"), ("\"oauth_token\":\"", "\"")] {
                let line = format!("{before}{open}{value}{close}{after}");
                prop_assert_eq!(masked(&line), format!("{before}{open}***{close}{after}"));
            }
        }

        #[test]
        fn any_text_is_masked(line in ".*") {
            let _ = masked(&line);
        }
    }
}
