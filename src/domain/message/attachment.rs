//! Files of a request, decoded and checked.

use std::fmt;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::super::refusal::Refusal;
use super::input::AttachmentInput;

/// The most files in one request.
pub const MAX_ATTACHMENTS: usize = 50;
/// All files of a request together, decoded, in bytes: base64 makes about 19 MB of it, which every large host takes.
pub const MAX_TOTAL_BYTES: usize = 14 * 1024 * 1024;

/// Clients pad or not; both are taken.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub data: Vec<u8>,
    pub content_type: MediaType,
    pub file_name: String,
    /// What the HTML refers to as `cid:`, without brackets. With it the file is an inline image.
    pub content_id: Option<String>,
    /// Shown in place rather than offered for download, where the client can.
    pub inline: bool,
}

impl Attachment {
    fn parse(input: AttachmentInput) -> Result<Self, Refusal> {
        let content_type = MediaType::parse(input.content_type.as_deref().unwrap_or_default())
            .map_err(|refusal| refusal.at("content_type"))?;
        let file_name = file_name(input.file_name.as_deref()).map_err(|refusal| refusal.at("file_name"))?;
        let content_id = content_id(input.content_id.as_deref()).map_err(|refusal| refusal.at("content_id"))?;
        let inline = disposition(input.content_disposition.as_deref())?.unwrap_or(content_id.is_some());
        let Some(data) = input.data else { return Err(Refusal::new("data: The file's data is missing.")) };
        let data = if input.base64.unwrap_or(false) { decode(data)? } else { data.into_bytes() };
        Ok(Self { data, content_type, file_name, content_id, inline })
    }
}

/// Reads all files of a request; a refusal names the file's place.
pub fn parse_all(inputs: Option<Vec<AttachmentInput>>) -> Result<Vec<Attachment>, Refusal> {
    let inputs = inputs.unwrap_or_default();
    if inputs.len() > MAX_ATTACHMENTS {
        return Err(Refusal::new(format!("attachments: At most {MAX_ATTACHMENTS} files can be attached.")));
    }
    let mut total = 0;
    let mut attachments = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.into_iter().enumerate() {
        let attachment = Attachment::parse(input).map_err(|refusal| refusal.at(&format!("attachments[{index}]")))?;
        total += attachment.data.len();
        if total > MAX_TOTAL_BYTES {
            let megabytes = MAX_TOTAL_BYTES / 1024 / 1024;
            return Err(Refusal::new(format!("attachments: The files are larger than {megabytes} MB together.")));
        }
        attachments.push(attachment);
    }
    Ok(attachments)
}

fn decode(data: String) -> Result<Vec<u8>, Refusal> {
    let compact = if data.bytes().any(|b| b.is_ascii_whitespace()) {
        data.chars().filter(|c| !c.is_ascii_whitespace()).collect()
    } else {
        data
    };
    DECODER.decode(compact).map_err(|_| Refusal::new("data: The data is not valid base64."))
}

fn file_name(name: Option<&str>) -> Result<String, Refusal> {
    let name = name.unwrap_or_default().trim();
    if name.is_empty() || name.chars().count() > 255 || name.chars().any(char::is_control) {
        return Err(Refusal::new("Give the file a name of 1 to 255 characters without control characters."));
    }
    Ok(name.to_owned())
}

/// Without angle brackets it makes a plain attachment (the contract says so).
fn content_id(text: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(inner) = text.and_then(|text| text.trim().strip_prefix('<')).and_then(|text| text.strip_suffix('>'))
    else {
        return Ok(None);
    };
    let fits =
        (1..=200).contains(&inner.len()) && inner.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>');
    if fits {
        Ok(Some(inner.to_owned()))
    } else {
        Err(Refusal::new("Use a form like <image1@example.com>, without spaces."))
    }
}

/// Whether the file is asked to be shown in place.
fn disposition(text: Option<&str>) -> Result<Option<bool>, Refusal> {
    match text.map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        None | Some("") => Ok(None),
        Some("inline") => Ok(Some(true)),
        Some("attachment") => Ok(Some(false)),
        Some(_) => Err(Refusal::new("content_disposition: Use inline or attachment.")),
    }
}

