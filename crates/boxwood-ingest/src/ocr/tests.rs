//! Recognition: decoding, boxes, Tesseract's table; whole pages where an engine is installed.

use super::contours::text_boxes;
use super::ctc::Dictionary;
use super::*;
use crate::context::IngestLimits;

fn characters(text: &str) -> Vec<(char, f32, f32, f32)> {
    text.chars()
        .enumerate()
        .map(|(i, c)| (c, i as f32, i as f32 + 1.0, 0.9))
        .collect()
}

#[test]
fn lines_are_split_into_words() {
    let check = |text: &str, expected: &[(&str, bool)]| {
        let words = words_of_characters(&characters(text), 0.0, 1.0);
        let found: Vec<(&str, bool)> = words
            .iter()
            .map(|word| (word.text.as_str(), word.space_before))
            .collect();
        assert_eq!(found, expected);
    };
    check("two words", &[("two", false), ("words", true)]);
    check(
        "金額 12円",
        &[("金", false), ("額", false), ("12", true), ("円", false)],
    );
    check("  ", &[]);
    let words = words_of_characters(&characters("a bc"), 2.0, 5.0);
    assert_eq!(
        words[1].bounds,
        BoundingBox {
            left: 2.0,
            top: 2.0,
            right: 4.0,
            bottom: 5.0
        }
    );
}

#[test]
fn decoding_skips_blanks_and_repeats() {
    let dictionary = Dictionary::parse("a\nb\n");
    assert_eq!(dictionary.labels(), 3);
    // labels: 0 blank, 1 a, 2 b, 3 space
    let steps = [1, 1, 0, 1, 3, 2, 0, 0];
    let mut probabilities = vec![0.0; steps.len() * 4];
    for (step, label) in steps.iter().enumerate() {
        probabilities[step * 4 + label] = 0.9;
    }
    let decoded = dictionary.decode(&probabilities, 4, 1.0);
    let text: String = decoded.iter().map(|c| c.text).collect();
    assert_eq!(text, "aa b");
    assert!((decoded[3].at - 5.5 / 8.0).abs() < 1e-6);
    // Only the first half of the steps belongs to the line.
    let half: String = dictionary
        .decode(&probabilities, 4, 0.5)
        .iter()
        .map(|c| c.text)
        .collect();
    assert_eq!(half, "aa");
}

#[test]
fn bars_of_probability_become_boxes() {
    let (width, height) = (120usize, 60usize);
    let mut map = vec![0.0f32; width * height];
    for y in 10..20 {
        map[y * width + 20..y * width + 100].fill(0.9);
    }
    // A slanted bar.
    for x in 20..100usize {
        let y = 35 + x / 8;
        for row in y..y + 6 {
            map[row * width + x] = 0.8;
        }
    }
    // Noise below the threshold.
    map[55 * width + 5] = 0.2;
    let mut boxes = text_boxes(&map, width, height);
    boxes.sort_by(|a, b| a.y.total_cmp(&b.y));
    assert_eq!(boxes.len(), 2, "{boxes:?}");
    assert_eq!((boxes[0].x, boxes[0].y, boxes[0].along), (60.0, 15.0, (1.0, 0.0)));
    assert!(boxes[0].width > 80.0 && boxes[0].height > 10.0);
    assert!((boxes[1].along.1 - 0.124).abs() < 0.03, "{:?}", boxes[1]);
}

#[test]
fn tesseracts_table_is_read_by_lines() {
    let table = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
        4\t1\t1\t1\t1\t0\t10\t10\t100\t20\t-1\t\n\
        5\t1\t1\t1\t1\t1\t10\t10\t40\t20\t96.5\tПривет\n\
        5\t1\t1\t1\t1\t2\t60\t10\t50\t20\t90\tмир\n\
        5\t1\t1\t1\t2\t1\t10\t40\t50\t20\t-1\t \n\
        5\t1\t2\t1\t1\t1\t10\t70\t40\t20\t80\t日本\n\
        5\t1\t2\t1\t1\t2\t52\t70\t20\t20\t80\t語\n";
    let lines = tesseract::lines_of(table);
    let page = Recognised::of("tesseract", lines);
    let layout = crate::layout::arrange_words(page.words, &[]);
    let mut builder = boxwood_core::document::DocumentBuilder::new(1, boxwood_core::DocumentFormat::Png);
    crate::layout::emit_page(&mut builder, layout, &mut crate::layout::BodySize::default());
    assert_eq!(builder.finish().text, "Привет мир\n日本語\n");
}

#[test]
fn syllables_of_a_korean_word_stay_together() {
    let row = |number: u32, text: &str| {
        format!(
            "5\t1\t1\t1\t1\t{number}\t{}\t10\t8\t20\t93\t{text}\n",
            number * 10
        )
    };
    let rows: String = ["위", "원회", "는", "2025", "년"]
        .iter()
        .zip(1..)
        .map(|(text, number)| row(number, text))
        .collect();
    let spaces = |output: String| -> Vec<bool> {
        let lines = tesseract::lines_of(&output);
        lines[0].words.iter().map(|word| word.space_before).collect()
    };
    assert_eq!(
        spaces(format!("{rows}위원회는 2025년\n\n\u{c}")),
        [false, false, false, true, false]
    );
    // Without the text every word of the table stands alone.
    assert_eq!(spaces(rows), [false, true, true, true, true]);
}

