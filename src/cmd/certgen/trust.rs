//! `certgen trust`: a CA into the stores that the programs of a machine believe, and out again.

use std::ffi::OsStr;
use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use super::content::{Item, items};
use super::explain::not_written;
use super::files::CERTIFICATE_MODE;
use super::options::{Store, TrustAction, TrustArgs};
use super::render;
use super::stores::{self, Call, Entry, Place, Step};
use crate::diagnose::shell;
use crate::net::reason;
use crate::os::process::can_be_found;
use crate::pki::certificate::Certificate;
use crate::pki::index::hexadecimal;
use crate::pki::make::to_pem;
use crate::term::{Exit, Failure, Term};
use crate::whole_file;

/// What was done.
pub enum Trusted {
    Installed,
    Removed,
    /// Nothing was to be done: it is in all stores, or in none.
    AsAsked,
    /// The steps were shown, and nothing was done.
    Shown,
}

/// A change before anything is done.
pub struct Change {
    pub subject: String,
    pub is_install: bool,
    /// Whether the CA may sign for any name.
    pub is_unbounded: bool,
    /// What is to be done, for people; empty where it is done already.
    pub steps: Vec<String>,
    pub is_dry_run: bool,
    is_agreed: bool,
    pem: Zeroizing<String>,
    names: Names,
    places: Vec<Place>,
}

/// What the CA is called in the stores.
struct Names {
    certificate: PathBuf,
    name: String,
    sha1: String,
}

impl Names {
    fn entry(&self) -> Entry<'_> {
        Entry { certificate: &self.certificate, name: &self.name, sha1: &self.sha1 }
    }
}

/// What has to be done for what was asked. Nothing is changed.
pub fn plan(action: &TrustAction) -> Result<Change, Failure> {
    let (args, is_install) = match action {
        TrustAction::Install(args) => (args, true),
        TrustAction::Remove(args) => (args, false),
    };
    let authority = authority(&args.authority)?;
    let names = Names {
        certificate: args.authority.clone(),
        name: format!("moskit-{}", &hexadecimal(digest::digest(&digest::SHA256, &authority.der).as_ref())[..16]),
        sha1: hexadecimal(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &authority.der).as_ref())
            .to_ascii_uppercase(),
    };
    let mut places = places(args)?;
    places.retain(|place| is_in(place, &names.entry()) != is_install);
    let steps = places.iter().flat_map(|place| steps(place, &names.entry(), is_install));
    Ok(Change {
        subject: authority.subject.to_string(),
        is_install,
        is_unbounded: authority.name_constraints.is_none(),
        steps: steps.map(|step| words(&step, &args.authority)).collect(),
        is_dry_run: args.dry_run,
        is_agreed: args.yes,
        pem: to_pem("CERTIFICATE", &authority.der),
        names,
        places,
    })
}

fn steps(place: &Place, entry: &Entry<'_>, is_install: bool) -> Vec<Step> {
    if is_install { place.install(entry) } else { place.remove(entry) }
}

/// Does what was planned and shown, once somebody has agreed.
pub fn carry_out(change: &Change, term: &mut Term) -> Result<Trusted, Failure> {
    if change.places.is_empty() {
        return Ok(Trusted::AsAsked);
    }
    if change.is_dry_run {
        return Ok(Trusted::Shown);
    }
    if !change.is_agreed {
        confirm(term)?;
    }
    let (entry, pem) = (change.names.entry(), change.pem.as_bytes());
    for (at, place) in change.places.iter().enumerate() {
        let done = steps(place, &entry, change.is_install).iter().try_for_each(|step| act(step, pem));
        if let Err(failure) = done {
            return Err(undo(&change.places[..=at], &entry, change.is_install, pem, failure));
        }
    }
    Ok(if change.is_install { Trusted::Installed } else { Trusted::Removed })
}

/// The certificate of a CA, if the file holds that and nothing else.
fn authority(path: &Path) -> Result<Certificate, Failure> {
    let refused = |why: &str| Failure::new(Exit::FAILED, format!("`{}` {why}", path.display()));
    let items = items(path)?;
    if items.iter().any(|item| matches!(item, Item::Key(_) | Item::Store(_))) {
        return Err(refused("holds a private key, which no store may get")
            .hint("name the file that holds the certificate alone, as ca.crt"));
    }
    let [Item::Certificate(certificate)] = items.as_slice() else {
        return Err(refused("does not hold one certificate and nothing else"));
    };
    if !certificate.is_ca() {
        return Err(refused("is not the certificate of a CA").hint("ca.crt is; certgen init and certgen ca make it"));
    }
    if !certificate.is_self_issued() {
        return Err(refused("is an intermediate CA, which programs do not believe by itself")
            .hint("the root above it is what a store takes"));
    }
    Ok((**certificate).clone())
}

