//! Measures how fast PDFs are read, and shows what was read: `pdf_speed [--text] [--ocr MODELS] [--engine auto|tesseract] FILE…`
//!
//! Prints for each file pages, CPU seconds, pages per CPU second, characters, tables and notes, then the sum.

use boxwood_core::document::DocumentBuilder;
use boxwood_core::{DocumentFormat, LineKind};
use boxwood_ingest::{IngestLimits, OcrConfig, OcrEngine, ParseContext};
use std::io::Write;
use std::path::PathBuf;

fn cpu_seconds() -> f64 {
    // utime and stime of this process and the children it waited for, in clock ticks of 1/100 s.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks: f64 = fields
        .iter()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut ocr = OcrConfig {
        engine: OcrEngine::Off,
        ..OcrConfig::default()
    };
    let (mut show, mut files) = (false, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--text" => show = true,
            "--ocr" => {
                ocr.models_dir = arguments.next().map(PathBuf::from);
                ocr.engine = OcrEngine::PpOcr;
            }
            "--engine" => {
                ocr.engine = match arguments.next().as_deref() {
                    Some("tesseract") => OcrEngine::Tesseract,
                    _ => OcrEngine::Auto,
                };
            }
            "--language" => ocr.languages.extend(arguments.next()),
            _ => files.push(argument),
        }
    }
    let (mut pages, mut seconds) = (0, 0.0);
    for file in &files {
        let bytes = std::fs::read(file)?;
        let is_pdf = bytes[..bytes.len().min(1024)]
            .windows(5)
            .any(|part| part == b"%PDF-");
        let format = if is_pdf {
            DocumentFormat::Pdf
        } else {
            DocumentFormat::Png
        };
        let mut context = ParseContext::new(IngestLimits::default(), ocr.clone(), file);
        let mut builder = DocumentBuilder::new(1, format);
        let start = cpu_seconds();
        let result = if is_pdf {
            boxwood_ingest::pdf::parse(&bytes, &mut context, &mut builder)
        } else {
            boxwood_ingest::image::parse(&bytes, &mut context, &mut builder)
        };
        let used = cpu_seconds() - start;
        let document = builder.finish();
        let checked = document.check().map_err(|error| error.to_string());
        let read = document.pages.len();
        writeln!(
            out,
            "{file}: {result:?} {checked:?} pages {read} cpu {used:.2} s ({:.0} pages/s) characters {} tables {}",
            read as f64 / used.max(0.01),
            document.text.len(),
            document.tables.len()
        )?;
        for note in &document.notes {
            writeln!(out, "  {:?}: {}", note.kind, note.message)?;
        }
        if show {
            for page in &document.pages {
                writeln!(
                    out,
                    "=== page {} {:?} {:?} {:?}",
                    page.number, page.label, page.size, page.source
                )?;
                for line in &page.lines {
                    let mark = match line.kind {
                        LineKind::Body => String::new(),
                        LineKind::Heading(level) => format!("[H{level}] "),
                        LineKind::ListItem => "[L] ".to_owned(),
                        LineKind::TableRow { table, row } => format!("[T{table}.{row}] "),
                    };
                    writeln!(out, "{mark}{}", document.line_text(line))?;
                }
            }
        }
        pages += read;
        seconds += used;
    }
    writeln!(
        out,
        "total: {pages} pages, {seconds:.2} CPU s, {:.0} pages per CPU second",
        pages as f64 / f64::max(seconds, 0.01)
    )
}
