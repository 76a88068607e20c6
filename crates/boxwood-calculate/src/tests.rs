//! Programs as models write them, and programs that would do harm.

use super::console::MAX_OUTPUT_BYTES;
use super::interpreter::{Outcome, Patience, run};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// A minute, in which every machine comes to the end of these steps.
const FEW_STEPS: Patience = Patience {
    time: Duration::from_secs(60),
    steps: 200_000,
};

fn seconds(seconds: u64) -> Patience {
    Patience::of(Duration::from_secs(seconds))
}

fn milliseconds(milliseconds: u64) -> Patience {
    Patience::of(Duration::from_millis(milliseconds))
}

fn output_of(program: &str) -> String {
    let outcome = run(program, &Map::new(), seconds(2));
    assert_eq!(outcome.error, None, "{program}");
    outcome.output
}

fn error_of(program: &str) -> String {
    let outcome = run(program, &Map::new(), milliseconds(300));
    outcome
        .error
        .unwrap_or_else(|| panic!("no error, but {:?}", outcome.output))
}

#[test]
fn programs_as_models_write_them() {
    for (program, expected) in [
        ("print(0.1 + 0.2)", "0.3"),
        ("x = 3\ny = x * 2", "6"),
        ("def solution():\n    a = 5\n    return a + 1\n", "6"),
        ("print(f'{1234.5:,.2f}')", "1,234.50"),
        (
            "from datetime import datetime, timedelta\nd = datetime(2002, 3, 12) + timedelta(days=1)\nprint(d.strftime('%m/%d/%Y'))",
            "03/13/2002",
        ),
        (
            "from datetime import datetime\nprint(datetime.strptime('9/1/2021', '%m/%d/%Y').strftime('%B %d'))",
            "September 01",
        ),
        ("import math\nprint(math.comb(5, 2), math.gcd(12, 18))", "10 6"),
        ("from statistics import mean\nprint(mean([1, 2, 6]))", "3"),
        ("import statistics as st\nprint(st.median([3, 1, 2]))", "2"),
        (
            "from decimal import Decimal\nprint(Decimal('19.99') * 3)",
            "59.97",
        ),
        ("import calendar\nprint(calendar.monthrange(2024, 2)[1])", "29"),
        ("values = {'a': 1, 'b': 2}\nprint(sum(values.values()))", "3"),
        (
            "total = 0\nfor i in range(1, 101):\n    if i % 3 == 0 or i % 5 == 0:\n        total += i\nprint(total)",
            "2418",
        ),
        ("print(sorted([3, 1, 2], key=lambda x: -x))", "[3, 2, 1]"),
        (
            "try:\n    1 / 0\nexcept ZeroDivisionError:\n    print('none')",
            "none",
        ),
        (
            "from collections import Counter\nprint(Counter('abca').most_common(1))",
            "[('a', 2)]",
        ),
        ("d = {'a': 1}\ndel d['a']\nprint(d)", "{}"),
        ("print(2 ** 100)", "1267650600228229401496703205376"),
    ] {
        assert_eq!(output_of(program), expected, "{program}");
    }
}

#[test]
fn dates_and_amounts_of_the_prelude() {
    for (program, expected) in [
        ("days_between('2024-02-01', '2024-03-01')", "29"),
        ("str(add_months('2024-01-31', 1))", "2024-02-29"),
        ("str(add_months('March 31, 2024', -1))", "2024-02-29"),
        ("str(add_years('2/29/2024', 1))", "2025-02-28"),
        ("months_between('2023-01-15', '2024-01-14')", "11"),
        ("years_between('1 May 2000', '2026-04-30')", "25"),
        ("business_days('2024-01-05', '2024-01-08')", "1"),
        (
            "business_days('2023-12-22', '2024-01-02', ['2023-12-25', '2024-01-01'])",
            "5",
        ),
        ("str(add_business_days('2024-01-05', 1))", "2024-01-08"),
        ("str(parse_date('2024年3月1日'))", "2024-03-01"),
        ("str(parse_date('令和6年3月1日'))", "2024-03-01"),
        ("str(parse_date('平成元年1月8日'))", "1989-01-08"),
        ("str(parse_date('03.01.2024'))", "2024-01-03"),
        ("str(parse_date('03/01/2024'))", "2024-03-01"),
        ("str(parse_date('1. März 2024'))", "2024-03-01"),
        ("weekday_name('2024-02-29')", "Thursday"),
        ("number('$(1,234.50)') + number('(10)')", "-1244.5"),
        ("number('1.234,50 €')", "1234.5"),
        ("number('12,5') + number('1,000')", "1012.5"),
        ("number('△1,200')", "-1200"),
        ("exact_sum([0.1] * 10)", "1"),
        ("exact_sum(['$1,000.10', '(0.20)'])", "999.9"),
        ("exact_sum(['1,000.10', 0.2])", "1000.3"),
        ("exact_product([0.07, 100])", "7"),
        ("round_half_up(2.675, 2)", "2.68"),
        ("round_half_up(-0.5)", "-1"),
        ("fraction(0.15)", "3/20"),
        ("fraction(-2.5)", "-5/2"),
        ("is_prime(97)", "True"),
    ] {
        assert_eq!(output_of(program), expected, "{program}");
    }
}

