//! The parsers, and what each is fed with: `open`, a piece again and again, `close`.

use std::collections::BTreeMap;
use std::path::Path;

use canopy::actions::prepare_submission::{Submission, Trace, prepare_submission};
use canopy::actions::renderers::Renderers;
use canopy::config::Settings;
use canopy::domain::client_import;
use canopy::domain::domain_name::DomainName;
use canopy::domain::email_address::EmailAddress;
use canopy::domain::ids::Id;
use canopy::domain::ip_allow_list::IpAllowList;
use canopy::domain::message::attachment::MediaType;
use canopy::domain::message::draft::Draft;
use canopy::domain::message::input::MessageInput;
use canopy::domain::message::parse;
use canopy::domain::mta_sts::{Policy, policy_id};
use canopy::domain::number::NumberStyle;
use canopy::domain::returned::{self, operator};
use canopy::domain::website::Website;
use canopy::smtp::command;
use canopy::smtp::lines::{Lines, Next};
use serde_json::json;

use crate::support::temp_dir::TempDir;

pub struct Parser {
    pub name: &'static str,
    pub feed: fn(String),
    pub shapes: &'static [Shape],
}

#[derive(Clone, Copy)]
pub struct Shape {
    open: &'static str,
    pub piece: &'static str,
    close: &'static str,
}

impl Shape {
    pub fn of(&self, times: usize) -> String {
        [self.open, &self.piece.repeat(times), self.close].concat()
    }
}

const fn shape(open: &'static str, piece: &'static str, close: &'static str) -> Shape {
    Shape { open, piece, close }
}

pub const PARSERS: &[Parser] = &[
    Parser { name: "template", feed: template, shapes: TEMPLATES },
    Parser { name: "json", feed: json_body, shapes: JSON },
    Parser { name: "shown", feed: |text| drop(parse::parse(text.as_bytes())), shapes: MESSAGES },
    Parser { name: "submission", feed: submission, shapes: MESSAGES },
    Parser { name: "returned", feed: |text| drop(returned::read(text.as_bytes())), shapes: MESSAGES },
    Parser { name: "report", feed: |text| drop(returned::read(text.as_bytes())), shapes: REPORTS },
    Parser { name: "letter", feed: |text| drop(operator::read(text.as_bytes())), shapes: MESSAGES },
    Parser { name: "smtp", feed: smtp, shapes: COMMANDS },
    Parser { name: "address", feed: address, shapes: ADDRESSES },
    Parser { name: "form", feed: form, shapes: FORMS },
    Parser { name: "csv", feed: |text| drop(client_import::parse(&text, NumberStyle::Point)), shapes: CSV },
    Parser { name: "policy", feed: policy, shapes: POLICIES },
    Parser { name: "options", feed: options, shapes: TOML },
];

/// Forms, and the queries of addresses.
const FORMS: &[Shape] = &[
    shape("a=1", "&", ""),
    shape("", "a=1&", ""),
    shape("", "=", ""),
    shape("a", "[", "]=1"),
    shape("a", "[a]", "=1"),
    shape("a", "%5B0%5D", "=1"),
    shape("a=", "%41", ""),
    shape("a=", "%", ""),
    shape("", "+", "=+"),
    shape("a=", "%F0%9F", "&b"),
];

const TEMPLATES: &[Shape] = &[
    shape("{{ ", "-", "1 }}"),
    shape("{{ ", "(", "1 }}"),
    shape("{{ ", "[", "1 }}"),
    shape("{{ ", "{1:", "1 }}"),
    shape("{{ ", "not ", "1 }}"),
    shape("{{ x", "|upper", " }}"),
    shape("{{ x", ".a", " }}"),
    shape("{{ x", "[0]", " }}"),
    shape("{{ x", "()", " }}"),
    shape("{{ x", " is defined", " }}"),
    shape("{{ 1", "+1", " }}"),
    shape("{{ 1", "<1", " }}"),
    shape("{{ 1", "~1", " }}"),
    shape("{{ 1", "**1", " }}"),
    shape("{{ 1", " and 1", " }}"),
    shape("{{ 1", " if 1 else 1", " }}"),
    shape("{{ [1", ",1", "] }}"),
    shape("{{ x(", "x=1,", ") }}"),
    shape("{% set ", "(", "a = 1 %}"),
    shape("{% if ", "not ", "x %}{% endif %}"),
    shape("{% if x %}", "{% elif x %}", "{% endif %}"),
    shape("", "{% if x %}", ""),
    shape("", "{% for x in y %}", ""),
    shape("", "{% filter upper %}", ""),
    shape("", "{% set x %}", ""),
    shape("", "{% macro m() %}", ""),
    shape("", "{% call m() %}", ""),
    shape("", "{% with %}", ""),
    shape("", "{{ 1 }}", ""),
    shape("", "{# #}", ""),
    shape("", "{% raw %}", ""),
    shape("{{ '", "\\\\", "' }}"),
    shape("{% set a = [] %}", "{% set a = [a] %}", "{{ a }}"),
    shape("{% set a = [] %}", "{% set a = [a, a] %}", "{{ a == [a] }}"),
    shape("{% set a = [1] %}", "{% set a = a + a %}", "{{ a|length }}"),
    shape("{% set a = {} %}", "{% set a = {'a': a} %}", "{{ a|tojson }}"),
    shape("{% set a = namespace() %}", "{% set a = namespace(a=a) %}", "{{ a }}"),
    shape("{% set a = 'é' %}", "{% set a = a ~ a %}", "{{ a }}"),
];

