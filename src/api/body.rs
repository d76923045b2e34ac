//! A request's body as JSON. Anything wrong with it is a 400 with a sentence.

use std::future::Future;
use std::pin::Pin;

use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::domain::outside;
use crate::telemetry::patience::patient;

/// The raw body, at most the configured limit.
pub struct Body(pub Bytes);

impl Body {
    /// Reads it as `T`, an object; unknown fields are ignored.
    ///
    /// # Errors
    /// 400 that says where it is not what was expected, or holds what no text may.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let text = std::str::from_utf8(&self.0).unwrap_or_default();
        outside::json(text).map_err(|refusal| ApiError::bad_request(refusal.message()))?;
        // serde would take an array as an object's fields in their order, which no client means.
        if self.0.trim_ascii_start().first() == Some(&b'[') {
            return Err(ApiError::bad_request("invalid JSON body: invalid type: sequence, expected an object"));
        }
        serde_json::from_slice(&self.0).map_err(|error| ApiError::bad_request(format!("invalid JSON body: {error}")))
    }
}

impl FromRequest for Body {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(request, &mut patient(payload.take()));
        Box::pin(async move {
            bytes
                .await
                .map(Self)
                .map_err(|_| ApiError::bad_request("the request body is too large, was cut short or took too long"))
        })
    }
}
