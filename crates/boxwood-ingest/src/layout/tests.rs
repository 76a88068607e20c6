//! Layout on made-up glyphs: words, columns, tables, vertical writing.

use super::*;
use proptest::prelude::*;

/// Glyphs of a line: Latin letters advance half a size, others a whole one; blanks only advance.
pub(super) fn line(left: f32, baseline: f32, size: f32, text: &str) -> Vec<Glyph> {
    let mut glyphs = Vec::new();
    let mut x = left;
    for c in text.chars() {
        let width = if c.is_ascii() { 0.5 * size } else { size };
        if c != ' ' {
            glyphs.push(glyph(c, x, x + width, baseline, size, 0));
        }
        x += width;
    }
    glyphs
}

/// Rows of ten-point lines: where their columns begin, the first baseline and the distance to the next.
pub(super) fn lines_in_rows<const COLUMNS: usize>(
    lefts: [f32; COLUMNS],
    (first, pitch): (f32, f32),
    rows: &[[&str; COLUMNS]],
) -> Vec<Vec<Glyph>> {
    let mut lines = Vec::new();
    for (row, cells) in rows.iter().enumerate() {
        let baseline = first + pitch * row as f32;
        let cells = lefts.iter().zip(cells);
        lines.extend(cells.map(|(left, text)| line(*left, baseline, 10.0, text)));
    }
    lines
}

fn glyph(c: char, left: f32, right: f32, baseline: f32, size: f32, direction: i16) -> Glyph {
    let (top, bottom) = (baseline - 0.8 * size, baseline + 0.2 * size);
    let bounds = BoundingBox {
        left,
        top,
        right,
        bottom,
    };
    Glyph {
        text: GlyphText::Char(c),
        left,
        right,
        baseline,
        size,
        bounds,
        direction,
    }
}

pub(super) fn texts(page: &PageLayout) -> Vec<String> {
    page.lines
        .iter()
        .map(|line| emit::line_text(&line.words))
        .collect()
}

/// Which of these lines holds a text.
#[track_caller]
pub(super) fn place(read: &[String], text: &str) -> usize {
    read.iter().position(|line| line.contains(text)).unwrap()
}

pub(super) fn arranged(lines: &[Vec<Glyph>], rules: &[Rule]) -> PageLayout {
    arrange_glyphs(lines.concat(), rules)
}

#[test]
fn glyphs_become_words_by_their_gaps() {
    let check = |glyphs: Vec<Glyph>, expected: &[&str]| {
        assert_eq!(texts(&arrange_glyphs(glyphs, &[])), expected);
    };
    check(line(10.0, 20.0, 10.0, "Hello new world"), &["Hello new world"]);
    check(line(10.0, 20.0, 10.0, "契約書  第2条"), &["契約書 第2条"]);
    // Justified Japanese is set with small gaps that are not spaces.
    check(line(10.0, 20.0, 10.0, "契約 書"), &["契約書"]);
    // Tight setting: spaces of an eighth of the size are still spaces when letters touch.
    let mut tight = line(10.0, 20.0, 10.0, "ab");
    tight.extend(line(21.4, 20.0, 10.0, "cd"));
    check(tight, &["ab cd"]);
    // Letter-spaced capitals are one word.
    let spaced: Vec<Glyph> = "TITLE"
        .chars()
        .enumerate()
        .map(|(i, c)| glyph(c, 10.0 + 7.0 * i as f32, 15.0 + 7.0 * i as f32, 20.0, 10.0, 0))
        .collect();
    check(spaced, &["TITLE"]);
    // A ligature keeps its letters.
    let mut ligature = line(10.0, 20.0, 10.0, "o");
    ligature.push(Glyph {
        text: GlyphText::Char('\u{fb03}'),
        ..glyph('x', 15.0, 22.0, 20.0, 10.0, 0)
    });
    ligature.extend(line(22.0, 20.0, 10.0, "ce"));
    check(ligature, &["office"]);
}

#[test]
fn right_to_left_words_are_read_in_their_order() {
    // Drawn from left to right as the eye sees it: the file's order is reversed.
    let visual = line(10.0, 20.0, 10.0, "םלוע םולש");
    assert_eq!(texts(&arrange_glyphs(visual, &[])), ["שלום עולם"]);
    // Drawn from right to left: the file's order is the reading order.
    let logical: Vec<Glyph> = "שלום"
        .chars()
        .enumerate()
        .map(|(i, c)| glyph(c, 90.0 - 5.0 * i as f32, 95.0 - 5.0 * i as f32, 20.0, 10.0, 0))
        .collect();
    assert_eq!(texts(&arrange_glyphs(logical, &[])), ["שלום"]);
}

