//! Charts as SVG: bars with intervals, a curve, stacked times, reliability.

use super::{ShownRun, escaped, label, push};
use crate::calibration::Calibration;

/// Colours of the style sheet.
const COLOURS: usize = 8;
/// Width of a chart.
const WIDTH: f64 = 900.0;
/// Width of the labels at its left.
const LABELS: f64 = 210.0;
/// Height of one bar with its gap.
const BAR: f64 = 24.0;

fn colour(index: usize) -> String {
    format!("var(--c{})", index % COLOURS)
}

fn svg(width: f64, height: f64, name: &str, content: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\" aria-label=\"{name}\">\n{content}</svg>\n"
    )
}

fn float(number: usize) -> f64 {
    crate::statistics::as_float(number)
}

/// A bar a run, with its interval.
pub(super) fn scores(runs: &[ShownRun]) -> String {
    let width = WIDTH - LABELS - 60.0;
    let x = |percent: f64| LABELS + percent / 100.0 * width;
    let height = BAR * float(runs.len()) + 24.0;
    let mut content = percent_grid(x, height - 20.0);
    for (index, run) in runs.iter().enumerate() {
        let top = BAR * float(index) + 4.0;
        let (percent, interval) = (run.summary.scores.percent(), run.summary.scores.interval());
        let middle = top + 8.0;
        push(
            &mut content,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{LABELS}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"16\" fill=\"{}\" opacity=\"0.75\"/>\
                 <path class=\"whisker\" fill=\"none\" d=\"M{:.1} {middle:.1}H{:.1}M{:.1} {:.1}v8M{:.1} {:.1}v8\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{percent:.1}</text>\n",
                LABELS - 8.0,
                top + 12.0,
                escaped(&label(run)),
                x(percent) - LABELS,
                colour(effort_place(run)),
                x(interval.low),
                x(interval.high),
                x(interval.low),
                middle - 4.0,
                x(interval.high),
                middle - 4.0,
                x(interval.high.max(percent)) + 6.0,
                top + 12.0,
            ),
        );
    }
    svg(WIDTH, height, "scores with 95 % intervals", &content)
}

/// The same effort has the same colour everywhere.
fn effort_place(run: &ShownRun) -> usize {
    let names = ["default", "baseline", "low", "medium", "high"];
    names
        .iter()
        .position(|name| *name == run.summary.effort())
        .unwrap_or(0)
}

fn percent_grid(x: impl Fn(f64) -> f64, bottom: f64) -> String {
    let mut content = String::new();
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        push(
            &mut content,
            format_args!(
                "<path class=\"grid\" d=\"M{0:.1} 0V{bottom:.1}\"/><text class=\"soft\" x=\"{0:.1}\" y=\"{1:.1}\" \
                 text-anchor=\"middle\">{percent:.0}</text>\n",
                x(percent),
                bottom + 14.0
            ),
        );
    }
    content
}

/// A line of a curve: tokens, percent, what the point is.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64, String)>,
}

/// Score against tokens.
pub(super) fn curve(mut series: Vec<Series>) -> String {
    let (left, top, width, height) = (50.0, 16.0, 640.0, 340.0);
    let all = series.iter().flat_map(|series| series.points.iter());
    let most = all.map(|(tokens, ..)| *tokens).fold(1.0, f64::max) * 1.05;
    let x = |tokens: f64| left + tokens / most * width;
    let y = |percent: f64| top + (1.0 - percent / 100.0) * height;
    let mut content = String::new();
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        push(
            &mut content,
            format_args!(
                "<path class=\"grid\" d=\"M{left:.1} {0:.1}H{1:.1}\"/><text class=\"soft\" x=\"{2:.1}\" y=\"{3:.1}\" \
                 text-anchor=\"end\">{percent:.0}</text>\n",
                y(percent),
                left + width,
                left - 8.0,
                y(percent) + 4.0
            ),
        );
    }
    for quarter in [0.0, 0.25, 0.5, 0.75, 1.0] {
        push(
            &mut content,
            format_args!(
                "<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.0}</text>\n",
                x(most * quarter),
                top + height + 18.0,
                most * quarter
            ),
        );
    }
    for (index, series) in series.iter_mut().enumerate() {
        series
            .points
            .sort_by(|first, second| first.0.total_cmp(&second.0));
        let line: Vec<String> = series
            .points
            .iter()
            .map(|(tokens, percent, _)| format!("{:.1},{:.1}", x(*tokens), y(*percent)))
            .collect();
        let colour = colour(index);
        push(
            &mut content,
            format_args!(
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>\n",
                line.join(" ")
            ),
        );
        for (tokens, percent, what) in &series.points {
            push(
                &mut content,
                format_args!(
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"><title>{} {what}: {percent:.1} % at \
                     {tokens:.0} tokens</title></circle>\n",
                    x(*tokens),
                    y(*percent),
                    escaped(&series.name)
                ),
            );
        }
        push(
            &mut content,
            format_args!("{}", legend(index, &series.name, left + width + 20.0)),
        );
    }
    svg(
        WIDTH,
        top + height + 30.0,
        "score in percent against tokens written a row",
        &content,
    )
}

