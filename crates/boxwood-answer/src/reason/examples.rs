//! The examples in the docstring of a function, as calls and what they give. Pure.

/// One example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Example {
    /// `add(2, 3)`
    pub call: String,
    /// `5`
    pub expected: String,
}

/// The most examples that are run.
const MOST: usize = 10;

/// The examples of a function's docstring: `>>> f(1)` with the next line, `f(1) == 2`, `f(1) ➞ 2`, `f(1) returns 2`.
pub(super) fn examples(question: &str, entry_point: Option<&str>) -> Vec<Example> {
    let mut found = Vec::new();
    let lines: Vec<&str> = question.lines().map(str::trim).collect();
    for (index, line) in lines.iter().enumerate() {
        let example = match line.strip_prefix(">>>") {
            Some(call) => prompted(call.trim(), &lines[index + 1..]),
            None => entry_point.and_then(|name| stated(line, name)),
        };
        if let Some(example) = example.filter(|example| !found.contains(example)) {
            found.push(example);
        }
    }
    found.truncate(MOST);
    found
}

fn prompted(call: &str, following: &[&str]) -> Option<Example> {
    let expected = following.first()?.trim_end_matches("\"\"\"").trim_end();
    if expected.is_empty() || is_quote(expected) || !is_literal(expected) || is_statement(call) {
        return None;
    }
    balanced(expected).then(|| Example {
        call: call.to_owned(),
        expected: expected.to_owned(),
    })
}

fn is_quote(line: &str) -> bool {
    line.starts_with("\"\"\"") || line.starts_with("'''")
}

fn is_statement(call: &str) -> bool {
    ["import ", "from ", "for ", "def ", "print("]
        .iter()
        .any(|word| call.starts_with(word))
        || {
            let assigned = call.split_once('=');
            assigned.is_some_and(|(name, rest)| {
                !rest.starts_with('=')
                    && name
                        .trim()
                        .chars()
                        .all(|character| character.is_alphanumeric() || character == '_')
            })
        }
}

/// `name(…) == 5` within a line.
fn stated(line: &str, name: &str) -> Option<Example> {
    let at = line.find(&format!("{name}("))?;
    if line[..at].trim_end().ends_with("def") {
        return None;
    }
    let end = at + name.len() + call_length(&line[at + name.len()..])?;
    let rest = line[end..].trim_start();
    let marks = [
        "==",
        "=>",
        "->",
        "➞",
        "→",
        "returns",
        "should return",
        "should be",
        "=",
        "is",
        "#=>",
        "# =>",
        "#",
    ];
    let rest = marks.iter().find_map(|mark| rest.strip_prefix(mark))?;
    let expected = rest.trim_start_matches(['>', '=', ':', ' ']).trim();
    let expected = expected.split(" #").next().unwrap_or(expected).trim();
    let expected = expected
        .trim_end_matches(['.', ';'])
        .trim_end_matches("\"\"\"")
        .trim();
    let expected = shortest_literal(expected);
    (is_literal(&expected) && balanced(&expected)).then(|| Example {
        call: line[at..end].to_owned(),
        expected,
    })
}

/// Bytes of a parenthesised list of arguments.
fn call_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// A literal without the words that follow it: `5 because …` is 5.
fn shortest_literal(expected: &str) -> String {
    match expected.chars().next() {
        Some('(' | '[' | '{') => call_length(expected)
            .map_or(expected, |end| &expected[..end])
            .to_owned(),
        Some(quote @ ('\'' | '"')) => {
            let end = expected[1..].find(quote).map(|end| end + 2);
            end.map_or(expected, |end| &expected[..end]).to_owned()
        }
        _ => expected
            .split([' ', ','])
            .next()
            .unwrap_or(expected)
            .trim_end_matches(['.', ')'])
            .to_owned(),
    }
}

fn is_literal(text: &str) -> bool {
    let word = text.split([' ', ',']).next().unwrap_or(text);
    matches!(word, "True" | "False" | "None")
        || text.starts_with(['[', '(', '{', '\'', '"'])
        || text
            .trim_start_matches('-')
            .starts_with(|character: char| character.is_ascii_digit())
}

fn balanced(text: &str) -> bool {
    match text.chars().next() {
        Some('(' | '[' | '{') => call_length(text).is_some(),
        Some(quote @ ('\'' | '"')) => text.len() > 1 && text.ends_with(quote),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_docstrings() {
        let question = r#"def add(a, b):
    """ Adds.
    >>> add(1, 2)
    3
    >>> x = 5
    >>> add('a', "b")
    'ab'
    add(2, 3) == 5
    add([1, (2)], []) ➞ [1, (2)]
    add(1, 1) returns 2 since one and one is two
    For a = 1, b = 2 the output should be 3.
    """
"#;
        let found = examples(question, Some("add"));
        let told: Vec<(&str, &str)> = found
            .iter()
            .map(|example| (example.call.as_str(), example.expected.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("add(1, 2)", "3"),
                ("add('a', \"b\")", "'ab'"),
                ("add(2, 3)", "5"),
                ("add([1, (2)], [])", "[1, (2)]"),
                ("add(1, 1)", "2"),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_docstring_is_read(text in "[>f()=\\[\\]'\"1,é \n]{0,60}") {
            examples(&text, Some("f"));
        }
    }
}
