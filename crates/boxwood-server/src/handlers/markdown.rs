//! A parsed document as Markdown: headings, list items and tables keep their form, pages are parted by a rule.
//!
//! Pure. Invariant: every line of the document stands in the output once, in reading order.

use boxwood_core::{Document, Line, LineKind, Table};

/// The whole document as Markdown.
pub(super) fn markdown(document: &Document) -> String {
    let mut output = String::with_capacity(document.text.len() + document.text.len() / 8);
    for (index, page) in document.pages.iter().enumerate() {
        if index > 0 {
            output.push_str("\n---\n\n");
        }
        // A sheet's name is not part of its cells; a slide's or page's label is in its lines already.
        if let Some(label) = page.label.as_deref().filter(|_| document.format.is_spreadsheet()) {
            output.push_str(&format!("## {label}\n\n"));
        }
        let mut before = None;
        for line in &page.lines {
            write_line(&mut output, document, line, before);
            before = Some(line.kind);
        }
        end_block(&mut output);
    }
    output
}

fn write_line(output: &mut String, document: &Document, line: &Line, before: Option<LineKind>) {
    let text = document.line_text(line);
    match line.kind {
        LineKind::Body => {
            if !matches!(before, None | Some(LineKind::Body)) {
                end_block(output);
            }
            output.push_str(text);
            output.push('\n');
        }
        LineKind::Heading(level) => {
            end_block(output);
            let marks = "#".repeat(usize::from(level.clamp(1, 6)));
            output.push_str(&format!("{marks} {text}\n\n"));
        }
        LineKind::ListItem => {
            if !matches!(before, None | Some(LineKind::ListItem)) {
                end_block(output);
            }
            let item = text.trim_start_matches(['-', '*', '•', '·', '–']).trim_start();
            output.push_str(&format!("- {item}\n"));
        }
        LineKind::TableRow { table, row } => {
            let continues = matches!(before, Some(LineKind::TableRow { table: last, .. }) if last == table);
            if !continues {
                end_block(output);
            }
            write_row(output, document.tables.get(table as usize), row, text, continues);
        }
    }
}

fn write_row(output: &mut String, table: Option<&Table>, row: u32, text: &str, continues: bool) {
    let cells = table.and_then(|table| table.rows.get(row as usize));
    let (Some(table), Some(cells)) = (table, cells) else {
        output.push_str(text);
        output.push('\n');
        return;
    };
    let columns = table.rows.iter().map(Vec::len).max().unwrap_or(cells.len());
    push_cells(
        output,
        (0..columns).map(|column| cells.get(column).map_or("", String::as_str)),
    );
    if !continues {
        // Markdown knows tables only with one header row: the first row that is shown.
        push_cells(output, (0..columns).map(|_| "---"));
    }
}

fn push_cells<'a>(output: &mut String, cells: impl Iterator<Item = &'a str>) {
    output.push('|');
    for cell in cells {
        let cell = cell
            .replace('\\', "\\\\")
            .replace('|', "\\|")
            .replace(['\n', '\r'], " ");
        output.push_str(&format!(" {cell} |"));
    }
    output.push('\n');
}

/// One blank line before the next block, except at the very start.
fn end_block(output: &mut String) {
    if !output.is_empty() && !output.ends_with("\n\n") {
        output.push('\n');
    }
}
