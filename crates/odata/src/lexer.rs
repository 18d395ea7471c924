//! Query text into tokens, one at a time, without copying. It knows no operators, functions or types.

use crate::error::ParseError;

/// One token. Literals stay as written; their kind is decided by the property they are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'t> {
    /// A name, an operator or a keyword; dots are part of it, and so are `$` and `@`.
    Word(&'t str),
    /// The inside of a quoted text, doubled quotes still doubled.
    Text(&'t str),
    /// `name'text'`.
    Typed(&'t str, &'t str),
    /// An unquoted number, date or GUID.
    Plain(&'t str),
    Open,
    Close,
    Comma,
    Slash,
    Colon,
    Star,
    Minus,
    End,
}

impl Token<'_> {
    /// Whether this is the given word in any ASCII case.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(written) if written.eq_ignore_ascii_case(word))
    }
}

pub(crate) struct Lexer<'t> {
    pub(crate) text: &'t str,
    /// The byte after the last token.
    pub(crate) at: usize,
}

impl<'t> Lexer<'t> {
    /// The next token and the byte at which it starts.
    pub(crate) fn next(&mut self) -> Result<(usize, Token<'t>), ParseError> {
        self.at = self.end_of(self.at, |byte| byte.is_ascii_whitespace());
        let start = self.at;
        let Some(first) = self.byte(start) else { return Ok((start, Token::End)) };
        self.at += 1;
        let token = match first {
            b'(' => Token::Open,
            b')' => Token::Close,
            b',' => Token::Comma,
            b'/' => Token::Slash,
            b':' => Token::Colon,
            b'*' => Token::Star,
            b'\'' => Token::Text(self.quoted(start)?),
            b'-' if !self.byte(start + 1).is_some_and(|byte| byte.is_ascii_digit()) => Token::Minus,
            b'-' | b'0'..=b'9' => Token::Plain(self.plain(start)),
            b'_' | b'$' | b'@' | b'a'..=b'z' | b'A'..=b'Z' => self.word(start)?,
            _ => {
                return Err(ParseError::syntax(
                    self.text,
                    start,
                    "a property, a literal, an operator or '('",
                ));
            }
        };
        Ok((start, token))
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn end_of(&self, from: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        from + rest.iter().take_while(|&&byte| belongs(byte)).count()
    }

    fn quoted(&mut self, start: usize) -> Result<&'t str, ParseError> {
        loop {
            match self.byte(self.at) {
                Some(b'\'') if self.byte(self.at + 1) == Some(b'\'') => self.at += 2,
                Some(b'\'') => {
                    self.at += 1;
                    return Ok(&self.text[start + 1..self.at - 1]);
                }
                // PostgreSQL's text cannot hold NUL, so it can be equal to nothing that is stored.
                Some(0) => return Err(ParseError::syntax(self.text, self.at, "a text without NUL")),
                Some(_) => self.at += 1,
                None => return Err(ParseError::syntax(self.text, start, "a text that ends with a quote")),
            }
        }
    }

    fn plain(&mut self, start: usize) -> &'t str {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'+' | b'-');
        self.at = self.end_of(start, part);
        // An unencoded `+` of a time zone arrives as a space: `2026-01-31T08:00:00 01:00`.
        let is_local = matches!(self.byte(start + 10), Some(b'T' | b't'))
            && self.end_of(start + 11, |byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
                == self.at;
        let zone = self.text.as_bytes().get(self.at..self.at + 6);
        if is_local
            && matches!(zone, Some([b' ', a, b, b':', c, d]) if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()))
        {
            self.at += 6;
        }
        &self.text[start..self.at]
    }

    fn word(&mut self, start: usize) -> Result<Token<'t>, ParseError> {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'@');
        let guid = self.text.as_bytes().get(start..start + 36);
        if guid.is_some_and(is_guid) && !self.byte(start + 36).is_some_and(|byte| name(byte) || byte == b'-')
        {
            self.at = start + 36;
            return Ok(Token::Plain(&self.text[start..self.at]));
        }
        let end = self.end_of(start, name);
        let word = &self.text[start..end];
        self.at = end;
        if self.byte(end) != Some(b'\'') {
            return Ok(Token::Word(word));
        }
        self.at += 1;
        Ok(Token::Typed(word, self.quoted(end)?))
    }
}

/// Whether these bytes have the form 8-4-4-4-12 of a GUID.
pub(crate) fn is_guid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
