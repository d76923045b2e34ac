//! The one table that comes out.

use std::fmt;

/// Lines of Markdown.
#[derive(Default)]
pub struct Table(Vec<[String; 6]>);

/// What one line says.
pub struct Line {
    pub what: String,
    pub on: &'static str,
    pub measured: String,
    /// What it is held against, measured in the same rounds.
    pub ceiling: String,
    pub ratio: f64,
    pub target: &'static str,
}

impl Table {
    pub fn add(&mut self, line: Line) {
        eprintln!("{} | {} | {} | {} | {}", line.what, line.on, line.measured, line.ceiling, ratio(line.ratio));
        let Line { what, on, measured, ceiling, ratio: value, target } = line;
        self.0.push([what, on.to_owned(), measured, ceiling, ratio(value), target.to_owned()]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| What | Database | Measured | Beside it | Ratio | Target |\n|---|---|---|---|---|---|")?;
        for cells in &self.0 {
            writeln!(f, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

fn ratio(value: f64) -> String {
    if value >= 20.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// The middle one.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// "12,345/s".
pub fn per_second(rate: f64) -> String {
    format!("{}/s", canopy::web::format::number(rate.round() as i64))
}

/// "1.23 ms".
pub fn millis(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1000.0)
}
