//! Queries as data: what the model writes, against what comes out.

use super::choose::{Detail, describe, read, schema};
use super::run::run;
use super::table::tables_of;
use super::table::tests::csv;
use super::worked::Worked;
use boxwood_core::Document;
use serde_json::{Value, json};

/// Sales of three months with a row of totals, an amount that is missing and one that is a word.
fn sales() -> Document {
    csv("Month;Region;Product;Units;Revenue;Sold on\n\
         January;West;Vase;291;13,968.10 EUR;2026-01-31\n\
         January;North;Mug;100;1,400.20 EUR;2026-01-30\n\
         February;West;Bowl;204;4,488.00 EUR;2026-02-27\n\
         March;West;Vase;302;14,496.00 EUR;2026-03-31\n\
         March;West;Mug;n/a;;2026-03-05\n\
         March;North;Vase;150;7,200.00 EUR;2026-03-31\n\
         April;South;Tea pot;12;0.05 EUR;2027-04-01\n\
         Total;;;1059;41,552.35 EUR;")
}

/// The result of what the model wrote, in one line, or why there is none.
fn result(document: &Document, reply: &Value) -> String {
    let tables = tables_of(document);
    let mut query = match read(&reply.to_string(), &tables) {
        Ok(Some(query)) => query,
        Ok(None) => return "none".to_owned(),
        Err(why) => return format!("refused: {why}"),
    };
    let table = &tables[query.table];
    match run(&mut query, table) {
        Ok(outcome) => Worked::of(&query, &outcome, &tables, document).calculation.result,
        Err(error) => format!("failed: {error}"),
    }
}

fn query(operation: &str, column: &str, conditions: Value) -> Value {
    json!({"table": "table", "where": conditions, "operation": operation, "column": column,
           "group_by": "", "group_part": "", "keep": "all"})
}

fn only(column: &str, test: &str, values: Value) -> Value {
    json!([{"column": column, "test": test, "values": values}])
}

#[test]
fn operations_compute_over_all_rows_but_totals() {
    let document = sales();
    for (operation, column, expected) in [
        ("sum", "Units", "1059"),
        ("sum", "Revenue", "41552.35 EUR"),
        ("average", "Units", "176.5"),
        ("average", "Revenue", "6925.3917 EUR"),
        ("min", "Units", "12"),
        ("max", "Revenue", "14496.00 EUR"),
        ("min", "Sold on", "2026-01-30"),
        ("max", "Sold on", "2027-04-01"),
        ("count", "", "7"),
        ("count", "Revenue", "6"),
        ("count_distinct", "Product", "4"),
        ("sum", "Region", "failed: the column \"Region\" holds no numbers"),
        ("max", "Region", "failed: the column \"Region\" holds no numbers"),
    ] {
        assert_eq!(
            result(&document, &query(operation, column, json!([]))),
            expected,
            "{operation} of {column}"
        );
    }
}

#[test]
fn conditions_choose_rows() {
    let document = sales();
    for (column, test, values, expected) in [
        ("Product", "=", json!(["Vase"]), "743"),
        ("Product", "=", json!(["vases"]), "743"),
        ("Product", "=", json!(["Vase", "Bowl"]), "947"),
        ("Product", "!=", json!(["Vase"]), "316"),
        ("Product", "contains", json!(["pot"]), "12"),
        ("Region", "=", json!(["West"]), "797"),
        ("Month", "month", json!(["3"]), "452"),
        ("Month", "=", json!(["3"]), "452"),
        ("Units", "<", json!(["150"]), "112"),
        ("Units", "<=", json!(["150"]), "262"),
        ("Units", ">", json!(["291"]), "302"),
        ("Units", ">=", json!([291]), "593"),
        ("Units", "between", json!(["100", "204"]), "454"),
        ("Revenue", ">", json!(["14,000 EUR"]), "302"),
        ("Sold on", "year", json!(["2027"]), "12"),
        ("Sold on", "month", json!(["March"]), "452"),
        ("Sold on", "month", json!(["2026-01"]), "391"),
        ("Sold on", "day", json!(["31"]), "743"),
        ("Sold on", "=", json!(["2026-02-27"]), "204"),
        ("Sold on", "=", json!(["2026-03"]), "452"),
        ("Sold on", ">", json!(["2026"]), "12"),
        ("Sold on", "<=", json!(["2026-01"]), "391"),
        ("Sold on", "between", json!(["2026-02", "2026-03"]), "656"),
        (
            "Region",
            "=",
            json!(["Atlantis"]),
            "failed: no row of the sheet fits",
        ),
    ] {
        let found = result(
            &document,
            &query("sum", "Units", only(column, test, values.clone())),
        );
        assert_eq!(found, expected, "{column} {test} {values}");
    }
}

#[test]
fn several_conditions_hold_together() {
    let conditions = json!([
        {"column": "Product", "test": "=", "values": ["Vases"]},
        {"column": "Region", "test": "=", "values": ["west"]},
        {"column": "Month", "test": "=", "values": ["March"]},
    ]);
    assert_eq!(result(&sales(), &query("sum", "Units", conditions)), "302");
}

