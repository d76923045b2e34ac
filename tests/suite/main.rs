//! The one test binary.

mod support;
mod support_works;
