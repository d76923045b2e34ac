//! The one test binary.

mod accepting;
mod architecture;
mod support;
mod support_works;
