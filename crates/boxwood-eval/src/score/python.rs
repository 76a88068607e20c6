//! Values as Python writes, rounds and folds them, so that figures equal those of `score.py`.

use serde_json::Value;

/// `str(value)`.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => representation(other),
    }
}

/// `repr(value)`.
fn representation(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => float_text(float),
            None => number.to_string(),
        },
        Value::String(text) => quoted(text),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(representation).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), representation(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let mark = match text.contains('\'') && !text.contains('"') {
        true => '"',
        false => '\'',
    };
    let mut written = String::from(mark);
    for character in text.chars() {
        match character {
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            character if character == mark => {
                written.push('\\');
                written.push(character);
            }
            character => written.push(character),
        }
    }
    written.push(mark);
    written
}

/// Shortest digits; an exponent has a sign and two digits.
fn float_text(float: f64) -> String {
    let text = format!("{float:?}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

/// `round(value, 2)`.
pub fn rounded(value: f64) -> Value {
    // Both round the exact binary value, ties to even.
    let text = format!("{value:.2}");
    Value::from(text.parse::<f64>().unwrap_or(value))
}

/// White space, as `str.split()` sees it.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// `' '.join(text.split())`.
pub fn joined(text: &str) -> String {
    let words: Vec<&str> = text.split(is_space).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// `text.casefold()`: by way of upper case, which also turns ß into ss and ligatures into letters.
pub fn folded(text: &str) -> String {
    text.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether Python takes the value for true.
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_written_as_python_writes_them() {
        for (value, text) in [
            (json!(null), "None"),
            (json!(true), "True"),
            (json!(3), "3"),
            (json!(3.0), "3.0"),
            (json!(0.1), "0.1"),
            (json!(1e16), "1e+16"),
            (json!(1.5e-7), "1.5e-07"),
            (json!(123_456_789.125), "123456789.125"),
            (json!("it's"), "it's"),
            (json!(["it's", 1, null]), "[\"it's\", 1, None]"),
            (
                json!({"a": [true], "b": "\"'\n"}),
                "{'a': [True], 'b': '\"\\'\\n'}",
            ),
        ] {
            assert_eq!(to_text(&value), text);
        }
    }

    #[test]
    fn values_are_rounded_as_python_rounds_them() {
        for (value, expected) in [
            (2.675, 2.67),
            (0.125, 0.12),
            (0.375, 0.38),
            (100.0, 100.0),
            (33.333, 33.33),
        ] {
            assert_eq!(rounded(value), json!(expected), "{value}");
        }
    }

    #[test]
    fn text_is_folded_and_joined() {
        assert_eq!(folded("Straße ΣΊΣΥΦΟΣ ﬁn"), "strasse σίσυφοσ fin");
        assert_eq!(joined(" a\u{1c}b\u{3000}c "), "a b c");
    }
}
