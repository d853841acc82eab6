//! Where a token that becomes the password is asked for, as typed: `--oauth-token-url` to `--oauth-cafile`.

use std::path::PathBuf;

use crate::oauth::{ClientAuthentication, TokenUrl};

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct OAuthArgs {
    pub token_url: Option<TokenUrl>,
    pub client_id: Option<String>,
    pub secret_file: Option<PathBuf>,
    pub authentication: Option<ClientAuthentication>,
    pub scope: Option<String>,
    pub audience: Option<String>,
    pub cafile: Option<PathBuf>,
}
