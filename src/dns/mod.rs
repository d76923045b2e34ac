//! What a domain must publish in DNS, and whether it does.
//! `records` says what to publish, `check` asks and judges; `resolver` does the asking, of a real server or of the
//! in-process `zone` of the demo.

pub mod check;
mod dkim;
mod dmarc;
pub mod records;
pub mod resolver;
mod spf;
pub mod zone;

pub use check::{CheckResult, RecordState, check};
pub use records::{DomainSetup, PlatformNames, Record, RecordKind};
pub use resolver::{Dns, LookupFailed};
pub use zone::ZoneMap;
