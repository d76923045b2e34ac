//! What an agency does with its clients and its own settings; and the forms of strangers.

use super::Who::{Client, Owner, Stranger};
use super::{Case, each, none, one};

const fn transport(name: &'static str, most: &'static str) -> [(&'static str, &'static str); 12] {
    [
        ("name", name),
        ("kind", "mailbox"),
        ("host", ""),
        ("port", ""),
        ("tls", ""),
        ("username", ""),
        ("password", ""),
        ("source_ip", ""),
        ("helo", ""),
        ("max_connections", most),
        ("messages_per_second", ""),
        ("default", ""),
    ]
}

const TRANSPORTS: [&[(&str, &str)]; 2] = [&transport("By the mailbox", "3"), &transport("By the other mailbox", "4")];

const fn plan(fee: &'static str) -> [(&'static str, &'static str); 10] {
    [
        ("currency", "USD"),
        ("fee", fee),
        ("included", "0"),
        ("up_to", ""),
        ("price", "1"),
        ("messages", "1000"),
        ("when", "next"),
        ("period", ""),
        ("understood", ""),
        ("do", "save"),
    ]
}

const PLANS: [&[(&str, &str)]; 2] = [&plan("10"), &plan("20")];

const SETTINGS: &[(&str, &str)] = &[
    ("name", "Oak and sons"),
    ("website", "oak.example"),
    ("about", "Trees"),
    ("message_metadata_retention", "20"),
    ("message_data_retention", "3"),
    ("time_zone", "UTC"),
    ("anchor_day", "1"),
    ("number_style", "point"),
    ("brand_name", ""),
    ("confirmed", ""),
];

/// What stands on the page of many, whatever is chosen.
const TAGGED: &[(&str, &str)] = &[
    ("id", "{id}"),
    ("do", "tag"),
    ("scope", "ticked"),
    ("tag", "paid"),
    ("tag_kind", "add"),
    ("cap", ""),
    ("cap_kind", ""),
    ("kind", ""),
    ("reason", ""),
    ("customer_text", ""),
    ("until", ""),
    ("tell_client", ""),
    ("tell_members", ""),
];

/// Before anything of an account's own is changed.
pub const BEFORE: &[Case] = &[
    none(Stranger, "/forgot", &[("email", "colleague@oak.example")], "a link is mailed; whoever opens it writes one"),
    one(Stranger, "/reset/{token}", &[("password", "another pass phrase 41")]),
    one(Stranger, "/sign-in", &[("email", "sibling@member.example"), ("password", "{password}"), ("next", "/")]),
    none(Stranger, "/theme", &[("theme", "dark"), ("back", "/")], "a cookie of the browser"),
    none(Owner, "/switch-account", &[("account", "{agency}")], "which of their accounts a session shows"),
    none(Owner, "/activity/verify", &[], "it reads the chain"),
    none(Owner, "/settings/health", &[], "it looks, and keeps what it found in the node's memory"),
    one(Owner, "/settings/sessions/end", &[("session", "{session}")]),
    one(Owner, "/settings/sessions/end-others", &[]),
    one(Owner, "/settings/profile", &[("name", "Olga Oak")]),
    none(
        Owner,
        "/settings/profile/email",
        &[("email", "olga@oak.example"), ("current_password", "{password}")],
        "a link is mailed; whoever opens it writes one",
    ),
    one(
        Owner,
        "/settings/profile/password",
        &[("current_password", "{password}"), ("new_password", "another pass phrase 42")],
    ),
    one(Owner, "/settings", SETTINGS),
    one(Owner, "/settings/plan", PLANS[0]),
    one(Owner, "/settings/plan", PLANS[1]),
    one(Owner, "/settings/plan/withdraw", &[("plan", "{plan}")]),
    one(Owner, "/settings/limits", &[("pool", "900000"), ("alerts", "80")]),
    one(Owner, "/settings/transports/new", TRANSPORTS[0]),
    one(Owner, "/settings/transports/{transport}", TRANSPORTS[1]),
    one(Owner, "/settings/transports/{transport}/default", &[]),
    one(Owner, "/settings/transports/no-default", &[]),
    one(Owner, "/settings/transports/{transport}/test", &[]),
    each(
        Owner,
        "/sub-accounts/new",
        &[
            ("step", "key"),
            ("go", "next"),
            ("once", "{once}"),
            ("name", "Oak three"),
            ("website", "three.example"),
            ("external_id", "n3"),
            ("tags", "new"),
            ("cap_kind", "cap"),
            ("cap", "5000"),
            ("domain", "three.example"),
            ("label", "First key"),
            ("scopes", "messages:send:all"),
        ],
        (3, "the account, its domain and its key"),
    ),
    one(
        Owner,
        "/sub-accounts/import",
        &[("csv", "name,website,cap\r\nOak four,four.example,10\r\n"), ("go", "create"), ("style", "point")],
    ),
    one(Owner, "/sub-accounts/views/new", &[("name", "At the cap"), ("shared", "on"), ("query", "q=oak")]),
    one(Owner, "/sub-accounts/views/{view}", &[("name", "Near the cap"), ("shared", "on")]),
    one(Owner, "/sub-accounts/views/{view}/update", &[("query", "q=elm")]),
    one(Owner, "/sub-accounts/views/{view}/delete", &[]),
    none(Owner, "/sub-accounts/bulk", TAGGED, "it asks what is to be done"),
    one(Owner, "/sub-accounts/bulk/start", TAGGED),
    one(Owner, "/sub-accounts/{id}/cap", &[("cap_kind", "cap"), ("cap", "700"), ("no_cap", ""), ("back", "")]),
    one(
        Owner,
        "/sub-accounts/{id}/limits",
        &[
            ("at_cap", "hold"),
            ("hold_days", "4"),
            ("daily", "600"),
            ("hourly", ""),
            ("alerts", "80"),
            ("sends_nothing", ""),
        ],
    ),
    one(
        Owner,
        "/queue",
        &[("id", "{message}"), ("do", "cancel"), ("sure", "yes"), ("destination", ""), ("reason", "")],
    ),
];

/// What takes the client away from whoever comes later.
pub const AFTER: &[Case] = &[
    one(Owner, "/settings/transports/{transport}/delete", &[]),
    one(Owner, "/sub-accounts/{id}/view-as", &[("reason", "They asked for help")]),
    one(Owner, "/view-as/raise", &[]),
    one(Owner, "/view-as/leave", &[]),
    one(
        Owner,
        "/sub-accounts/{id}/suspend",
        &[
            ("kind", "abuse"),
            ("reason", "Spam"),
            ("customer_text", ""),
            ("until", ""),
            ("tell_client", ""),
            ("tell_members", "on"),
        ],
    ),
    one(Owner, "/sub-accounts/{id}/lift", &[]),
    one(Client, "/sign-out", &[]),
    one(Owner, "/sub-accounts/{id}/delete", &[("typed", "oakone")]),
    one(Owner, "/sub-accounts/{id}/undelete", &[]),
];