const JSON: &[Shape] = &[
    shape("{\"substitutions\": {\"a\": ", "[", "1"),
    shape("{\"substitutions\": {\"a\": ", "{\"a\":", "1"),
    shape("{\"substitutions\": {\"a\": [1", ",1", "]}}"),
    shape("{\"substitutions\": {\"a\": ", "9", "}}"),
    shape("{\"subject\": \"", "\\u0000", "\"}"),
    shape("{\"recipients\": [{}", ",{}", "]}"),
    shape("", "[", ""),
];

const MESSAGES: &[Shape] = &[
    shape("From: a@b.example\r\n", "Content-Type: message/rfc822\r\n\r\n", "x\r\n"),
    shape("From: a@b.example\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", "\r\nx\r\n"),
    shape("From: a@b.example\r\n", "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n", "x\r\n"),
    shape("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\nx\r\n", "--b--\r\n"),
    shape(
        "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
        "Content-Type: multipart/x; boundary=none\r\n\r\nx\r\n--b\r\n",
        "",
    ),
    shape("From: a@b.example ", "(", "\r\n\r\nx\r\n"),
    shape("From: ", "<", "a@b.example\r\n\r\nx\r\n"),
    shape("From: ", "\"", " a@b.example\r\n\r\nx\r\n"),
    shape("From: ", "a:", " a@b.example;\r\n\r\nx\r\n"),
    shape("From: ", "a@b.example, ", "a@b.example\r\n\r\nx\r\n"),
    shape("From: ", "\r\n ", "a@b.example\r\n\r\nx\r\n"),
    shape("From: a@b.example\r\n", "Content-Type: a/b\r\n", "\r\nx\r\n"),
    shape("From: a@b.example\r\n", "Received: x\r\n", "\r\nx\r\n"),
    shape("From: a@b.example\r\nContent-Type: text/plain", "; a=(", "\r\n\r\nx\r\n"),
    shape("From: a@b.example\r\nContent-Type: text/plain", ";a*1=b", "\r\n\r\nx\r\n"),
    shape("From: a@b.example\r\nContent-Type: text/plain", ";\r\n ", "\r\n\r\nx\r\n"),
    shape("From: a@b.example\r\nSubject: ", "=?utf-8?Q?a", "\r\n\r\nx\r\n"),
    shape("From: a@b.example\r\nSubject: ", "=?utf-8?B?YQ==?= ", "\r\n\r\nx\r\n"),
    shape("From: a@b.example\r\nReferences: ", "<a@b> ", "\r\n\r\nx\r\n"),
    shape("From: a@b.example\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", "=\r\n", "x\r\n"),
    shape("From: a@b.example\r\nContent-Transfer-Encoding: base64\r\n\r\n", "YQ\r\n", "=\r\n"),
    shape("From: a@b.example\r\nContent-Type: text/html\r\n\r\n", "<p><", "\r\n"),
    shape("From: a@b.example\r\nContent-Type: text/html\r\n\r\n", "&amp;", "\r\n"),
];

const STATUS: &str = "Content-Type: message/delivery-status\r\n\r\n";
const FEEDBACK: &str = "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n";

const REPORTS: &[Shape] = &[
    shape(STATUS, "Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", ""),
    shape(STATUS, "Final-Recipient: rfc822; a@b.example\r\n ", ""),
    shape(STATUS, "Diagnostic-Code: smtp; 550-5.1.1\r\n", ""),
    shape(FEEDBACK, "Original-Rcpt-To: a@b.example\r\n", ""),
    shape(FEEDBACK, "(", ""),
    shape("From: mailer-daemon@b.example\r\nSubject: failure\r\n\r\n", "550 5.1.1 <a@b.example> unknown\r\n", ""),
    shape("From: mailer-daemon@b.example\r\nSubject: failure\r\n\r\n", "<", ""),
    shape("From: mailer-daemon@b.example\r\nSubject: failure\r\n\r\n", "5.", ""),
    shape("From: mailer-daemon@b.example\r\nSubject: failure\r\n\r\nx", " 550 x", ""),
    shape("From: mailer-daemon@b.example\r\nSubject: failure\r\n\r\nx", ":550", ""),
    shape("X-Failed-Recipients: ", "a@b.example,", "\r\n\r\nx"),
    shape("From: mailer-daemon@b.example\r\n\r\n", "Message-ID: <a@b>\r\n", ""),
];

