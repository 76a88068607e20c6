//! Small changes to a program before it runs, and to its output after it: what models write by habit, made fit for the
//! interpreter without changing what is computed.
//!
//! Invariant: line numbers stay, so that an error names the line that the model wrote. Pure; called by `interpreter`.

/// Modules for which the prelude holds a class of the same name.
const STANDINS: [&str; 3] = ["statistics", "calendar", "decimal"];
/// What `from math import *` brings.
const MATH: &str = "acos, asin, atan, atan2, ceil, comb, cos, degrees, dist, e, exp, factorial, floor, gcd, hypot, isqrt, \
                    lcm, log, log10, log2, perm, pi, prod, radians, sin, sqrt, tan, trunc";
/// What `from datetime import *` brings.
const DATETIME: &str = "date, datetime, time, timedelta, timezone";
/// Digits that a binary fraction keeps for sure.
const SURE_DIGITS: usize = 12;

/// The program as it is run.
pub(crate) fn prepare(program: &str) -> String {
    let mut lines: Vec<String> = program
        .replace("\r\n", "\n")
        .replace('\t', "    ")
        .lines()
        .map(|line| removal_line(line).unwrap_or_else(|| import_line(line)))
        .collect();
    if let Some(last) = closing(&lines) {
        lines.push(last);
    }
    lines.join("\n")
}

/// `del a[b]`, which the interpreter does not know, as what does the same.
fn removal_line(line: &str) -> Option<String> {
    let code = line.trim_start();
    let indent = &line[..line.len() - code.len()];
    let target = code.strip_prefix("del ")?.trim();
    let is_name = |text: &str| {
        text.chars()
            .all(|character| character.is_alphanumeric() || matches!(character, '_' | '.'))
    };
    if is_name(target) {
        return Some(format!("{indent}{target} = None"));
    }
    let (name, index) = target.strip_suffix(']')?.split_once('[')?;
    let single = !index.contains([':', '[', ',']);
    (is_name(name) && single).then(|| format!("{indent}{name}.pop({index})"))
}

/// An import that the interpreter does not know, by what the prelude has.
fn import_line(line: &str) -> String {
    let code = line.trim_start();
    let indent = &line[..line.len() - code.len()];
    let replaced = code
        .strip_prefix("import ")
        .and_then(import_modules)
        .or_else(|| code.strip_prefix("from ").and_then(import_names));
    match replaced {
        Some(replaced) => format!("{indent}{replaced}"),
        None => line.to_owned(),
    }
}

fn import_modules(names: &str) -> Option<String> {
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let known = |name: &&str| STANDINS.contains(name.split_whitespace().next().as_ref().unwrap_or(&""));
    if !names.iter().any(known) {
        return None;
    }
    let parts: Vec<String> = names
        .iter()
        .map(|name| match (known(name), name.split_once(" as ")) {
            (true, Some((module, other))) => format!("{} = {}", other.trim(), module.trim()),
            (true, None) => "pass".to_owned(),
            (false, _) => format!("import {name}"),
        })
        .collect();
    Some(parts.join("; "))
}

fn import_names(rest: &str) -> Option<String> {
    let (module, names) = rest.split_once(" import ")?;
    let (module, names) = (module.trim(), names.trim());
    match (module, names) {
        ("math", "*") => return Some(format!("from math import {MATH}")),
        ("datetime", "*") => return Some(format!("from datetime import {DATETIME}")),
        _ => {}
    }
    if !STANDINS.contains(&module) {
        return None;
    }
    let names = names.trim_matches(['(', ')']);
    let parts: Vec<String> = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty() && *name != "getcontext" && !name.starts_with("ROUND"))
        .map(|name| {
            let (name, alias) = name.split_once(" as ").unwrap_or((name, name));
            format!("{} = {module}.{}", alias.trim(), name.trim())
        })
        .collect();
    Some(if parts.is_empty() {
        "pass".to_owned()
    } else {
        parts.join("; ")
    })
}

