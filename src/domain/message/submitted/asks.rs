//! What a message asks of us in its own header: control headers, obeyed and never passed on.

use super::super::super::refusal::Refusal;
use super::super::super::text::Tag;
use super::super::draft::MAX_TAGS;
use super::super::input::RetentionInput;
use super::super::schedule::Retention;
use super::super::status::SandboxResult;
use super::Field;

/// What the control headers said; nothing takes the account's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    pub track_opens: Option<bool>,
    pub track_clicks: Option<bool>,
    pub sandbox: Option<bool>,
    pub sandbox_result: Option<SandboxResult>,
    pub metadata_days: Option<i64>,
    pub data_days: Option<i64>,
    pub tags: Vec<Tag>,
}

impl Asks {
    /// Whether the field is for us, and obeyed.
    ///
    /// # Errors
    /// When it cannot be: a refusal that names it.
    pub(super) fn take(&mut self, name: &str, field: &Field<'_>) -> Result<bool, Refusal> {
        let name = name.to_ascii_lowercase();
        let Some(what) = name.strip_prefix("ahasend-") else { return Ok(false) };
        let value = field.text();
        let taken = match what {
            "track-opens" => set(&mut self.track_opens, yes(&value)),
            "track-clicks" => set(&mut self.track_clicks, yes(&value)),
            "sandbox" => set(&mut self.sandbox, yes(&value)),
            "sandbox-result" => set(&mut self.sandbox_result, SandboxResult::parse(&value.to_ascii_lowercase())),
            "metadata-retention" => set(&mut self.metadata_days, days(&value, true)),
            "data-retention" => set(&mut self.data_days, days(&value, false)),
            "tags" => self.tagged(&value),
            _ => return Ok(false),
        };
        taken.map(|()| true).map_err(|refusal| refusal.at(&name))
    }

    /// The result that the message ends in without leaving; `None` for one that leaves. `always` is a sender all of
    /// whose messages stay here.
    #[must_use]
    pub fn sandbox(&self, always: bool) -> Option<SandboxResult> {
        (always || self.sandbox == Some(true)).then(|| self.sandbox_result.unwrap_or_default())
    }

    /// Tags with commas between them.
    fn tagged(&mut self, value: &str) -> Result<(), Refusal> {
        for text in value.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let tag = Tag::parse(text)?;
            if self.tags.contains(&tag) {
                continue;
            }
            if self.tags.len() == MAX_TAGS {
                return Err(Refusal::new(format!("At most {MAX_TAGS} tags can be set.")));
            }
            self.tags.push(tag);
        }
        Ok(())
    }
}

fn set<T>(place: &mut Option<T>, value: Result<T, Refusal>) -> Result<(), Refusal> {
    if place.is_some() {
        return Err(Refusal::new("It is set twice. Set it once."));
    }
    *place = Some(value?);
    Ok(())
}

fn yes(value: &str) -> Result<bool, Refusal> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(Refusal::new("Use true or false.")),
    }
}

fn days(value: &str, metadata: bool) -> Result<i64, Refusal> {
    let days = value.parse().map_err(|_| Refusal::new("Use a whole number of days."))?;
    let (of_metadata, of_data) = if metadata { (Some(days), None) } else { (None, Some(days)) };
    Retention::parse(Some(&RetentionInput { metadata: of_metadata, data: of_data })).map(|_| days)
}
