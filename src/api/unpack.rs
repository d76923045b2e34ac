//! A body as it arrives: plain, or packed by gzip or deflate (RFC 9110 section 8.4.1). What it unpacks to is bounded as it
//! comes out, by the limit of a body, by a multiple of what came in, and by the node's memory: a bomb ends where it
//! goes off.

use std::io::{self, Write};

use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use flate2::write::{MultiGzDecoder, ZlibDecoder};

use super::error::ApiError;
use crate::load::Share;

/// How many times what came in a body may unpack to, once it is larger than [`SMALL`]. Text packs to a tenth, a list of
/// a hundred recipients to a fiftieth.
const RATIO: usize = 100;
/// Bytes that any body may unpack to.
const SMALL: usize = 1024 * 1024;

/// What came out so far.
struct Text {
    bytes: Vec<u8>,
    share: Share,
    limit: usize,
    /// Bytes that came in.
    packed: usize,
    is_packed: bool,
    /// Why it takes no more.
    refused: Option<ApiError>,
}

impl Text {
    fn add(&mut self, more: &[u8]) -> Result<(), ApiError> {
        let size = self.bytes.len() + more.len();
        if size > self.limit {
            return Err(ApiError::bad_request("the request body is too large"));
        }
        if self.is_packed && size > SMALL && size / RATIO > self.packed {
            return Err(ApiError::bad_request("the request body unpacks to more than 100 times its size"));
        }
        self.share.reserve(&mut self.bytes, more.len(), self.limit)?;
        self.bytes.extend_from_slice(more);
        Ok(())
    }
}

impl Write for Text {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        match self.add(more) {
            Ok(()) => Ok(more.len()),
            Err(error) => {
                self.refused = Some(error);
                Err(io::ErrorKind::OutOfMemory.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Packing {
    None(Text),
    Gzip(MultiGzDecoder<Text>),
    Deflate(ZlibDecoder<Text>),
}

/// A body on its way in.
pub struct Unpacked(Packing);

impl Unpacked {
    /// Of a request with these headers, at most `limit` bytes of it, counted in `share`.
    pub fn new(headers: &HeaderMap, limit: usize, share: Share) -> Self {
        let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let text = |is_packed| Text { bytes: Vec::new(), share, limit, packed: 0, is_packed, refused: None };
        Self(match encoding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Packing::Gzip(MultiGzDecoder::new(text(true))),
            "deflate" => Packing::Deflate(ZlibDecoder::new(text(true))),
            _ => Packing::None(text(false)),
        })
    }

    /// Takes what arrived.
    ///
    /// # Errors
    /// 400 for what is too large or is not packed as it says, 503 where there is no room.
    pub fn take(&mut self, chunk: &[u8]) -> Result<(), ApiError> {
        self.text().packed += chunk.len();
        let written = match &mut self.0 {
            Packing::None(text) => return text.add(chunk),
            Packing::Gzip(decoder) => decoder.write_all(chunk),
            Packing::Deflate(decoder) => decoder.write_all(chunk),
        };
        written.map_err(|_| self.why())
    }

    /// The whole body, and what holds room for it.
    ///
    /// # Errors
    /// As [`Unpacked::take`].
    pub fn finish(mut self) -> Result<(Vec<u8>, Share), ApiError> {
        // Where nothing came, there is nothing to unpack.
        let is_empty = self.text().packed == 0;
        let ended = match &mut self.0 {
            Packing::None(_) => Ok(()),
            _ if is_empty => Ok(()),
            Packing::Gzip(decoder) => decoder.try_finish(),
            Packing::Deflate(decoder) => decoder.try_finish(),
        };
        if ended.is_err() {
            return Err(self.why());
        }
        let text = self.text();
        let rest = text.share.beside();
        Ok((std::mem::take(&mut text.bytes), std::mem::replace(&mut text.share, rest)))
    }

    fn why(&mut self) -> ApiError {
        let refused = self.text().refused.take();
        refused.unwrap_or_else(|| ApiError::bad_request("the request body is not packed as its Content-Encoding says"))
    }

    fn text(&mut self) -> &mut Text {
        match &mut self.0 {
            Packing::None(text) => text,
            Packing::Gzip(decoder) => decoder.get_mut(),
            Packing::Deflate(decoder) => decoder.get_mut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;
    use crate::domain::ids::Id;
    use crate::load::{Memory, Owner};

    const MB: usize = 1024 * 1024;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("packed");
        encoder.finish().expect("packed")
    }

    fn read(encoding: &'static str, body: &[u8], limit: usize, memory: &Memory) -> Result<Vec<u8>, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        let share = memory.share(Owner::Account(Id::new(chrono::DateTime::UNIX_EPOCH)));
        let mut unpacked = Unpacked::new(&headers, limit, share);
        body.chunks(4096).try_for_each(|chunk| unpacked.take(chunk))?;
        unpacked.finish().map(|(bytes, _)| bytes)
    }

    #[test]
    fn every_packing_gives_the_body_back() {
        let memory = Memory::new(64);
        let text: Vec<u8> = (0..200_000_u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(&text).expect("packed");
        let deflate = deflate.finish().expect("packed");
        for (encoding, body) in [("identity", text.clone()), ("gzip", gzip(&text)), ("deflate", deflate)] {
            assert_eq!(read(encoding, &body, 2 * MB, &memory).expect(encoding), text, "{encoding}");
        }
        assert_eq!(read("gzip", &[gzip(b"a"), gzip(b"b")].concat(), MB, &memory).expect("members"), b"ab");
        assert_eq!(read("gzip", b"", MB, &memory).expect("nothing"), b"");
        assert_eq!(memory.left(), 64 * MB, "all room came back");
    }

    #[test]
    fn a_bomb_ends_where_it_goes_off() {
        let memory = Memory::new(64);
        let bomb = gzip(&vec![b' '; 29 * MB]);
        assert!(bomb.len() < 40_000, "{}", bomb.len());
        let refused = read("gzip", &bomb, 30 * MB, &memory).expect_err("a bomb");
        assert_eq!((refused.status.as_u16(), refused.message.contains("100 times")), (400, true), "{refused}");
        let large = read("gzip", &gzip(&vec![b'x'; 600_000]), 500_000, &memory).expect_err("larger than a body may be");
        assert!(large.message.contains("too large"), "{large}");
        assert_eq!(read("gzip", &gzip(&vec![b'x'; MB]), 2 * MB, &memory).expect("small enough").len(), MB);
        let full = read("identity", &vec![b'x'; 8 * MB], 30 * MB, &Memory::new(4)).expect_err("no room");
        assert_eq!((full.status.as_u16(), full.reason), (503, Some("busy")));
        for broken in [&b"not packed at all"[..], &gzip(b"cut short")[..12]] {
            assert_eq!(read("gzip", broken, MB, &memory).expect_err("broken").status.as_u16(), 400);
        }
        assert_eq!(memory.left(), 64 * MB, "all room came back");
    }
}
