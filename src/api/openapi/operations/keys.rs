//! API keys of the own account, and of a sub account through its parent.

use super::Op;
use crate::api::api_keys::{CreateApiKeyRequest, UpdateApiKeyRequest};
use crate::api::views::{ApiKey, CreatedApiKey, SuccessResponse};

const KEYS: &str = "/v2/accounts/{account_id}/api-keys";
const KEY: &str = "/v2/accounts/{account_id}/api-keys/{key_id}";
const CHILD_KEYS: &str = "/v2/accounts/{account_id}/sub-accounts/{sub_account_id}/api-keys";
const CHILD_KEY: &str = "/v2/accounts/{account_id}/sub-accounts/{sub_account_id}/api-keys/{key_id}";

pub(super) fn own() -> Vec<Op> {
    vec![
        Op::get(KEYS, "getAPIKeys", "List the API keys.")
            .scope("api-keys:read")
            .page::<ApiKey>("PaginatedAPIKeysResponse"),
        Op::post(KEYS, "createAPIKey", "Create an API key.")
            .about("A key cannot give another one what it does not hold. The secret is in this answer and in no other.")
            .scope("api-keys:write")
            .body::<CreateApiKeyRequest>()
            .creates::<CreatedApiKey>("201", "The key with its secret."),
        Op::get(KEY, "getAPIKey", "Read an API key.")
            .scope("api-keys:read")
            .answers::<ApiKey>("200", "The key.")
            .not_found(),
        Op::put(KEY, "updateAPIKey", "Change an API key.")
            .about("A key that changes itself cannot shut out the address it is used from: 409.")
            .scope("api-keys:write")
            .body::<UpdateApiKeyRequest>()
            .answers::<ApiKey>("200", "The key as it is now.")
            .not_found()
            .conflict(),
        Op::delete(KEY, "deleteAPIKey", "Delete an API key.")
            .about("It is refused from then on.")
            .scope("api-keys:delete")
            .answers::<SuccessResponse>("200", "The key is gone.")
            .not_found(),
    ]
}

pub(super) fn of_sub_accounts() -> Vec<Op> {
    vec![
        Op::get(CHILD_KEYS, "listSubAccountAPIKeys", "List a sub account's API keys.")
            .scope("sub-account-api-keys:read")
            .page::<ApiKey>("PaginatedAPIKeysResponse")
            .not_found(),
        Op::post(CHILD_KEYS, "createSubAccountAPIKey", "Create an API key for a sub account.")
            .about("It may hold any scope that a sub account can have, and works as the sub account.")
            .scope("sub-account-api-keys:write")
            .body::<CreateApiKeyRequest>()
            .creates::<CreatedApiKey>("201", "The key with its secret.")
            .not_found(),
        Op::get(CHILD_KEY, "getSubAccountAPIKey", "Read a sub account's API key.")
            .scope("sub-account-api-keys:read")
            .answers::<ApiKey>("200", "The key.")
            .not_found(),
        Op::put(CHILD_KEY, "updateSubAccountAPIKey", "Change a sub account's API key.")
            .scope("sub-account-api-keys:write")
            .body::<UpdateApiKeyRequest>()
            .answers::<ApiKey>("200", "The key as it is now.")
            .not_found(),
        Op::delete(CHILD_KEY, "deleteSubAccountAPIKey", "Delete a sub account's API key.")
            .scope("sub-account-api-keys:delete")
            .answers::<SuccessResponse>("200", "The key is gone.")
            .not_found(),
    ]
}
