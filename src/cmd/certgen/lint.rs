//! `certgen lint`: the files that are looked at.

use super::dates::now;
use super::options::LintArgs;
use super::walk::targets;
use crate::examine::lint::{Linted, Look, lint};
use crate::term::{Exit, Failure, Secret};

pub fn run(args: &LintArgs) -> Result<Linted, Failure> {
    let mut files = Vec::new();
    for target in &args.targets {
        let found = targets(target)?;
        if found.is_empty() {
            return Err(Failure::new(Exit::USAGE, format!("there is nothing to look at in `{}`", target.display())));
        }
        files.extend(found);
    }
    // Nobody is asked: whoever runs this may be a script.
    let secret = args.passphrase.given()?;
    let look = Look { passphrase: secret.as_ref().map(Secret::expose), now: now(), within: args.within };
    let linted = lint(files, look);
    if linted.files == 0 {
        return Err(Failure::new(Exit::USAGE, "there is nothing of certificates in what was named"));
    }
    Ok(linted)
}
