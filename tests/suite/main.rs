//! The one test binary.

mod architecture;
mod support;
mod support_works;