#[test]
fn footnote_marks_stay_in_their_line() {
    let mut glyphs = line(10.0, 50.0, 10.0, "revenue");
    glyphs.extend(line(45.5, 46.5, 6.0, "2"));
    glyphs.extend(line(55.0, 50.0, 10.0, "grew"));
    let lines = texts(&arrange_glyphs(glyphs, &[]));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("revenue"), "{lines:?}");
}

#[test]
fn columns_are_read_one_after_the_other() {
    let mut lines = vec![line(60.0, 40.0, 18.0, "A title over both of the columns here")];
    // Row by row, as some programs write, and with baselines that differ between the columns.
    for row in 0..10 {
        let y = 80.0 + 12.0 * row as f32;
        lines.push(line(
            40.0,
            y,
            10.0,
            &format!("left column line number {row:02} is full of text"),
        ));
        lines.push(line(
            300.0,
            y + 3.0,
            10.0,
            &format!("right column line number {row:02} has words too"),
        ));
    }
    lines.push(line(
        60.0,
        230.0,
        10.0,
        "a footer that runs across the whole width of this page, from left to right",
    ));
    let read = texts(&arranged(&lines, &[]));
    assert_eq!(read.len(), 22);
    assert!(read[0].starts_with("A title"));
    for row in 0..10 {
        assert!(
            read[1 + row].starts_with(&format!("left column line number {row:02}")),
            "{read:#?}"
        );
        assert!(
            read[11 + row].starts_with(&format!("right column line number {row:02}")),
            "{read:#?}"
        );
    }
    assert!(read[21].starts_with("a footer"));
}

#[test]
fn rows_of_a_table_stay_together() {
    let lines = lines_in_rows(
        [40.0, 200.0, 300.0],
        (100.0, 14.0),
        &[
            ["Item", "Quantity", "Amount"],
            ["Paper A4, white", "20", "198.00"],
            ["Toner", "3", "$ 1,240.10"],
            ["Shipping and handling", "1", "12.00"],
            ["Total", "", "1,450.10"],
        ],
    );
    let page = arranged(&lines, &[]);
    assert_eq!(page.tables.len(), 1);
    let table = &page.tables[0];
    assert_eq!(table.header_rows, 1);
    assert_eq!(table.rows[1], ["Paper A4, white", "20", "198.00"]);
    assert_eq!(table.rows[2], ["Toner", "3", "$ 1,240.10"]);
    assert_eq!(table.rows[4], ["Total", "", "1,450.10"]);
    assert_eq!(page.lines[3].kind, LineKind::TableRow { table: 0, row: 3 });
}

#[test]
fn lists_and_paragraphs_are_not_tables() {
    let item = ["•", "an item of a list with some words that follow the mark"];
    let lines = lines_in_rows([40.0, 65.0], (100.0, 14.0), &[item; 6]);
    assert!(arranged(&lines, &[]).tables.is_empty());
}

pub(super) fn grid_rules(columns: &[f32], rows: &[f32]) -> Vec<Rule> {
    let (left, right) = (columns[0], columns[columns.len() - 1]);
    let (top, bottom) = (rows[0], rows[rows.len() - 1]);
    let across = rows.iter().map(|&position| Rule {
        horizontal: true,
        position,
        from: left,
        to: right,
    });
    let down = columns.iter().map(|&position| Rule {
        horizontal: false,
        position,
        from: top,
        to: bottom,
    });
    across.chain(down).collect()
}

#[test]
fn ruled_cells_keep_their_lines_together() {
    let rules = grid_rules(&[30.0, 150.0, 300.0], &[80.0, 110.0, 140.0]);
    let lines = [
        line(35.0, 92.0, 10.0, "Term"),
        line(155.0, 92.0, 10.0, "Twelve months from"),
        line(155.0, 104.0, 10.0, "the first delivery"),
        line(35.0, 122.0, 10.0, "Fee"),
        line(155.0, 122.0, 10.0, "EUR 500"),
        line(35.0, 160.0, 10.0, "Text after the table"),
    ];
    let page = arranged(&lines, &rules);
    assert_eq!(page.tables.len(), 1);
    assert_eq!(
        page.tables[0].rows,
        [
            ["Term", "Twelve months from the first delivery"],
            ["Fee", "EUR 500"]
        ]
    );
    assert_eq!(
        texts(&page).last().map(String::as_str),
        Some("Text after the table")
    );
}

