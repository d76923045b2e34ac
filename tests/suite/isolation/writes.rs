//! Every write of the API that takes a body, with one that is taken.

use serde_json::{Value, json};

use super::world::World;

/// Method and path of the document, address, body, where it can be read afterwards ("" is the answer), key.
pub type Write<'a> = (&'a str, String, String, Value, String, &'a str);

/// In an order in which each is taken; `key` is the agency's, `in_a_day` a time to come.
pub fn all<'a>(world: &'a World, key: &'a str, in_a_day: &str) -> Vec<Write<'a>> {
    let base = format!("/v2/accounts/{}", world.agency.id);
    let child = format!("{base}/sub-accounts/{}", world.own.id);
    let own_domain = format!("/v2/accounts/{}/domains/{}", world.own.id, world.own.domain);
    let all = "/v2/accounts/{account_id}";
    vec![
        ("PUT", all.into(), base.clone(), json!({ "name": "Renamed" }), base.clone(), key),
        (
            "PUT",
            format!("{all}/sub-accounts/{{sub_account_id}}"),
            child.clone(),
            json!({ "name": "Renamed" }),
            child.clone(),
            key,
        ),
        (
            "POST",
            format!("{all}/sub-accounts"),
            format!("{base}/sub-accounts"),
            json!({ "name": "Made", "website": "made.example" }),
            String::new(),
            key,
        ),
        (
            "POST",
            format!("{all}/sub-accounts/{{sub_account_id}}/api-keys"),
            format!("{child}/api-keys"),
            json!({ "label": "Made", "scopes": ["messages:read:all"] }),
            String::new(),
            key,
        ),
        (
            "PUT",
            format!("{all}/sub-accounts/{{sub_account_id}}/api-keys/{{key_id}}"),
            format!("{child}/api-keys/{}", world.things.key),
            json!({ "label": "Changed" }),
            format!("{child}/api-keys/{}", world.things.key),
            key,
        ),
        (
            "POST",
            format!("{all}/api-keys"),
            format!("{base}/api-keys"),
            json!({ "label": "Made", "scopes": ["messages:read:all"] }),
            String::new(),
            key,
        ),
        (
            "POST",
            format!("{all}/smtp-credentials"),
            format!("{base}/smtp-credentials"),
            json!({ "name": "Made", "scope": "global" }),
            String::new(),
            key,
        ),
        (
            "POST",
            format!("{all}/members"),
            format!("{base}/members"),
            json!({ "email": "made@member.example", "name": "Made", "role": "Analyst" }),
            String::new(),
            key,
        ),
        (
            "POST",
            format!("{all}/domains"),
            format!("{base}/domains"),
            json!({ "domain": "made.example" }),
            String::new(),
            key,
        ),
        // The one made just now, whose names may change, and a verified one, of which nothing may.
        (
            "PUT",
            format!("{all}/domains/{{domain}}"),
            format!("{base}/domains/made.example"),
            json!({ "tracking_subdomain": "links" }),
            format!("{base}/domains/made.example"),
            key,
        ),
        (
            "POST",
            format!("{all}/transports"),
            format!("{base}/transports"),
            json!({ "name": "Made", "kind": "mailbox" }),
            String::new(),
            key,
        ),
        (
            "PUT",
            format!("{all}/transports/{{transport_id}}"),
            format!("{base}/transports/{}", world.things.transport),
            json!({ "name": "Changed" }),
            format!("{base}/transports/{}", world.things.transport),
            key,
        ),
        (
            "PUT",
            format!("{all}/domains/{{domain}}"),
            own_domain.clone(),
            json!({ "return_path_subdomain": "" }),
            own_domain.clone(),
            &world.own.key,
        ),
        (
            "PUT",
            format!("{all}/api-keys/{{key_id}}"),
            format!("/v2/accounts/{}/api-keys/{}", world.own.id, world.things.key),
            json!({ "label": "Changed once more" }),
            format!("/v2/accounts/{}/api-keys/{}", world.own.id, world.things.key),
            &world.own.key,
        ),
        (
            "POST",
            format!("{all}/suppressions"),
            format!("/v2/accounts/{}/suppressions", world.own.id),
            json!({ "email": "b@reader.example", "expires_at": in_a_day }),
            String::new(),
            &world.own.key,
        ),
        (
            "POST",
            format!("{all}/messages"),
            format!("/v2/accounts/{}/messages", world.own.id),
            json!({ "from": { "email": format!("a@{}", world.own.domain) }, "subject": "x", "text_content": "x",
                    "recipients": [{ "email": "c@reader.example" }] }),
            String::new(),
            &world.own.key,
        ),
        (
            "POST",
            format!("{all}/messages/conversation"),
            format!("/v2/accounts/{}/messages/conversation", world.own.id),
            json!({ "from": { "email": format!("a@{}", world.own.domain) }, "subject": "x", "text_content": "x",
                    "to": [{ "email": "c@reader.example" }] }),
            String::new(),
            &world.own.key,
        ),
        (
            "PUT",
            format!("{all}/sub-accounts/{{sub_account_id}}/transport"),
            format!("{child}/transport"),
            json!({ "transport_id": world.things.transport }),
            String::new(),
            key,
        ),
        (
            "POST",
            format!("{all}/sub-accounts/{{sub_account_id}}/suspend"),
            format!("{child}/suspend"),
            json!({ "reason": "a test" }),
            String::new(),
            key,
        ),
    ]
}
