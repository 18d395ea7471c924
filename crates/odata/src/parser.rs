//! `$filter` by precedence climbing (Pratt): `or` < `and` < `not` < comparisons. Builds only well-typed trees.
//!
//! Recursion happens only in [`Parser::nested`], which counts it; chains of `and`, `or` and `not` are loops.

mod function_call;
mod operand;
mod property;

use operand::{Operand, Written};

use crate::{
    MAX_DEPTH, MAX_TERMS,
    cursor::Cursor,
    error::{ParseError, Problem},
    filter::{CompareOp, Filter},
    lexer::Token,
    schema::Schema,
};

/// Reads a decoded `$filter`. Fails on text over [`crate::MAX_TEXT`], nesting over [`MAX_DEPTH`], more than [`MAX_TERMS`]
/// operands, unknown properties and literals that do not fit.
pub fn parse_filter<F: Clone, S: Schema<F>>(text: &str, schema: &S) -> Result<Filter<F>, ParseError> {
    let cursor = Cursor::new("$filter", text)?;
    let mut parser = Parser { cursor, schema, variables: Vec::new(), depth: 0, terms: 0 };
    let filter = parser.condition(Power::OR)?;
    if parser.cursor.token != Token::End {
        return Err(parser.cursor.fail("'and', 'or' or the end of the filter"));
    }
    Ok(filter)
}

struct Parser<'t, 's, F> {
    cursor: Cursor<'t>,
    schema: &'s dyn Schema<F>,
    /// The lambda variables in scope, each with the path of the collection that it walks.
    variables: Vec<(&'t str, Vec<&'t str>)>,
    depth: usize,
    terms: usize,
}

/// An operator between two operands.
enum Infix {
    Or,
    And,
    In,
    Compare(CompareOp),
}

/// How tightly operators bind.
struct Power;

impl Power {
    const OR: u8 = 1;
    const AND: u8 = 2;
    const NOT: u8 = 3;
    const COMPARE: u8 = 4;
    const OPERAND: u8 = 5;
}

impl Infix {
    fn of(token: Token<'_>) -> Option<Self> {
        let Token::Word(word) = token else { return None };
        let compare = |op: &CompareOp| op.name().eq_ignore_ascii_case(word);
        let ops = [CompareOp::Eq, CompareOp::Ne, CompareOp::Gt, CompareOp::Ge, CompareOp::Lt, CompareOp::Le];
        match ops.into_iter().find(compare) {
            Some(op) => Some(Self::Compare(op)),
            None if token.is("and") => Some(Self::And),
            None if token.is("or") => Some(Self::Or),
            None if token.is("in") => Some(Self::In),
            None => None,
        }
    }

    fn power(&self) -> u8 {
        match self {
            Self::Or => Power::OR,
            Self::And => Power::AND,
            Self::In | Self::Compare(_) => Power::COMPARE,
        }
    }
}

const OPERAND: &str = "a property, a literal, a function or '('";

impl<'t, F: Clone> Parser<'t, '_, F> {
    /// An expression that is true or false.
    fn condition(&mut self, minimum: u8) -> Result<Filter<F>, ParseError> {
        let operand = self.expression(minimum)?;
        self.truth(operand)
    }

    fn truth(&self, operand: Operand<'t, F>) -> Result<Filter<F>, ParseError> {
        operand
            .into_condition()
            .ok_or_else(|| self.cursor.fail("a comparison (eq, ne, gt, ge, lt, le or in)"))
    }

    fn expression(&mut self, minimum: u8) -> Result<Operand<'t, F>, ParseError> {
        let mut left = self.prefix()?;
        while let Some(infix) = Infix::of(self.cursor.token) {
            let power = infix.power();
            if power < minimum {
                break;
            }
            let at = self.cursor.at;
            if let Infix::Or | Infix::And = infix {
                let first = self.truth(left)?;
                self.cursor.advance()?;
                let second = self.condition(power + 1)?;
                left = Operand::Condition(match infix {
                    Infix::Or => first.or(second),
                    _ => first.and(second),
                });
                continue;
            }
            self.cursor.advance()?;
            left = Operand::Condition(match infix {
                Infix::Compare(op) => {
                    let right = self.expression(power + 1)?;
                    left.compare(op, right, at)?
                }
                _ => self.values(left, at)?,
            });
        }
        Ok(left)
    }

    fn prefix(&mut self) -> Result<Operand<'t, F>, ParseError> {
        self.count()?;
        let at = self.cursor.at;
        match self.cursor.token {
            Token::Open => {
                self.cursor.advance()?;
                let inner = self.nested(|parser| parser.expression(Power::OR))?;
                self.cursor.expect(Token::Close, "an operator or ')'")?;
                Ok(inner)
            }
            token if token.is("not") => {
                let mut negated = false;
                while self.cursor.token.is("not") {
                    self.cursor.advance()?;
                    negated = !negated;
                }
                let condition = self.condition(Power::NOT)?;
                Ok(Operand::Condition(if negated { condition.not() } else { condition }))
            }
            Token::Text(_) | Token::Typed(..) | Token::Plain(_) => self.literal(),
            token if ["true", "false", "null"].iter().any(|word| token.is(word)) => self.literal(),
            Token::Word(word) => {
                self.cursor.advance()?;
                match self.cursor.token {
                    Token::Open => self.call(word, at),
                    _ => self.property(word, at),
                }
            }
            _ => Err(self.cursor.fail(OPERAND)),
        }
    }

    fn literal(&mut self) -> Result<Operand<'t, F>, ParseError> {
        let at = self.cursor.at;
        let token = self.cursor.advance()?;
        Ok(Operand::Literal(Written { token, written: self.cursor.since(at), at }))
    }

    /// `(1,2,3)` after `in`.
    fn values(&mut self, left: Operand<'t, F>, at: usize) -> Result<Filter<F>, ParseError> {
        let Operand::Property(property) = left else {
            return Err(self.cursor.fail_at(at, "a property before 'in'"));
        };
        property.check_primitive()?;
        self.cursor.expect(Token::Open, "a list of values in parentheses")?;
        let mut list = Vec::new();
        loop {
            let at = self.cursor.at;
            match self.expression(Power::OPERAND)? {
                Operand::Literal(literal) => list.push(literal),
                _ => return Err(self.cursor.fail_at(at, "a literal")),
            }
            if !self.cursor.take(Token::Comma)? {
                break;
            }
        }
        self.cursor.expect(Token::Close, "',' or ')'")?;
        property.within(&list)
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(ParseError::new(self.cursor.at, Problem::TooDeep { limit: MAX_DEPTH }));
        }
        self.depth += 1;
        let parsed = parse(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    fn count(&mut self) -> Result<(), ParseError> {
        if self.terms == MAX_TERMS {
            let problem = Problem::TooMany { what: "terms", limit: MAX_TERMS };
            return Err(ParseError::new(self.cursor.at, problem));
        }
        self.terms += 1;
        Ok(())
    }
}