const COMMANDS: &[Shape] = &[
    shape("MAIL FROM:<", "(", ">"),
    shape("MAIL FROM:<", "@a,", ":a@b.example>"),
    shape("MAIL FROM:<a@b.example>", " SIZE=1", ""),
    shape("RCPT TO:<", "\\\"", "@b.example>"),
    shape("RCPT TO:<a@", "[", ">"),
    shape("AUTH PLAIN ", "A", ""),
    shape("EHLO ", "a.", ""),
    shape("", "NOOP\r\n", ""),
    shape("", "\r\n", ""),
    shape("", "\n", ""),
];

const ADDRESSES: &[Shape] = &[
    shape("", "(", "a@b.example"),
    shape("a@", "a.", "example"),
    shape("a@", "xn--", ".example"),
    shape("a@", "ü.", "example"),
    shape("a@", "\u{301}", ".example"),
    shape("", "\"", "@b.example"),
    shape("", "a@", "b.example"),
    shape("https://", "a@", "b.example/"),
    shape("https://b.example/", "../", ""),
    shape("text/plain", ";a=b", ""),
    shape("10.0.0.0/8", ",10.0.0.0/8", ""),
];

const CSV: &[Shape] = &[
    shape("name\n", "\"", ""),
    shape("name", ",", "\n1\n"),
    shape("name\n", "a\n", ""),
    shape("name\n", "\n", ""),
    shape("name\n\"", "\"\"", "\"\n"),
    shape("name\n", "\r", "\n"),
];

const POLICIES: &[Shape] = &[
    shape("version: STSv1\nmode: enforce\nmax_age: 1\n", "mx: *.a.example\n", ""),
    shape("version: STSv1\nmode: enforce\nmax_age: ", "9", "\nmx: a.example\n"),
    shape("version: STSv1\nmode: none\nmax_age: 1\nmx: ", "*.", "a.example\n"),
    shape("v=STSv1;", "a=b;", "id=1;"),
];

const TOML: &[Shape] = &[
    shape("a = ", "[", ""),
    shape("a = ", "{a=", ""),
    shape("", "a.", "a = 1"),
    shape("[", "a.", "a]"),
    shape("a = \"", "\\\\", "\""),
];

/// As the API takes one: understood, then rendered where templates are.
fn template(text: String) {
    let body = json!({ "from": { "email": "a@b.example" }, "subject": "x", "text_content": text, "html_content": text,
        "recipients": [{ "email": "c@d.example", "substitutions": { "x": { "a": [1] }, "y": [[1], [2]] } }] });
    let input: MessageInput = serde_json::from_value(body).expect("its shape is right");
    let Ok(draft) = Draft::from_message(input, chrono::DateTime::UNIX_EPOCH) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let renderers = Renderers::start().expect("threads");
    drop(runtime.block_on(renderers.prepare(Id::new(chrono::DateTime::UNIX_EPOCH), draft)));
}

fn json_body(text: String) {
    let Ok(input) = serde_json::from_str::<MessageInput>(&text) else { return };
    drop(Draft::from_message(input, chrono::DateTime::UNIX_EPOCH));
}

fn submission(text: String) {
    let now = chrono::DateTime::UNIX_EPOCH;
    let handed = Submission {
        account_id: Id::new(now),
        instead_of_from: Some("a@b.example".into()),
        only_from: None,
        recipients: Vec::new(),
        raw: text.into_bytes(),
        trace: Trace { helo: "x".into(), host: "y".into(), protocol: "SMTP" },
        sandbox: false,
    };
    drop(prepare_submission(now, &handed));
}

fn smtp(text: String) {
    drop(command::parse(text.as_bytes()));
    let mut lines = Lines::default();
    for piece in text.as_bytes().chunks(4096) {
        lines.push(piece);
        loop {
            match lines.next(1000) {
                Next::Line(line) => drop(command::parse(&line)),
                Next::More => break,
                // The conversation ends there.
                Next::Broken(_) => return,
            }
        }
    }
}

fn address(text: String) {
    drop(EmailAddress::parse(&text));
    drop(DomainName::parse(&text));
    drop(DomainName::parse(text.strip_prefix("a@").unwrap_or(&text)));
    drop(Website::parse(&text));
    drop(MediaType::parse(&text));
    drop(IpAllowList::parse(&text.split(',').collect::<Vec<_>>()));
}

/// By the readers of both: into pairs, as every form is first, and into named fields.
fn form(text: String) {
    drop(serde_html_form::from_str::<Vec<(String, String)>>(&text));
    drop(serde_html_form::from_str::<BTreeMap<String, Vec<String>>>(&text));
    drop(actix_web::web::Query::<BTreeMap<String, String>>::from_query(&text));
}

fn policy(text: String) {
    drop(Policy::parse(&text));
    let records = [text];
    let _ = policy_id(&records);
}

fn options(text: String) {
    let dir = TempDir::new();
    let file = dir.path().join("canopy.toml");
    std::fs::write(&file, text).expect("written");
    drop(Settings::load(Some(Path::new(&file))));
}