#[test]
fn vertical_writing_runs_down_and_to_the_left() {
    let column = |x: f32, text: &str| -> Vec<Glyph> {
        text.chars()
            .enumerate()
            .map(|(i, c)| {
                let top = 40.0 + 12.0 * i as f32;
                let bounds = BoundingBox {
                    left: x,
                    top,
                    right: x + 12.0,
                    bottom: top + 12.0,
                };
                Glyph {
                    text: GlyphText::Char(c),
                    left: top,
                    right: top + 12.0,
                    baseline: -(x + 6.0),
                    size: 12.0,
                    bounds,
                    direction: VERTICAL,
                }
            })
            .collect()
    };
    let page = arranged(&[column(100.0, "二行目です"), column(120.0, "縦書きの文章")], &[]);
    assert_eq!(texts(&page), ["縦書きの文章", "二行目です"]);
    assert_eq!(page.lines[0].words[1].word.bounds.top, 52.0);
}

#[test]
fn the_most_common_direction_comes_first() {
    let mut glyphs: Vec<Glyph> = line(0.0, -20.0, 8.0, "stamp")
        .into_iter()
        .map(|g| Glyph { direction: 270, ..g })
        .collect();
    glyphs.extend(line(40.0, 50.0, 10.0, "the text of the page"));
    assert_eq!(
        texts(&arrange_glyphs(glyphs, &[])),
        ["the text of the page", "stamp"]
    );
}

proptest! {
    #[test]
    fn every_word_comes_out_exactly_once(
        places in prop::collection::vec((0.0f32..600.0, 0.0f32..800.0, 4.0f32..30.0), 0..120),
        rules in prop::collection::vec((any::<bool>(), 0.0f32..800.0, 0.0f32..300.0, 300.0f32..600.0), 0..12),
    ) {
        let rules: Vec<Rule> = rules
            .into_iter()
            .map(|(horizontal, position, from, to)| Rule { horizontal, position, from, to })
            .collect();
        let words: Vec<LayoutWord> = places
            .iter()
            .enumerate()
            .map(|(index, &(x, y, size))| LayoutWord {
                text: format!("w{index}"),
                bounds: BoundingBox { left: x, top: y - size, right: x + 3.0 * size, bottom: y },
                left: x,
                right: x + 3.0 * size,
                baseline: y,
                size,
                join: Join::Unknown,
                confidence: None,
                direction: 0,
            })
            .collect();
        let page = arrange_words(words, &rules);
        let mut out: Vec<String> =
            page.lines.iter().flat_map(|line| line.words.iter().map(|word| word.word.text.clone())).collect();
        out.sort();
        let mut expected: Vec<String> = (0..places.len()).map(|index| format!("w{index}")).collect();
        expected.sort();
        prop_assert_eq!(out, expected);
    }
}

#[test]
fn sizes_and_marks_tell_the_kinds_of_lines() {
    let lines = [
        line(40.0, 60.0, 20.0, "Lease of a workshop"),
        line(40.0, 90.0, 13.0, "1. Premises"),
        line(
            40.0,
            110.0,
            10.0,
            "The landlord lets the workshop to the tenant for five years.",
        ),
        line(40.0, 122.0, 10.0, "(a) two parking bays"),
        line(40.0, 134.0, 10.0, "• the yard"),
    ];
    let mut builder = boxwood_core::document::DocumentBuilder::new(1, boxwood_core::DocumentFormat::Pdf);
    emit_page(&mut builder, arranged(&lines, &[]), &mut BodySize::default());
    let kinds: Vec<LineKind> = builder.finish().pages[0]
        .lines
        .iter()
        .map(|line| line.kind)
        .collect();
    let item = LineKind::ListItem;
    assert_eq!(
        kinds,
        [
            LineKind::Heading(1),
            LineKind::Heading(3),
            LineKind::Body,
            item,
            item
        ]
    );
}

/// The text of a page as the document holds it.
fn document_text(page: PageLayout) -> String {
    let mut builder = boxwood_core::document::DocumentBuilder::new(1, boxwood_core::DocumentFormat::Pdf);
    emit_page(&mut builder, page, &mut BodySize::default());
    let document = builder.finish();
    document.check().unwrap();
    document.text
}

