//! Tokens → a typed predicate.
//!
//! ```text
//! any       := all (OR all)*
//! all       := not (AND not)*
//! not       := NOT not | "(" any ")" | condition
//! condition := field comparison value | field [NOT] LIKE value | field [NOT] ILIKE value
//!            | field [NOT] IN "(" value ("," value)* ")" | field IS [NOT] NULL
//!            | field (HASANY | HASALL) ( value | "(" value ("," value)* ")" )
//! value     := :argument | number | 'text'
//! ```
//! Invariant: a predicate that was parsed can be evaluated: its fields exist and its values have their types.

use super::lexer::{Placed, Token, error, tokens};
use super::pattern::Pattern;
use super::predicate::{Comparison, Predicate};
use super::scalar::{Class, FieldRef, ItemField, Scalar};
use crate::metadata::error::MetadataError;
use crate::metadata::template::MetadataTemplate;
use serde_json::{Map, Value};

/// How deep parentheses and `NOT` may be nested.
const DEEPEST: usize = 50;

/// Words that are never a field's name unless they are quoted.
const KEYWORDS: [&str; 10] = [
    "AND", "OR", "NOT", "LIKE", "ILIKE", "IN", "IS", "NULL", "HASANY", "HASALL",
];

/// Reads the text of a query over a template.
///
/// # Errors
/// [`MetadataError::InvalidQuery`] with the place, [`MetadataError::InvalidArgument`] with the argument's name.
pub fn parse(
    text: &str,
    template: &MetadataTemplate,
    arguments: &Map<String, Value>,
) -> Result<Predicate, MetadataError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        end: text.chars().count() + 1,
        template,
        arguments,
    };
    let predicate = parser.any(0)?;
    match parser.peek() {
        None => Ok(predicate),
        Some(rest) => Err(error(
            rest.position,
            format!(
                "{} stands after the end; `AND` or `OR` joins conditions",
                rest.token.shown()
            ),
        )),
    }
}

/// A value as it stands in the query, with what a refusal needs.
struct Operand {
    value: Value,
    origin: Origin,
}

enum Origin {
    Argument(String),
    Literal(usize),
}

impl Operand {
    fn refuse(&self, reason: &str) -> MetadataError {
        match &self.origin {
            Origin::Argument(name) => MetadataError::InvalidArgument {
                name: name.clone(),
                reason: reason.to_owned(),
            },
            Origin::Literal(position) => error(*position, format!("the value {reason}")),
        }
    }

    fn scalar(&self, class: Class) -> Result<Scalar, MetadataError> {
        class.scalar(&self.value).map_err(|reason| self.refuse(reason))
    }

    /// One value, or all values of a list.
    fn scalars(&self, class: Class) -> Result<Vec<Scalar>, MetadataError> {
        match &self.value {
            Value::Array(entries) => entries
                .iter()
                .map(|entry| class.scalar(entry).map_err(|reason| self.refuse(reason)))
                .collect(),
            _ => Ok(vec![self.scalar(class)?]),
        }
    }
}

