//! Which questions ask for a computation. A general rule over the words and the numbers at hand: a plain look-up must
//! not cost more, so in doubt nothing is computed.

use super::number;

/// Words of a result that is computed from several values.
const COMPUTED: &[&str] = &[
    "percentage change",
    "percent change",
    "percentage increase",
    "percentage decrease",
    "percent increase",
    "percent decrease",
    "growth rate",
    "rate of change",
    "change between",
    "change from",
    "difference between",
    "difference in",
    "ratio of",
    "ratio between",
    "sum of",
    "combined",
    "altogether",
    "add up",
    "how much more",
    "how much less",
    "how many more",
    "how many less",
    "how many fewer",
    "how much higher",
    "how much lower",
    "increase from",
    "decrease from",
    "net change",
    "compute",
    "calculate",
    "business days",
    "days after",
    "days before",
    "months after",
    "days later",
    "合計",
    "差額",
    "増加率",
    "何倍",
    "总和",
    "相差",
];
/// Words of a result that texts often state themselves: only where there are many figures is it computed.
const PERHAPS_COMPUTED: &[&str] = &[
    "what percentage",
    "what percent",
    "percentage of",
    "percent of",
    "proportion",
    "average",
    "mean of",
    "change in",
    "in total",
    "the increase in",
    "the decrease in",
    "difference",
    "ratio",
    "exceed",
    "how many times",
    "cumulative",
    "平均",
    "割合",
    "平均值",
    "百分比",
];
/// Words of a span of time in a problem that states its dates.
const DATED: &[&str] = &[
    "how many days",
    "how many months",
    "how many years",
    "how many weeks",
    "date",
    "days",
];
/// Words that ask for the length of a span of time.
const SPANS: &[&str] = &[
    "how many days",
    "how many weeks",
    "how many months",
    "how many years",
    "how long",
];
/// Numbers of a text in which figures stand for themselves, as in a table.
const MANY: usize = 12;

/// Whether a question asks for something that must be computed from what the text states.
pub fn asks_for_computation(question: &str, context: &str) -> bool {
    let asked = question.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| asked.contains(words));
    let numbers = || number::numbers(context).len();
    let total = asked.contains("total") && asked.contains(" and ");
    // "How many days are there between signing and delivery?": what stands between the words does not matter.
    let span = asked.contains("between") && SPANS.iter().any(|words| asked.contains(words));
    ((span || has(COMPUTED)) && numbers() + number::numbers(question).len() >= 2)
        || ((has(PERHAPS_COMPUTED) || total) && numbers() >= MANY)
}

/// Whether a problem without a text states the numbers of a computation.
pub(super) fn states_numbers(question: &str) -> bool {
    number::numbers(question).len() >= 2 || DATED.iter().any(|words| question.to_lowercase().contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computations_and_look_ups() {
        let table = "| 2019 | 2018 | 2017 |\n| 206,587 | 254,127 | 1 |\n| 3.5 | 4.3 | 2 |\n| 12 | 13 | 14 |";
        for (question, computes) in [
            (
                "What was the percentage change in net income between 2018 and 2019?",
                true,
            ),
            ("What is the average operating income across 2018 and 2019?", true),
            ("How many business days lie from signing to delivery?", true),
            ("What is the difference between the two?", true),
            ("What percentage of sales is that?", true),
            ("How many days are there between signing and delivery?", true),
            ("How many days' notice must be given?", false),
            ("2018年と2019年の合計はいくらですか", true),
            ("What was net income in 2019?", false),
            ("Who signed the contract?", false),
            ("What does interest expense include?", false),
        ] {
            assert_eq!(asks_for_computation(question, table), computes, "{question}");
        }
        assert!(!asks_for_computation(
            "What is the difference?",
            "no figures here"
        ));
    }
}
