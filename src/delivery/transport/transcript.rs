//! Writes down what is said on a connection, where somebody asked to read it; otherwise costs nothing.
//!
//! The greeting and the first EHLO are read off the wire (`line_stream.rs`), because lettre keeps them to itself. Later
//! lines are noted where commands are given (`session.rs`), since on the wire they may be encrypted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::conversation::{Line, Speaker};

/// The longest line that is kept, in characters: a server may talk at length.
const LONGEST: usize = 1000;

#[derive(Debug, Default)]
struct Book {
    lines: Mutex<Vec<Line>>,
    on_the_wire: AtomicBool,
}

/// Clones write into the same book.
#[derive(Clone, Debug, Default)]
pub struct Transcript(Option<Arc<Book>>);

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
        self.0
            .as_ref()
            .map(|book| book.lines.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }

    pub(super) fn note(&self, speaker: Speaker, text: &str) {
        let Some(book) = &self.0 else { return };
        let mut lines = book.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for text in text.split(['\r', '\n']).filter(|text| !text.is_empty()) {
            lines.push(Line { speaker, text: text.chars().take(LONGEST).collect() });
        }
    }

    /// Whether lines are read off the wire just now.
    pub(super) fn listen(&self, on: bool) {
        if let Some(book) = &self.0 {
            book.on_the_wire.store(on, Ordering::Relaxed);
        }
    }

    /// A line that passed on the wire.
    pub(super) fn overhear(&self, speaker: Speaker, bytes: &[u8]) {
        if self.0.as_ref().is_some_and(|book| book.on_the_wire.load(Ordering::Relaxed)) {
            self.note(speaker, &String::from_utf8_lossy(bytes));
        }
    }
}