#[test]
fn empty_cells_keep_their_place_in_the_text() {
    let lines = lines_in_rows(
        [40.0, 130.0, 220.0, 310.0],
        (100.0, 14.0),
        &[
            ["Goods", "Discount", "Freight", "Net"],
            ["1,062.60", "", "15.00", "1,077.60"],
            ["980.00", "-9.80", "", "970.20"],
            ["", "", "25.00", "25.00"],
        ],
    );
    assert_eq!(
        document_text(arranged(&lines, &[])),
        "Goods | Discount | Freight | Net\n1,062.60 | | 15.00 | 1,077.60\n980.00 | -9.80 | | 970.20\n| | 25.00 | 25.00\n"
    );
}

/// Lines in pairs: three cells, and a little below two further ones.
fn lines_in_pairs(pairs: &[([&str; 3], [&str; 2])]) -> Vec<Vec<Glyph>> {
    let mut lines = Vec::new();
    for (row, (cells, below)) in pairs.iter().enumerate() {
        let baseline = 100.0 + 24.0 * row as f32;
        let above = [40.0, 80.0, 240.0].into_iter().zip(cells);
        lines.extend(above.map(|(left, text)| line(left, baseline, 10.0, text)));
        let below = [320.0, 380.0].into_iter().zip(below);
        lines.extend(below.map(|(left, text)| line(left, baseline + 11.0, 10.0, text)));
    }
    lines
}

#[test]
fn rows_on_two_lines_are_one_row_each() {
    let lines = lines_in_pairs(&[
        (
            ["1", "Fusao Takahashi", "Jump Swimming Club of T."],
            ["44.01", "1.02"],
        ),
        (["2", "Mitsunobu Yoshizawa", "Tateishi"], ["46.80", "1.02"]),
        (
            ["3", "Kazuyuki Fukuda", "Ryogoku Kingyo of Town"],
            ["55.77", "1.23"],
        ),
        (["4", "Jose Penaloza", "Masters"], ["1:03.28", "1.38"]),
    ]);
    assert_eq!(
        document_text(arranged(&lines, &[])),
        "1 | Fusao Takahashi | Jump Swimming Club of T. | 44.01 | 1.02\n\
         2 | Mitsunobu Yoshizawa | Tateishi | 46.80 | 1.02\n\
         3 | Kazuyuki Fukuda | Ryogoku Kingyo of Town | 55.77 | 1.23\n\
         4 | Jose Penaloza | Masters | 1:03.28 | 1.38\n"
    );
    let headed = lines_in_pairs(&[
        (["Rank", "Name", "Team"], ["50m", "(R.T.)"]),
        (["1", "Kazuo Yasuike", "Oiso"], ["1:29.46", "-----"]),
    ]);
    assert_eq!(
        document_text(arranged(&headed, &[])),
        "Rank | Name | Team | 50m | (R.T.)\n1 | Kazuo Yasuike | Oiso | 1:29.46 | -----\n"
    );
}

#[test]
fn lines_of_a_cell_and_sums_are_no_second_lines() {
    let words = lines_in_pairs(&[
        (["1", "Chair", "of oak"], ["a hard", "wood"]),
        (["2", "Table", "of beech"], ["as is", "usual"]),
        (["3", "Lamp", "of glass"], ["with", "cable"]),
    ]);
    let text = document_text(arranged(&words, &[]));
    assert!(text.contains("\n| | | a hard | wood\n"), "{text}");
    let sum = lines_in_rows(
        [40.0, 80.0, 240.0, 300.0],
        (100.0, 14.0),
        &[
            ["1", "Chair", "2", "40.00"],
            ["2", "Table", "1", "90.00"],
            ["3", "Lamp", "4", "20.00"],
            ["", "", "7", "150.00"],
        ],
    );
    let text = document_text(arranged(&sum, &[]));
    assert!(text.ends_with("\n| | 7 | 150.00\n"), "{text}");
}

#[test]
fn what_stands_far_apart_on_a_line_is_not_told_as_one_phrase() {
    let apart = [
        line(40.0, 100.0, 10.0, "80333 Munich"),
        line(330.0, 100.0, 10.0, "471102"),
        line(40.0, 140.0, 10.0, "2.1"),
        line(70.0, 140.0, 10.0, "Rent and deposit"),
        line(40.0, 180.0, 10.0, "a gap"),
        line(80.0, 180.0, 10.0, "of a justified line"),
    ];
    assert_eq!(
        document_text(arranged(&apart, &[])),
        "80333 Munich | 471102\n2.1 Rent and deposit\na gap of a justified line\n"
    );
}