/// A media type with its parameters (RFC 2045 section 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `image/png`, lower case.
    pub essence: String,
    /// For example `method=REQUEST` of a calendar file.
    pub parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads `type/subtype; name=value`. Containers are refused: their parts could not be checked.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refusal = || Refusal::new("Use a media type like application/pdf.");
        let mut parts = text.split(';');
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').ok_or_else(refusal)?;
        if !is_token(kind) || !is_token(subtype) || essence.len() > 127 {
            return Err(refusal());
        }
        if kind == "multipart" || kind == "message" {
            return Err(Refusal::new("Messages cannot be attached as such. Use application/octet-stream."));
        }
        let mut parameters = Vec::new();
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(refusal)?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
            let plain =
                !value.is_empty() && value.len() <= 200 && value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
            if !is_token(&name) || !plain || value.contains(['"', '\\']) || parameters.len() == 10 {
                return Err(refusal());
            }
            if name != "name" {
                parameters.push((name, value.to_owned()));
            }
        }
        Ok(Self { essence, parameters })
    }
}

/// The stored form, which `parse` reads back.
impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        self.parameters.iter().try_for_each(|(name, value)| write!(f, "; {name}=\"{value}\""))
    }
}

fn is_token(text: &str) -> bool {
    let special = |b: u8| b"()<>@,;:\\\"/[]?=".contains(&b);
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !special(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_media_type_survives_storage(text in "[a-z]{1,9}/[a-z.+-]{1,9}(; ?[a-z]{1,5}=\"?[ -~]{1,12}\"?){0,3}") {
            if let Ok(parsed) = MediaType::parse(&text) {
                prop_assert_eq!(MediaType::parse(&parsed.to_string()), Ok(parsed));
            }
        }
    }

    fn input(data: &str, base64: bool) -> AttachmentInput {
        AttachmentInput {
            base64: Some(base64),
            data: Some(data.to_owned()),
            content_type: Some("image/png".to_owned()),
            file_name: Some("pixel.png".to_owned()),
            ..AttachmentInput::default()
        }
    }

    fn one(input: AttachmentInput) -> Result<Attachment, Refusal> {
        parse_all(Some(vec![input])).map(|mut all| all.remove(0))
    }

    #[test]
    fn data_is_text_or_base64_padded_or_not_wrapped_or_not() {
        assert_eq!(one(input("héllo", false)).expect("valid").data, "héllo".as_bytes());
        for encoded in ["aGk=", "aGk", "aG\r\nk="] {
            assert_eq!(one(input(encoded, true)).expect("valid").data, b"hi", "{encoded}");
        }
        let refusal = one(input("not base64!", true)).expect_err("refused");
        assert!(refusal.message().starts_with("attachments[0]: data"), "{refusal}");
    }

    #[test]
    fn only_a_content_id_in_brackets_makes_an_inline_image() {
        let with = |id: &str| one(AttachmentInput { content_id: Some(id.to_owned()), ..input("aGk=", true) });
        let image = with("<a@b.example>").expect("valid");
        assert_eq!((image.content_id.as_deref(), image.inline), (Some("a@b.example"), true));
        let plain = with("a@b.example").expect("valid");
        assert_eq!((plain.content_id, plain.inline), (None, false));
        assert!(with("<a b>").is_err() && with("<>").is_err());
    }

    #[test]
    fn files_together_have_a_limit() {
        let half = "x".repeat(MAX_TOTAL_BYTES / 2 + 1);
        assert!(parse_all(Some(vec![input(&half, false)])).is_ok());
        assert!(parse_all(Some(vec![input(&half, false), input(&half, false)])).is_err());
        assert!(parse_all(Some(vec![input("x", false); MAX_ATTACHMENTS + 1])).is_err());
    }

    #[test]
    fn media_types_keep_their_parameters_and_break_no_header() {
        let calendar = MediaType::parse("text/Calendar; method=REQUEST; charset=\"utf-8\"").expect("valid");
        assert_eq!(calendar.essence, "text/calendar");
        assert_eq!(calendar.parameters.len(), 2);
        assert_eq!(MediaType::parse(&calendar.to_string()), Ok(calendar));
        for text in
            ["", "png", "image/", "image/p ng", "image/png\r\nX: y", "multipart/mixed", "message/rfc822", "a/b; c"]
        {
            assert!(MediaType::parse(text).is_err(), "{text}");
        }
    }
}
