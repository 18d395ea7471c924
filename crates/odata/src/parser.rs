//! Expressions by precedence climbing (Pratt): `or` < `and` < `not` < comparisons < sums < products < sign. Builds only
//! well-typed trees.
//!
//! Recursion happens only in [`Parser::nested`], which counts it; chains of operators are loops, of bounded length.

mod function_call;
mod operand;
mod path;
mod refused;

use jiff::Timestamp;
use operand::{Operand, Typed, Written};

use crate::{
    MAX_DEPTH, MAX_TERMS,
    cursor::Cursor,
    error::{ParseError, Problem},
    expr::{ArithmeticOp, CompareOp, Expr},
    lexer::Token,
    schema::{Kind, Schema},
};

/// Operators in a row that ordinary expressions have, such as `a mul 2 add 1 eq 5`.
const USUAL_OPERATORS: usize = 3;

/// Reads a decoded `$filter`; `now` is what `now()` says. Fails on text over [`crate::MAX_TEXT`], nesting over
/// [`MAX_DEPTH`], more than [`MAX_TERMS`] operands, unknown properties and operands that do not fit.
pub fn parse_filter<F: Clone, S: Schema<F>>(
    text: &str,
    schema: &S,
    now: Timestamp,
) -> Result<Expr<F>, ParseError> {
    let mut parser = Parser::new(Cursor::new("$filter", text)?, schema, now);
    let filter = parser.condition(Power::OR)?;
    if parser.cursor.token != Token::End {
        return Err(parser.cursor.fail("'and', 'or' or the end of the filter"));
    }
    Ok(filter)
}

pub(crate) struct Parser<'t, 's, F> {
    pub(crate) cursor: Cursor<'t>,
    schema: &'s dyn Schema<F>,
    now: Timestamp,
    /// The lambda variables in scope, each with the path of the collection that it walks.
    variables: Vec<(&'t str, Vec<&'t str>)>,
    depth: usize,
    /// Operators whose left side is the result of others beyond the usual.
    chained: usize,
    terms: usize,
}

/// An operator between two operands.
#[derive(Clone, Copy)]
enum Infix {
    Or,
    And,
    In,
    Compare(CompareOp),
    Arithmetic(ArithmeticOp),
}

/// How tightly operators bind.
struct Power;

impl Power {
    const OR: u8 = 1;
    const AND: u8 = 2;
    const NOT: u8 = 3;
    const COMPARE: u8 = 4;
    const SUM: u8 = 5;
    const PRODUCT: u8 = 6;
    const SIGN: u8 = 7;
}

impl Infix {
    fn of(token: Token<'_>) -> Option<Self> {
        let Token::Word(word) = token else { return None };
        if let Some(op) = CompareOp::ALL.into_iter().find(|op| op.name().eq_ignore_ascii_case(word)) {
            return Some(Self::Compare(op));
        }
        if let Some(op) = ArithmeticOp::ALL.into_iter().find(|op| op.name().eq_ignore_ascii_case(word)) {
            return Some(Self::Arithmetic(op));
        }
        let words = [("and", Self::And), ("or", Self::Or), ("in", Self::In)];
        words.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, infix)| infix)
    }

    fn power(self) -> u8 {
        match self {
            Self::Or => Power::OR,
            Self::And => Power::AND,
            Self::In | Self::Compare(_) => Power::COMPARE,
            Self::Arithmetic(ArithmeticOp::Add | ArithmeticOp::Sub) => Power::SUM,
            Self::Arithmetic(_) => Power::PRODUCT,
        }
    }
}

const OPERAND: &str = "a property, a literal, a function or '('";

impl<'t, 's, F: Clone> Parser<'t, 's, F> {
    pub(crate) fn new(cursor: Cursor<'t>, schema: &'s dyn Schema<F>, now: Timestamp) -> Self {
        Self { cursor, schema, now, variables: Vec::new(), depth: 0, chained: 0, terms: 0 }
    }

    /// An expression of any type with its type; a literal alone has the type that it looks like.
    pub(crate) fn value(&mut self) -> Result<(Expr<F>, Kind), ParseError> {
        match self.expression(Power::OR)? {
            Operand::Typed(typed) => Ok((typed.expr, typed.kind)),
            Operand::Literal(literal) => {
                let kind = literal.natural_kind()?;
                Ok((Expr::Literal(literal.read(kind)?), kind))
            }
        }
    }

    /// An expression that is true or false.
    fn condition(&mut self, minimum: u8) -> Result<Expr<F>, ParseError> {
        let operand = self.expression(minimum)?;
        self.truth(operand)
    }

