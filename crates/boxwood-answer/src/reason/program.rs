//! Programs in what a model wrote, and answers in what they print. Pure.

/// The first block of Python of a reply, or the reply itself where it is code alone.
pub(super) fn code_of(reply: &str) -> Option<String> {
    if let Some(block) = block(reply, &["```python", "```Python", "```py", "```"]) {
        return Some(block);
    }
    let looks_like_code = reply.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("print(")
            || line.starts_with("def ")
            || line.starts_with("import ")
            || line.starts_with("from ")
    });
    looks_like_code.then(|| reply.trim().to_owned())
}

/// The content of the first fenced block; to the end where the fence was not closed.
fn block(reply: &str, openings: &[&str]) -> Option<String> {
    for opening in openings {
        let Some(at) = reply.find(opening) else {
            continue;
        };
        let rest = &reply[at + opening.len()..];
        let Some((_, code)) = rest.split_once('\n') else {
            continue;
        };
        let code = code.split("\n```").next().unwrap_or(code);
        let code = code.trim_end().trim_end_matches("```").trim_end();
        if !code.trim().is_empty() {
            return Some(dedent(code));
        }
    }
    None
}

/// Without the indentation that all lines share.
fn dedent(code: &str) -> String {
    let indent = code
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    let lines: Vec<&str> = code
        .lines()
        .map(|line| line.get(indent..).unwrap_or(""))
        .collect();
    lines.join("\n")
}

/// The line of an output that holds the answer: the last one.
pub(super) fn result_line(output: &str) -> Option<&str> {
    output.lines().rev().map(str::trim).find(|line| !line.is_empty())
}

/// Built-in functions of Python that the sandbox's interpreter does not have.
const MISSING_BUILTINS: [&str; 18] = [
    "ascii",
    "bytearray",
    "callable",
    "classmethod",
    "compile",
    "complex",
    "delattr",
    "dir",
    "eval",
    "exec",
    "format",
    "globals",
    "issubclass",
    "locals",
    "memoryview",
    "staticmethod",
    "super",
    "vars",
];

/// Whether an error is the interpreter's lack, not the program's mistake.
pub(super) fn is_lack(error: &str) -> bool {
    let undefined = error
        .strip_prefix("NameError: name '")
        .and_then(|rest| rest.split('\'').next());
    // In Python a truth value is a number.
    let of_truth = error.starts_with("TypeError: unsupported operand type") && error.contains("'bool'");
    error.starts_with("NotImplementedError")
        || error.starts_with("ModuleNotFoundError")
        || of_truth
        || undefined.is_some_and(|name| MISSING_BUILTINS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn code_of_replies() {
        for (reply, code) in [
            ("```python\nprint(1)\n```", Some("print(1)")),
            (
                "Sure!\n```python\nx = 1\nprint(x)\n```\nDone.",
                Some("x = 1\nprint(x)"),
            ),
            ("```python\nprint(1)", Some("print(1)")),
            ("  ```\n  print(1)\n  print(2)\n  ```", Some("print(1)\nprint(2)")),
            ("import math\nprint(math.pi)", Some("import math\nprint(math.pi)")),
            ("The answer is 5.", None),
            ("```python\n```", None),
        ] {
            assert_eq!(code_of(reply).as_deref(), code, "{reply}");
        }
        assert_eq!(result_line("a\n 5 \n\n"), Some("5"));
    }

    #[test]
    fn what_the_interpreter_lacks_is_no_mistake() {
        assert!(is_lack("ModuleNotFoundError: No module named 'hashlib'"));
        assert!(is_lack("NameError: name 'eval' is not defined (line 3)"));
        assert!(!is_lack("NameError: name 'total' is not defined (line 3)"));
        assert!(!is_lack("TypeError: 'eval'"));
        assert!(is_lack(
            "TypeError: unsupported operand type(s) for +: 'int' and 'bool' (line 32)"
        ));
    }

    proptest! {
        #[test]
        fn any_reply_is_read(reply in "[`a-z\\n ()é]{0,80}") {
            code_of(&reply);
        }
    }
}
