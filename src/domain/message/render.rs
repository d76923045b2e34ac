//! Substitutions: Jinja by MiniJinja, the recipient's values over the request's. As in Jinja's own default, a name that
//! is not given prints as nothing, and asking something *of* such a name is an error. Values are escaped in HTML and AMP.
//! Templates come from clients: no other template can be loaded, what they chain and nest is bounded before they are
//! compiled (`scan`), and fuel bounds both work and memory, of what is made (MiniJinja) and of what is read (`guard`).
//! Compile, render and drop them where the stack is deep: the engine calls itself for every level.

mod filters;
mod guard;
mod scan;
mod weigh;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use minijinja::machinery::{CodeGenerator, Instructions, eval, make_string_output, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, merge_maps};
use minijinja::{AutoEscape, Environment, Error, ErrorKind};
use serde_json::{Map, Value};

use super::super::refusal::Refusal;
use super::draft::{Bodies, Draft, MAX_BODY_BYTES};

/// For each field: one unit is an instruction or 64 bytes, about 12 MB of text in all.
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
    env.set_fuel(Some(FUEL));
    env.set_debug(false);
    env.remove_global("debug");
    filters::ours(&mut env);
    env
});

/// Asked again and again while a request is rendered: whether its time is over, or nobody waits for it any more.
pub type Halt = Arc<dyn Fn() -> bool + Send + Sync>;

/// The compiled content of a request, used for all its recipients.
pub struct Templates<'a> {
    /// None where nothing has template marks.
    engine: Option<Engine<'a>>,
    subject: &'a str,
    bodies: &'a Bodies,
}

struct Engine<'a> {
    env: Environment<'static>,
    parts: BTreeMap<&'static str, Compiled<'a>>,
    global: minijinja::Value,
    halt: Halt,
}

struct Compiled<'a> {
    instructions: Instructions<'a>,
    blocks: BTreeMap<&'a str, Instructions<'a>>,
}

/// Why there is no content for a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// A recipient's values break a template: this recipient's own refusal.
    Values(Refusal),
    /// More work than a request may ask for: the request's refusal, which names the field.
    Work(Refusal),
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
    /// Compiles what holds template marks.
    ///
    /// # Errors
    /// A refusal names the field and the line.
    pub fn compile(draft: &'a Draft, halt: &Halt) -> Result<Self, Refusal> {
        let (subject, bodies) = (draft.subject.as_str(), &draft.bodies);
        let mut parts = BTreeMap::new();
        for (name, source) in sources(draft) {
            let Some(source) = source.filter(|source| needs_engine(source)) else { continue };
            parts.insert(name, Compiled::of(name, source).map_err(|refusal| refusal.at(name))?);
        }
        if parts.is_empty() {
            return Ok(Self { engine: None, subject, bodies });
        }
        let mut env = BASE.clone();
        filters::scales(&mut env, halt);
        let global = minijinja::Value::from(Serde(&draft.substitutions));
        Ok(Self { engine: Some(Engine { env, parts, global, halt: Halt::clone(halt) }), subject, bodies })
    }

    /// Whether recipients can get different contents: nothing is rendered where there are no template marks.
    #[must_use]
    pub const fn varies(&self) -> bool {
        self.engine.is_some()
    }

    /// The content for one recipient.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn render(&self, substitutions: &Map<String, Value>) -> Result<Rendered<'a>, Failed> {
        let context = match &self.engine {
            Some(engine) => merge_maps([engine.global.clone(), minijinja::Value::from(Serde(substitutions))]),
            None => minijinja::Value::UNDEFINED,
        };
        let part = |name: &'static str, source: &'a Option<String>| {
            source.as_deref().map(|source| self.part(name, source, &context)).transpose()
        };
        Ok(Rendered {
            subject: one_line(self.part(SUBJECT, self.subject, &context)?),
            text: part(TEXT, &self.bodies.text)?,
            html: part(HTML, &self.bodies.html)?,
            amp: part(AMP, &self.bodies.amp)?,
        })
    }

    fn part(&self, name: &'static str, source: &'a str, context: &minijinja::Value) -> Result<Cow<'a, str>, Failed> {
        let Some(engine) = &self.engine else { return Ok(Cow::Borrowed(source)) };
        let Some(part) = engine.parts.get(name) else { return Ok(Cow::Borrowed(source)) };
        if (engine.halt)() {
            return Err(Failed::Work(out_of_time().at(name)));
        }

        let text = engine.rendered(name, part, context).map_err(|error| match error.kind() {
            ErrorKind::OutOfFuel if (engine.halt)() => Failed::Work(out_of_time().at(name)),
            ErrorKind::OutOfFuel => Failed::Work(out_of_fuel(&error).at(name)),
            _ => Failed::Values(sentence(&error).at(name)),
        })?;
        if text.len() > MAX_BODY_BYTES {
            return Err(Failed::Values(Refusal::new("The result is too large.").at(name)));
        }
        Ok(Cow::Owned(text))
    }
}

impl<'a> Engine<'a> {
    fn rendered(&self, name: &str, part: &Compiled<'a>, context: &minijinja::Value) -> Result<String, Error> {
        let mut text = String::new();
        let escape = if matches!(name, HTML | AMP) { AutoEscape::Html } else { AutoEscape::None };
        let mut out = make_string_output(&mut text);
        eval(&self.env, &part.instructions, context.clone(), &part.blocks, &mut out, escape)?;
        drop(out);
        Ok(text)
    }
}

impl<'a> Compiled<'a> {
    fn of(name: &'static str, source: &'a str) -> Result<Self, Refusal> {
        if source.len() > MAX_TEMPLATE_BYTES {
            return Err(Refusal::new("A body with substitutions has at most 1 MB."));
        }
        scan::scan(source)?;
        let tree = parse(source, name, SyntaxConfig::default()).map_err(|error| sentence(&error))?;
        let mut code = CodeGenerator::new(name, source);
        code.compile_stmt(&guard::guarded(&tree));
        let (instructions, blocks) = code.finish();
        Ok(Self { instructions, blocks })
    }
}

/// Whether something in `draft` has to be rendered, which takes a deep stack.
#[must_use]
pub fn varies(draft: &Draft) -> bool {
    !draft.is_conversation && sources(draft).into_iter().any(|(_, source)| source.is_some_and(needs_engine))
}

fn sources(draft: &Draft) -> [(&'static str, Option<&str>); 4] {
    let bodies = &draft.bodies;
    [
        (SUBJECT, Some(draft.subject.as_str())),
        (TEXT, bodies.text.as_deref()),
        (HTML, bodies.html.as_deref()),
        (AMP, bodies.amp.as_deref()),
    ]
}

fn needs_engine(source: &str) -> bool {
    ["{{", "{%", "{#"].into_iter().any(|mark| source.contains(mark))
}

fn out_of_fuel(error: &Error) -> Refusal {
    let line = error.line().map(|line| format!(" on line {line}")).unwrap_or_default();
    let what = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    Refusal::new(format!("The template does too much work{line}{what}. Make it simpler, or give it less to work on."))
}

fn out_of_time() -> Refusal {
    Refusal::new(
        "The templates do too much work for all recipients together. Make them simpler, or send to fewer at once.",
    )
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
    let detail: String =
        error.detail().map_or_else(|| error.kind().to_string(), str::to_owned).chars().take(200).collect();
    match error.line() {
        Some(line) => Refusal::new(format!("The template is wrong on line {line}: {detail}.")),
        None => Refusal::new(format!("The template is wrong: {detail}.")),
    }
}

#[cfg(test)]
mod tests;
