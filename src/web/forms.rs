//! Forms: what was posted as a type, and what was wrong with it, field by field.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use super::error::PageError;
use super::fields::{Fields, File};
use super::guard;
use crate::actions::{ActionError, FieldError};
use crate::domain::refusal::Refusal;

/// A posted form (`web::guard` has checked where it comes from). Fields should have `#[serde(default)]`: a missing
/// one is then empty, and the handler says what to enter.
pub struct Posted<T> {
    form: T,
    fields: Rc<Fields>,
}

impl<T> Posted<T> {
    #[must_use]
    pub fn into_inner(self) -> T {
        self.form
    }

    /// The file of a field; `None` too when none was chosen.
    #[must_use]
    pub fn file(&self, field: &str) -> Option<&File> {
        self.fields.file(field)
    }

    /// As it came: names and texts in order.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }
}

impl<T> Deref for Posted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.form
    }
}

impl<T: DeserializeOwned> FromRequest for Posted<T> {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let fields = guard::posted(request);
        let form = serde_html_form::to_string(&fields.pairs)
            .ok()
            .and_then(|text| serde_html_form::from_str(&text).ok())
            .ok_or_else(|| PageError::new(400));
        ready(form.map(|form| Self { form, fields }))
    }
}

/// A form without fields of its own: a button.
#[derive(serde::Deserialize)]
pub struct Nothing {}

/// What was wrong with a form: beside each field (`errors.of("name")`), and summed on top
/// (`ui::errors("There is a problem", errors.list())`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors(Vec<FieldError>);

impl Errors {
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One error.
    #[must_use]
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, or its refusal noted beside `field`.
    pub fn take<T>(&mut self, field: &str, parsed: Result<T, Refusal>) -> Option<T> {
        parsed.map_err(|refusal| self.add(field, refusal.message())).ok()
    }

    /// For templates: the message beside a field, or nothing.
    #[must_use]
    pub fn of(&self, field: &str) -> &str {
        self.0.iter().find(|error| error.field == field).map(|error| error.message.as_str()).unwrap_or_default()
    }

    /// For templates: id of the field and message, in order.
    #[must_use]
    pub fn list(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|error| (error.field.as_str(), error.message.as_str())).collect()
    }

    /// What an action refused as errors of the form: fields as they are, a clash beside `field`. Anything else is a
    /// page of its own.
    ///
    /// # Errors
    /// Every other error.
    pub fn from_action(error: ActionError, field: &str) -> Result<Self, PageError> {
        match error {
            ActionError::Invalid(fields) => Ok(Self(fields)),
            ActionError::Conflict(message) => Ok(Self::one(field, message)),
            other => Err(other.into()),
        }
    }
}
