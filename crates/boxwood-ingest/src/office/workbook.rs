//! Workbooks (XLSX, XLSB, XLS, ODS): a page for each sheet, a table for each block of cells.
//!
//! Invariant: memory follows the number of filled cells, not the claimed size of a sheet, where the format allows it
//! (XLSX, XLSB). Formulas are read as the values that the file holds for them.

use crate::archive::Archive;
use crate::context::ParseContext;
use crate::error::ParseError;
use crate::office::number_format::{NumberStyle, date_text, duration_text, number_text};
use crate::office::relationships::declared_title;
use crate::table::{MAX_TABLE_ROWS, guess_header_rows, tidy_with_places};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{CellValue, DocumentFormat, Grid, LineKind, ReadNoteKind, TextSource};
use calamine::{
    Data, Ods, OdsError, Reader, SheetType, SheetVisible, Xls, XlsError, Xlsb, XlsbError, Xlsx, XlsxError,
};
use chrono::NaiveDate;
use std::fmt::Display;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Cells between two looks at the clock.
const CELLS_PER_CHECK: usize = 4_096;
/// Filled cells of one sheet that are kept.
const MAX_CELLS: usize = 5_000_000;

/// The bytes of a workbook, as calamine reads them.
type Bytes<'a> = Cursor<&'a [u8]>;

/// A filled cell.
struct Cell {
    row: u32,
    column: u32,
    text: String,
    value: CellValue,
}

/// Reads a workbook.
///
/// # Errors
/// Damaged, encrypted, or limits.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let format = context.format();
    if format != DocumentFormat::Xls {
        let mut archive = Archive::open(bytes, context)?;
        archive.check_sizes(context)?;
        builder.title(declared_title(&mut archive, context));
    }
    let reader = Cursor::new(bytes);
    match format {
        DocumentFormat::Xls => {
            let open = guarded(context, || Xls::new(reader))?.map_err(|error| explained(&error, context))?;
            read(open, context, builder, dense)
        }
        DocumentFormat::Xlsb => {
            let open = guarded(context, || Xlsb::new(reader))?.map_err(|error| explained(&error, context))?;
            read(open, context, builder, xlsb_cells)
        }
        DocumentFormat::Ods => {
            let open = guarded(context, || Ods::new(reader))?.map_err(|error| explained(&error, context))?;
            read(open, context, builder, dense)
        }
        _ => {
            let open = guarded(context, || Xlsx::new(reader))?.map_err(|error| explained(&error, context))?;
            read(open, context, builder, xlsx_cells)
        }
    }
}

/// What the library says of a workbook that it can't read; its formats share no error.
trait Refusal: Display {
    /// Whether a password would open it.
    fn asks_for_password(&self) -> bool;
}

impl Refusal for XlsError {
    fn asks_for_password(&self) -> bool {
        matches!(self, Self::Password)
    }
}

impl Refusal for XlsbError {
    fn asks_for_password(&self) -> bool {
        matches!(self, Self::Password)
    }
}

impl Refusal for OdsError {
    fn asks_for_password(&self) -> bool {
        matches!(self, Self::Password)
    }
}

impl Refusal for XlsxError {
    fn asks_for_password(&self) -> bool {
        matches!(self, Self::Password)
    }
}

fn explained(refusal: &impl Refusal, context: &ParseContext) -> ParseError {
    match refusal.asks_for_password() {
        true => ParseError::encrypted(context.format()),
        false => context.damaged(refusal),
    }
}

/// The library panics on some damaged workbooks (arithmetic over absurd cell references); that is damage of the file.
fn guarded<T>(context: &ParseContext, read: impl FnOnce() -> T) -> Result<T, ParseError> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| context.damaged("its cells contradict each other"))
}

/// What a reader of one sheet's cells gives: the outer error is ours, the inner one the library's.
type CellsResult<E> = Result<Result<Vec<Cell>, E>, ParseError>;

