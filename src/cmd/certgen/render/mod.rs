//! What the actions of certgen have found or made, as text, as JSON and as exit codes: nothing else in this verb writes
//! to standard output.

mod batch;
mod expiry;
mod export;
mod init;
mod inspect;
mod judged;
mod key;
mod made;
mod openmetrics;
mod question;
mod revocation;
mod trust;

pub use self::batch::batch;
pub use self::expiry::{answers, answers_as_json, answers_as_metrics, exit as exit_of_expiry};
pub use self::export::exported;
pub use self::init::initialised;
pub use self::inspect::{seen, seen_as_json, unseen_as_json};
pub use self::judged::{exit_of_lint, linted, linted_as_json, not_known_as_json, verified, verified_as_json};
pub use self::key::key;
pub use self::made::{broken, broken_kinds, files, made, not_due};
pub use self::question::question;
pub use self::revocation::{
    entry, entry_as_json, exit_of_list, imported, no_list, rebuilt, revoked, standing, take_effect,
};
pub use self::trust::{trust_plan, trusted};
