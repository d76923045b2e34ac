//! Substitutions: Jinja by MiniJinja, the recipient's values over the request's. As in Jinja's own default, a name that
//! is not given prints as nothing, and asking something *of* such a name is an error. Values are escaped in HTML and AMP.
//! Templates come from clients: no other template can be loaded, and fuel bounds both work and memory (MiniJinja charges
//! for every byte it makes).

use std::borrow::Cow;
use std::sync::LazyLock;

use minijinja::value::{Serde, merge_maps};
use minijinja::{AutoEscape, Environment, Error, ErrorKind};
use serde_json::{Map, Value};

use super::super::refusal::Refusal;
use super::draft::{Bodies, Draft, MAX_BODY_BYTES};

/// One unit is an instruction or 64 bytes: about 12 MB of text in all.
const FUEL: u64 = 200_000;
/// The longest source that is compiled; content without any template marks has only the limit of a body.
const MAX_TEMPLATE_BYTES: usize = 1024 * 1024;

const SUBJECT: &str = "subject";
const TEXT: &str = "text_content";
const HTML: &str = "html_content";
const AMP: &str = "amp_content";

/// Making an environment costs more than rendering a short message.
static BASE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|name| if matches!(name, HTML | AMP) { AutoEscape::Html } else { AutoEscape::None });
    env.set_fuel(Some(FUEL));
    env.set_debug(false);
    env.remove_global("debug");
    env
});

/// The compiled content of a request, used for all its recipients.
pub struct Templates<'a> {
    env: Option<Environment<'a>>,
    global: minijinja::Value,
    subject: &'a str,
    bodies: &'a Bodies,
}

/// The content for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered<'a> {
    pub subject: Cow<'a, str>,
    pub text: Option<Cow<'a, str>>,
    pub html: Option<Cow<'a, str>>,
    pub amp: Option<Cow<'a, str>>,
}

impl<'a> Rendered<'a> {
    /// The content as it stands, for conversations: they have no substitutions.
    #[must_use]
    pub fn plain(draft: &'a Draft) -> Self {
        let bodies = &draft.bodies;
        Self {
            subject: Cow::Borrowed(&draft.subject),
            text: bodies.text.as_deref().map(Cow::Borrowed),
            html: bodies.html.as_deref().map(Cow::Borrowed),
            amp: bodies.amp.as_deref().map(Cow::Borrowed),
        }
    }
}

impl<'a> Templates<'a> {
    /// Compiles what holds template marks. A refusal names the field and the line.
    pub fn compile(draft: &'a Draft) -> Result<Self, Refusal> {
        let (subject, bodies) = (draft.subject.as_str(), &draft.bodies);
        let sources = [
            (SUBJECT, Some(subject)),
            (TEXT, bodies.text.as_deref()),
            (HTML, bodies.html.as_deref()),
            (AMP, bodies.amp.as_deref()),
        ];
        let mut env = None;
        for (name, source) in sources {
            let Some(source) = source.filter(|source| needs_engine(source)) else { continue };
            if source.len() > MAX_TEMPLATE_BYTES {
                return Err(Refusal::new("A body with substitutions has at most 1 MB.").at(name));
            }
            let env = env.get_or_insert_with(|| -> Environment<'a> { BASE.clone() });
            env.add_template(name, source).map_err(|error| sentence(&error).at(name))?;
        }
        let global = match env {
            Some(_) => minijinja::Value::from(Serde(&draft.substitutions)),
            None => minijinja::Value::UNDEFINED,
        };
        Ok(Self { env, global, subject, bodies })
    }

    /// Whether recipients can get different contents: nothing is rendered where there are no template marks.
    #[must_use]
    pub fn varies(&self) -> bool {
        self.env.is_some()
    }

    /// The content for one recipient. A refusal concerns this recipient alone.
    pub fn render(&self, substitutions: &Map<String, Value>) -> Result<Rendered<'a>, Refusal> {
        let context = match &self.env {
            Some(_) => merge_maps([self.global.clone(), minijinja::Value::from(Serde(substitutions))]),
            None => minijinja::Value::UNDEFINED,
        };
        let part = |name: &str, source: &'a Option<String>| {
            source.as_deref().map(|source| self.part(name, source, &context)).transpose()
        };
        Ok(Rendered {
            subject: one_line(self.part(SUBJECT, self.subject, &context)?),
            text: part(TEXT, &self.bodies.text)?,
            html: part(HTML, &self.bodies.html)?,
            amp: part(AMP, &self.bodies.amp)?,
        })
    }

    fn part(&self, name: &str, source: &'a str, context: &minijinja::Value) -> Result<Cow<'a, str>, Refusal> {
        let Some(env) = self.env.as_ref().filter(|_| needs_engine(source)) else { return Ok(Cow::Borrowed(source)) };
        let rendered = env.get_template(name).and_then(|template| template.render(context.clone()));
        let text = rendered.map_err(|error| sentence(&error).at(name))?;
        if text.len() > MAX_BODY_BYTES {
            return Err(Refusal::new("The result is too large.").at(name));
        }
        Ok(Cow::Owned(text))
    }
}

fn needs_engine(source: &str) -> bool {
    ["{{", "{%", "{#"].into_iter().any(|mark| source.contains(mark))
}

/// A value may bring a line break into the subject; a header has none.
fn one_line(subject: Cow<'_, str>) -> Cow<'_, str> {
    if subject.chars().any(char::is_control) {
        Cow::Owned(subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    } else {
        subject
    }
}

fn sentence(error: &Error) -> Refusal {
    if error.kind() == ErrorKind::OutOfFuel {
        return Refusal::new("The template does too much work. Make it simpler.");
    }
    let detail: String =
        error.detail().map_or_else(|| error.kind().to_string(), str::to_owned).chars().take(200).collect();
    match error.line() {
        Some(line) => Refusal::new(format!("The template is wrong on line {line}: {detail}.")),
        None => Refusal::new(format!("The template is wrong: {detail}.")),
    }
}

#[cfg(test)]
mod tests;
