//! Words of `certgen batch`.

use std::path::PathBuf;

use super::fleet::Registration;
use super::make::Profile;
use super::shared::{Issuer, Lifetime, NewKey, Protection, SubjectParts};
use crate::cmd::number::whole;

#[derive(Debug, clap::Args)]
pub struct BatchArgs {
    /// Devices, a row each: CSV with a first line of column names (id, san, days, key, org, org_unit; san holds names
    /// between spaces), or lines of JSON with these members; - for standard input. Or a folder: its requests (*.csr) are
    /// signed, and named by their files
    #[arg(value_name = "FILE|DIR|-", value_hint = clap::ValueHint::AnyPath)]
    pub input: PathBuf,
    /// Folder for the new files, and for manifest.ndjson, which lists what is done. A run that was interrupted goes on
    /// from there when it is started again
    #[arg(short, long, value_name = "DIR", default_value = "devices", value_hint = clap::ValueHint::DirPath)]
    pub out: PathBuf,
    /// How the files of the devices lie in it
    #[arg(long, value_name = "LAYOUT", default_value = "flat")]
    pub layout: Layout,
    /// What the certificates are for. A server's id is its first host
    #[arg(long, value_name = "PURPOSE", default_value = "client")]
    pub profile: Profile,
    /// Pass over rows that are wrong, name each, and end with 1. Without it nothing is made of a file or folder that has
    /// one; standard input is read up to it
    #[arg(long)]
    pub skip_bad: bool,
    /// Threads that make keys and certificates [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = whole(1..=256_u16))]
    pub jobs: Option<u16>,
    #[command(flatten)]
    pub key: NewKey,
    #[command(flatten)]
    pub lifetime: Lifetime,
    #[command(flatten)]
    pub subject: SubjectParts,
    #[command(flatten)]
    pub protection: Protection,
    #[command(flatten)]
    pub issuer: Issuer,
    #[command(flatten)]
    pub registration: Registration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// ID.crt and ID.key beside those of the others
    Flat,
    /// A folder for each: ID/ID.crt and ID/ID.key, and ID/ca.crt if the CA is a root
    Folder,
    /// The same in an archive for each, ID.tar
    Archive,
}
