//! Words of `certgen trust`.

use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub enum TrustAction {
    /// Add the CA to the trust stores
    Install(TrustArgs),
    /// Take the CA out of the trust stores again
    Remove(TrustArgs),
}

#[derive(Debug, clap::Args)]
pub struct TrustArgs {
    /// The certificate of the CA. A file that holds its key too is refused
    #[arg(value_name = "CA", default_value = "ca.crt", value_hint = clap::ValueHint::FilePath)]
    pub authority: PathBuf,
    /// The stores to change
    #[arg(long, value_name = "STORE", default_value = "system")]
    pub store: Store,
    /// The system below DIR, as that of an image: files go there, and commands run in it by chroot
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub root: Option<PathBuf>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would be done, and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Store {
    /// The system's: that of OpenSSL, curl, Python and most services
    System,
    /// Those of Firefox and Chromium in the home of the user, by certutil of NSS
    Browsers,
    /// Both
    All,
}
