//! Tokens of OAuth 2 by the client-credentials grant, RFC 6749, 4.4: what is asked, of whom, and what the answer says.

mod answer;
mod fetch;
mod grant;
mod token_url;

pub use answer::Unusable;
pub use fetch::{OAuthError, fetch};
pub use grant::{ClientAuthentication, Grant, Granted, KeptSecret};
pub use token_url::{TokenUrl, TokenUrlError};
