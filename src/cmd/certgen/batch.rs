//! `certgen batch`: keys and certificates for as many devices as a file has rows, or for the requests in a folder.
//!
//! Rows are read, made and written some hundreds at a time ([`super::chunk`]), so memory does not grow with their number
//! but for some bytes a device, by which those that are done and those that stand twice are known.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::chunk::{Place, Ready};
use super::dates::now;
use super::device::{Device, Plan};
use super::files::{Folder, lock_beside};
use super::fleet::{At, Bad, Source};
use super::ids::{Earlier, Ids};
use super::index_file::OpenIndex;
use super::lifetime::warn_of_long_life;
use super::manifest_file::{self, Manifest};
use super::options::{BatchArgs, Layout};
use super::register::own_stems;
use super::rows::ROWS_LIMIT;
use super::sentences::not_made;
use crate::pki::index::Header;
use crate::pki::make::Error;
use crate::pki::manifest::fingerprint;
use crate::term::{Exit, Failure, Progress, Term, escape_controls, plural};

/// Devices that are written together.
const CHUNK: usize = 1000;
/// For how many devices one counts whose key takes long to make or to encrypt: a killed run loses seconds, not minutes.
const SLOW: usize = 20;
/// Wrong rows that one failure names.
const NAMED: usize = 10;

/// What was done.
pub struct Batch {
    pub folder: PathBuf,
    pub made: u64,
    /// By earlier runs, those that were interrupted among them.
    pub before: u64,
    pub passed_over: u64,
}

pub fn run(args: &BatchArgs, term: &mut Term) -> Result<Batch, Failure> {
    let now = now();
    let mut source = Source::open(&args.input)?;
    let issuer = args.issuer.open(now, term)?.registering(args.registration);
    let authority = issuer.authority.certificate();
    let is_requests = matches!(source, Source::Requests(_));
    if is_requests && args.protection.encrypt {
        return Err(Failure::new(Exit::USAGE, "--encrypt is for new keys, and those of requests stay where they are"));
    }
    if !is_requests {
        args.key.warn(term);
    }
    let validity = args.lifetime.validity(now, args.profile.days(), Some(authority), term);
    if validity.not_after > authority.not_after {
        let error = Error::OutlivesIssuer { wanted: validity.not_after, issuer: authority.not_after };
        return Err(not_made("make the devices", error));
    }
    warn_of_long_life(validity, args.profile.purpose(), term);
    let folder = Folder::make(&args.out)?;
    let manifest = Manifest::open(&args.out, &Header::of(authority).key)?;
    drop(lock_beside(&args.out.join(manifest_file::NAME), term)?);
    if let Some(path) = &issuer.index {
        // An index that somebody has spoilt is met before anything is made.
        OpenIndex::open(path, authority)?.revocations()?;
    }
    let mut place = Place { folder: &args.out, issuer: &issuer, manifest };
    let recovered = place.recover()? as u64;
    if recovered > 0 {
        let verb = if recovered == 1 { "is" } else { "are" };
        term.note(format_args!(
            "note: an earlier run was interrupted; {} that it was writing {verb} finished now",
            plural(recovered, "device")
        ));
    }
    let done = place.manifest.take_done();
    let plan = Plan {
        args,
        issuer: &issuer,
        authority: Header::of(authority).key,
        secret: args.protection.passphrase(&args.out.join("*.key"), term)?,
        now,
        validity,
        reserved: if args.layout == Layout::Flat { own_stems(&issuer, &args.out) } else { Vec::new() },
    };
    // What can be read twice is looked through first.
    let is_lasting = |metadata: &fs::Metadata| metadata.is_file() || metadata.is_dir();
    let survey = match fs::metadata(&args.input) {
        Ok(metadata) if is_lasting(&metadata) => Some(survey(&plan, &done)?),
        _ => None,
    };
    let length = survey.as_ref().map(|survey| survey.open);
    if let Some(survey) = &survey
        && !args.skip_bad
    {
        survey.demand_no_bad(&args.input)?;
    }
    folder.keep();
    let progress = term.progress_with_rate(length, "devices");
    let seen = survey.map_or(Seen::Earlier(Earlier::default()), |survey| Seen::Twice(survey.twice));
    let mut rows = Open {
        plan: &plan,
        source: &mut source,
        seen,
        done,
        before: 0,
        passed_over: 0,
        is_over: false,
        stopped_by: None,
    };
    let made = make_all(&mut rows, place, &progress, term);
    drop(progress);
    let (before, passed_over) = (rows.before, rows.passed_over);
    match made {
        (made, Ok(())) => Ok(Batch { folder: args.out.clone(), made, before, passed_over }),
        (0, Err(failure)) => Err(failure),
        (made, Err(mut failure)) => {
            let message = failure.message.take().unwrap_or_default();
            failure.message = Some(format!(
                "{message}; {} {} made before that",
                plural(made, "device"),
                if made == 1 { "was" } else { "were" }
            ));
            Err(failure)
        }
    }
}

