//! What stands on either side of an operator, and what joining two of them means. It reads no text.

use jiff::Timestamp;

use super::refused;
use crate::{
    cursor::Cursor,
    error::{ParseError, Problem, shortened},
    expr::{ArithmeticOp, CompareOp, Expr},
    lexer::{Token, is_guid},
    literal::{Literal, Number, boolean, number},
    schema::{EnumType, Kind},
};

pub(super) enum Operand<'t, F> {
    Literal(Written<'t>),
    Typed(Typed<'t, F>),
}

/// An expression whose type is known.
pub(super) struct Typed<'t, F> {
    pub(super) expr: Expr<F>,
    pub(super) kind: Kind,
    pub(super) written: &'t str,
    pub(super) at: usize,
    /// The greatest magnitude that a number can have.
    most: i128,
}

/// A literal whose kind is not known yet.
#[derive(Clone, Copy)]
pub(super) struct Written<'t> {
    pub(super) token: Token<'t>,
    pub(super) written: &'t str,
    pub(super) at: usize,
}

impl<'t, F> Operand<'t, F> {
    /// `None` for what is neither true nor false.
    pub(super) fn into_condition(self) -> Option<Expr<F>> {
        match self {
            Self::Literal(literal) => boolean(literal.token).map(Expr::constant),
            Self::Typed(Typed { expr, kind: Kind::Boolean, .. }) => Some(expr),
            Self::Typed(_) => None,
        }
    }

    /// `at` is where the operator stands.
    pub(super) fn compare(self, op: CompareOp, right: Self, at: usize) -> Result<Expr<F>, ParseError> {
        match (self, right) {
            (Self::Typed(left), Self::Literal(literal)) => left.compare(op, literal),
            (Self::Literal(literal), Self::Typed(right)) => right.compare(op.flipped(), literal),
            (Self::Typed(left), Self::Typed(right)) => {
                left.check_primitive()?;
                right.check_primitive()?;
                if !alike(left.kind, right.kind) {
                    let sentence = format!(
                        "'{}' of type '{}' cannot be compared with '{}' of type '{}'.",
                        shortened(left.written),
                        left.kind,
                        shortened(right.written),
                        right.kind
                    );
                    return Err(ParseError::new(at, Problem::Misused(sentence)));
                }
                Ok(Expr::Compare(op, Box::new(left.expr), Box::new(right.expr)))
            }
            (Self::Literal(left), Self::Literal(right)) if left.token.is("null") => {
                let equal = right.token.is("null") == (op == CompareOp::Eq);
                Ok(Expr::constant(matches!(op, CompareOp::Eq | CompareOp::Ne) && equal))
            }
            (Self::Literal(left), Self::Literal(right)) => {
                let kind = left.natural_kind()?;
                let expr = Expr::Literal(left.read(kind)?);
                Typed::new(expr, kind, left.written, left.at).compare(op, right)
            }
        }
    }

    /// `at` is where the operator stands.
    pub(super) fn calculate(
        self,
        op: ArithmeticOp,
        right: Self,
        at: usize,
    ) -> Result<Typed<'t, F>, ParseError> {
        let (left, right) = (self.number(at)?, right.number(at)?);
        let most = match op {
            ArithmeticOp::Add | ArithmeticOp::Sub => left.most + right.most,
            ArithmeticOp::Mul => left.most.checked_mul(right.most).unwrap_or(i128::MAX),
            ArithmeticOp::Div => left.most,
            ArithmeticOp::Mod => left.most.min(right.most),
        };
        if most > i64::MAX.into() {
            return Err(refused::arithmetic(at));
        }
        let expr = Expr::Arithmetic(op, Box::new(left.expr), Box::new(right.expr));
        Ok(Typed { expr, kind: Kind::Int64, written: left.written, at: left.at, most })
    }

    /// The same number with the other sign.
    pub(super) fn negated(self, at: usize) -> Result<Typed<'t, F>, ParseError> {
        let mut number = self.number(at)?;
        if number.most > i64::MAX.into() {
            return Err(refused::arithmetic(at));
        }
        number.expr = match number.expr {
            Expr::Literal(Literal::Int(value)) => Expr::Literal(Literal::Int(-value)),
            other => Expr::Negate(Box::new(other)),
        };
        Ok(number)
    }

    fn number(self, at: usize) -> Result<Typed<'t, F>, ParseError> {
        match self {
            Self::Typed(typed) if matches!(typed.kind, Kind::Int32 | Kind::Int64) => Ok(typed),
            Self::Literal(literal) => match Literal::read(literal.token, Kind::Int64) {
                Some(value) => Ok(Typed::new(Expr::Literal(value), Kind::Int64, literal.written, literal.at)),
                None => Err(refused::arithmetic(at)),
            },
            Self::Typed(_) => Err(refused::arithmetic(at)),
        }
    }
}

/// Whether values of these kinds can be compared.
fn alike(left: Kind, right: Kind) -> bool {
    let number = |kind| matches!(kind, Kind::Int32 | Kind::Int64);
    left == right || number(left) && number(right)
}

impl<'t, F> Typed<'t, F> {
    pub(super) fn new(expr: Expr<F>, kind: Kind, written: &'t str, at: usize) -> Self {
        let most = match (&expr, kind) {
            (Expr::Literal(Literal::Int(value)), _) => i128::from(*value).abs(),
            (_, Kind::Int32) => 1 << 31,
            _ => 1 << 63,
        };
        Self { expr, kind, written, at, most }
    }

