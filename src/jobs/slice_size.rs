//! How many rows one transaction of a long piece of work takes: as many as a moment allows, so that whoever waits for the
//! same locks, or for SQLite's one writer, waits for a moment.

use std::time::Duration;

/// Rows at most, however quick they are.
const MOST: u32 = 500;
/// Rows at least: below, the transactions cost more than the rows.
const LEAST: u32 = 20;
/// How long a slice may take.
const MOMENT: Duration = Duration::from_millis(100);

/// The size of the next slice.
#[derive(Clone, Copy, Debug)]
pub struct SliceSize(u32);

impl Default for SliceSize {
    fn default() -> Self {
        Self(MOST)
    }
}

impl SliceSize {
    #[must_use]
    pub fn rows(self) -> i64 {
        self.0.into()
    }

    /// A slice took that long: half as many rows after one that took too long, a quarter more after a quick one.
    pub fn took(&mut self, time: Duration) {
        let next = if time > MOMENT { self.0 / 2 } else { self.0 + self.0 / 4 };
        self.0 = next.clamp(LEAST, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_shrink_while_they_take_long_and_grow_back_within_their_bounds() {
        let mut size = SliceSize::default();
        size.took(Duration::from_millis(101));
        assert_eq!(size.rows(), 250);
        for _ in 0..20 {
            size.took(Duration::from_secs(5));
        }
        assert_eq!(size.rows(), 20);
        for _ in 0..40 {
            size.took(Duration::from_millis(100));
        }
        assert_eq!(size.rows(), 500);
    }
}