#[test]
fn without_an_engine_the_reason_is_told() {
    let reason = |config: OcrConfig| Session::new(&config).unavailable();
    assert_eq!(
        reason(OcrConfig {
            engine: OcrEngine::Off,
            ..OcrConfig::default()
        })
        .as_deref(),
        Some("recognition is switched off")
    );
    let missing = OcrConfig {
        engine: OcrEngine::PpOcr,
        models_dir: Some("/nowhere".into()),
        ..OcrConfig::default()
    };
    assert!(reason(missing).is_some_and(|why| why.contains("not installed")));
    let odd = OcrConfig {
        engine: OcrEngine::Tesseract,
        languages: vec!["tlh".into()],
        ..OcrConfig::default()
    };
    assert!(reason(odd).is_some());
}

#[test]
fn languages_decide_the_engine() {
    let check = |languages: &[&str], expected: bool| {
        let languages = languages.iter().map(|language| (*language).to_owned()).collect();
        assert_eq!(
            wants_tesseract(&OcrConfig {
                languages,
                ..OcrConfig::default()
            }),
            expected
        );
    };
    check(&[], false);
    check(&["ko"], true);
    check(&["ru-RU", "uk"], true);
    check(&["ko", "en"], false);
    check(&["ja"], false);
}

/// The folder of the recognition models: what `BOXWOOD_OCR_MODELS` names, else where `boxwood models pull` puts them.
fn models_folder() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("BOXWOOD_OCR_MODELS").map(std::path::PathBuf::from);
    let pulled = || {
        let cache = std::env::var_os("BOXWOOD_CACHE").map(std::path::PathBuf::from);
        let home = || Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cache/boxwood"));
        Some(cache.or_else(home)?.join("models/ocr"))
    };
    let folder = named.or_else(pulled)?;
    let there = folder.join("ppocrv6_dict.txt").is_file();
    if !there {
        println!(
            "skipped: there are no recognition models in {}; `boxwood models pull` brings them",
            folder.display()
        );
    }
    there.then_some(folder)
}

/// A page read without a word about its language; `None` where the models, or Tesseract's data, are not here.
fn read_page(bytes: &[u8], engine: OcrEngine, tesseract_language: Option<&str>) -> Option<Recognised> {
    let config = OcrConfig {
        models_dir: Some(models_folder()?),
        engine,
        ..OcrConfig::default()
    };
    if let Some(language) = tesseract_language {
        let found = Tesseract::find(&[]);
        if !found.as_ref().is_ok_and(|tesseract| tesseract.has(language)) {
            println!(
                "skipped: Tesseract or its language data {language} is not here; scripts/setup.sh installs both"
            );
            return None;
        }
    }
    let context = ParseContext::new(IngestLimits::default(), config.clone(), "scan.png");
    let image = image::load_from_memory(bytes).unwrap().into_rgb8();
    Some(Session::new(&config).recognise(&image, &context).unwrap())
}

fn text_of(page: &Recognised) -> String {
    let mut text = String::new();
    for word in &page.words {
        if word.join == Join::Space || word.join == Join::Unknown {
            text.push(' ');
        }
        text.push_str(&word.text);
    }
    text
}

#[test]
fn the_embedded_engine_reads_a_page() {
    let scan = include_bytes!("../../tests/fixtures/scan.png");
    let Some(page) = read_page(scan, OcrEngine::PpOcr, None) else {
        return;
    };
    let text: Vec<&str> = page.words.iter().map(|word| word.text.as_str()).collect();
    for expected in ["Invoice", "2024-0815", "EUR", "1,234.56", "請", "求", "書"] {
        assert!(text.contains(&expected), "{expected} is missing in {text:?}");
    }
    assert!(page.confidence > 0.9);
    assert_eq!((page.engine.as_str(), page.doubt), ("pp-ocrv6", None));
}

#[test]
fn a_page_in_known_scripts_is_left_to_the_embedded_engine() {
    let scan = include_bytes!("../../tests/fixtures/scan.png");
    let Some(page) = read_page(scan, OcrEngine::Auto, None) else {
        return;
    };
    assert_eq!(page.engine, "pp-ocrv6");
}

#[test]
fn a_russian_page_is_read_without_being_told_its_language() {
    let scan = include_bytes!("../../tests/fixtures/scan-ru.png");
    let Some(page) = read_page(scan, OcrEngine::Auto, Some("rus")) else {
        return;
    };
    let text = text_of(&page);
    for expected in [
        "Протокол заседания",
        "14 октября 2025 года",
        "Анна Белова",
        "шесть недель",
    ] {
        assert!(text.contains(expected), "{expected} is missing in {text}");
    }
    assert_eq!(page.engine, "tesseract (rus)");
}

#[test]
fn a_korean_page_is_read_without_being_told_its_language() {
    let scan = include_bytes!("../../tests/fixtures/scan-ko.png");
    let Some(page) = read_page(scan, OcrEngine::Auto, Some("kor")) else {
        return;
    };
    let text = text_of(&page);
    for expected in ["위원회", "2025년 10월 14일", "박지훈", "3월 3일"] {
        assert!(text.contains(expected), "{expected} is missing in {text}");
    }
    assert_eq!(page.engine, "tesseract (kor)");
}