/// What shows the result of a program that shows nothing: the function that it defined last, or the name that it
/// assigned last.
fn closing(lines: &[String]) -> Option<String> {
    let code: Vec<&String> = lines
        .iter()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .collect();
    if code
        .iter()
        .any(|line| line.trim_start().starts_with("print(") || line.contains(" print("))
    {
        return None;
    }
    let top: Vec<&&String> = code
        .iter()
        .filter(|line| !line.starts_with([' ', ')', ']', '}']))
        .collect();
    let last = top.last()?;
    if let Some(function) = function_without_arguments(last) {
        return Some(format!("{function}()"));
    }
    let (name, value) = last.split_once('=')?;
    let name = name.trim();
    let is_name = name
        .chars()
        .all(|character| character.is_alphanumeric() || character == '_');
    (is_name && !name.is_empty() && !value.starts_with('=')).then(|| name.to_owned())
}

fn function_without_arguments(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("def ")?;
    let (name, rest) = rest.split_once('(')?;
    rest.trim_start().starts_with(')').then_some(name)
}

/// Decimal numbers as people write them: `0.30000000000000004` is 0.3.
pub(crate) fn without_binary_noise(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let mut token = String::new();
    for character in text.chars().chain(std::iter::once('\n')) {
        if character.is_ascii_digit() || character == '.' {
            token.push(character);
            continue;
        }
        // A letter before or after makes it a part of something else: an exponent, a name.
        let in_word = character.is_alphabetic() || output.ends_with(char::is_alphabetic);
        output.push_str(&if in_word { token.clone() } else { rounded(&token) });
        token.clear();
        output.push(character);
    }
    output.pop();
    output
}

fn rounded(token: &str) -> String {
    let digits = token.chars().filter(char::is_ascii_digit).count();
    let significant = token.trim_start_matches(['0', '.']).len();
    if token.matches('.').count() != 1 || digits <= SURE_DIGITS + 2 || significant <= SURE_DIGITS {
        return token.to_owned();
    }
    let Ok(value) = token.parse::<f64>() else {
        return token.to_owned();
    };
    let whole = token.split('.').next().map_or(0, |whole| {
        let whole = whole.trim_start_matches('0');
        whole.len()
    });
    let leading_zeros = token.len() - significant;
    let places = match whole {
        0 => SURE_DIGITS + leading_zeros.saturating_sub(2),
        whole => SURE_DIGITS.saturating_sub(whole),
    };
    let text = format!("{value:.places$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_that_the_prelude_stands_for() {
        for (line, expected) in [
            ("import math", "import math"),
            ("import statistics as st", "st = statistics"),
            ("import calendar, math", "pass; import math"),
            (
                "from decimal import Decimal, getcontext",
                "Decimal = decimal.Decimal",
            ),
            ("    from statistics import mean as m", "    m = statistics.mean"),
            ("from math import sqrt", "from math import sqrt"),
            ("imported = 3", "imported = 3"),
        ] {
            assert_eq!(import_line(line), expected);
        }
        assert!(import_line("from math import *").contains("sqrt"));
    }

    #[test]
    fn removals_are_written_another_way() {
        for (line, expected) in [
            ("del x", Some("x = None")),
            ("    del counts[key]", Some("    counts.pop(key)")),
            ("del items[1:3]", None),
            ("delta = 3", None),
        ] {
            assert_eq!(removal_line(line).as_deref(), expected);
        }
    }

    #[test]
    fn a_program_that_shows_nothing_shows_its_result() {
        for (program, closing_line) in [
            ("x = 1\ny = x + 1\n", Some("y")),
            ("def solution():\n    return 4\n", Some("solution()")),
            ("def f(n):\n    return n\n", None),
            ("x = 1\nprint(x)", None),
            ("x = 1\nx == 2", None),
            ("a = [\n  1,\n]", Some("a")),
            ("# nothing", None),
        ] {
            let lines: Vec<String> = program.lines().map(str::to_owned).collect();
            assert_eq!(closing(&lines).as_deref(), closing_line, "{program}");
        }
    }

    #[test]
    fn binary_noise_goes_and_digits_stay() {
        for (input, expected) in [
            ("0.30000000000000004", "0.3"),
            ("Total: 1234.5600000000002 EUR", "Total: 1234.56 EUR"),
            ("-79.66549600129077", "-79.6654960013"),
            ("0.05", "0.05"),
            ("12345678901234567890", "12345678901234567890"),
            ("1.2.3", "1.2.3"),
            ("1e-05", "1e-05"),
            ("66.99999999999999", "67"),
            ("2024-01-31", "2024-01-31"),
            ("0.00030000000000000003", "0.0003"),
        ] {
            assert_eq!(without_binary_noise(input), expected);
        }
    }
}
