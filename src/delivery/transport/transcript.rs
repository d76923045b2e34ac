//! Writes down what is said on a connection, where somebody asked to read it; otherwise costs nothing.
//! Lines are noted where commands are given (`session.rs`), since on the wire they may be encrypted.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::conversation::{Line, Speaker};

/// The longest line that is kept, in characters: a server may talk at length.
const LONGEST: usize = 1000;

/// Clones write into the same book.
#[derive(Clone, Debug, Default)]
pub struct Transcript(Option<Arc<Mutex<Vec<Line>>>>);

impl Transcript {
    /// One that is kept.
    #[must_use]
    pub fn kept() -> Self {
        Self(Some(Arc::default()))
    }

    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// What was said so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.0.as_ref().map(|book| book.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }

    pub(super) fn note(&self, speaker: Speaker, text: &str) {
        let Some(book) = &self.0 else { return };
        let mut lines = book.lock().unwrap_or_else(PoisonError::into_inner);
        for text in text.split(['\r', '\n']).filter(|text| !text.is_empty()) {
            lines.push(Line { speaker, text: text.chars().take(LONGEST).collect() });
        }
    }
}
