//! What is to be extracted: fields with their types.
//!
//! Invariant: keys of one list of fields are distinct and not empty; whoever makes a [`FieldSpec`] (the wire layer, the
//! freeform reader, a metadata template) has checked that. Called by the steps of extraction.

use super::taxonomy::TaxonomyChoice;

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldSpec {
    /// The key of the answer.
    pub key: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// How to find and format it.
    pub prompt: Option<String>,
    /// Its type.
    pub kind: FieldKind,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    /// Text, as the document writes it.
    Text,
    /// A number; a whole one prints without a fraction.
    Number,
    /// A date, written in this form.
    Date(DateForm),
    /// Yes or no.
    Boolean,
    /// One (or several) of these keys.
    Choice {
        /// The keys, in the order of the request.
        options: Vec<String>,
        /// Whether several may be chosen.
        multiple: bool,
    },
    /// Nodes of a taxonomy.
    Taxonomy(TaxonomyChoice),
    /// An object of fields.
    Struct(Vec<FieldSpec>),
    /// Rows of these columns.
    Table(Vec<FieldSpec>),
    /// Several values of one kind; only a JSON schema or sample in a freeform prompt asks for it.
    List(Box<FieldKind>),
}

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateForm {
    /// `1990-07-04`
    Day,
    /// `1990-07-04T00:00:00Z`, as metadata templates hold it.
    Moment,
}

impl FieldSpec {
    /// A field that is only a key.
    pub fn text(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            display_name: None,
            description: None,
            prompt: None,
            kind: FieldKind::Text,
        }
    }

    /// The same with another type.
    #[must_use]
    pub fn of_kind(mut self, kind: FieldKind) -> Self {
        self.kind = kind;
        self
    }

    /// What people call it: the display name, else the key's words.
    pub fn label(&self) -> String {
        match &self.display_name {
            Some(name) if !name.trim().is_empty() => name.trim().to_owned(),
            _ => words_of_key(&self.key),
        }
    }

    /// All words that say what is wanted, for the search.
    pub fn search_text(&self) -> String {
        let mut text = self.label();
        for more in [&self.description, &self.prompt].into_iter().flatten() {
            text.push_str(". ");
            text.push_str(more.trim());
        }
        for field in self.kind.fields() {
            text.push_str(". ");
            text.push_str(&field.label());
        }
        text
    }
}

impl FieldKind {
    /// The fields inside a struct or a table.
    pub fn fields(&self) -> &[FieldSpec] {
        match self {
            Self::Struct(fields) | Self::Table(fields) => fields,
            _ => &[],
        }
    }

    /// Whether a value may be concluded from the text without standing in it.
    pub fn is_inferred(&self) -> bool {
        matches!(self, Self::Boolean | Self::Choice { .. } | Self::Taxonomy(_))
    }

    /// Whether the number of values is open.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Table(_) | Self::List(_))
    }
}

/// `yearOfBirth` and `year_of_birth` → `year of birth`.
pub fn words_of_key(key: &str) -> String {
    let mut words = String::with_capacity(key.len() + 4);
    let mut before: Option<char> = None;
    let mut characters = key.chars().peekable();
    while let Some(character) = characters.next() {
        if matches!(character, '_' | '-' | '.' | '/') || character.is_whitespace() {
            if !words.is_empty() && !words.ends_with(' ') {
                words.push(' ');
            }
        } else {
            let begins = character.is_uppercase()
                && before.is_some_and(|before| {
                    before.is_lowercase()
                        || before.is_numeric()
                        || (before.is_uppercase()
                            && characters.peek().is_some_and(|next| next.is_lowercase()))
                });
            if begins && !words.ends_with(' ') {
                words.push(' ');
            }
            match begins || words.is_empty() || words.ends_with(' ') {
                true => words.extend(lower_unless_acronym(character, characters.peek().copied())),
                false => words.push(character),
            }
        }
        before = Some(character);
    }
    words.trim().to_owned()
}

fn lower_unless_acronym(character: char, next: Option<char>) -> Vec<char> {
    match next.is_some_and(char::is_uppercase) {
        true => vec![character],
        false => character.to_lowercase().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_words() {
        for (key, words) in [
            ("firstName", "first name"),
            ("year_of_birth", "year of birth"),
            ("VATNumber", "VAT number"),
            ("company", "company"),
            ("Invoice No.", "invoice no"),
            ("契約期間", "契約期間"),
            ("line2Total", "line2 total"),
        ] {
            assert_eq!(words_of_key(key), words, "{key}");
        }
    }
}
