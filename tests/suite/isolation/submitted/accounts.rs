//! What an account has wherever it is looked at from: keys, members, domains, suppressions, its queue.

use super::Who::{Client, Owner, Stranger};
use super::{Case, none, one, refused};

const KEY: &[(&str, &str)] = &[("label", "A key"), ("scopes", "messages:read:all"), ("allow", "")];
const CHANGED_KEY: &[(&str, &str)] = &[("label", "Another key"), ("scopes", "messages:read:all"), ("allow", "")];
const SMTP: &[(&str, &str)] = &[("name", "A program"), ("reach", "all"), ("domains", ""), ("sandbox", "")];
const ROLE: &[(&str, &str)] = &[("role", "developer")];
const fn added(name: &'static str) -> [(&'static str, &'static str); 7] {
    [
        ("domain", name),
        ("dkim_private_key", ""),
        ("dkim_selector", ""),
        ("tracking_subdomain", ""),
        ("return_path_subdomain", ""),
        ("subscription_subdomain", ""),
        ("media_subdomain", ""),
    ]
}

const ADDED: [&[(&str, &str)]; 2] = [&added("added.example"), &added("further.example")];
const DOMAIN: &[(&str, &str)] = &[
    ("dkim_selector", ""),
    ("tracking_subdomain", "links"),
    ("return_path_subdomain", ""),
    ("subscription_subdomain", ""),
    ("media_subdomain", ""),
];
const SUPPRESSED: &[(&str, &str)] =
    &[("email", "no@reader.example"), ("domain", ""), ("reason", "They asked"), ("until", "{day}")];
const CANCELLED: &[(&str, &str)] =
    &[("id", "{message}"), ("do", "cancel"), ("sure", "yes"), ("destination", ""), ("reason", "")];

const STORY: &str = "the message's own story tells it";
const LOOK: &str = "a look at DNS changes nothing that somebody chose";
const INSIDE: &str = "only the account's own people, or View as, see this";

pub const ALL: &[Case] = &[
    // An agency's own.
    one(Owner, "/settings/credentials/new", KEY),
    one(Owner, "/settings/credentials/{key}", CHANGED_KEY),
    one(Owner, "/settings/credentials/{key}/delete", &[]),
    one(Owner, "/settings/credentials/smtp/new", SMTP),
    one(Owner, "/settings/credentials/smtp/{credential}/delete", &[]),
    one(Owner, "/settings/members", &[("email", "new@oak.example"), ("name", "New"), ("role", "analyst")]),
    one(Owner, "/settings/members/{member}/invite", &[]),
    one(Stranger, "/invite/{token}", &[("name", "New One"), ("password", "another pass phrase 43")]),
    one(Owner, "/settings/members/{member}/role", ROLE),
    one(Owner, "/settings/members/{member}/remove", &[]),
    one(Owner, "/account/transport", &[("transport", "{transport}")]),
    one(Owner, "/account/transport", &[("transport", "")]),
    // A client's own.
    one(Client, "/account/credentials/new", KEY),
    one(Client, "/account/credentials/{key}", CHANGED_KEY),
    one(Client, "/account/credentials/{key}/delete", &[]),
    one(Client, "/account/credentials/smtp/new", SMTP),
    one(Client, "/account/credentials/smtp/{credential}/delete", &[]),
    one(Client, "/account/members", &[("email", "new@one.example"), ("name", "New"), ("role", "analyst")]),
    one(Client, "/account/members/{member}/invite", &[]),
    one(Client, "/account/members/{member}/role", ROLE),
    one(Client, "/account/members/{member}/remove", &[]),
    one(Client, "/account/domains", ADDED[0]),
    none(Client, "/account/domains/{domain}/check", &[], LOOK),
    one(Client, "/account/domains/{domain}/settings", DOMAIN),
    one(Client, "/account/domains/{domain}/share", &[]),
    none(Stranger, "/dns/{token}/check", &[], LOOK),
    one(Client, "/account/domains/{domain}/unshare", &[]),
    one(Client, "/account/domains/{domain}/delete", &[("confirm", "{domain}")]),
    one(Client, "/account/suppressions", SUPPRESSED),
    one(Client, "/account/suppressions/remove", &[("email", "no@reader.example"), ("domain", "*")]),
    one(Client, "/account/suppressions", SUPPRESSED),
    one(Client, "/account/suppressions/wipe", &[("typed", "oakone")]),
    none(Client, "/account/messages/{message}/cancel", &[], STORY),
    one(Client, "/account/queue", CANCELLED),
    none(Client, "/account/test", &[("domain", "oakone.example")], STORY),
    // A client's, from its agency.
    one(Owner, "/sub-accounts/{id}/credentials/new", KEY),
    one(Owner, "/sub-accounts/{id}/credentials/{key}", CHANGED_KEY),
    one(Owner, "/sub-accounts/{id}/credentials/{key}/delete", &[]),
    one(Owner, "/sub-accounts/{id}/credentials/smtp/new", SMTP),
    one(Owner, "/sub-accounts/{id}/credentials/smtp/{credential}/delete", &[]),
    one(Owner, "/sub-accounts/{id}/domains", ADDED[1]),
    none(Owner, "/sub-accounts/{id}/domains/{domain}/check", &[], LOOK),
    one(Owner, "/sub-accounts/{id}/domains/{domain}/settings", DOMAIN),
    one(Owner, "/sub-accounts/{id}/domains/{domain}/share", &[]),
    one(Owner, "/sub-accounts/{id}/domains/{domain}/unshare", &[]),
    one(Owner, "/sub-accounts/{id}/domains/{domain}/delete", &[("confirm", "{domain}")]),
    one(Owner, "/sub-accounts/{id}/suppressions", SUPPRESSED),
    one(Owner, "/sub-accounts/{id}/suppressions/remove", &[("email", "no@reader.example"), ("domain", "*")]),
    one(Owner, "/sub-accounts/{id}/suppressions", SUPPRESSED),
    one(Owner, "/sub-accounts/{id}/suppressions/wipe", &[("typed", "oakone")]),
    one(Owner, "/sub-accounts/{id}/queue", CANCELLED),
    one(
        Owner,
        "/sub-accounts/{id}/settings",
        &[("name", "oakone"), ("website", "one.example"), ("external_id", "n1"), ("tags", "old")],
    ),
    one(Owner, "/sub-accounts/{id}/transport", &[("transport", "{transport}")]),
    one(Owner, "/sub-accounts/{id}/transport", &[("transport", "")]),
    refused(Client, "/account/settings", "a client has its settings at /settings"),
    refused(Owner, "/sub-accounts/{id}/members", INSIDE),
    refused(Owner, "/sub-accounts/{id}/members/{member}/role", INSIDE),
    refused(Owner, "/sub-accounts/{id}/members/{member}/remove", INSIDE),
    refused(Owner, "/sub-accounts/{id}/members/{member}/invite", INSIDE),
    refused(Owner, "/sub-accounts/{id}/messages/{message}/cancel", INSIDE),
    refused(Owner, "/sub-accounts/{id}/test", INSIDE),
];
