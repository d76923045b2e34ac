//! Work of which one at a time is enough for a node: whoever asks for it while it is under way has it done once more,
//! and takes no thread for that.

use parking_lot::Mutex;

#[derive(Debug, Default)]
pub struct Single(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: bool,
    /// Somebody asked meanwhile.
    again: bool,
}

impl Single {
    /// Does `work`, and again for whoever asked meanwhile. Where it is under way already, this asks and returns.
    pub fn run(&self, mut work: impl FnMut()) {
        {
            let mut state = self.0.lock();
            if state.running {
                state.again = true;
                return;
            }
            state.running = true;
        }
        let mut running = Running { of: self, ended: false };
        while !running.ended {
            work();
            let mut state = self.0.lock();
            if !std::mem::take(&mut state.again) {
                state.running = false;
                running.ended = true;
            }
        }
    }
}

/// Ends it though `work` may panic.
struct Running<'a> {
    of: &'a Single,
    ended: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            *self.of.0.lock() = State::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn who_asks_meanwhile_has_it_done_once_more_however_many_ask() {
        let (single, done) = (Single::default(), Cell::new(0));
        single.run(|| {
            done.set(done.get() + 1);
            if done.get() == 1 {
                (0..10).for_each(|_| single.run(|| panic!("it is under way")));
            }
        });
        assert_eq!(done.get(), 2);
    }

    #[test]
    fn one_that_panics_leaves_the_next_free_to_run() {
        let single = Single::default();
        assert!(catch_unwind(AssertUnwindSafe(|| single.run(|| panic!("broken")))).is_err());
        let mut ran = false;
        single.run(|| ran = true);
        assert!(ran);
    }
}