/// What a first look at all rows has found.
struct Survey {
    /// Rows of which something is still to be made.
    open: u64,
    bad: Vec<Bad>,
    /// How many more are wrong.
    more: u64,
    /// The lines whose id stands in an earlier one too.
    twice: HashSet<u32>,
}

impl Survey {
    fn add(&mut self, bad: Bad) {
        if self.bad.len() < NAMED {
            self.bad.push(bad);
        } else {
            self.more += 1;
        }
    }

    fn demand_no_bad(&self, input: &Path) -> Result<(), Failure> {
        if self.bad.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = self.bad.iter().map(|bad| format!("{}: {}", bad.at, bad.why)).collect();
        let more = if self.more > 0 { format!("; and {} more are wrong", self.more) } else { String::new() };
        let why = format!("nothing is made of `{}`: {}{more}", input.display(), named.join("; "));
        Err(Failure::new(Exit::FAILED, why).hint("--skip-bad makes the others"))
    }
}

/// Looks at every row once, before anything is made.
fn survey(plan: &Plan<'_>, done: &Ids) -> Result<Survey, Failure> {
    let input = &plan.args.input;
    let mut source = Source::open(input)?;
    let mut found = Survey { open: 0, bad: Vec::new(), more: 0, twice: HashSet::new() };
    // Of each id its fingerprint and its line, which are sorted to find those that stand twice.
    let mut ids: Vec<([u8; 16], u32)> = Vec::new();
    let mut rows = 0;
    while let Some(row) = source.next(input)? {
        rows += 1;
        if rows > ROWS_LIMIT {
            return Err(Failure::new(Exit::FAILED, format!("`{}` has more than {ROWS_LIMIT} rows", input.display())));
        }
        match row {
            Ok((at, row)) => {
                if let At::Line(number) = at {
                    ids.push((fingerprint(&row.id).to_be_bytes(), u32::try_from(number).unwrap_or(u32::MAX)));
                }
                if done.has(fingerprint(&row.id)) {
                    continue;
                }
                found.open += 1;
                let device = plan.device(at, row);
                let checked = device.and_then(|device| match Plan::check(&device) {
                    Ok(()) => Ok(()),
                    Err(why) => Err(Bad { at: device.at, why }),
                });
                if let Err(bad) = checked {
                    found.add(bad);
                }
            }
            Err(bad) => found.add(bad),
        }
    }
    ids.sort_unstable();
    for pair in ids.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let (first, second) = (pair[0].1, pair[1].1);
        found.twice.insert(second);
        found.add(Bad { at: At::Line(second as usize), why: format!("its id stands in line {first} already") });
    }
    Ok(found)
}

/// Which ids stand twice.
enum Seen {
    /// The lines that repeat one, known from a first look.
    Twice(HashSet<u32>),
    /// What came up to now of rows that come only once.
    Earlier(Earlier),
}

impl Seen {
    fn is_again(&mut self, at: &At, id: &str, done: &Ids) -> bool {
        match (self, at) {
            (Self::Twice(lines), At::Line(number)) => u32::try_from(*number).is_ok_and(|line| lines.contains(&line)),
            (Self::Twice(_), At::File(_)) => false,
            (Self::Earlier(earlier), _) => earlier.is_again(fingerprint(id), done),
        }
    }
}

/// The rows of which something is still to be made.
struct Open<'a> {
    plan: &'a Plan<'a>,
    source: &'a mut Source,
    seen: Seen,
    done: Ids,
    before: u64,
    passed_over: u64,
    is_over: bool,
    /// What ended it early, once all before it is made.
    stopped_by: Option<Bad>,
}

