//! Names and passwords for handing in mail over SMTP.

use super::Op;
use crate::api::smtp_credentials::CreateSmtpCredentialRequest;
use crate::api::views::{CreatedSmtpCredential, SmtpCredential, SuccessResponse};
use crate::domain::scopes::Family;

const ALL: &str = "/v2/accounts/{account_id}/smtp-credentials";
const ONE: &str = "/v2/accounts/{account_id}/smtp-credentials/{smtp_credential_id}";

pub(super) fn all() -> Vec<Op> {
    vec![
        Op::get(ALL, "getSMTPCredentials", "List the SMTP credentials.")
            .about("A key that is limited to domains sees those bound to one of them.")
            .family(Family::SmtpCredentialsRead)
            .page::<SmtpCredential>("PaginatedSMTPCredentialsResponse"),
        Op::post(ALL, "createSMTPCredential", "Create SMTP credentials.")
            .about("The password is in this answer and in no other. Each domain must be within the key's scopes.")
            .family(Family::SmtpCredentialsWrite)
            .body::<CreateSmtpCredentialRequest>()
            .creates::<CreatedSmtpCredential>("201", "The credentials with their password."),
        Op::get(ONE, "getSMTPCredential", "Read SMTP credentials.")
            .family(Family::SmtpCredentialsRead)
            .answers::<SmtpCredential>("200", "The credentials.")
            .not_found(),
        Op::delete(ONE, "deleteSMTPCredential", "Delete SMTP credentials.")
            .about("They are refused from then on, in open sessions too.")
            .family(Family::SmtpCredentialsDelete)
            .answers::<SuccessResponse>("200", "The credentials are gone.")
            .not_found(),
    ]
}