struct Parser<'a> {
    tokens: Vec<Placed>,
    next: usize,
    /// The place after the last character.
    end: usize,
    template: &'a MetadataTemplate,
    arguments: &'a Map<String, Value>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Placed> {
        self.tokens.get(self.next)
    }

    fn position(&self) -> usize {
        self.peek().map_or(self.end, |placed| placed.position)
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Placed { token: Token::Word(word), .. }) if word.eq_ignore_ascii_case(keyword))
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        self.next += usize::from(found);
        found
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Placed { token: Token::Symbol(found), .. }) if *found == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), MetadataError> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{symbol}`")))
    }

    fn unexpected(&self, wanted: &str) -> MetadataError {
        match self.peek() {
            Some(found) => error(
                found.position,
                format!("{wanted} was expected, not {}", found.token.shown()),
            ),
            None => error(self.end, format!("{wanted} was expected, but the query ends")),
        }
    }

    fn any(&mut self, depth: usize) -> Result<Predicate, MetadataError> {
        let mut parts = vec![self.all(depth)?];
        while self.take_keyword("OR") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Predicate::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Predicate, MetadataError> {
        let mut parts = vec![self.not(depth)?];
        while self.take_keyword("AND") {
            parts.push(self.not(depth)?);
        }
        Ok(one_or(parts, Predicate::All))
    }

    fn not(&mut self, depth: usize) -> Result<Predicate, MetadataError> {
        if depth > DEEPEST {
            let reason = format!("conditions may be nested {DEEPEST} deep at most");
            return Err(error(self.position(), reason));
        }
        if self.take_keyword("NOT") {
            return Ok(Predicate::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take_symbol("(") {
            let inner = self.any(depth + 1)?;
            self.expect_symbol(")")?;
            return Ok(inner);
        }
        self.condition()
    }

    fn condition(&mut self) -> Result<Predicate, MetadataError> {
        let field = self.field()?;
        if self.take_keyword("IS") {
            let negated = self.take_keyword("NOT");
            if !self.take_keyword("NULL") {
                return Err(self.unexpected("`NULL`"));
            }
            let present = Predicate::Present(field);
            return Ok(if negated {
                present
            } else {
                Predicate::Not(Box::new(present))
            });
        }
        let negated = self.take_keyword("NOT");
        if self.is_keyword("LIKE") || self.is_keyword("ILIKE") {
            let like = self.like(&field)?;
            return Ok(if negated {
                Predicate::negated_if_present(&field, like)
            } else {
                like
            });
        }
        if self.is_keyword("IN") {
            let within = self.within(&field)?;
            return Ok(if negated {
                Predicate::negated_if_present(&field, within)
            } else {
                within
            });
        }
        if negated {
            return Err(self.unexpected("`LIKE`, `ILIKE` or `IN`"));
        }
        if self.is_keyword("HASANY") || self.is_keyword("HASALL") {
            return self.has(field);
        }
        self.comparison(field)
    }

    fn field(&mut self) -> Result<FieldRef, MetadataError> {
        let (name, position) = match self.peek() {
            Some(Placed {
                token: Token::Word(word),
                position,
            }) if !KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) => {
                (word.clone(), *position)
            }
            Some(Placed {
                token: Token::Quoted(name),
                position,
            }) => (name.clone(), *position),
            _ => return Err(self.unexpected("the key of a field")),
        };
        self.next += 1;
        field_named(self.template, &name).ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            let reason = format!("`{shown}` is neither a field of the template nor one of an item");
            error(position, reason)
        })
    }

    fn operand(&mut self) -> Result<Operand, MetadataError> {
        let Some(placed) = self.peek() else {
            return Err(self.unexpected("a value"));
        };
        let literal = Origin::Literal(placed.position);
        let operand = match &placed.token {
            Token::Argument(name) => {
                let value = self.arguments.get(name).filter(|value| !value.is_null());
                let value = value.cloned().ok_or_else(|| MetadataError::InvalidArgument {
                    name: name.clone(),
                    reason: "must be there, because the query names it".to_owned(),
                })?;
                Operand {
                    value,
                    origin: Origin::Argument(name.clone()),
                }
            }
            Token::Number(number) => Operand {
                value: Value::from(*number),
                origin: literal,
            },
            Token::Text(text) => Operand {
                value: Value::String(text.clone()),
                origin: literal,
            },
            _ => return Err(self.unexpected("a value: `:argument`, a number or a 'text'")),
        };
        self.next += 1;
        Ok(operand)
    }

    fn operands(&mut self) -> Result<Vec<Operand>, MetadataError> {
        self.expect_symbol("(")?;
        let mut operands = vec![self.operand()?];
        while self.take_symbol(",") {
            operands.push(self.operand()?);
        }
        self.expect_symbol(")")?;
        Ok(operands)
    }

    fn like(&mut self, field: &FieldRef) -> Result<Predicate, MetadataError> {
        let position = self.position();
        let folds_case = self.is_keyword("ILIKE");
        self.next += 1;
        if field.class() != Class::Text {
            return Err(error(position, "patterns are only for fields of type `string`"));
        }
        match self.operand()?.scalar(Class::Text)? {
            Scalar::Text(pattern) => Ok(Predicate::Like {
                field: field.clone(),
                pattern: Pattern::new(&pattern, folds_case),
            }),
            _ => Err(error(position, "a pattern must be a text")),
        }
    }

    fn within(&mut self, field: &FieldRef) -> Result<Predicate, MetadataError> {
        let position = self.position();
        self.next += 1;
        if field.class() == Class::Many {
            return Err(error(
                position,
                "`IN` is not for fields with several values; use `HASANY`",
            ));
        }
        let mut values = Vec::new();
        for operand in self.operands()? {
            values.extend(operand.scalars(field.class())?);
        }
        Ok(Predicate::HasAny {
            field: field.clone(),
            values,
        })
    }

    fn has(&mut self, field: FieldRef) -> Result<Predicate, MetadataError> {
        let position = self.position();
        let all = self.is_keyword("HASALL");
        self.next += 1;
        match field.class() {
            Class::Many => {}
            Class::Choice if !all => {}
            _ => {
                let reason =
                    "`HASANY` and `HASALL` are for fields with several values, `HASANY` also for `enum`";
                return Err(error(position, reason));
            }
        }
        let list = matches!(
            self.peek(),
            Some(Placed {
                token: Token::Symbol("("),
                ..
            })
        );
        let operands = if list {
            self.operands()?
        } else {
            vec![self.operand()?]
        };
        let mut values = Vec::new();
        for operand in operands {
            values.extend(operand.scalars(field.class())?);
        }
        Ok(if all {
            Predicate::HasAll { field, values }
        } else {
            Predicate::HasAny { field, values }
        })
    }

    fn comparison(&mut self, field: FieldRef) -> Result<Predicate, MetadataError> {
        let position = self.position();
        let comparison = match self.peek().map(|placed| &placed.token) {
            Some(Token::Symbol("=")) => Comparison::Equal,
            Some(Token::Symbol("<>")) => Comparison::Unequal,
            Some(Token::Symbol("<")) => Comparison::Less,
            Some(Token::Symbol("<=")) => Comparison::AtMost,
            Some(Token::Symbol(">")) => Comparison::Greater,
            Some(Token::Symbol(">=")) => Comparison::AtLeast,
            _ => return Err(self.unexpected("an operator such as `=`, `<`, `LIKE`, `IN` or `IS NULL`")),
        };
        self.next += 1;
        let operand = self.operand()?;
        if field.class() != Class::Many {
            let value = operand.scalar(field.class())?;
            return Ok(Predicate::Compare {
                field,
                comparison,
                value,
            });
        }
        let values = operand.scalars(Class::Many)?;
        let same = Predicate::SameSet {
            field: field.clone(),
            values,
        };
        match comparison {
            Comparison::Equal => Ok(same),
            Comparison::Unequal => Ok(Predicate::negated_if_present(&field, same)),
            _ => Err(error(
                position,
                "fields with several values have no order; use `=`, `HASANY` or `HASALL`",
            )),
        }
    }
}

/// The field with that name: of the template, or `item.…`.
pub(super) fn field_named(template: &MetadataTemplate, name: &str) -> Option<FieldRef> {
    match template.field(name) {
        Some(field) => Some(FieldRef::of(field)),
        None => ItemField::parse(name).map(FieldRef::Item),
    }
}

fn one_or(mut parts: Vec<Predicate>, join: impl FnOnce(Vec<Predicate>) -> Predicate) -> Predicate {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
