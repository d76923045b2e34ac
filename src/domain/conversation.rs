//! What was said on a connection, for whoever wants to read it.

/// Who said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    Us,
    Server,
    /// Nobody: what happened in between, such as that encryption began.
    Note,
}

/// One line, without its end, secrets masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub speaker: Speaker,
    pub text: String,
}

/// How a conversation went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub lines: Vec<Line>,
    /// Whether the other side took the message.
    pub taken: bool,
    /// Its last word, or why there was none.
    pub verdict: String,
}
