//! `certgen trust`: a CA into the stores that the programs of a machine believe, and out again.

use std::ffi::OsStr;
use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::content::{Item, items};
use super::dates::{date, now};
use super::files::CERTIFICATE_MODE;
use super::held::{held, output, refusal};
use super::options::{Store, TrustAction, TrustArgs};
use super::render;
use super::sentences::not_written;
use super::stores::{self, Call, Entry, Held, LeavesRoot, Other, Own, Place, Step};
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
    /// What stays, and the command that takes it out: somebody else put it there.
    pub left: Vec<Left>,
    pub is_dry_run: bool,
    is_agreed: bool,
    authority: Certificate,
    names: Names,
    /// The stores that were asked for, and what they held of the CA when this was planned.
    places: Vec<(Place, Held)>,
}

/// A CA that stays in a store, or would stay: moskit did not put it there.
pub struct Left {
    /// What holds it, for people.
    pub holder: String,
    /// The command that takes it out.
    pub command: String,
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
    if is_install {
        check(&authority, &args.authority)?;
    }
    let (mut all, mut lines, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for place in places(args)? {
        let held = held(&place, &names.entry(), &authority.der)?;
        if !is_install {
            left.extend(held.others.iter().map(|other| stays(&place, other)));
        }
        let steps = steps(&place, &names.entry(), &held, is_install);
        lines.extend(steps.iter().map(|step| words(step, &args.authority)));
        all.push((place, held));
    }
    Ok(Change {
        subject: authority.subject.to_string(),
        is_install,
        is_unbounded: authority.name_constraints.is_none(),
        steps: lines,
        left,
        is_dry_run: args.dry_run,
        is_agreed: args.yes,
        authority,
        names,
        places: all,
    })
}

fn steps(place: &Place, entry: &Entry<'_>, held: &Held, is_install: bool) -> Vec<Step> {
    if is_install { place.install(entry, held) } else { place.remove(entry, held) }
}

/// Does what was planned and shown, once somebody has agreed, and looks whether it was done.
pub fn carry_out(change: &Change, term: &mut Term) -> Result<Trusted, Failure> {
    let is_as_asked = change.steps.is_empty();
    if change.is_dry_run && !(is_as_asked && change.left.is_empty()) {
        return Ok(Trusted::Shown);
    }
    if !is_as_asked {
        if !change.is_agreed {
            confirm(term)?;
        }
        for (at, (place, _)) in change.places.iter().enumerate() {
            if let Err(failure) = change.make_in(place, change.is_install) {
                return Err(undo(change, &change.places[..=at], failure));
            }
        }
    }
    if !change.is_install {
        change.look_for_others()?;
    }
    Ok(match (is_as_asked, change.is_install) {
        (true, _) => Trusted::AsAsked,
        (false, true) => Trusted::Installed,
        (false, false) => Trusted::Removed,
    })
}

impl Change {
    /// Installs or removes the CA in one store, from what is there now, and looks whether that was done.
    fn make_in(&self, place: &Place, is_install: bool) -> Result<(), Failure> {
        let (entry, der) = (self.names.entry(), &self.authority.der);
        let before = held(place, &entry, der)?;
        // These read the file of the CA themselves.
        if matches!(place, Place::Keychain | Place::Windows) && authority(entry.certificate)?.der != *der {
            let text = format!("`{}` is another certificate than it was", entry.certificate.display());
            return Err(Failure::new(Exit::FAILED, text));
        }
        let pem = to_pem("CERTIFICATE", der);
        for step in steps(place, &entry, &before, is_install) {
            act(&step, pem.as_bytes())?;
        }
        let after = held(place, &entry, der)?;
        if steps(place, &entry, &after, is_install).is_empty() {
            return Ok(());
        }
        let what = if is_install { "does not hold the CA" } else { "still holds the CA" };
        let failure = Failure::new(Exit::FAILED, format!("all commands ended well, and {} {what}", store(place)));
        Err(if is_install { failure } else { failure.hint("a package or another folder of CAs brings it") })
    }

