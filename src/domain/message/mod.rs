//! A message from the request to the bytes that leave: what was asked (`input`), what was understood (`draft`),
//! substitutions (`render`), the wire form (`mime`), and reading it back (`parse`); or, over SMTP, what was handed in
//! (`submitted`). Accepting, counting and
//! queueing are actions, not here.

pub mod attachment;
pub mod draft;
mod encoded_word;
pub mod headers;
pub mod input;
pub mod mailbox;
pub mod mime;
pub mod parse;
pub mod payload;
pub mod reference;
pub mod render;
pub mod schedule;
pub mod status;
pub mod submitted;