impl Open<'_> {
    /// The next devices that are to be written together; none at the end.
    fn next_chunk(&mut self, term: &mut Term) -> Result<Vec<Device>, Failure> {
        let mut chunk = Vec::new();
        let mut weight = 0;
        while !self.is_over && weight < CHUNK {
            let Some(row) = self.source.next(&self.plan.args.input)? else {
                self.is_over = true;
                break;
            };
            let device = match row {
                Ok((at, row)) if self.seen.is_again(&at, &row.id, &self.done) => {
                    Err(Bad { at, why: format!("the id `{}` stands in an earlier row already", row.id) })
                }
                Ok((_, row)) if self.done.has(fingerprint(&row.id)) => {
                    self.before += 1;
                    continue;
                }
                Ok((at, row)) => self.plan.device(at, row),
                Err(bad) => Err(bad),
            };
            match device {
                Ok(device) => {
                    weight += if device.is_slow() || self.plan.secret.is_some() { SLOW } else { 1 };
                    chunk.push(device);
                }
                Err(bad) if self.plan.args.skip_bad => self.pass_over(&bad, term),
                Err(bad) => {
                    // What came before it is made first.
                    self.is_over = true;
                    self.stopped_by = Some(bad);
                }
            }
        }
        match self.stopped_by.take() {
            Some(bad) if chunk.is_empty() => Err(self.failure(&bad)),
            stopped => {
                self.stopped_by = stopped;
                Ok(chunk)
            }
        }
    }

    fn pass_over(&mut self, bad: &Bad, term: &mut Term) {
        self.passed_over += 1;
        let text = format!("{}: {}", bad.at, bad.why);
        term.note(format_args!("warning: {} (passed over)", escape_controls(&text)));
    }

    fn failure(&self, bad: &Bad) -> Failure {
        let why = match &bad.at {
            At::Line(number) => format!("line {number} of `{}`: {}", self.plan.args.input.display(), bad.why),
            At::File(_) => format!("{}: {}", bad.at, bad.why),
        };
        Failure::new(Exit::FAILED, why).hint("--skip-bad passes over it; what is done stays done")
    }
}

/// Makes all devices and has them written behind; how many there are, and why it ended early.
fn make_all(
    rows: &mut Open<'_>,
    mut place: Place<'_>,
    progress: &Progress,
    term: &mut Term,
) -> (u64, Result<(), Failure>) {
    thread::scope(|scope| {
        // One chunk is written while the next is made, and no third is waited for.
        let (sender, receiver) = sync_channel::<Vec<Ready>>(0);
        let writer = scope.spawn(move || {
            let mut made = 0;
            for chunk in receiver {
                if let Err(failure) = place.publish(&chunk) {
                    return (made, Err(failure));
                }
                made += chunk.len() as u64;
            }
            (made, Ok(()))
        });
        let fed = feed(rows, &sender, progress, term);
        drop(sender);
        let (made, written) = writer.join().expect("writing files does not panic");
        (made, written.and(fed))
    })
}

fn feed(
    rows: &mut Open<'_>,
    sender: &SyncSender<Vec<Ready>>,
    progress: &Progress,
    term: &mut Term,
) -> Result<(), Failure> {
    loop {
        let devices = rows.next_chunk(term)?;
        if devices.is_empty() {
            return Ok(());
        }
        let mut chunk = Vec::with_capacity(devices.len());
        for made in make(rows.plan, &devices, progress) {
            match made {
                Ok(ready) => chunk.push(ready),
                Err(bad) if rows.plan.args.skip_bad => rows.pass_over(&bad, term),
                Err(bad) => return Err(rows.failure(&bad)),
            }
        }
        if sender.send(chunk).is_err() {
            // The writer has ended, and says why.
            return Ok(());
        }
    }
}

/// Makes these devices on as many threads as were asked for.
fn make(plan: &Plan<'_>, devices: &[Device], progress: &Progress) -> Vec<Result<Ready, Bad>> {
    let threads =
        plan.args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, std::num::NonZero::get), usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        while let Some((at, device)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            devices.get(at).map(|device| (at, device))
        } {
            made.push((at, plan.make(device)));
            progress.add(1);
        }
        made
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("making certificates does not panic")).collect()
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, made)| made).collect()
}