fn legend(index: usize, name: &str, x: f64) -> String {
    let y = 20.0 + 20.0 * float(index);
    format!(
        "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{}\"/><text x=\"{:.1}\" y=\"{y:.1}\">{}</text>\n",
        y - 9.0,
        colour(index),
        x + 16.0,
        escaped(name)
    )
}

/// Mean seconds of each step, stacked.
pub(super) fn steps(runs: &[ShownRun]) -> String {
    let timed: Vec<&ShownRun> = runs.iter().filter(|run| !run.summary.steps.is_empty()).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in timed.iter().flat_map(|run| &run.summary.steps) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let total = |run: &ShownRun| run.summary.steps.iter().map(|(_, seconds)| seconds).sum::<f64>();
    let longest = timed.iter().map(|run| total(run)).fold(0.0, f64::max);
    if longest <= 0.0 {
        return String::new();
    }
    let width = WIDTH - LABELS - 190.0;
    let mut content = String::new();
    for (index, run) in timed.iter().enumerate() {
        let top = BAR * float(index) + 4.0;
        let mut x = LABELS;
        for (name, seconds) in &run.summary.steps {
            let part = seconds / longest * width;
            let place = names.iter().position(|known| known == name).unwrap_or(0);
            push(
                &mut content,
                format_args!(
                    "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{part:.1}\" height=\"16\" fill=\"{}\"><title>{} \
                     {seconds:.2} s</title></rect>\n",
                    colour(place),
                    escaped(name)
                ),
            );
            x += part;
        }
        push(
            &mut content,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><text x=\"{:.1}\" y=\"{:.1}\">{:.1} s</text>\n",
                LABELS - 8.0,
                top + 12.0,
                escaped(&label(run)),
                x + 6.0,
                top + 12.0,
                total(run)
            ),
        );
    }
    for (index, name) in names.iter().enumerate() {
        content.push_str(&legend(index, name, WIDTH - 110.0));
    }
    let height = (BAR * float(timed.len())).max(20.0 * float(names.len())) + 16.0;
    svg(WIDTH, height, "mean seconds of each step", &content)
}

/// A diagram for every run with confidences.
pub(super) fn calibrations(runs: &[ShownRun]) -> String {
    let mut content = String::new();
    for run in runs {
        if let Some(found) = &run.summary.calibration {
            push(
                &mut content,
                format_args!(
                    "<h3>{}</h3>\n<p class=\"note\">{} confidences; expected calibration error {:.3}, Brier {:.3}</p>\n{}",
                    escaped(&label(run)),
                    found.count,
                    found.expected_error,
                    found.brier,
                    reliability(found)
                ),
            );
        }
    }
    content
}

/// Share that was right against confidence; the size of a dot is how many there are.
fn reliability(found: &Calibration) -> String {
    let (left, top, side) = (40.0, 10.0, 240.0);
    let x = |share: f64| left + share * side;
    let y = |share: f64| top + (1.0 - share) * side;
    let mut content = format!(
        "<path class=\"grid\" fill=\"none\" d=\"M{left} {top}V{0:.1}H{1:.1}M{left} {0:.1}L{1:.1} {top}\"/>\n",
        top + side,
        left + side
    );
    for share in [0.0, 0.5, 1.0] {
        push(
            &mut content,
            format_args!(
                "<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{share}</text>\
                 <text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{share}</text>\n",
                left - 6.0,
                y(share) + 4.0,
                x(share),
                top + side + 16.0
            ),
        );
    }
    for bin in found.bins.iter().flatten() {
        let radius = 3.0 + 9.0 * (float(bin.count) / float(found.count.max(1))).sqrt();
        push(
            &mut content,
            format_args!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"var(--c0)\" opacity=\"0.7\"><title>{} at \
                 {:.2}: {:.0} % right</title></circle>\n",
                x(bin.confidence),
                y(bin.right),
                bin.count,
                bin.confidence,
                100.0 * bin.right
            ),
        );
    }
    svg(
        left + side + 20.0,
        top + side + 24.0,
        "share that was right against confidence",
        &content,
    )
}
