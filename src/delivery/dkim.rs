//! DKIM signatures (RFC 6376): rsa-sha256, relaxed/relaxed. The only place that knows mail-auth.
//! The body hash is ours: mail-auth 0.13 hashes a last line of nothing but white space as if it were text.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use mail_auth::common::crypto::Algorithm;
use mail_auth::dkim::{Canonicalization, Signature};

use super::wire;
use crate::secrets::DkimKey;

/// Signed and named once more than present, so that nobody can add a second one that mail programs would show
/// (RFC 6376, section 5.4.2).
const OVERSIGNED: [&str; 8] = ["From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "Content-Type"];

/// Signed where present.
const SIGNED: [&str; 13] = [
    "Sender",
    "MIME-Version",
    "Content-Transfer-Encoding",
    "Content-Disposition",
    "Content-Language",
    "In-Reply-To",
    "References",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "X-Canopy-Id",
    "CFBL-Address",
];

/// Signs the mail of one domain.
#[derive(Debug, Clone)]
pub struct Signer {
    key: Arc<DkimKey>,
    domain: String,
    selector: String,
}

/// Why a message was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignError {
    /// The key failed: a damaged one.
    Key,
    /// A signature must cover From (RFC 6376, section 5.4).
    NoFrom,
}

impl Signer {
    /// `domain` in its ASCII form; `selector` as published.
    pub fn new(key: Arc<DkimKey>, domain: &str, selector: &str) -> Self {
        Self { key, domain: domain.to_owned(), selector: selector.to_owned() }
    }

    /// The `DKIM-Signature` header, CRLF included, to be put in front of `message`. `signed_at` in Unix seconds.
    /// Signs the wire form of the message ([`wire::to_crlf`]): what is sent must have that form.
    ///
    /// # Errors
    /// When the message has no From header, or the key fails.
    pub fn sign(&self, message: &[u8], signed_at: i64) -> Result<Vec<u8>, SignError> {
        let message = wire::to_crlf(message);
        let (head, body) = wire::split(&message);
        let (names, headers) = choose(&fields(head));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"From")) {
            return Err(SignError::NoFrom);
        }
        let mut signature = Signature {
            v: 1,
            a: Algorithm::RsaSha256,
            d: self.domain.clone(),
            s: self.selector.clone(),
            bh: relaxed_body_hash(body),
            h: names,
            t: u64::try_from(signed_at).unwrap_or(0),
            ch: Canonicalization::Relaxed,
            cb: Canonicalization::Relaxed,
            ..Signature::default()
        };
        signature.b = self.key.sign(&signed_text(&headers, &signature)).ok_or(SignError::Key)?;
        let mut header = Vec::with_capacity(1024);
        signature.write(&mut header, true);
        Ok(header)
    }
}

/// A header field: its name, and all behind the colon up to and including the last CRLF.
type Field<'m> = (&'m [u8], &'m [u8]);

/// The fields of a header section, in order, folded lines joined to their field.
fn fields(head: &[u8]) -> Vec<Field<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < head.len() {
        let mut end = start;
        loop {
            end += head[end..].iter().position(|byte| *byte == b'\n').map_or(head.len() - end, |at| at + 1);
            if !matches!(head.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let field = &head[start..end];
        if let Some(colon) = field.iter().position(|byte| *byte == b':') {
            found.push((field[..colon].trim_ascii_end(), &field[colon + 1..]));
        }
        start = end;
    }
    found
}

/// The names for `h=` and the fields they cover, of a repeated field the last first (RFC 6376, section 5.4.2).
fn choose<'m>(present: &[Field<'m>]) -> (Vec<String>, Vec<Field<'m>>) {
    let mut names = Vec::new();
    let mut covered = Vec::new();
    for (name, once_more) in OVERSIGNED.iter().map(|n| (n, 1)).chain(SIGNED.iter().map(|n| (n, 0))) {
        let same = present.iter().rev().filter(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
        let before = covered.len();
        covered.extend(same.copied());
        names.extend(std::iter::repeat_n((*name).to_owned(), covered.len() - before + once_more));
    }
    (names, covered)
}

/// SHA-256 of the body in relaxed form: white space at line ends gone, runs of it one space, empty lines at the end
/// gone (RFC 6376, section 3.4.4).
fn relaxed_body_hash(body: &[u8]) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    let mut empty_lines = 0_usize;
    let mut line = Vec::with_capacity(1000);
    let body = body.strip_suffix(b"\r\n").unwrap_or(body);
    for raw in body.split(|byte| *byte == b'\n') {
        relax_line(raw.strip_suffix(b"\r").unwrap_or(raw), &mut line);
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty_lines) {
            hash.update(b"\r\n");
        }
        line.extend_from_slice(b"\r\n");
        hash.update(&line);
    }
    hash.finish().as_ref().to_vec()
}

/// `raw`, a line without its CRLF, in relaxed form.
fn relax_line(raw: &[u8], line: &mut Vec<u8>) {
    line.clear();
    let end = raw.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
    let mut in_space = false;
    for &byte in &raw[..end] {
        let space = matches!(byte, b' ' | b'\t');
        match (space, in_space) {
            (true, true) => {}
            (true, false) => line.push(b' '),
            (false, _) => line.push(byte),
        }
        in_space = space;
    }
}

/// What the key signs: the covered headers, then the signature itself with an empty `b=` (RFC 6376, section 3.7).
fn signed_text(headers: &[Field<'_>], signature: &Signature) -> Vec<u8> {
    let mut text = Vec::with_capacity(2048);
    Canonicalization::Relaxed.canonicalize_headers(headers.iter().copied(), &mut text);
    signature.write(&mut text, false);
    text
}

impl std::fmt::Display for SignError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key => "the DKIM key cannot sign",
            Self::NoFrom => "the message has no From header to sign",
        })
    }
}

impl std::error::Error for SignError {}

#[cfg(test)]
#[path = "dkim_tests.rs"]
mod tests;
