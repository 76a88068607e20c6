//! What tries of a function do with inputs near those of its examples: tries that do the same are likelier right. Pure.
//!
//! Invariant: inputs come from the question alone (its examples, else the types of its parameters), never from what a
//! model wrote; they are values written out, so that no try can change what the next one gets. Called by `code`.

use super::examples::{Example, arguments, parameters};

/// The most inputs that are tried.
const MOST: usize = 32;
/// The most values that a program makes inputs of.
const MOST_SEEDS: usize = 4;

/// Makes inputs that differ from the given ones in one argument. Numbers stay above zero where they were: what a
/// function does outside of what it is asked for tells nothing.
const VARY: &str = "\
def _vary(value):
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value + 10, 2 * value] + ([value - 1] if value > 1 or value < 0 else [])
    if isinstance(value, float):
        return [value + 0.5, 2 * value, value / 4]
    if isinstance(value, str):
        return [value + value, value[::-1], value[1:], value.upper(), value.replace(' ', '')]
    if isinstance(value, (list, tuple)):
        varied = [value + value, value[::-1], value[1:], value[:1]]
        if len(value) > 0:
            for first in _vary(value[0])[:3]:
                varied.append(value[1:] + type(value)([first]))
        return varied
    return []
def _args(*given):
    return given
for _given in _SEEDS:
    print(repr(_given))
    for _place in range(len(_given)):
        for _value in _vary(_given[_place]):
            print(repr(_given[:_place] + (_value,) + _given[_place + 1:]))
";

/// The program that prints inputs, a tuple of arguments a line; `None` where the question gives nothing to begin with.
pub(super) fn input_program(question: &str, name: &str, examples: &[Example]) -> Option<String> {
    let of_examples = examples
        .iter()
        .filter_map(|example| arguments(&example.call, name))
        .filter(|arguments| !arguments.is_empty());
    let mut seeds: Vec<String> = of_examples
        .take(MOST_SEEDS)
        .map(|arguments| format!("_args({arguments})"))
        .collect();
    if seeds.is_empty() {
        let values: Vec<String> = parameters(question, name)
            .iter()
            .map(|parameter| value_of(&parameter.kind))
            .collect();
        if values.is_empty() {
            return None;
        }
        seeds.push(format!("_args({})", values.join(", ")));
    }
    Some(VARY.replace("_SEEDS", &format!("[{}]", seeds.join(", "))))
}

/// The inputs that the program printed, spread over all that it made.
pub(super) fn inputs(printed: &str) -> Vec<String> {
    let mut lines: Vec<&str> = Vec::new();
    for line in printed.lines() {
        // Infinity and the like have no literal.
        let mut words = line.split(|character: char| !character.is_alphanumeric());
        let is_literal = line.starts_with('(') && !words.any(|word| matches!(word, "inf" | "nan"));
        if is_literal && !lines.contains(&line) {
            lines.push(line);
        }
    }
    let step = lines.len().div_ceil(MOST).max(1);
    lines.into_iter().step_by(step).map(str::to_owned).collect()
}

/// A function that prints what a call gives: its result, the kind of its error, or `?` where the interpreter itself may be
/// what failed.
const PROBE: &str = "\
def _probe(call):
    try:
        print('=' + repr(call())[:200])
    except Exception as error:
        kind = type(error).__name__
        lacks = kind in ('NotImplementedError', 'ModuleNotFoundError', 'NameError') or \"'bool'\" in str(error)
        print('?' if lacks else '!' + kind)
";

/// A program of a try that prints what it gives for each input, a line each.
pub(super) fn behaviour_program(code: &str, name: &str, inputs: &[String]) -> String {
    let calls: String = inputs
        .iter()
        .map(|input| format!("_probe(lambda: {name}(*{input}))\n"))
        .collect();
    format!("{code}\n\n{PROBE}{calls}")
}

/// The results among what such a program printed; the function may print too.
pub(super) fn behaviour(printed: &str) -> Vec<String> {
    let results = printed.lines().filter(|line| line.starts_with(['=', '!', '?']));
    results.map(str::to_owned).collect()
}