fn read<'a, W: Reader<Bytes<'a>, Error: Refusal>>(
    mut workbook: W,
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
    cells_of: fn(&mut W, &str, &ParseContext) -> CellsResult<W::Error>,
) -> Result<(), ParseError> {
    let sheets = workbook.sheets_metadata().to_vec();
    context.pages_total(u32::try_from(sheets.len()).unwrap_or(u32::MAX));
    let mut first_error = None;
    let mut read = 0usize;
    for (index, sheet) in sheets.iter().enumerate() {
        context.begin_page(index as u32 + 1, builder)?;
        builder.page(Some(sheet.name.clone()), None, TextSource::Native);
        let page = Some(builder.current_page());
        if sheet.visible != SheetVisible::Visible {
            builder.note(
                page,
                ReadNoteKind::Unsupported,
                format!("the sheet {:?} is hidden; it was read", sheet.name),
            );
        }
        if matches!(sheet.typ, SheetType::ChartSheet) {
            builder.note(page, ReadNoteKind::Unsupported, "a chart was not read");
            continue;
        }
        match guarded(context, || cells_of(&mut workbook, &sheet.name, context))?? {
            Ok(cells) => {
                read += 1;
                append_sheet(&sheet.name, cells, context, builder)?;
            }
            Err(error) => {
                let error = explained(&error, context);
                let message = format!("the sheet {:?} can't be read: {error}", sheet.name);
                builder.note(page, ReadNoteKind::Damaged, message);
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if read == 0 => Err(error),
        _ => Ok(()),
    }
}

/// Old and open formats: the library holds the whole range.
fn dense<'a, W: Reader<Bytes<'a>>>(
    workbook: &mut W,
    name: &str,
    context: &ParseContext,
) -> CellsResult<W::Error> {
    let range = match workbook.worksheet_range(name) {
        Ok(range) => range,
        Err(error) => return Ok(Err(error)),
    };
    let mut cells = Vec::new();
    for (row, column, value) in range.used_cells() {
        push(
            &mut cells,
            (row, column),
            filled(value, NumberStyle::General),
            context,
        )?;
    }
    Ok(Ok(cells))
}

fn xlsx_cells(workbook: &mut Xlsx<Bytes<'_>>, name: &str, context: &ParseContext) -> CellsResult<XlsxError> {
    let mut reader = match workbook.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        Err(error) => return Ok(Err(error)),
    };
    let styles: Vec<NumberStyle> = reader
        .styles()
        .iter()
        .map(|style| {
            style
                .number_format
                .as_ref()
                .map_or("", |format| format.format_code.as_str())
        })
        .map(NumberStyle::of)
        .collect();
    let mut cells = Vec::new();
    loop {
        match reader.next_cell_with_style_id() {
            Ok(Some((cell, style))) => {
                let style = style_of(&styles, style);
                let position = cell.get_position();
                let content = filled(&cell.get_value().clone().into(), style);
                push(
                    &mut cells,
                    (position.0 as usize, position.1 as usize),
                    content,
                    context,
                )?;
            }
            Ok(None) => return Ok(Ok(cells)),
            Err(error) if cells.is_empty() => return Ok(Err(error)),
            // The rows before the damage are worth keeping; the caller can't tell, so they are marked.
            Err(error) => {
                let row = cells.last().map_or(0, |cell| cell.row + 1) as usize;
                let words = format!("[the sheet is damaged from here on: {error}]");
                push(&mut cells, (row, 0), (words, CellValue::Text), context)?;
                return Ok(Ok(cells));
            }
        }
    }
}

fn style_of(styles: &[NumberStyle], id: usize) -> NumberStyle {
    styles.get(id).copied().unwrap_or(NumberStyle::General)
}

fn xlsb_cells(workbook: &mut Xlsb<Bytes<'_>>, name: &str, context: &ParseContext) -> CellsResult<XlsbError> {
    let mut reader = match workbook.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        Err(error) => return Ok(Err(error)),
    };
    let mut cells = Vec::new();
    loop {
        match reader.next_cell() {
            Ok(Some(cell)) => {
                let position = cell.get_position();
                let content = filled(&cell.get_value().clone().into(), NumberStyle::General);
                push(
                    &mut cells,
                    (position.0 as usize, position.1 as usize),
                    content,
                    context,
                )?;
            }
            Ok(None) => return Ok(Ok(cells)),
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn push(
    cells: &mut Vec<Cell>,
    (row, column): (usize, usize),
    (text, value): (String, CellValue),
    context: &ParseContext,
) -> Result<(), ParseError> {
    if text.is_empty() {
        return Ok(());
    }
    if cells.len().is_multiple_of(CELLS_PER_CHECK) {
        context.checkpoint()?;
    }
    if cells.len() >= MAX_CELLS {
        return Err(ParseError::limit("cells of a sheet", MAX_CELLS));
    }
    cells.push(Cell {
        row: u32::try_from(row).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        text,
        value,
    });
    Ok(())
}

/// Blocks of rows without an empty row between them become tables; single cells in a row of their own become lines.
fn append_sheet(
    name: &str,
    mut cells: Vec<Cell>,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    cells.sort_by_key(|cell| (cell.row, cell.column));
    let mut rest = cells.as_slice();
    while !rest.is_empty() {
        context.check_growth(builder)?;
        let block_end = rest
            .windows(2)
            .position(|pair| pair[1].row > pair[0].row.saturating_add(1))
            .map_or(rest.len(), |index| index + 1);
        let (block, after) = rest.split_at(block_end);
        append_block(name, block, context, builder)?;
        rest = after;
    }
    Ok(())
}

fn append_block(
    name: &str,
    block: &[Cell],
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let mut columns: Vec<u32> = block.iter().map(|cell| cell.column).collect();
    columns.sort_unstable();
    columns.dedup();
    if columns.len() == 1 {
        for cell in block {
            builder.line(&cell.text, LineKind::Body);
        }
        return Ok(());
    }
    let mut rows = SheetRows::default();
    for same_row in block.chunk_by(|one, other| one.row == other.row) {
        // Titles above the table stand alone in their row.
        let alone = same_row.len() == 1 && same_row[0].column == columns[0] && columns.len() > 2;
        if alone && rows.numbers.is_empty() {
            builder.line(&same_row[0].text, LineKind::Body);
            continue;
        }
        rows.push(same_row, &columns);
        if rows.numbers.len() == MAX_TABLE_ROWS {
            context.check_growth(builder)?;
            std::mem::take(&mut rows).append(name, &columns, builder);
        }
    }
    rows.append(name, &columns, builder);
    Ok(())
}

/// Rows of a table on their way into the document.
#[derive(Default)]
struct SheetRows {
    numbers: Vec<u32>,
    texts: Vec<Vec<String>>,
    values: Vec<Vec<CellValue>>,
}

impl SheetRows {
    fn push(&mut self, cells: &[Cell], columns: &[u32]) {
        let mut texts = vec![String::new(); columns.len()];
        let mut values = vec![CellValue::Text; columns.len()];
        for cell in cells {
            if let Ok(column) = columns.binary_search(&cell.column) {
                texts[column].clone_from(&cell.text);
                values[column] = cell.value;
            }
        }
        self.numbers.push(cells.first().map_or(0, |cell| cell.row));
        self.texts.push(texts);
        self.values.push(values);
    }

    fn append(self, name: &str, columns: &[u32], builder: &mut DocumentBuilder) {
        let (rows, places) = tidy_with_places(self.texts);
        if rows.is_empty() {
            return;
        }
        let kept = |row: &u32| {
            let values = &self.values[*row as usize];
            places
                .columns
                .iter()
                .map(|column| values[*column as usize])
                .collect()
        };
        let grid = Grid {
            columns: places
                .columns
                .iter()
                .map(|column| columns[*column as usize])
                .collect(),
            rows: places
                .rows
                .iter()
                .map(|row| self.numbers[*row as usize])
                .collect(),
            values: places.rows.iter().map(kept).collect(),
        };
        builder.sheet_table(Some(name.to_owned()), guess_header_rows(&rows), rows, grid);
    }
}

/// What a cell shows and what it holds.
fn filled(value: &Data, style: NumberStyle) -> (String, CellValue) {
    (value_text(value, style), cell_value(value))
}

fn cell_value(value: &Data) -> CellValue {
    match value {
        Data::Int(number) => CellValue::Number(*number as f64),
        Data::Float(number) => CellValue::Number(*number),
        Data::Bool(value) => CellValue::Boolean(*value),
        // A serial number below one is a time of the day, which has no date.
        Data::DateTime(moment) if !moment.is_duration() && moment.as_f64() >= 1.0 => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())
                .and_then(|date| date.and_hms_opt(hour.into(), minute.into(), second.into()))
                .map_or(CellValue::Text, |moment| {
                    CellValue::Moment(moment.and_utc().timestamp())
                })
        }
        _ => CellValue::Text,
    }
}

/// A value as the sheet shows it, on one line.
fn value_text(value: &Data, style: NumberStyle) -> String {
    let text = match value {
        Data::Empty => return String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number_text(*number as f64, style),
        Data::Float(number) => number_text(*number, style),
        Data::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(moment) if moment.is_duration() => duration_text(moment.as_f64()),
        Data::DateTime(moment) => date_text(moment.as_f64(), moment.to_ymd_hms_milli()),
        Data::Error(error) => error.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::testing::{outline, parse, parse_limited, zip_of};
    use crate::{IngestLimits, ParseError};
    use boxwood_core::CellValue;

    const TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>"#;
    const PACKAGE: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
    const STYLES: &str = r##"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="#,##0.00 &quot;EUR&quot;"/></numFmts><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="10"/><xf numFmtId="164"/></cellXfs></styleSheet>"##;

    fn workbook(state: &str, rows: &str) -> Vec<u8> {
        let book = format!(
            r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Q1" sheetId="1" {state} r:id="r1"/></sheets></workbook>"#
        );
        let sheet = format!(
            r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
        );
        zip_of(&[
            ("[Content_Types].xml", TYPES.as_bytes()),
            ("_rels/.rels", PACKAGE.as_bytes()),
            ("xl/workbook.xml", book.as_bytes()),
            ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
            ("xl/styles.xml", STYLES.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ])
    }

    fn text(reference: &str, text: &str) -> String {
        format!(r#"<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>"#)
    }

    #[test]
    fn values_are_read_as_the_sheet_shows_them() {
        let rows = format!(
            "<row r=\"1\">{}</row><row r=\"3\">{}{}{}{}</row>\
             <row r=\"4\">{}<c r=\"B4\" s=\"1\"><v>45356</v></c><c r=\"C4\" s=\"2\"><v>0.125</v></c>\
             <c r=\"D4\" s=\"3\"><v>1234.5</v></c></row>\
             <row r=\"5\">{}<c r=\"B5\" s=\"1\"><v>45357</v></c><c r=\"C5\"><v>3</v></c>\
             <c r=\"D5\"><f>1+1</f><v>2.50</v></c></row>",
            text("A1", "Report"),
            text("A3", "Name"),
            text("B3", "Day"),
            text("C3", "Share"),
            text("D3", "Sum"),
            text("A4", "Ann"),
            text("A5", "Bob"),
        );
        let document = parse(&workbook("", &rows), "x").unwrap();
        assert_eq!(
            outline(&document),
            "== Q1\nReport\n|! Name | Day | Share | Sum\n| Ann | 2024-03-05 | 12.50% | 1,234.50 EUR\n\
             | Bob | 2024-03-06 | 3 | 2.5\n"
        );
    }

    #[test]
    fn cells_keep_their_places_and_values() {
        let rows = format!(
            "<row r=\"1\">{}</row><row r=\"3\">{}{}</row><row r=\"4\">{}<c r=\"D4\" s=\"2\"><v>0.1234</v></c></row>\
             <row r=\"5\">{}<c r=\"D5\" s=\"1\"><v>45357.5</v></c></row>\
             <row r=\"6\">{}<c r=\"D6\" t=\"b\"><v>1</v></c></row>",
            text("A1", "Report"),
            text("B3", "Name"),
            text("D3", "Value"),
            text("B4", "Ann"),
            text("B5", "Bob"),
            text("B6", "Cem"),
        );
        let document = parse(&workbook("", &rows), "x").unwrap();
        document.check().unwrap();
        let grid = document.tables[0].grid.as_ref().unwrap();
        assert_eq!((&grid.columns, &grid.rows), (&vec![1, 3], &vec![2, 3, 4, 5]));
        let second: Vec<CellValue> = grid.values.iter().map(|row| row[1]).collect();
        assert_eq!(
            second,
            [
                CellValue::Text,
                CellValue::Number(0.1234),
                CellValue::Moment(1_709_726_400),
                CellValue::Boolean(true)
            ]
        );
    }

    #[test]
    fn hidden_sheets_are_read_and_told() {
        let document = parse(
            &workbook(
                "state=\"hidden\"",
                &format!("<row r=\"1\">{}</row>", text("A1", "x")),
            ),
            "",
        );
        assert!(outline(&document.unwrap()).contains("is hidden"));
    }

    #[test]
    fn a_sheet_may_claim_any_size() {
        let rows = format!(
            "<row r=\"1\">{}</row><row r=\"1048576\">{}{}</row>",
            text("A1", "first"),
            text("A1048576", "a"),
            text("XFD1048576", "b")
        );
        let document = parse(&workbook("", &rows), "").unwrap();
        assert_eq!(outline(&document), "== Q1\nfirst\n| a | b\n");
    }

    #[test]
    fn bombs_are_refused_before_the_library_sees_them() {
        let limits = IngestLimits {
            max_unpacked_bytes: 1 << 20,
            ..IngestLimits::default()
        };
        let bytes = workbook("", &"<row/>".repeat(1 << 20));
        assert!(matches!(
            parse_limited(&bytes, "", limits),
            Err(ParseError::LimitReached { .. })
        ));
    }
}