#[test]
fn values_are_handed_over_with_their_kinds() {
    let Value::Object(values) = json!({
        "signed": {"date": "2024-03-01"},
        "table_1": [{"item": "Rent", "amount": 1200.5}, {"item": "Heat", "amount": 80}],
        "note": null
    }) else {
        panic!("an object");
    };
    let program = "print(add_months(signed, 6), sum([row['amount'] for row in table_1]), note)";
    let outcome = run(program, &values, seconds(1));
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.output, "2024-09-01 1280.5 None");
}

#[test]
fn mistakes_are_told_with_the_line_of_the_program() {
    for (program, words) in [
        ("a = 1\nb = a / 0", "ZeroDivisionError: division by zero (line 2)"),
        ("import sympy", "ModuleNotFoundError"),
        ("x = (1", "SyntaxError"),
        ("print(undefined)", "NameError"),
    ] {
        let error = error_of(program);
        assert!(error.contains(words), "{program}: {error}");
    }
}

#[test]
fn what_never_ends_is_ended() {
    for program in [
        "while True:\n    pass",
        "x = 0\nwhile x >= 0:\n    x += 1",
        "def f(n):\n    return f(n - 1) + f(n - 2) if n > 1 else n\nprint(f(60))",
        "[x for x in range(10 ** 12)]",
        "try:\n    while True:\n        pass\nexcept Exception:\n    pass",
    ] {
        let started = Instant::now();
        let error = error_of(program);
        // Of both limits the one that the machine comes to first.
        assert!(error.contains("limit exceeded"), "{program}: {error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{program}");
    }
}

#[test]
fn steps_end_a_program_at_the_same_place_on_every_machine() {
    let run = |program: &str| -> Outcome { run(program, &Map::new(), FEW_STEPS) };
    let counting = "n = 0\nwhile True:\n    n += 1\n    if n % 1000 == 0:\n        print(n)";
    let first = run(counting);
    assert!(
        first
            .error
            .as_deref()
            .is_some_and(|error| error.starts_with("TimeoutError: step limit exceeded")),
        "{first:?}"
    );
    assert!(first.output.lines().count() > 1, "{first:?}");
    assert_eq!(run(counting), first);
    for program in [
        "while True:\n    pass",
        "while True:\n    try:\n        while True:\n            pass\n    except Exception:\n        pass",
        "def key(x):\n    while True:\n        x += 1\nprint(sorted([3, 1, 2], key=key))",
        "try:\n    max([1, 2], key=lambda x: sum([y for y in range(10 ** 9)]))\nexcept Exception:\n    print('caught')",
        "for i in range(10 ** 9):\n    i * i",
    ] {
        let error = run(program).error.unwrap_or_default();
        assert!(error.contains("step limit exceeded"), "{program}: {error}");
    }
    assert_eq!(run("print(sum([i for i in range(10000)]))").error, None);
}

fn tables() -> Map<String, Value> {
    let Value::Object(values) = json!({"tables": [
        [
            ["", "", "Fiscal Years Ended March 31,", ""],
            ["", 2019, 2018, 2017],
            ["Net income (1)", 206_587, 254_127, 47_157],
            ["Denominator:", "", "", ""],
            ["Basic", 57_840, 52_798, 46_552],
            ["Warrants", "—", 3_551, 6_602],
            ["Net income per basic share (1)", 3.57, 4.81, 1.01],
        ],
        [["Item", "Qty", "Price"], ["Widget", 2, 9.99], ["Basic", 1, 5], ["Vat", "", ""]],
    ]}) else {
        panic!("an object");
    };
    values
}

