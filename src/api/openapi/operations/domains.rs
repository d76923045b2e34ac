//! Sending domains and the DNS records that prove them.

use super::Op;
use crate::api::domains::{CreateDomainRequest, DomainQuery, UpdateDomainRequest};
use crate::api::views::{Domain, SuccessResponse};
use crate::domain::scopes::Family;

const ALL: &str = "/v2/accounts/{account_id}/domains";
const ONE: &str = "/v2/accounts/{account_id}/domains/{domain}";
const CHECK: &str = "/v2/accounts/{account_id}/domains/{domain}/check-dns";

pub(super) fn all() -> Vec<Op> {
    vec![
        Op::get(ALL, "getDomains", "List the domains.")
            .scope("domains:read")
            .query::<DomainQuery>()
            .page::<Domain>("PaginatedDomainsResponse"),
        Op::post(ALL, "createDomain", "Add a domain.")
            .about("The answer holds the DNS records to publish. It sends once they are found.")
            .scope("domains:write")
            .body::<CreateDomainRequest>()
            .creates::<Domain>("201", "The domain with its records."),
        Op::get(ONE, "getDomain", "Read a domain.")
            .scope("domains:read")
            .answers::<Domain>("200", "The domain with its records.")
            .not_found(),
        Op::put(ONE, "updateDomain", "Change a domain's settings.")
            .about("Its names and its selector are fixed once it is verified.")
            .scope("domains:write")
            .body::<UpdateDomainRequest>()
            .answers::<Domain>("200", "The domain as it is now.")
            .not_found(),
        Op::delete(ONE, "deleteDomain", "Delete a domain.")
            .about("Nothing is sent from it any more, and keys lose the scopes that name it.")
            .family(Family::DomainsDelete)
            .answers::<SuccessResponse>("200", "It is gone.")
            .not_found(),
        Op::post(CHECK, "checkDomainDNS", "Look for the domain's DNS records now.")
            .about("Within a minute of the last look its result is answered.")
            .scope("domains:write")
            .answers::<Domain>("200", "The domain with what was found.")
            .not_found(),
    ]
}
