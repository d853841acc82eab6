//! Facts of a failure → cause and hint, by stable finding id.
//!
//! * [`Finding`]: what every verb tells, and `check` collects
//! * [`files`]: files of certificates and keys that give nothing

pub mod files;
mod finding;
pub mod when;

pub use finding::{Finding, Severity};
