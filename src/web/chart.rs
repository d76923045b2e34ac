//! Geometry of charts drawn on the server as SVG: bars, sparklines, meters. Templates only place what is computed here,
//! by attributes and classes (the content policy forbids `style=`). Horizontal positions are percentages, vertical ones
//! pixels, so that a chart fills its panel while its text keeps its size.

mod small;

pub use small::{Meter, NEAR_CAP_PERCENT, Sparkline};

use super::format;

/// Height of the plot of a [`BarChart`] in pixels, without its labels.
pub const PLOT_HEIGHT: f64 = 168.0;
/// One column of a chart before it is drawn: a day, or a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Short name for the axis: `24 Nov`.
    pub label: String,
    /// One amount per series.
    pub parts: Vec<u64>,
    /// How many of them bounced, drawn over the foot of the column.
    pub bounced: u64,
}

impl Column {
    /// The column of a chart with one series.
    pub fn single(label: impl Into<String>, amount: u64, bounced: u64) -> Self {
        Self { label: label.into(), parts: vec![amount], bounced }
    }

    /// All series together.
    pub fn total(&self) -> u64 {
        self.parts.iter().sum()
    }
}

/// A stacked bar chart with its axis, and the table behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarChart {
    /// What is counted, as a heading says it: `Messages per day`.
    pub title: String,
    /// Names of the series, in the order of [`Column::parts`].
    pub series: Vec<String>,
    /// Oldest first.
    pub columns: Vec<Column>,
    /// Places on the axis; more than `columns` while a period is still running.
    pub slots: usize,
    /// A line across the chart, for example the daily share of a cap.
    pub cap: Option<u64>,
    /// Draw the last column in the strong colour: today, still counting.
    pub highlight_last: bool,
}

/// A rectangle inside the plot: `x` and `width` in percent, `y` and `height` in pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// `c0`, `c1`... for the series, `bo` for bounced.
    pub class: String,
    pub y: String,
    pub height: String,
}

/// One drawn column.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub x: String,
    pub width: String,
    /// The whole place of the column, for hovering.
    pub hit_x: String,
    pub hit_width: String,
    pub blocks: Vec<Block>,
    /// What hovering says: `24 Nov: 3,610 messages, 41 bounced`.
    pub tip: String,
    pub highlight: bool,
}

/// A horizontal line with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    pub y: String,
    pub label: String,
}

/// A name under the axis; `odd` ones are left out on a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisLabel {
    pub x: String,
    pub text: String,
    pub odd: bool,
}

impl BarChart {
    /// A chart of one series, the last column highlighted.
    pub fn simple(title: impl Into<String>, columns: Vec<Column>) -> Self {
        let slots = columns.len();
        Self {
            title: title.into(),
            series: vec!["Messages".to_owned()],
            columns,
            slots,
            cap: None,
            highlight_last: true,
        }
    }

    /// Sentence for people who do not see the chart.
    pub fn aria_label(&self) -> String {
        let total: u64 = self.columns.iter().map(Column::total).sum();
        let span = match (self.columns.first(), self.columns.last()) {
            (Some(first), Some(last)) => format!(", {} to {}", first.label, last.label),
            _ => String::new(),
        };
        format!("{}{span}: {} in total. The numbers are in the table below.", self.title, format::number(total))
    }

    /// Whether there is a series of bounces to explain.
    pub fn has_bounces(&self) -> bool {
        self.columns.iter().any(|column| column.bounced > 0)
    }

    fn places(&self) -> usize {
        self.slots.max(self.columns.len()).max(1)
    }

    /// Step between ticks: 1, 2 or 5 times a power of ten, so that at most five steps reach the highest value.
    fn step(&self) -> u64 {
        let highest = self.columns.iter().map(Column::total).chain(self.cap).max().unwrap_or(0).max(4);
        let mut power = 1u64;
        loop {
            for factor in [1, 2, 5] {
                let step = power.saturating_mul(factor);
                if highest.div_ceil(step) <= 5 {
                    return step;
                }
            }
            power = power.saturating_mul(10);
        }
    }

    /// The value at the top of the axis.
    pub fn top(&self) -> u64 {
        let highest = self.columns.iter().map(Column::total).chain(self.cap).max().unwrap_or(0).max(4);
        highest.div_ceil(self.step()).saturating_mul(self.step())
    }

    fn height_of(&self, value: u64) -> f64 {
        PLOT_HEIGHT * value as f64 / self.top() as f64
    }

    /// Lines of the axis, from 0 up.
    pub fn ticks(&self) -> Vec<Tick> {
        let step = self.step();
        (0..=self.top() / step)
            .map(|i| Tick { y: px(PLOT_HEIGHT - self.height_of(i * step)), label: format::compact(i * step) })
            .collect()
    }

    /// Where the cap line lies, with its number.
    pub fn cap_line(&self) -> Option<Tick> {
        self.cap.map(|cap| Tick { y: px(PLOT_HEIGHT - self.height_of(cap)), label: format::number(cap) })
    }

    /// About six names under the axis, the last column always among them.
    pub fn labels(&self) -> Vec<AxisLabel> {
        let last = self.columns.len().saturating_sub(1);
        let every = self.columns.len().div_ceil(6).max(1);
        let place = 100.0 / self.places() as f64;
        let shown = self.columns.iter().enumerate().rev().filter(|(i, _)| (last - i).is_multiple_of(every));
        let mut labels: Vec<AxisLabel> = shown
            .enumerate()
            .map(|(nth, (i, column))| AxisLabel {
                x: pct(place * (i as f64 + 0.5)),
                text: column.label.clone(),
                odd: nth % 2 == 1,
            })
            .collect();
        labels.reverse();
        labels
    }

