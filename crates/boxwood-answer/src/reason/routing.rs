//! Which questions ask for a computation. A general rule over the words and the numbers at hand: a plain look-up must
//! not cost more, so in doubt nothing is computed.

pub(super) mod words;

use super::number;
use words::has;

/// Beginnings of questions that ask for words, not for a result.
const EXPLAINED: &[&str] = &[
    "why ",
    "what caused",
    "what does",
    "what do ",
    "how is ",
    "how are ",
    "how was ",
    "how were ",
    "which ",
    "in which ",
    "who ",
    "where ",
    "warum ",
    "wie wird ",
    "wie wurde ",
    "wer ",
    "welche",
    "in welche",
    "なぜ",
    "どの",
    "誰",
];
/// Words of a result that is computed from several values.
const COMPUTED: &[&str] = &[
    "percentage change",
    "percent change",
    "percentage increase",
    "percentage decrease",
    "percent increase",
    "percent decrease",
    "rate of change",
    "change between",
    "difference in",
    "ratio of",
    "ratio between",
    "altogether",
    "add up",
    "by how much",
    "how much more",
    "how much less",
    "how many more",
    "how many less",
    "how many fewer",
    "how much higher",
    "how much lower",
    "how much cheaper",
    "increase from",
    "decrease from",
    "net change",
    "compute",
    "calculate",
    "business days",
    "days later",
    "days left",
    "days are left",
    "um wie viel",
    "um wieviel",
    "prozentuale veränderung",
    "wie viel mehr",
    "wie viel weniger",
    "berechne",
    "werktage liegen",
    "arbeitstage liegen",
    "増加率",
    "減少率",
    "何倍",
    "何％増",
    "何%増",
    "何％減",
    "何%減",
    "营业日",
    "相差",
    "增长率",
];
/// Words of a result over two values, where the question names both by a number, as a year is.
const OVER_TWO: &[&str] = &[
    "increase",
    "decrease",
    "the change",
    "change in",
    "change of",
    "growth",
    "grow",
    "difference",
    "combined",
    "sum ",
    "average",
    "unterschied",
    "differenz",
    "veränderung",
    "zunahme",
    "abnahme",
    "summe",
    "durchschnitt",
    "差",
    "増",
    "減",
    "平均",
];
/// A total of these together, not one that stands in the document: the word, and the word that joins its parts.
const TOTALS: &[(&str, &str)] = &[
    ("total", " and "),
    ("total", " to "),
    ("total", " through "),
    ("total", " - "),
    ("summe", " und "),
    ("合計", "と"),
    ("总和", "和"),
    ("合计", "和"),
];
/// Words of a day that is counted from another one, where the question says how many days.
const COUNTED: &[&str] = &[
    "days after",
    "days before",
    "months after",
    "months before",
    "tage nach",
    "tage vor",
    "日後",
    "日前",
    "天后",
    "天前",
];
/// A total of named things: only where there are many figures.
const TOTALS_OF: &[(&str, &str)] = &[("total of ", " and "), ("sum of ", " and ")];
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
    "change from",
    "in total",
    "sum of",
    "growth rate",
    "rate of return",
    "roi ",
    "difference",
    "ratio",
    "how many times",
    "cumulative",
    "assuming ",
    "wie viel prozent",
    "durchschnitt",
    "differenz",
    "anteil an",
    "平均",
    "割合",
    "差額",
    "前年比",
    "平均值",
    "百分比",
];
/// Numbers of a text in which figures stand for themselves, as in a table.
const MANY: usize = 12;

/// Whether a question asks for something that must be computed from what the text states.
pub fn asks_for_computation(question: &str, context: &str) -> bool {
    // A weighted average stands in a table; no average is asked for.
    let asked = question
        .trim()
        .to_lowercase()
        .replace("weighted average", "weighted");
    let asked = asked.replace("weighted-average", "weighted");
    // "… in 2018 and 2019 respectively": each of several values. "…, and why?": words.
    let asks_for_words = has(&asked, &[" respectively", " why", " warum"]);
    if asks_for_words || EXPLAINED.iter().any(|words| asked.starts_with(words)) {
        return false;
    }
    let named = number::numbers(question).len();
    let figures = || number::numbers(context).len();
    let total = |words: &[(&str, &str)]| {
        words
            .iter()
            .any(|(total, joined)| asked.contains(total) && asked.contains(joined))
    };
    let has = |words: &[&str]| has(&asked, words);
    let surely = words::asks_for_span_between(question)
        || has(COMPUTED)
        || (named >= 1 && has(COUNTED))
        || (named >= 2 && (has(OVER_TWO) || total(TOTALS)));
    // "How many years did assets exceed $400 million?": the rows are counted.
    let counts = named >= 1 && asked.starts_with("how many") && asked.contains("exceed");
    (surely && figures() + named >= 2)
        || ((counts || has(PERHAPS_COMPUTED) || total(TOTALS_OF)) && figures() >= MANY)
}

/// Whether a problem without a text states the numbers of a computation.
pub(super) fn states_numbers(question: &str) -> bool {
    number::numbers(question).len() >= 2 || words::states_dates(question)
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
            (
                "What is the increase / (decrease) in cash from 2018 to 2019?",
                true,
            ),
            ("What was total revenue in 2018 and 2019?", true),
            (
                "What were total payments of debt for the years 2010 - 2014?",
                true,
            ),
            ("What is the total of service cost and interest cost?", true),
            ("What is the total of service cost?", false),
            ("By how much did revenue grow?", true),
            ("What is the date 30 days after the delivery?", true),
            ("Um wie viel Prozent ist der Umsatz gestiegen?", true),
            ("Wie viele Tage liegen zwischen Lieferung und Zahlung?", true),
            ("納品から支払まで何日ですか", true),
            ("How many days after delivery may goods be returned?", false),
            ("How is the price computed?", false),
            ("In which years was operating income calculated for?", false),
            ("What caused the increase in interest income?", false),
            ("What is the total amount due and the due date?", false),
            ("How many items exceeded 10?", true),
            ("On how many days was the limit exceeded?", false),
            ("What was the change in 2018 and 2019, and why?", false),
            ("What is the sum insured?", false),
            ("What changes were made in 2018 and 2019?", false),
            ("What was the weighted average exercise price?", false),
            ("What were the total assets in 2019 and 2018 respectively?", false),
            ("Who leads the combined company?", false),
            ("請求書の合計はいくらですか", false),
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
