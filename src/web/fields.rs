//! The body of a form, read once: pairs of names and texts, and files.

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use futures_util::StreamExt;

use super::error::PageError;
use crate::domain::outside;
use crate::domain::refusal::Refusal;
use crate::load::{READ, Share};
use crate::telemetry::patience::patient;

/// Fields that are as long as a file: what is pasted instead of one, and a whole form that waits for a sign-in.
const LONG: [&str; 2] = ["csv", "carried"];

/// What a field takes in memory besides its text, in bytes.
const FIELD: usize = 128;

/// A file of a form.
#[derive(Clone, Debug)]
pub struct File {
    pub field: String,
    /// As the browser named it: for messages only.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Everything a form sent, in its order.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    pub pairs: Vec<(String, String)>,
    pub files: Vec<File>,
}

impl Fields {
    /// The first value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The file of a field; `None` too when none was chosen.
    #[must_use]
    pub fn file(&self, field: &str) -> Option<&File> {
        self.files.iter().find(|file| file.field == field && !file.bytes.is_empty())
    }
}

/// Reads a body of at most `limit` bytes. A content type that is no form's has no fields.
///
/// # Errors
/// 413 when it is longer, 400 when it cannot be read, or a field holds what no text may, 503 where this
/// node has no room for it.
pub async fn read(headers: &HeaderMap, payload: Payload, limit: usize, share: &mut Share) -> Result<Fields, PageError> {
    let fields = read_any(headers, patient(payload), limit, share).await?;
    checked(&fields).map_err(|refusal| PageError::new(400).saying(refusal.message()))?;
    Ok(fields)
}

/// Refuses by its name a field that holds what no text may.
fn checked(fields: &Fields) -> Result<(), Refusal> {
    for (name, value) in &fields.pairs {
        let most = if LONG.contains(&name.as_str()) { usize::MAX } else { outside::MAX_FIELD };
        outside::text(name, value, most)?;
    }
    fields.files.iter().try_for_each(|file| outside::text(&file.field, &file.name, outside::MAX_PARAMETER))
}

async fn read_any(headers: &HeaderMap, payload: Payload, limit: usize, share: &mut Share) -> Result<Fields, PageError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        return multipart(Multipart::new(headers, payload), limit, share).await;
    }
    let bytes = collect(payload, limit, share).await?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Ok(Fields::default());
    }
    let pairs = bytes.iter().filter(|byte| **byte == b'&').count() + 1;
    share.reach(bytes.len() * READ + pairs * FIELD)?;
    let pairs = serde_html_form::from_bytes(&bytes).map_err(|_| PageError::new(400))?;
    Ok(Fields { pairs, files: Vec::new() })
}

async fn collect(mut payload: Payload, limit: usize, share: &mut Share) -> Result<Vec<u8>, PageError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| PageError::new(400))?;
        if bytes.len() + chunk.len() > limit {
            return Err(PageError::new(413));
        }
        share.reserve(&mut bytes, chunk.len(), limit)?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn multipart(mut body: Multipart, limit: usize, share: &mut Share) -> Result<Fields, PageError> {
    let (mut fields, mut size) = (Fields::default(), 0);
    while let Some(part) = body.next().await {
        let mut part = part.map_err(|_| PageError::new(400))?;
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.content_disposition().and_then(|about| about.get_filename()).map(str::to_owned);
        // What a part takes besides its content: nobody sends a million empty ones.
        size += FIELD + name.len() + file_name.as_ref().map_or(0, String::len);
        let mut bytes = Vec::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(|_| PageError::new(400))?;
            size += chunk.len();
            if size > limit {
                return Err(PageError::new(413));
            }
            share.reserve(&mut bytes, chunk.len(), limit)?;
            bytes.extend_from_slice(&chunk);
        }
        if size > limit {
            return Err(PageError::new(413));
        }
        match file_name {
            Some(file) => fields.files.push(File { field: name, name: file, bytes }),
            None => {
                let text = String::from_utf8(bytes).map_err(|_| PageError::new(400))?;
                fields.pairs.push((name, text));
            }
        }
    }
    share.reach(size * READ)?;
    Ok(fields)
}