    /// The drawn columns, oldest first.
    pub fn bars(&self) -> Vec<Bar> {
        let place = 100.0 / self.places() as f64;
        let last = self.columns.len().saturating_sub(1);
        self.columns
            .iter()
            .enumerate()
            .map(|(i, column)| Bar {
                x: pct(place * (i as f64 + 0.16)),
                width: pct(place * 0.68),
                hit_x: pct(place * i as f64),
                hit_width: pct(place),
                blocks: self.blocks(column),
                tip: self.tip(column),
                highlight: self.highlight_last && i == last,
            })
            .collect()
    }

    fn blocks(&self, column: &Column) -> Vec<Block> {
        let mut foot = PLOT_HEIGHT;
        let mut blocks = Vec::with_capacity(column.parts.len() + 1);
        for (series, amount) in column.parts.iter().enumerate().filter(|(_, amount)| **amount > 0) {
            let height = self.height_of(*amount);
            foot -= height;
            blocks.push(Block { class: format!("c{}", series % 4), y: px(foot), height: px(height) });
        }
        if column.bounced > 0 {
            // Bounces are few: at least a pixel and a half, or they would not be seen at all.
            let height = self.height_of(column.bounced.min(column.total())).max(1.5);
            blocks.push(Block { class: "bo".to_owned(), y: px(PLOT_HEIGHT - height), height: px(height) });
        }
        blocks
    }

    fn tip(&self, column: &Column) -> String {
        let mut tip = format!("{}: {}", column.label, format::number(column.total()));
        if self.series.len() > 1 {
            for (name, amount) in self.series.iter().zip(&column.parts) {
                tip.push_str(&format!("\n{name} {}", format::number(amount)));
            }
        }
        if column.bounced > 0 {
            tip.push_str(&format!("\n{} bounced", format::number(column.bounced)));
        }
        tip
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

fn pct(value: f64) -> String {
    format!("{value:.2}%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chart(amounts: &[u64]) -> BarChart {
        BarChart::simple(
            "Messages per day",
            amounts.iter().map(|n| Column::single(format!("{n}"), *n, n / 50)).collect(),
        )
    }

    fn number(text: &str) -> f64 {
        text.trim_end_matches('%').parse().unwrap()
    }

    #[test]
    fn ticks_are_round_numbers_that_reach_the_highest_column() {
        let labels = |top| chart(&[top]).ticks().into_iter().map(|tick| tick.label).collect::<Vec<_>>().join("|");
        assert_eq!(labels(4712).replace('\u{a0}', " "), "0|1 k|2 k|3 k|4 k|5 k");
        assert_eq!(labels(0), "0|1|2|3|4");
        assert_eq!(labels(11), "0|5|10|15");
    }

    #[test]
    fn the_cap_line_is_inside_the_plot_even_above_all_columns() {
        let mut chart = chart(&[10, 20]);
        chart.cap = Some(100);
        assert_eq!(chart.cap_line().unwrap().y, "0.0");
        assert_eq!(chart.top(), 100);
    }

    #[test]
    fn a_running_period_leaves_room_for_the_days_to_come() {
        let mut chart = chart(&[5; 24]);
        chart.slots = 30;
        let bars = chart.bars();
        assert!(number(&bars[23].x) + number(&bars[23].width) <= 80.0);
        assert!(bars[23].highlight && !bars[22].highlight);
    }

    #[test]
    fn the_last_column_is_always_named_and_names_are_few() {
        for days in [1, 2, 7, 24, 30, 31, 90] {
            let chart = chart(&(1..=days).collect::<Vec<_>>());
            let labels = chart.labels();
            assert_eq!(labels.last().unwrap().text, days.to_string());
            assert!(labels.len() <= 7 && !labels.last().unwrap().odd, "{days} days: {labels:?}");
        }
    }

    #[test]
    fn an_empty_chart_still_has_an_axis_and_a_sentence() {
        let chart = chart(&[]);
        assert!(chart.bars().is_empty() && chart.labels().is_empty());
        assert_eq!(chart.ticks().len(), 5);
        assert!(chart.aria_label().starts_with("Messages per day: 0 in total"));
    }

    proptest! {
        #[test]
        fn stacked_blocks_stand_on_each_other_inside_the_plot(parts in proptest::collection::vec(0u64..5_000_000, 1..4)) {
            let chart = BarChart {
                series: parts.iter().map(|n| n.to_string()).collect(),
                columns: vec![Column { label: "1 Nov".into(), parts: parts.clone(), bounced: 0 }],
                ..chart(&[])
            };
            let bars = chart.bars();
            let mut foot = PLOT_HEIGHT;
            for block in &bars[0].blocks {
                prop_assert!((number(&block.y) + number(&block.height) - foot).abs() < 0.11);
                foot = number(&block.y);
            }
            prop_assert!(foot >= -0.05);
        }

        #[test]
        fn no_axis_has_more_than_five_steps(top in 0u64..u64::MAX / 2) {
            prop_assert!((4..=6).contains(&chart(&[top]).ticks().len()) || top > 4);
            prop_assert!(chart(&[top]).ticks().len() <= 6);
        }
    }
}