    /// The same, written from `at` to what has just been passed.
    pub(super) fn since(self, at: usize, cursor: &Cursor<'t>) -> Self {
        Self { written: cursor.since(at), at, ..self }
    }

    fn compare(self, op: CompareOp, literal: Written<'_>) -> Result<Expr<F>, ParseError> {
        let (op, right) = if literal.token.is("null") {
            match op {
                // Nothing is greater or less than null.
                CompareOp::Eq | CompareOp::Ne => {}
                _ => return Ok(Expr::constant(false)),
            }
            if let Kind::Collection(_) = self.kind {
                self.check_primitive()?;
            }
            (op, Expr::Null)
        } else {
            self.check_primitive()?;
            match self.between(literal) {
                // Of whole numbers only those on one side of it are meant.
                Some(least) => match op {
                    CompareOp::Eq | CompareOp::Ne => return Ok(Expr::constant(op == CompareOp::Ne)),
                    CompareOp::Gt | CompareOp::Ge => (CompareOp::Gt, Expr::Literal(Literal::Int(least))),
                    CompareOp::Lt | CompareOp::Le => (CompareOp::Le, Expr::Literal(Literal::Int(least))),
                },
                None => (op, Expr::Literal(self.read(literal)?)),
            }
        };
        Ok(Expr::Compare(op, Box::new(self.expr), Box::new(right)))
    }

    /// The whole number below a literal that is none itself.
    fn between(&self, literal: Written<'_>) -> Option<i64> {
        match (self.kind, literal.token) {
            (Kind::Int32 | Kind::Int64, Token::Plain(text)) => match number(text)? {
                Number::Above(least) => Some(least),
                Number::Whole(_) => None,
            },
            _ => None,
        }
    }

    /// `in` the list; a null in it is a question of its own beside the others.
    pub(super) fn within(self, list: &[Written<'_>]) -> Result<Expr<F>, ParseError>
    where
        F: Clone,
    {
        let values: Vec<Literal> = list
            .iter()
            .filter(|literal| !literal.token.is("null") && self.between(**literal).is_none())
            .map(|literal| self.read(*literal))
            .collect::<Result<_, _>>()?;
        let null = list.iter().any(|literal| literal.token.is("null"));
        let is_null = Expr::Compare(CompareOp::Eq, Box::new(self.expr.clone()), Box::new(Expr::Null));
        let is_one = Expr::In(Box::new(self.expr), values.clone());
        Ok(match (values.is_empty(), null) {
            (true, true) => is_null,
            (true, false) => Expr::constant(false),
            (false, false) => is_one,
            (false, true) => is_one.or(is_null),
        })
    }

    pub(super) fn check_primitive(&self) -> Result<(), ParseError> {
        let advice = match self.kind {
            Kind::Collection(_) => "use any(…) or all(…)",
            Kind::Complex(_) => "compare one of its members",
            _ => return Ok(()),
        };
        let name = shortened(self.written);
        let sentence = format!("'{name}' of type '{}' cannot be compared: {advice}.", self.kind);
        Err(ParseError::new(self.at, Problem::Misused(sentence)))
    }

    fn read(&self, literal: Written<'_>) -> Result<Literal, ParseError> {
        Literal::read(literal.token, self.kind)
            .ok_or_else(|| ParseError::new(literal.at, mismatch(self.written, self.kind, literal)))
    }
}

impl Written<'_> {
    /// The type that a literal alone has; `null` has none.
    pub(super) fn natural_kind(&self) -> Result<Kind, ParseError> {
        let time = |text| Literal::read(Token::Plain(text), Kind::DateTimeOffset).is_some();
        match self.token {
            Token::Text(_) => Ok(Kind::String),
            Token::Plain(text) if is_guid(text.as_bytes()) => Ok(Kind::Guid),
            Token::Plain(text) if number(text).is_some() => Ok(Kind::Int64),
            Token::Plain(text) if text.len() == 10 && time(text) => Ok(Kind::Date),
            Token::Plain(text) if time(text) => Ok(Kind::DateTimeOffset),
            token if boolean(token).is_some() => Ok(Kind::Boolean),
            _ => {
                let sentence =
                    format!("{} is not supported without a property beside it.", shortened(self.written));
                Err(ParseError::new(self.at, Problem::Unsupported(sentence)))
            }
        }
    }

    /// As a value of this kind.
    pub(super) fn read(self, kind: Kind) -> Result<Literal, ParseError> {
        Literal::read(self.token, kind)
            .ok_or_else(|| ParseError::new(self.at, mismatch(self.written, kind, self)))
    }

    /// A moment as a literal of its own.
    pub(super) fn moment<F>(time: Timestamp) -> Expr<F> {
        Expr::Literal(Literal::DateTime(time))
    }
}

fn mismatch(subject: &str, kind: Kind, literal: Written<'_>) -> Problem {
    let written = shortened(literal.written);
    match (kind, literal.token) {
        (Kind::Enum(enumeration), token) if names_member(enumeration, token) => Problem::UnknownMember {
            literal: written,
            type_name: enumeration.name,
            members: enumeration.members,
        },
        _ => {
            Problem::WrongType { property: shortened(subject), expected: kind.to_string(), literal: written }
        }
    }
}

/// Whether the token has the form of a member of this enum, known or not.
fn names_member(enumeration: &EnumType, token: Token<'_>) -> bool {
    match token {
        Token::Text(_) => true,
        Token::Typed(name, _) => enumeration.is_called(name),
        _ => false,
    }
}
