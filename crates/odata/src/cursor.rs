//! A place in the query text with one token of foresight, shared by the parsers. It decides nothing about meaning.

use crate::{
    MAX_PATH, MAX_TEXT,
    error::{ParseError, Problem},
    lexer::{Lexer, Token},
};

pub(crate) struct Cursor<'t> {
    lexer: Lexer<'t>,
    /// The token ahead.
    pub(crate) token: Token<'t>,
    /// Where the token ahead starts.
    pub(crate) at: usize,
    /// Where the token before it ended.
    pub(crate) passed: usize,
}

impl<'t> Cursor<'t> {
    /// Fails on a text over [`MAX_TEXT`]; `option` names it in the error.
    pub(crate) fn new(option: &'static str, text: &'t str) -> Result<Self, ParseError> {
        if text.len() > MAX_TEXT {
            return Err(ParseError::new(MAX_TEXT, Problem::TooLong { what: option, limit: MAX_TEXT }));
        }
        let mut cursor = Self { lexer: Lexer { text, at: 0 }, token: Token::End, at: 0, passed: 0 };
        cursor.advance()?;
        Ok(cursor)
    }

    /// Steps over the token ahead and returns it.
    pub(crate) fn advance(&mut self) -> Result<Token<'t>, ParseError> {
        self.passed = self.lexer.at;
        let (at, next) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.token, next))
    }

    /// Steps over the token ahead if it is this one.
    pub(crate) fn take(&mut self, token: Token<'_>) -> Result<bool, ParseError> {
        let taken = self.token == token;
        if taken {
            self.advance()?;
        }
        Ok(taken)
    }

    pub(crate) fn expect(&mut self, token: Token<'_>, expected: &'static str) -> Result<(), ParseError> {
        if self.take(token)? { Ok(()) } else { Err(self.fail(expected)) }
    }

    pub(crate) fn word(&mut self, expected: &'static str) -> Result<&'t str, ParseError> {
        let Token::Word(word) = self.token else { return Err(self.fail(expected)) };
        self.advance()?;
        Ok(word)
    }

    /// `a/b/c`, every part a name.
    pub(crate) fn path(&mut self) -> Result<Vec<&'t str>, ParseError> {
        let mut path = vec![self.word("the name of a property")?];
        while self.take(Token::Slash)? {
            self.push(&mut path, "the name of a property")?;
        }
        Ok(path)
    }

    /// Appends the name ahead to a path.
    pub(crate) fn push(&mut self, path: &mut Vec<&'t str>, expected: &'static str) -> Result<(), ParseError> {
        if path.len() == MAX_PATH {
            return Err(ParseError::new(
                self.at,
                Problem::TooMany { what: "names in one path", limit: MAX_PATH },
            ));
        }
        path.push(self.word(expected)?);
        Ok(())
    }

    /// The text from a byte to the end of the last token passed.
    pub(crate) fn since(&self, start: usize) -> &'t str {
        &self.lexer.text[start..self.passed]
    }

    /// A syntax error at the token ahead.
    pub(crate) fn fail(&self, expected: &'static str) -> ParseError {
        self.fail_at(self.at, expected)
    }

    pub(crate) fn fail_at(&self, at: usize, expected: &'static str) -> ParseError {
        ParseError::syntax(self.lexer.text, at, expected)
    }
}
