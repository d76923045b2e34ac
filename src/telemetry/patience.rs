//! How long the body of a request may keep us waiting: the server's own limits end with the header, and whoever sends half
//! a body and falls silent would hold a connection for ever.

use std::io::ErrorKind;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use tokio::time::{Instant, timeout};

/// The longest silence within a body, as long as a client of SMTP may be silent within a message.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest that a whole body may take: the largest, at 50 kilobytes a second.
const WHOLE: Duration = Duration::from_secs(600);

/// A request's body that ends with an error when it no longer comes.
#[must_use]
pub fn patient(payload: Payload) -> Payload {
    within(payload, SILENCE, WHOLE)
}

fn within(payload: Payload, silence: Duration, whole: Duration) -> Payload {
    if matches!(payload, Payload::None) {
        return payload;
    }
    let end = Instant::now() + whole;
    let stream = unfold(payload, move |mut payload| async move {
        let patience = silence.min(end.saturating_duration_since(Instant::now()));
        match timeout(patience, payload.next()).await {
            Ok(chunk) => chunk.map(|chunk| (chunk, payload)),
            Err(_) => Some((Err(PayloadError::Io(ErrorKind::TimedOut.into())), Payload::None)),
        }
    });
    // Who reads a form with files asks again after the end.
    Payload::Stream { payload: Box::pin(stream.fuse()) }
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;
    use futures_util::stream::{self, StreamExt as _};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);

    fn body(chunks: usize) -> stream::BoxStream<'static, Result<Bytes, PayloadError>> {
        stream::repeat_with(|| Ok(Bytes::from_static(b"x"))).take(chunks).boxed()
    }

    async fn read(body: stream::BoxStream<'static, Result<Bytes, PayloadError>>, whole: Duration) -> Vec<bool> {
        let patient = within(Payload::Stream { payload: body }, SHORT, whole);
        patient.map(|chunk| chunk.is_ok()).collect().await
    }

    #[tokio::test]
    async fn a_body_that_falls_silent_or_never_ends_is_cut_off_and_another_is_not() {
        assert_eq!(read(body(3), LONG).await, [true; 3]);
        let mut whole = within(Payload::Stream { payload: body(1) }, SHORT, LONG);
        assert!(whole.next().await.is_some() && whole.next().await.is_none() && whole.next().await.is_none());
        assert_eq!(read(body(2).chain(stream::pending()).boxed(), LONG).await, [true, true, false]);
        let trickle = body(1000).then(|chunk| async {
            tokio::time::sleep(SHORT / 4).await;
            chunk
        });
        let got = read(trickle.boxed(), SHORT * 2).await;
        assert!(got.len() < 20 && got.last() == Some(&false), "{got:?}");
    }
}