/// The share of inputs for which two tries give the same, as far as is known.
pub(super) fn alike(one: &[String], other: &[String], inputs: usize) -> f32 {
    if inputs == 0 {
        return 0.0;
    }
    let same = |at: &usize| match (one.get(*at), other.get(*at)) {
        (Some(one), Some(other)) => one == other || one == "?" || other == "?",
        // An input that neither came to.
        (one, other) => one.is_none() && other.is_none(),
    };
    (0..inputs).filter(same).count() as f32 / inputs as f32
}

/// Whether nothing that is known tells two tries apart.
pub(super) fn are_alike(one: &[String], other: &[String], inputs: usize) -> bool {
    alike(one, other, inputs) >= 1.0
}

/// A value of a type as Python annotates it: `List[int]`; a number where nothing is said.
fn value_of(kind: &str) -> String {
    let kind = kind.trim().trim_matches(['\'', '"']);
    let (name, inner) = match kind.split_once('[') {
        Some((name, inner)) => (name, inner.trim_end().strip_suffix(']').unwrap_or(inner)),
        None => (kind, ""),
    };
    match name
        .trim()
        .rsplit('.')
        .next()
        .unwrap_or(name)
        .to_lowercase()
        .as_str()
    {
        "str" => "'Hello World'".to_owned(),
        "float" => "2.5".to_owned(),
        "bool" => "True".to_owned(),
        "optional" => value_of(inner),
        "dict" => "{'a': 1, 'b': 2}".to_owned(),
        "tuple" => "(3, 1, 2)".to_owned(),
        "list" | "sequence" | "iterable" => match inner.trim() {
            "" | "int" => "[3, 1, 2]".to_owned(),
            "float" => "[2.5, 1.25, 3.0]".to_owned(),
            "str" => "['b', 'a', 'abc']".to_owned(),
            other => format!("[{}]", value_of(other)),
        },
        _ => "5".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_begin_with_the_arguments_of_the_examples() {
        let example = |call: &str| Example {
            call: call.to_owned(),
            expected: "1".to_owned(),
        };
        let examples = [example("f([1, 2], 'a')"), example("round(f([]), 2)")];
        let program = input_program("def f(x, y):", "f", &examples).unwrap();
        assert!(
            program.contains("for _given in [_args([1, 2], 'a')]:"),
            "{program}"
        );
        let typed = "def f(n, words: List[str], at: Optional[float] = None) -> int:";
        let program = input_program(typed, "f", &[]).unwrap();
        assert!(
            program.contains("[_args(5, ['b', 'a', 'abc'], 2.5)]"),
            "{program}"
        );
        assert_eq!(input_program("def f():", "f", &[]), None);
        assert_eq!(input_program("Write f.", "f", &[]), None);
    }

    #[test]
    fn inputs_are_different_values_spread_over_what_was_printed() {
        let printed = "(1,)\n(1,)\n(inf,)\nnote\n(2,)\n";
        assert_eq!(inputs(printed), ["(1,)", "(2,)"]);
        let many: String = (0..100).map(|number| format!("({number},)\n")).collect();
        let spread = inputs(&many);
        assert!(spread.len() <= MOST && spread.last().is_some_and(|last| last.as_str() > "(9"));
    }

    #[test]
    fn tries_are_alike_by_what_they_give() {
        let printed = |text: &str| behaviour(text);
        let (one, other) = (printed("=1\nhello\n=2\n!ValueError"), printed("=1\n=3"));
        assert_eq!(one, ["=1", "=2", "!ValueError"]);
        assert!(
            (alike(&one, &other, 4) - 0.5).abs() < 1e-6,
            "the first, and the one that neither came to"
        );
        assert!(alike(&one, &other, 0) < 1e-6);
        assert!(
            are_alike(&one, &printed("=1\n?\n!ValueError"), 4),
            "what is not known tells nothing apart"
        );
        assert!(are_alike(&[], &[], 4) && !are_alike(&one, &[], 4));
    }
}
