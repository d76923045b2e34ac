//! How whoever a request is answered writes numbers: known once they are (`web/acting.rs`), and used by every word of
//! `web/format.rs`. It belongs to the task of one request and to nothing else: what is written in a read of the database
//! or in a stream is given the style by hand.

use std::cell::Cell;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use crate::domain::number::NumberStyle;

tokio::task_local! {
    static STYLE: Cell<NumberStyle>;
}

/// The middleware: each request begins in point style.
///
/// # Errors
/// Those of what is inside it.
pub async fn scope<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    STYLE.scope(Cell::default(), next.call(request)).await
}

/// From here on the request's figures are written so.
pub fn write_in(style: NumberStyle) {
    // Outside of a request (a test of one extractor) there is nobody to write for.
    let _ = STYLE.try_with(|now| now.set(style));
}

/// The style of the request that is being answered; point outside of one.
#[must_use]
pub fn current() -> NumberStyle {
    STYLE.try_with(Cell::get).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_style_ends_with_its_request() {
        let figure = || crate::web::format::number(1_234);
        let written = STYLE.scope(Cell::default(), async {
            write_in(NumberStyle::Comma);
            tokio::task::yield_now().await;
            figure()
        });
        assert_eq!((written.await, figure()), ("1.234".to_owned(), "1,234".to_owned()));
        write_in(NumberStyle::Comma);
        assert_eq!(current(), NumberStyle::Point);
    }
}
