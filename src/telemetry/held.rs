//! A large answer is sent piece by piece, as its client takes it, and its share of the node's memory is held until the last
//! of it: whoever reads slowly holds what it takes, and no more than that.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

use crate::load::Share;

/// Bytes of a piece. An answer of no more is copied on its way out anyway.
const PIECE: usize = 64 * 1024;

struct Held {
    rest: Bytes,
    _share: Share,
}

/// The answer, holding `share` until it is sent.
#[must_use]
pub fn held(answer: HttpResponse, share: Share) -> HttpResponse {
    answer.map_body(|_, body| match body.try_into_bytes() {
        Ok(rest) if rest.len() > PIECE => BoxBody::new(Held { rest, _share: share }),
        Ok(small) => BoxBody::new(small),
        Err(body) => body,
    })
}

impl MessageBody for Held {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = PIECE.min(self.rest.len());
        Poll::Ready(Some(Ok(self.rest.split_to(piece))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;
    use crate::load::{Memory, Owner};

    #[actix_web::test]
    async fn a_large_answer_is_whole_and_holds_its_share_until_its_end() {
        let memory = Memory::new(1);
        for (size, holds) in [(PIECE * 3 + 7, true), (100, false)] {
            let mut share = memory.share(Owner::stranger([192, 0, 2, 1].into()));
            share.reach(size).expect("room");
            let answer = held(HttpResponse::Ok().body(vec![b'x'; size]), share);
            assert_eq!(memory.left() < 1024 * 1024, holds, "{size}");
            assert_eq!(answer.body().size(), BodySize::Sized(size as u64));
            let sent = to_bytes(answer.into_body()).await.expect("all of it");
            assert_eq!((sent.len(), memory.left()), (size, 1024 * 1024));
        }
    }
}
