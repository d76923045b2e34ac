//! A request's body as JSON. Anything wrong with it is a 400 with a sentence.

use std::future::Future;
use std::pin::Pin;

use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::auth::caller_of;
use super::error::ApiError;
use super::unpack::Unpacked;
use crate::app::App;
use crate::domain::outside;
use crate::load::{Owner, READ, Share};
use crate::telemetry::patience::patient;

/// What a value takes in memory besides its text, in bytes: a body may be nothing but empty ones.
const VALUE: usize = 64;

/// The raw body, at most the configured limit, and the caller's share of this node's memory for it.
pub struct Body {
    pub bytes: Vec<u8>,
    share: Share,
}

impl Body {
    /// Reads it as `T`, an object; unknown fields are ignored.
    ///
    /// # Errors
    /// 400 that says where it is not what was expected, or holds what no text may.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
        outside::json(text).map_err(|refusal| ApiError::bad_request(refusal.message()))?;
        // serde would take an array as an object's fields in their order, which no client means.
        if self.bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(ApiError::bad_request("invalid JSON body: invalid type: sequence, expected an object"));
        }
        serde_json::from_slice(&self.bytes)
            .map_err(|error| ApiError::bad_request(format!("invalid JSON body: {error}")))
    }

    /// What holds room for all that is made of it.
    #[must_use]
    pub fn into_share(self) -> Share {
        self.share
    }
}

impl FromRequest for Body {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (known, headers, app) = (caller_of(request), request.headers().clone(), request.app_data().cloned());
        let mut payload = patient(payload.take());
        Box::pin(async move {
            // Nothing is held of a body before it is known whose it is.
            let owner = Owner::Account(known.await?.account.id);
            let app: Data<App> = app.ok_or_else(|| ApiError::bad_request("the request body cannot be read"))?;
            let mut unpacked = Unpacked::new(&headers, app.config.body_limit, app.load.memory.share(owner));
            while let Some(chunk) = payload.next().await {
                let chunk =
                    chunk.map_err(|_| ApiError::bad_request("the request body was cut short or took too long"))?;
                unpacked.take(&chunk)?;
            }
            let (bytes, mut share) = unpacked.finish()?;
            let values = bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
            share.reach(bytes.len() * READ + values * VALUE)?;
            Ok(Self { bytes, share })
        })
    }
}