    fn truth(&self, operand: Operand<'t, F>) -> Result<Expr<F>, ParseError> {
        if let Operand::Literal(literal) = &operand
            && literal.token.is("null")
        {
            return Err(refused::null("as a condition", literal.at));
        }
        operand
            .into_condition()
            .ok_or_else(|| self.cursor.fail("a comparison (eq, ne, gt, ge, lt, le or in)"))
    }

    fn expression(&mut self, minimum: u8) -> Result<Operand<'t, F>, ParseError> {
        let start = self.cursor.at;
        let mut left = self.prefix()?;
        let mut operators = 0;
        loop {
            let at = self.cursor.at;
            let Some(infix) = Infix::of(self.cursor.token) else {
                refused::operator(self.cursor.token, at)?;
                return Ok(left);
            };
            let power = infix.power();
            if power < minimum {
                return Ok(left);
            }
            if let Infix::Or | Infix::And = infix {
                let first = self.truth(left)?;
                self.cursor.advance()?;
                let second = self.condition(power + 1)?;
                let both = if let Infix::Or = infix { first.or(second) } else { first.and(second) };
                left = Operand::Typed(self.typed(both, Kind::Boolean, start));
                continue;
            }
            // What is compared or added up once more makes the tree deeper, though nothing is nested in the text.
            operators += 1;
            if operators > USUAL_OPERATORS {
                self.chained += 1;
            }
            if self.chained > MAX_DEPTH {
                return Err(ParseError::new(at, Problem::TooDeep { limit: MAX_DEPTH }));
            }
            self.cursor.advance()?;
            let (expr, kind) = match infix {
                Infix::Compare(op) => {
                    let right = self.expression(power + 1)?;
                    (left.compare(op, right, at)?, Kind::Boolean)
                }
                Infix::Arithmetic(op) => {
                    let right = self.expression(power + 1)?;
                    left = Operand::Typed(left.calculate(op, right, at)?.since(start, &self.cursor));
                    continue;
                }
                _ => (self.values(left, at)?, Kind::Boolean),
            };
            left = Operand::Typed(self.typed(expr, kind, start));
        }
    }

    /// An expression that began at `start` and has just been passed.
    fn typed(&self, expr: Expr<F>, kind: Kind, start: usize) -> Typed<'t, F> {
        Typed::new(expr, kind, self.cursor.since(start), start)
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
            Token::Minus => {
                self.cursor.advance()?;
                let inner = self.nested(|parser| parser.expression(Power::SIGN))?;
                Ok(Operand::Typed(inner.negated(at)?.since(at, &self.cursor)))
            }
            token if token.is("not") => {
                let mut negated = false;
                while self.cursor.token.is("not") {
                    self.cursor.advance()?;
                    negated = !negated;
                }
                let condition = self.condition(Power::NOT)?;
                let condition = if negated { condition.negated() } else { condition };
                Ok(Operand::Typed(self.typed(condition, Kind::Boolean, at)))
            }
            Token::Text(_) | Token::Typed(..) | Token::Plain(_) => self.literal(),
            token if ["true", "false", "null"].iter().any(|word| token.is(word)) => self.literal(),
            Token::Word(word) => {
                self.cursor.advance()?;
                match self.cursor.token {
                    Token::Open => self.call(word, at),
                    _ => self.path(word, at),
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
    fn values(&mut self, left: Operand<'t, F>, at: usize) -> Result<Expr<F>, ParseError> {
        let Operand::Typed(value) = left else { return Err(refused::literal_before_in(at)) };
        value.check_primitive()?;
        if let Token::Word(_) = self.cursor.token {
            return Err(refused::collection_behind_in(self.cursor.at));
        }
        self.cursor.expect(Token::Open, "a list of values in parentheses")?;
        let mut list = Vec::new();
        loop {
            self.count()?;
            match self.cursor.token {
                Token::Text(_) | Token::Typed(..) | Token::Plain(_) => {}
                token if ["true", "false", "null"].iter().any(|word| token.is(word)) => {}
                Token::Word(_) | Token::Open | Token::Minus => {
                    return Err(refused::expression_in_list(self.cursor.at));
                }
                _ => return Err(self.cursor.fail("a literal")),
            }
            let Operand::Literal(literal) = self.literal()? else { continue };
            list.push(literal);
            if !self.cursor.take(Token::Comma)? {
                break;
            }
        }
        self.cursor.expect(Token::Close, "',' or ')'")?;
        value.within(&list)
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
