//! Facts of a failure → cause and hint, by stable finding id.
//!
//! * [`Finding`]: what every verb tells, and `check` collects; [`catalogue`]: all of them, for the manual
//! * [`not_connected`], [`lost`], [`refused`]: connections that do not come about, end, or are refused
//! * [`tls`], [`unanswered`]: handshakes that fail, and connections that end before CONNACK
//! * [`strange`]: services that speak other protocols
//! * [`ways`]: proxies and WebSockets
//! * [`oauth`]: endpoints that issue no token
//! * [`state`]: a broker's files on disk
//! * [`chain`], [`files`]: certificates and keys; [`stacks`]: what each family of TLS clients makes of them

mod attempted;
pub mod catalogue;
pub mod chain;
mod failed_connection;
pub mod files;
mod finding;
mod lists;
pub mod oauth;
pub mod scram;
pub mod shell;
pub mod stacks;
pub mod state;
mod strange;
pub mod tls;
mod unanswered;
pub mod ways;
pub mod when;

pub use attempted::{AWS_AUTHORIZER, AWS_CERTIFICATE, Attempted, Sent};
pub use failed_connection::{lost, no_address, not_connected, other_versions, oversize, refused};
pub use finding::{About, Finding, Severity};
use lists::list;
pub use strange::{early_packet, is_begun_connack, it_says, protocol, strange};
pub use tls::WITHOUT_TLS;
pub use unanswered::{Unanswered, plain_to_tls, unanswered};