fn places(args: &TrustArgs) -> Result<Vec<Place>, Failure> {
    let mut found = Vec::new();
    if args.store != Store::Browsers {
        let place = stores::system(args.root.as_deref(), |program| can_be_found(OsStr::new(program)));
        found.push(place.ok_or_else(|| {
            let below = args.root.as_ref().map(|root| format!(" below `{}`", root.display())).unwrap_or_default();
            Failure::new(Exit::FAILED, format!("no store of the system is known{below}")).hint(
                "Debian has update-ca-certificates (package ca-certificates), Fedora and Arch have update-ca-trust",
            )
        })?);
    }
    if args.store != Store::System {
        if args.root.is_some() {
            return Err(Failure::new(Exit::USAGE, "--root is for the store of a system, not for browsers"));
        }
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        let databases = home.map(|home| stores::browsers(Path::new(&home))).unwrap_or_default();
        if databases.is_empty() && args.store == Store::Browsers {
            return Err(Failure::new(Exit::FAILED, "no store of Firefox or Chromium is in this user's home")
                .hint("a browser makes it when it is first started; as the user who has it, not as root"));
        }
        if !databases.is_empty() && !can_be_found(OsStr::new("certutil")) {
            return Err(Failure::new(
                Exit::FAILED,
                "the stores of browsers are changed by certutil, which is not installed",
            )
            .hint("it is in the package libnss3-tools (Debian), nss-tools (Fedora), nss (Arch)"));
        }
        found.extend(databases);
    }
    Ok(found)
}

fn is_in(place: &Place, entry: &Entry<'_>) -> bool {
    match place.question(entry) {
        Step::Write(file) => std::fs::symlink_metadata(file).is_ok(),
        Step::Run(call) => command(&call).output().is_ok_and(|output| output.status.success()),
        Step::Delete(_) => false,
    }
}

/// A step as a person reads it before it is done.
fn words(step: &Step, certificate: &Path) -> String {
    match step {
        Step::Write(path) => format!("copy {} to {}", shell::path(certificate), shell::path(path)),
        Step::Delete(path) => format!("delete {}", shell::path(path)),
        Step::Run(call) => {
            let words: Vec<_> = call.arguments.iter().map(|word| shell::quoted(&word.to_string_lossy())).collect();
            format!("run {} {}", call.program, words.join(" ")).trim_end().to_owned()
        }
    }
}

fn confirm(term: &mut Term) -> Result<(), Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::new(Exit::USAGE, "there is no terminal to ask on").hint("--yes does it without asking"));
    }
    render::question("Do it? [y/N] ", term);
    let mut answer = String::new();
    stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(Exit::FAILED, format!("cannot read the answer: {}", reason(&error))))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::new(Exit::FAILED, "nothing was done"))
    }
}

fn command(call: &Call) -> Command {
    let mut command = Command::new(call.program);
    command.args(&call.arguments).stdin(Stdio::null());
    command
}

fn act(step: &Step, pem: &[u8]) -> Result<(), Failure> {
    let root = |failure: Failure| failure.hint("the store of the system belongs to root: sudo moskit certgen trust …");
    match step {
        Step::Write(path) => whole_file::write_new(path, pem, CERTIFICATE_MODE).map_err(|error| {
            let is_denied = error.cause.kind() == std::io::ErrorKind::PermissionDenied;
            let failure = not_written(&error);
            if is_denied { root(failure) } else { failure }
        }),
        Step::Delete(path) => std::fs::remove_file(path).map_err(|error| {
            let failure = Failure::new(Exit::FAILED, format!("cannot delete `{}`: {}", path.display(), reason(&error)));
            if error.kind() == std::io::ErrorKind::PermissionDenied { root(failure) } else { failure }
        }),
        Step::Run(call) => {
            let failed = |why: &str| Failure::new(Exit::FAILED, format!("`{}` {why}", call.program));
            let output =
                command(call).output().map_err(|error| failed(&format!("did not start: {}", reason(&error))))?;
            if output.status.success() {
                return Ok(());
            }
            let said =
                String::from_utf8_lossy(&output.stderr).trim().lines().next_back().unwrap_or_default().to_owned();
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            Err(failed(&format!("failed ({}){said}", output.status)))
        }
    }
}

/// Takes back what was done before something failed, and says whether it could.
fn undo(touched: &[Place], entry: &Entry<'_>, is_install: bool, pem: &[u8], failure: Failure) -> Failure {
    let mut all = true;
    // In the last, where it failed, nothing may be done yet.
    for place in touched.iter().filter(|place| is_in(place, entry) == is_install) {
        // Each step is tried: a file must go also where its command fails again.
        let worked: Vec<_> = steps(place, entry, !is_install).iter().map(|step| act(step, pem).is_ok()).collect();
        all &= worked.iter().all(|worked| *worked);
    }
    let message = failure.message.clone().unwrap_or_default();
    let end = if all { "what was done before is undone" } else { "what was done before could not all be undone" };
    Failure { message: Some(format!("{message}; {end}")), ..failure }
}
