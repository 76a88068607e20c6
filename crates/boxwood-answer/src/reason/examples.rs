//! The examples in the docstring of a function, as calls and what they give. Pure.

/// One example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Example {
    /// `add(2, 3)`
    pub call: String,
    /// `5`
    pub expected: String,
}

/// A parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub name: String,
    /// Its annotation, `List[int]`; empty where there is none.
    pub kind: String,
}

/// The most examples that are run.
const MOST: usize = 10;

/// The examples of a function's docstring: `>>> f(1)` with the next line, `f(1) == 2`, `f(1) ➞ 2`, `f(1) returns 2`,
/// `For n = 1 the output should be 2`, `Input: n = 1` with `Output: 2` in the next line.
pub(super) fn examples(question: &str, entry_point: Option<&str>) -> Vec<Example> {
    let mut found = Vec::new();
    let lines: Vec<&str> = question.lines().map(str::trim).collect();
    let named: Vec<Parameter> = entry_point.map_or_else(Vec::new, |name| parameters(question, name));
    for (index, line) in lines.iter().enumerate() {
        let following = &lines[index + 1..];
        let of_call = match line.strip_prefix(">>>") {
            Some(call) => prompted(call.trim(), following),
            None => None,
        };
        let example = of_call.or_else(|| {
            let name = entry_point?;
            stated(line, name).or_else(|| by_names(line, following, name, &named))
        });
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

/// The arguments of a call of this function and of nothing else, as they are written.
pub(super) fn arguments<'a>(call: &'a str, name: &str) -> Option<&'a str> {
    let list = call.strip_prefix(name)?;
    let inner = list.strip_prefix('(')?.strip_suffix(')')?;
    (call_length(list)? == list.len()).then(|| inner.trim())
}

/// The parameters of a function that the text defines; none where it does not.
pub(super) fn parameters(text: &str, name: &str) -> Vec<Parameter> {
    let Some((_, from)) = text.split_once(&format!("def {name}(")) else {
        return Vec::new();
    };
    let list = format!("({from}");
    let Some(inner) = call_length(&list).and_then(|end| list.get(1..end - 1)) else {
        return Vec::new();
    };
    let named = split_at_commas(inner).into_iter().map(|one| {
        let declared = one.split('=').next().unwrap_or(one);
        let (name, kind) = declared.split_once(':').unwrap_or((declared, ""));
        Parameter {
            name: name.trim().to_owned(),
            kind: kind.trim().to_owned(),
        }
    });
    named
        .filter(|parameter| !parameter.name.is_empty() && !parameter.name.starts_with(['*', '/']))
        .collect()
}

/// The parts between the commas that stand in no brackets.
fn split_at_commas(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(move |character: char| {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    })
    .collect()
}

/// `For a = 1, b = [2] the output should be 3`: every parameter by its name, the result in the same line or the next.
fn by_names(line: &str, following: &[&str], name: &str, parameters: &[Parameter]) -> Option<Example> {
    if parameters.is_empty() {
        return None;
    }
    let mut arguments = Vec::with_capacity(parameters.len());
    let mut rest = line;
    for parameter in parameters {
        let value = value_named(rest, &parameter.name)?;
        let literal = shortest_literal(value);
        if !is_literal(&literal) || !balanced(&literal) {
            return None;
        }
        rest = value.get(literal.len()..)?;
        arguments.push(literal);
    }
    let next = following
        .iter()
        .find(|line| !line.is_empty())
        .copied()
        .unwrap_or("");
    let expected = resulting(rest, &SAME_LINE).or_else(|| {
        let starts = NEXT_LINE.iter().any(|mark| starts_with(next, mark));
        resulting(next, &NEXT_LINE).filter(|_| starts)
    })?;
    Some(Example {
        call: format!("{name}({})", arguments.join(", ")),
        expected,
    })
}

/// What marks a result after the inputs of the same line.
const SAME_LINE: [&str; 8] = [
    "should be",
    "output:",
    "output is",
    "result is",
    "returns",
    "return",
    "=>",
    "->",
];
/// What a line of a result begins with.
const NEXT_LINE: [&str; 8] = [
    "output:", "output =", "output", "result:", "returns:", "returns", "=>", "->",
];

/// What stands after `name =`.
fn value_named<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let places = text.match_indices(name).map(|(at, _)| at);
    places
        .filter(|at| !text[..*at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
        .find_map(|at| {
            let after = text[at + name.len()..].trim_start().strip_prefix(['=', ':'])?;
            (!after.starts_with('=')).then(|| after.trim_start())
        })
}

fn starts_with(text: &str, mark: &str) -> bool {
    text.get(..mark.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(mark))
}

/// The literal after the first of these marks.
fn resulting(text: &str, marks: &[&str]) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let after = marks
        .iter()
        .find_map(|mark| lower.find(mark).map(|at| at + mark.len()))?;
    let value = text[after..].trim_start_matches([':', '=', '>', ' ']);
    let literal = shortest_literal(value.trim_end_matches("\"\"\"").trim_end());
    (is_literal(&literal) && balanced(&literal)).then_some(literal)
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
    For a = 1, b = 9 the output should be 10.
    >>> add(4, 4) == 8
    Input: a = [1, 2], b = "x y"
    Output: 5
    For a = 1 the output should be 4
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
                ("add(1, 9)", "10"),
                ("add(4, 4)", "8"),
                ("add([1, 2], \"x y\")", "5"),
            ]
        );
    }

    #[test]
    fn parameters_and_arguments_are_taken_apart_at_their_own_commas() {
        let found = parameters(
            "def g(x):\n\ndef f(a, b: Dict[str, int] = {}, *rest) -> int:",
            "f",
        );
        let told: Vec<(&str, &str)> = found
            .iter()
            .map(|parameter| (parameter.name.as_str(), parameter.kind.as_str()))
            .collect();
        assert_eq!(told, [("a", ""), ("b", "Dict[str, int]")]);
        assert!(parameters("def f(a", "f").is_empty());
        assert_eq!(arguments("f([1, 2], ')')", "f"), Some("[1, 2], ')'"));
        assert_eq!(arguments("f(1) + f(2)", "f"), None);
        assert_eq!(arguments("round(f(1))", "f"), None);
    }

    proptest! {
        #[test]
        fn any_docstring_is_read(text in "[>f()=\\[\\]'\"1,é \n]{0,60}") {
            examples(&text, Some("f"));
            examples(&format!("def f(é, x: List[int]): é = {text}, x = {text} output: {text}"), Some("f"));
        }
    }
}