    /// Fails where the CA is still in a store after what moskit had put there is gone.
    fn look_for_others(&self) -> Result<(), Failure> {
        let mut left = Vec::new();
        for (place, _) in &self.places {
            let held = held(place, &self.names.entry(), &self.authority.der)?;
            left.extend(held.others.iter().map(|other| stays(place, other)));
        }
        if left.is_empty() {
            return Ok(());
        }
        let gone = if self.steps.is_empty() { "" } else { "what moskit had put there is gone, and " };
        let holders: Vec<_> = left.iter().map(|left| left.holder.as_str()).collect();
        let commands: Vec<_> = left.iter().map(|left| left.command.as_str()).collect();
        let text =
            format!("{gone}the CA is still there: {} holds it, and moskit did not put it there", holders.join(", "));
        Err(Failure::new(Exit::FAILED, text).hint(format!("this takes it out: {}", commands.join(" && "))))
    }
}

/// A store, as a person calls it.
fn store(place: &Place) -> String {
    match place {
        Place::Folder { bundle, .. } => format!("`{}`", bundle.display()),
        Place::Nss { folder } => format!("the database `{}`", folder.display()),
        Place::Keychain => "the keychain of the system".to_owned(),
        Place::Windows => "the store of Windows".to_owned(),
    }
}

fn stays(place: &Place, other: &Other) -> Left {
    let holder = match other {
        Other::File(path) => shell::path(path),
        Other::Nickname(name) => format!("the nickname {} in {}", shell::quoted(name), store(place)),
    };
    let command = match (other, place.remove_other(other)) {
        (Other::File(path), call) => {
            let update = call.map(|call| format!(" && {}", typed(&call))).unwrap_or_default();
            format!("rm {}{update}", shell::path(path))
        }
        (Other::Nickname(_), call) => call.map(|call| typed(&call)).unwrap_or_default(),
    };
    Left { holder, command }
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
        return Err(refused("is an intermediate CA, which programs do not trust by itself")
            .hint("the root above it is what a store takes"));
    }
    Ok((**certificate).clone())
}

/// What must hold before programs are made to believe a CA. It can be taken out without.
fn check(authority: &Certificate, path: &Path) -> Result<(), Failure> {
    let refused = |why: &str| Failure::new(Exit::FAILED, format!("`{}` {why}", path.display()));
    if !authority.is_self_signed() {
        return Err(refused(
            "is not signed with its own key, as a root is, or by an algorithm that moskit does not check",
        )
        .hint("a CA of the same name may have signed it: that one is the root"));
    }
    if authority.not_after < now() {
        return Err(refused(&format!("expired on {}: no program trusts it", date(authority.not_after)))
            .hint("moskit certgen renew makes a new one of it"));
    }
    Ok(())
}

fn places(args: &TrustArgs) -> Result<Vec<Place>, Failure> {
    let mut found = Vec::new();
    if args.store != Store::Browsers {
        let place = stores::system(args.root.as_deref(), |program| can_be_found(OsStr::new(program)));
        let place = place.map_err(|LeavesRoot(path)| {
            Failure::new(
                Exit::FAILED,
                format!("a link leads `{}` out of the image, and nothing is changed there", path.display()),
            )
            .hint("make the link relative, or run moskit in the image by chroot")
        })?;
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

/// A step as a person reads it before it is done.
fn words(step: &Step, certificate: &Path) -> String {
    match step {
        Step::Write(path) => format!("copy {} to {}", shell::path(certificate), shell::path(path)),
        Step::Delete(path) => format!("delete {}", shell::path(path)),
        // What certutil reads is what was read here, whatever the file is by then.
        Step::Run(call) if call.is_fed => format!("run {} < {}", typed(call), shell::path(certificate)),
        Step::Run(call) => format!("run {}", typed(call)),
    }
}

/// A call as it is typed into a shell.
fn typed(call: &Call) -> String {
    let words: Vec<_> = call.arguments.iter().map(|word| shell::quoted(&word.to_string_lossy())).collect();
    format!("{} {}", call.program, words.join(" ")).trim_end().to_owned()
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
            let output = output(call, pem)?;
            if output.status.success() { Ok(()) } else { Err(refusal(call, &output)) }
        }
    }
}

/// Takes back what was done before something failed, and says whether it could: by what the stores hold then.
fn undo(change: &Change, touched: &[(Place, Held)], failure: Failure) -> Failure {
    let entry = change.names.entry();
    let mut all = true;
    // A store that was as asked is left alone, and what was not there is not put there.
    let is_touched = |place: &Place, was: &Held| {
        !steps(place, &entry, was, change.is_install).is_empty() && (change.is_install || was.own == Own::Certificate)
    };
    for (place, _) in touched.iter().filter(|(place, was)| is_touched(place, was)) {
        // A command that fails again may have left nothing to be done: what the store holds decides.
        let _ = change.make_in(place, !change.is_install);
        all &= held(place, &entry, &change.authority.der)
            .is_ok_and(|held| steps(place, &entry, &held, !change.is_install).is_empty());
    }
    let message = failure.message.clone().unwrap_or_default();
    let end = if all { "what was done before is undone" } else { "what was done before could not all be undone" };
    Failure { message: Some(format!("{message}; {end}")), ..failure }
}
