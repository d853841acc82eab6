//! Facts of a failure → cause and hint, by stable finding id.
//!
//! * [`Finding`]: what every verb tells, and `check` collects
//! * [`tls`], [`unanswered`]: handshakes that fail, and connections that end before CONNACK
//! * [`ways`]: proxies and WebSockets
//! * [`chain`], [`files`]: certificates and keys; [`stacks`]: what each family of TLS clients makes of them

mod attempted;
pub mod chain;
pub mod files;
mod finding;
pub mod stacks;
pub mod tls;
mod unanswered;
pub mod ways;
pub mod when;

pub use attempted::Attempted;
use attempted::list;
pub use finding::{Finding, Severity};
pub use unanswered::{Unanswered, unanswered};