#[test]
fn groups_have_a_result_each() {
    let document = sales();
    let grouped = |by: &str, part: &str, keep: &str| {
        let mut reply = query("sum", "Units", json!([]));
        reply["group_by"] = json!(by);
        reply["group_part"] = json!(part);
        reply["keep"] = json!(keep);
        result(&document, &reply)
    };
    assert_eq!(grouped("Region", "", "all"), "West: 797; North: 250; South: 12");
    assert_eq!(grouped("Region", "", "highest"), "West: 797");
    assert_eq!(grouped("Product", "", "lowest"), "Tea pot: 12");
    assert_eq!(grouped("Sold on", "year", "all"), "2026: 1047; 2027: 12");
    assert_eq!(grouped("Sold on", "month", "highest"), "2026-03: 452");
}

#[test]
fn cells_are_looked_up() {
    let document = sales();
    let found = |column: &str, conditions: Value| result(&document, &query("lookup", column, conditions));
    assert_eq!(found("Region", only("Product", "=", json!(["Tea pot"]))), "South");
    assert_eq!(
        found("Product", only("Region", "=", json!(["West"]))),
        "Vase, Bowl, Mug"
    );
    assert_eq!(found("Units", only("Month", "=", json!(["Total"]))), "1059");
}

#[test]
fn replies_are_read_leniently_and_refused_with_what_is_wrong() {
    let document = sales();
    let tables = tables_of(&document);
    for (reply, expected) in [
        (
            r#"```json {"table":"table","operation":"total","column":"units"} ```"#,
            Ok(true),
        ),
        (
            r#"{"table":"no such","operation":"avg","column":"D","where":{"column":"Region","test":"is","value":"West"}}"#,
            Ok(true),
        ),
        (r#"{"operation":"none"}"#, Ok(false)),
        ("The answer is 302.", Err("the reply is no JSON object")),
        (
            r#"{"table":"table","operation":"sum","column":"Profit"}"#,
            Err("the table \"table\" has no column \"Profit\""),
        ),
        (
            r#"{"table":"table","operation":"sum"}"#,
            Err("\"column\" must name the column that is computed over"),
        ),
        (
            r#"{"table":"table","operation":"guess","column":"Units"}"#,
            Err("\"operation\" can't be \"guess\""),
        ),
        (
            r#"{"table":"table","operation":"sum","column":"Units","where":[{"column":"Units","test":"between","values":["1"]}]}"#,
            Err("\"between\" needs two values"),
        ),
    ] {
        let read = read(reply, &tables).map(|query| query.is_some());
        assert_eq!(
            read.as_ref().map_err(String::as_str),
            expected.as_ref().map_err(|why| *why),
            "{reply}"
        );
    }
}

#[test]
fn the_query_is_told_in_words_with_its_cells() {
    let document = sales();
    let tables = tables_of(&document);
    let conditions = json!([
        {"column": "Product", "test": "=", "values": ["vases"]},
        {"column": "Sold on", "test": "between", "values": ["2026-03-01", "2026-03-31"]},
    ]);
    let mut reply = query("sum", "Units", conditions);
    reply["group_by"] = json!("Region");
    reply["keep"] = json!("highest");
    let mut query = read(&reply.to_string(), &tables).unwrap().unwrap();
    let outcome = run(&mut query, &tables[0]).unwrap();
    let calculation = Worked::of(&query, &outcome, &tables, &document).calculation;
    assert_eq!(
        calculation.query,
        "sum of \"Units\" in \"table\" where \"Product\" = \"Vase\" and \"Sold on\" between \"2026-03-01\" and \
         \"2026-03-31\", for each \"Region\", the highest"
    );
    assert_eq!(
        (calculation.cells, calculation.rows_used, calculation.rows_read),
        (vec!["D5".to_owned()], 1, 8)
    );
}

#[test]
fn cells_that_are_no_numbers_are_counted() {
    let document = sales();
    let tables = tables_of(&document);
    let mut query = read(&query("sum", "Units", json!([])).to_string(), &tables)
        .unwrap()
        .unwrap();
    let outcome = run(&mut query, &tables[0]).unwrap();
    let calculation = Worked::of(&query, &outcome, &tables, &document).calculation;
    assert_eq!(
        (calculation.cells_skipped, calculation.cells),
        (1, vec!["D2:D5".to_owned(), "D7:D8".to_owned()])
    );
}

#[test]
fn the_model_is_shown_columns_with_their_values_and_as_few_as_needed() {
    let document = sales();
    let tables = tables_of(&document);
    let full = describe(&tables, Detail::LEVELS[0]);
    for line in [
        "Table \"table\", 8 rows:",
        "- \"Region\": text: West, North, South",
        "- \"Units\": numbers from 12 to 302",
        "- \"Sold on\": dates from 2026-01-30 to 2027-04-01",
    ] {
        assert!(full.contains(line), "{line} is missing in {full}");
    }
    assert!(describe(&tables, Detail::LEVELS[3]).contains("- \"Region\": text\n"));
    let schema = schema(&tables);
    assert_eq!(schema["properties"]["table"]["enum"], json!(["table"]));
    assert_eq!(
        schema["properties"]["column"]["enum"].as_array().map(Vec::len),
        Some(7)
    );
}
