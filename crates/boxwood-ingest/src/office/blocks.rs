//! Paragraphs and tables on their way from an office format into the document.
//!
//! Invariant: what stands in a table's cell becomes one line of text; everything else keeps its lines.

use crate::context::ParseContext;
use crate::error::ParseError;
use crate::table::tidy_with_header;
use boxwood_core::LineKind;
use boxwood_core::document::DocumentBuilder;

/// A paragraph or a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    /// Text (line breaks as `\n`) with its kind.
    Paragraph(String, LineKind),
    /// Rows of cells.
    Table(Grid),
}

/// A table while it is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Grid {
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
    /// How many of the first rows the file itself marks as headers.
    pub header_rows: usize,
}

impl Block {
    /// Appends to the current page. Empty paragraphs vanish.
    pub(super) fn append(
        self,
        context: &ParseContext,
        builder: &mut DocumentBuilder,
    ) -> Result<(), ParseError> {
        context.check_growth(builder)?;
        match self {
            Self::Paragraph(text, kind) => append_lines(&text, kind, builder),
            Self::Table(grid) => {
                let (rows, header_rows) = tidy_with_header(grid.rows, grid.header_rows);
                if rows.len() == 1 && rows[0].len() == 1 {
                    // A frame around text.
                    append_lines(&rows[0][0], LineKind::Body, builder);
                } else if !rows.is_empty() {
                    builder.table(None, header_rows, rows);
                }
            }
        }
        Ok(())
    }

    /// As the text of a cell.
    fn in_cell(&self) -> String {
        match self {
            Self::Paragraph(text, _) => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Self::Table(grid) => {
                let rows = grid.rows.iter().map(|row| {
                    let filled = row
                        .iter()
                        .map(String::as_str)
                        .filter(|cell| !cell.trim().is_empty());
                    filled.collect::<Vec<_>>().join(", ")
                });
                rows.filter(|row| !row.is_empty()).collect::<Vec<_>>().join("; ")
            }
        }
    }
}

/// The text of a cell from the blocks in it.
pub(super) fn cell_text(blocks: &[Block]) -> String {
    let texts: Vec<String> = blocks
        .iter()
        .map(Block::in_cell)
        .filter(|text| !text.is_empty())
        .collect();
    texts.join(" ")
}

fn append_lines(text: &str, kind: LineKind, builder: &mut DocumentBuilder) {
    let mut kind = kind;
    for line in text
        .split('\n')
        .map(str::trim_end)
        .filter(|line| !line.trim().is_empty())
    {
        builder.line(line, kind);
        // A heading may be broken into lines; an item's further lines belong to it.
        if kind == LineKind::ListItem {
            kind = LineKind::Body;
        }
    }
}
