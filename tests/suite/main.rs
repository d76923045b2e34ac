//! The one test binary.

mod accepting;
mod api;
mod architecture;
mod support;
mod support_works;