#[test]
fn cells_are_found_by_their_labels_and_told() {
    for (program, expected, cells) in [
        (
            "print(cell('Net income', 2019) - cell('net income', '2018'))",
            "-47540",
            vec![[0, 2, 1], [0, 2, 2]],
        ),
        ("print(cell('Basic', '2017'))", "46552", vec![[0, 4, 3]]),
        ("print(cell('warrants', 2019) + 1)", "1", vec![[0, 5, 1]]),
        (
            "print(cell('Widget', 'Unit price') * cell('Widget', 'qty'))",
            "19.98",
            vec![[1, 1, 2], [1, 1, 1]],
        ),
        ("print(cell('Basic', 'Price', table=1))", "5", vec![[1, 2, 2]]),
        ("print(sum([row[1] for row in tables[1][1:3]]))", "3", vec![]),
        ("_read_cells = [['x', 1], 3]\nprint(1)", "1", vec![]),
    ] {
        let outcome = run(program, &tables(), seconds(2));
        assert_eq!(outcome.error, None, "{program}");
        assert_eq!(
            (outcome.output.as_str(), outcome.cells),
            (expected, cells),
            "{program}"
        );
    }
}

#[test]
fn a_label_that_is_not_there_is_told_with_those_that_are() {
    for (program, words) in [
        ("cell('Sales', 2019)", "no row 'Sales'; rows: 'Net income (1)'"),
        ("cell('Net income', 2030)", "no column 2030; columns: "),
        ("cell('Net income')", "which column of row 'Net income'"),
        ("cell('Vat', 'Price')", "is empty"),
        ("cell('Basic', 'Price', table=7)", "there are 2 tables"),
    ] {
        let error = run(program, &tables(), seconds(2)).error.unwrap_or_default();
        assert!(
            error.starts_with("ValueError") && error.contains(words),
            "{program}: {error}"
        );
    }
    assert!(error_of("cell('Net income', 2019)").contains("there are no tables"));
}

#[test]
fn depth_and_output_have_an_end() {
    assert!(error_of("def f(n):\n    return f(n + 1)\nf(0)").contains("RecursionError"));
    let outcome = run("while True:\n    print('x' * 1000)", &Map::new(), seconds(5));
    assert!(outcome.error.is_some());
    assert!(outcome.output.len() <= MAX_OUTPUT_BYTES);
    let nested = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(run(&nested, &Map::new(), seconds(1)).error.is_some());
}

#[test]
fn files_network_and_environment_are_not_there() {
    for program in [
        "open('/etc/passwd').read()",
        "from pathlib import Path\nPath('/etc/passwd').read_text()",
        "import os\nos.getenv('HOME')",
        "import os\nprint(os.environ['HOME'])",
        "import os\nos.system('ls')",
        "import socket",
        "import subprocess",
        "import urllib.request",
        "__import__('os').system('ls')",
        "eval('1')",
    ] {
        error_of(program);
    }
}

proptest! {
    #[test]
    fn any_text_ends_with_an_outcome(text in "[ -~\n]{0,60}") {
        run(&text, &Map::new(), milliseconds(200));
    }

    #[test]
    fn cents_add_up_exactly(cents in proptest::collection::vec(-100_000i64..100_000, 1..20)) {
        let amounts: Vec<String> = cents
            .iter()
            .map(|cents| format!("{}{}.{:02}", if *cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100))
            .collect();
        let sum: i64 = cents.iter().sum();
        let output = output_of(&format!("exact_sum([{}])", amounts.join(", ")));
        let value: f64 = output.parse().unwrap();
        prop_assert_eq!((value * 100.0).round() as i64, sum);
    }

    #[test]
    fn days_and_their_differences_agree(start in 0i64..20_000, days in -5_000i64..5_000) {
        let program = format!(
            "a = add_days('1970-01-01', {start})\nb = add_days(a, {days})\nprint(days_between(a, b))"
        );
        prop_assert_eq!(output_of(&program), days.to_string());
    }

    #[test]
    fn months_there_and_back_stay_in_the_month(start in 0i64..20_000, months in -240i64..240) {
        let program = format!(
            "a = add_days('1970-01-01', {start})\nb = add_months(add_months(a, {months}), {})\nprint((a.year, a.month) == (b.year, b.month), a.day - b.day >= 0)",
            -months
        );
        prop_assert_eq!(output_of(&program), "True True");
    }
}
