//! The one place where an error becomes a JSON answer: always exactly `{"message": "..."}`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::actions::ActionError;
use crate::models::health::Lack;

/// A refusal, in a sentence.
#[derive(Serialize, ToSchema)]
pub struct ErrorResponse {
    pub message: String,
}

/// An answer that is not a success.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub message: String,
    /// Tells refusals apart for a machine, in `X-Canopy-Reason`.
    pub reason: Option<&'static str>,
    /// Whole seconds, at least 1.
    pub retry_after: Option<i64>,
    /// `Idempotent-Replayed: false`: the same request is still running.
    pub in_flight: bool,
}

impl ApiError {
    #[must_use]
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), reason: None, retry_after: None, in_flight: false }
    }

    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    #[must_use]
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    #[must_use]
    pub fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// The body's bytes.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let message = self.message.clone();
        serde_json::to_vec(&ErrorResponse { message }).unwrap_or_default()
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ActionError> for ApiError {
    fn from(error: ActionError) -> Self {
        let text = error.to_string();
        match error {
            ActionError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, text),
            ActionError::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, text).because("forbidden"),
            ActionError::Invalid(fields) => Self::bad_request(
                fields.iter().map(|field| format!("{}: {}", field.field, field.message)).collect::<Vec<_>>().join("; "),
            ),
            ActionError::Conflict(_) => Self::new(StatusCode::CONFLICT, text),
            ActionError::CapReached { .. } => Self::new(StatusCode::FORBIDDEN, text).because("cap_reached"),
            ActionError::Suspended { parent: false } => Self::unauthorized(text).because("account_suspended"),
            ActionError::Suspended { parent: true } => Self::unauthorized(text).because("parent_suspended"),
            ActionError::Unavailable(lack) => {
                let (reason, seconds) = match lack {
                    Lack::Database => ("database", 5),
                    Lack::Writes => ("read_only", 5),
                    Lack::Disk => ("disk_full", 30),
                    Lack::Line | Lack::Memory | Lack::Places => ("busy", 1),
                };
                let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, text).because(reason);
                error.retry_after = Some(seconds);
                error
            }
            ActionError::Internal(detail) => {
                log::error!("internal error: {detail}");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal server error")
            }
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response: HttpResponseBuilder = HttpResponse::build(self.status);
        if let Some(reason) = self.reason {
            response.insert_header(("X-Canopy-Reason", reason));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header(("Retry-After", seconds.max(1).to_string()));
        }
        if self.in_flight {
            response.insert_header(("Idempotent-Replayed", "false"));
        }
        response.content_type("application/json").body(self.body())
    }
}

pub type ApiResult = Result<HttpResponse, ApiError>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::FieldError;
    use crate::domain::limits::Bound;

    #[test]
    fn every_error_of_an_action_has_its_status_and_reason() {
        let table = [
            (ActionError::NotFound("sub account"), 404, None),
            (ActionError::Forbidden("no".into()), 403, Some("forbidden")),
            (ActionError::Invalid(vec![FieldError { field: "name".into(), message: "x".into() }]), 400, None),
            (ActionError::Conflict("there".into()), 409, None),
            (
                ActionError::CapReached {
                    bound: Bound::Month,
                    cap: 5,
                    used: 5,
                    resets_at: chrono::DateTime::UNIX_EPOCH,
                },
                403,
                Some("cap_reached"),
            ),
            (ActionError::Suspended { parent: false }, 401, Some("account_suspended")),
            (ActionError::Suspended { parent: true }, 401, Some("parent_suspended")),
            (ActionError::Unavailable(Lack::Database), 503, Some("database")),
            (ActionError::Unavailable(Lack::Disk), 503, Some("disk_full")),
            (ActionError::Unavailable(Lack::Writes), 503, Some("read_only")),
            (ActionError::Unavailable(Lack::Line), 503, Some("busy")),
            (ActionError::Unavailable(Lack::Memory), 503, Some("busy")),
            (ActionError::Unavailable(Lack::Places), 503, Some("busy")),
            (ActionError::Internal("secret detail".into()), 500, None),
        ];
        for (error, status, reason) in table {
            let answer = ApiError::from(error.clone());
            assert_eq!((answer.status.as_u16(), answer.reason), (status, reason), "{error:?}");
            assert_eq!(answer.retry_after.is_some(), status == 503);
            assert!(!answer.message.contains("secret detail"));
        }
    }
}
