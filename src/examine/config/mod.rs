//! `check --config`: what in a mosquitto.conf will bite, before the broker is started. The verdict is about Mosquitto 2.1;
//! where moskit's broker differs, that is told as a note.

mod access;
mod ciphers;
mod folders;
mod listeners;
mod names;
pub mod places;
mod refusals;
mod scene;

use std::path::{Path, PathBuf};

use super::files::{self, Files, Issuers, Reader};
use super::report::{Report, Stage};
use crate::broker::config::{
    self, Configuration, File, ForeignFile, Listener, LogDestination, Notice, Problem, REFUSALS_MOST, Refusal,
    Security, Survey,
};
use crate::broker::host::load;
use crate::diagnose::{Finding, files as words, shell};
use crate::os;
use crate::os::account::{self, Account};
use crate::pki::chain::Purpose;
use crate::pki::read;
use places::Places;
use scene::Scene;

/// What is to be judged, and for whom.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub path: PathBuf,
    /// The user that the broker runs as, in place of the configuration's: a name, or `UID[:GID]`.
    pub user: Option<String>,
    pub places: Places,
}

/// As many lines of one kind as are listed.
const LISTED_MOST: usize = 10;

/// Checks a configuration as the broker's user would meet it. `now` is in seconds since 1970.
pub fn check(question: &Question, now: i64) -> Report {
    let path = &question.path;
    let mut report = Report::new(path.display().to_string());
    let mut stage = Stage::new("config");
    let mut reading = Reading { places: question.places.clone(), ..Reading::default() };
    let survey = match reading.survey(path) {
        Ok(survey) => survey,
        Err(finding) => {
            stage.found(*finding);
            report.stages.push(stage);
            return report;
        }
    };
    if let Some(finding) = reading.template() {
        stage.found(finding);
        report.stages.push(stage);
        return report;
    }
    let Survey { configuration, refusals } = survey;
    report.unjudged = refused_lines(path, &refusals, &mut stage);
    for notice in &configuration.notices {
        stage.findings.extend(refusals::noticed(notice));
        if matches!(notice, Notice::Own { .. }) {
            report.reservation = Some("Mosquitto does not start with this file");
        }
        report.unjudged += usize::from(matches!(notice, Notice::Bridge { .. }));
    }
    let places = reading.places(&configuration, &refusals);
    if let Some(finding) = elsewhere(question, &places, &configuration, &reading.folders_elsewhere) {
        stage.found(finding);
        report.unjudged += 1;
    }
    let account = reading_account(question, &places, &configuration, &mut stage)
        .map(|account| account.with_mounts(places.mounts()));
    let scene = Scene { places: &places, reader: account.as_ref(), commented: commented(&configuration), now };
    let is_guarded = refusals.iter().any(is_plugin);
    listeners::together(&configuration, &scene, &mut stage);
    unsupported_files(&refusals, &scene, &mut stage);
    report.stages.push(stage);
    for listener in &configuration.listeners {
        listener_stages(&configuration, listener, &scene, is_guarded, &mut report);
    }
    report.stages.push(access::stage(&configuration, &scene, is_guarded));
    report.stages.extend(folders::process(&configuration, &scene));
    report.stages.push(folders::state(&configuration, &scene));
    report
}

/// The files of a configuration, while they are read.
#[derive(Default)]
struct Reading {
    places: Places,
    texts: Vec<File>,
    /// Folders to include that are inside a container.
    folders_elsewhere: Vec<PathBuf>,
}

impl Reading {
    fn survey(&mut self, path: &Path) -> Result<Survey, Box<Finding>> {
        let text = read::bytes(path).map_err(|error| Box::new(words::unreadable("configuration", &error)))?;
        let main = File { name: path.display().to_string(), text: text.to_vec() };
        self.texts.push(main.clone());
        Ok(config::survey(&main, &mut |folder: &str| {
            let asked = Path::new(folder);
            let is_foreign = !self.places.are_given() && places::looks_foreign(asked);
            let Some(found) = self.places.find(asked).filter(|_| !is_foreign) else {
                self.folders_elsewhere.push(asked.to_owned());
                return Ok(Vec::new());
            };
            let files = load::included(&found.to_string_lossy(), load::Files::All)?;
            self.texts.extend(files.iter().cloned());
            Ok(files)
        }))
    }

    /// A file that something was to fill in first says nothing about a broker.
    fn template(&self) -> Option<Finding> {
        let mut found = Vec::new();
        for file in &self.texts {
            let text = String::from_utf8_lossy(&file.text);
            for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
                // A password is a text of whatever characters.
                if line.contains("password ") {
                    continue;
                }
                found.extend(
                    names::placeholder(line).map(|part| (format!("{} line {}", file.name, index + 1), part.to_owned())),
                );
            }
        }
        let (_, first) = found.first()?;
        let finding = Finding::error("conf.template", format!("this is an unfilled template: `{first}`"))
            .fix("check the file that was made of it");
        Some(found.iter().take(LISTED_MOST).fold(finding, |finding, (place, _)| finding.evidence(place.clone())))
    }

    /// The places to look at, now that it is known which files there are.
    fn places(&self, configuration: &Configuration, refusals: &[Refusal]) -> Places {
        let mut named = paths(configuration);
        named.extend(foreign_files(refusals).map(|foreign| PathBuf::from(foreign.path)));
        let looks_foreign = || named.iter().any(|path| places::looks_foreign(path));
        let is_container = !self.places.are_given() && (!self.folders_elsewhere.is_empty() || looks_foreign());
        Places { is_container, ..self.places.clone() }
    }
}

/// Tells of each refused line; the number of those that are not judged.
fn refused_lines(path: &Path, refusals: &[Refusal], stage: &mut Stage) -> usize {
    stage.findings.extend(refusals.iter().map(|refusal| refusals::refused(path, refusal)));
    if refusals.len() >= REFUSALS_MOST {
        stage.found(
            Finding::warning(
                "conf.unread",
                format!("more than {REFUSALS_MOST} lines are wrong: what follows was not read"),
            )
            .fix("is it a mosquitto.conf?"),
        );
    }
    refusals.iter().filter(|refusal| matches!(refusal.problem, Problem::Unsafe { .. })).count()
}

/// The values of which a part is meant to be a comment.
fn commented(configuration: &Configuration) -> Vec<String> {
    let comment = |notice: &Notice| match notice {
        Notice::CommentInValue { comment, .. } => Some(comment.clone()),
        _ => None,
    };
    configuration.notices.iter().filter_map(comment).collect()
}

/// The files that say who may come in and what they may do.
fn files_of(security: &Security) -> impl Iterator<Item = &PathBuf> {
    let users = security.password_file.iter().chain(&security.scram_file).chain(security.tokens.files());
    users.chain(&security.acl_file)
}

/// Every file and folder that the configuration names, but those to include.
fn paths(configuration: &Configuration) -> Vec<PathBuf> {
    let securities = [&configuration.security].into_iter();
    let securities = securities.chain(configuration.listeners.iter().map(|listener| &listener.security));
    let mut paths: Vec<_> = securities.flat_map(files_of).cloned().collect();
    for listener in &configuration.listeners {
        let tls = &listener.tls;
        let files = [
            &tls.cafile,
            &tls.capath,
            &tls.certfile,
            &tls.keyfile,
            &tls.crlfile,
            &listener.http_dir,
            &listener.unix_path,
        ];
        paths.extend(files.into_iter().flatten().cloned());
    }
    let persistence = configuration.persistence.location.iter().filter(|_| configuration.persistence.enabled);
    paths.extend(persistence.chain(&configuration.pid_file).chain(&configuration.persistence.store).cloned());
    paths.extend(configuration.log.destinations.iter().filter_map(|destination| match destination {
        LogDestination::File(path) => Some(path.clone()),
        _ => None,
    }));
    let mut seen = Vec::new();
    paths.retain(|path| {
        !seen.contains(path) && {
            seen.push(path.clone());
            true
        }
    });
    paths
}

/// Files inside a container: nothing about them is known here.
fn elsewhere(
    question: &Question,
    places: &Places,
    configuration: &Configuration,
    folders: &[PathBuf],
) -> Option<Finding> {
    let mut unfound: Vec<PathBuf> = folders.to_vec();
    unfound.extend(paths(configuration).into_iter().filter(|path| places.find(path).is_none()));
    if unfound.is_empty() {
        return None;
    }
    let what = if places.are_given() {
        "no --map names the folders of these files: they are not judged"
    } else {
        "these look like paths inside a container: they are not judged"
    };
    let listed = unfound.iter().take(LISTED_MOST).map(|path| path.display().to_string());
    let mut finding = listed.fold(Finding::warning("conf.container", what), Finding::evidence);
    if unfound.len() > LISTED_MOST {
        finding = finding.evidence(format!("and {} more", unfound.len() - LISTED_MOST));
    }
    let own_folder = question.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = |path: &&PathBuf| path.file_name().is_some_and(|name| own_folder.join(name).exists());
    let best = unfound
        .iter()
        .find(beside)
        .or_else(|| unfound.iter().find(|path| path.parent().is_some_and(|folder| folder.ends_with("config"))));
    // What ends in a slash is a folder itself.
    let is_folder = |path: &Path| path.to_string_lossy().ends_with('/');
    let folder = |path: &Path| if is_folder(path) { Some(path.to_owned()) } else { path.parent().map(Path::to_owned) };
    let (from, to) = match (best, unfound.first()) {
        (Some(path), _) => (folder(path)?, shell::path(own_folder)),
        (None, Some(path)) => (folder(path)?, "DIR".to_owned()),
        (None, None) => return None,
    };
    let maps: Vec<_> =
        places.maps.iter().map(|map| format!("--map {}={} ", shell::path(&map.from), shell::path(&map.to))).collect();
    Some(finding.fix(format!(
        "say where they are here: moskit check --config {} {}--map {}={to}",
        shell::path(&question.path),
        maps.concat(),
        shell::path(&from),
    )))
}

fn is_plugin(refusal: &Refusal) -> bool {
    matches!(refusal.problem, Problem::Unsafe { file: Some(ForeignFile::Plugin), .. })
}

/// The file of an option that moskit's broker lacks.
struct Foreign<'a> {
    kind: ForeignFile,
    option: &'a str,
    path: &'a str,
    place: Option<&'a config::Place>,
}

fn foreign_files(refusals: &[Refusal]) -> impl Iterator<Item = Foreign<'_>> {
    refusals.iter().filter_map(|refusal| match &refusal.problem {
        Problem::Unsafe { option, value, file: Some(kind), .. } => {
            Some(Foreign { kind: *kind, option, path: value, place: refusal.places.first() })
        }
        _ => None,
    })
}

/// Without them Mosquitto does not start.
fn unsupported_files(refusals: &[Refusal], scene: &Scene<'_>, stage: &mut Stage) {
    for Foreign { kind, option, path, place } in foreign_files(refusals) {
        if kind == ForeignFile::PreSharedKeys {
            access::psk_file(path, place, scene, stage);
            continue;
        }
        // A name without a folder is looked for where the system keeps its libraries.
        let Some(found) = scene.find(Path::new(path)).filter(|_| path.contains('/')) else { continue };
        if matches!(scene::look(option, &found), scene::Seen::Missing) {
            let finding = Finding::error("conf.plugin", format!("the plugin `{}` does not exist", found.display()));
            stage.found(
                refusals::at(finding.evidence("Mosquitto does not start"), place)
                    .fix("correct the path, or install the plugin"),
            );
        }
    }
}

/// Who reads the files: as asked, as configured, or whoever Mosquitto becomes.
fn reading_account(
    question: &Question,
    places: &Places,
    configuration: &Configuration,
    stage: &mut Stage,
) -> Option<Account> {
    let asked = question.user.as_deref();
    if let Some(account) = asked.and_then(Account::of_numbers) {
        stage.fact("user", account.name.clone());
        return Some(account);
    }
    // Who is meant by such a name is not known.
    if configuration.has_comment_in("user") {
        return None;
    }
    let path = &question.path;
    let owner = std::fs::metadata(path).ok().and_then(|metadata| os::files::owner(&metadata)).map(|owner| owner.user);
    let is_other_system = places.are_given() || places.is_container;
    let name = match (asked.or(configuration.user.as_deref()), owner) {
        (Some(name), _) => name.to_owned(),
        (None, Some(0) | None) => load::DEFAULT_USER.to_owned(),
        (None, Some(_)) if is_other_system => load::DEFAULT_USER.to_owned(),
        // A configuration of one's own is started by oneself, and then nobody changes the user.
        (None, Some(owner)) => account::user_name(owner),
    };
    if is_other_system {
        return account_inside(&name, places, stage);
    }
    let account = match Account::find(&name) {
        Ok(account) => account,
        Err(error) => {
            let why = crate::net::reason(&error);
            stage.found(Finding::warning(
                "conf.user",
                format!("cannot find out about user `{name}` ({why}): permissions were not checked"),
            ));
            return None;
        }
    };
    match &account {
        Some(_) => stage.fact("user", name),
        None if question.user.is_some() || configuration.user.is_some() => {
            stage.found(
                Finding::error("conf.user", format!("there is no user `{name}` on this machine"))
                    .evidence("the broker does not start as a user who does not exist")
                    .fix("correct `user`; permissions were not checked"),
            );
        }
        None => stage
            .found(Finding::note("conf.user", format!("there is no user `{name}` here: permissions were not checked"))),
    }
    account
}

/// The user inside the system whose files lie below `--root`.
fn account_inside(name: &str, places: &Places, stage: &mut Stage) -> Option<Account> {
    let text = |path: &str| -> Option<String> {
        places.root.as_ref()?;
        Some(String::from_utf8_lossy(&read::bytes(&places.find(Path::new(path))?).ok()?).into_owned())
    };
    let account = Account::of_every_system(name)
        .or_else(|| Account::in_files(name, &text("/etc/passwd")?, &text("/etc/group").unwrap_or_default()));
    if account.is_some() {
        stage.fact("user", name);
    } else if places.are_given() {
        stage.found(
            Finding::note("conf.user", format!("who `{name}` is inside is not known: permissions were not checked"))
                .fix("give the numbers: --user UID:GID (docker run --rm IMAGE id mosquitto)"),
        );
    }
    account
}

fn listener_stages(
    configuration: &Configuration,
    listener: &Listener,
    scene: &Scene<'_>,
    is_guarded: bool,
    report: &mut Report,
) {
    let mut stage = Stage::new("listener");
    stage.fact("address", listeners::place(listener));
    stage.fact("tls", listener.tls.is_on());
    stage.findings.extend(listeners::port_mixed_up(listener));
    listeners::who_may_enter(configuration, listener, is_guarded, &mut stage);
    listeners::http_folder(listener, scene, &mut stage);
    folders::socket(listener, scene, &mut stage);
    listeners::client_certificates(listener, &mut stage);
    if listener.tls.is_on() {
        listeners::cipher_lists(listener, scene, &mut stage);
    }
    authorities(listener, scene, &mut stage);
    report.stages.push(stage);
    if listener.tls.is_on() {
        report.stages.extend(own_certificate(listener, scene));
    }
}

/// Where the file is here; those inside a container count as not named.
fn here(path: Option<&PathBuf>, scene: &Scene<'_>) -> Option<PathBuf> {
    scene.find(path?)
}

/// The CAs of the clients, and the lists of what they revoked.
fn authorities(listener: &Listener, scene: &Scene<'_>, stage: &mut Stage) {
    let tls = &listener.tls;
    let authorities = Files {
        cafile: here(tls.cafile.as_ref(), scene),
        capath: here(tls.capath.as_ref(), scene),
        revocation: here(tls.crlfile.as_ref(), scene),
        ..Files::default()
    };
    if authorities.cafile.is_none() && authorities.capath.is_none() && authorities.revocation.is_none() {
        return;
    }
    let reader: Reader<'_> = scene.reader;
    for checked in files::check(&authorities, reader, scene.now).stages {
        stage.findings.extend(checked.findings);
    }
}

fn own_certificate(listener: &Listener, scene: &Scene<'_>) -> Vec<Stage> {
    let tls = &listener.tls;
    let own = Files {
        certificate: here(tls.certfile.as_ref(), scene),
        key: here(tls.keyfile.as_ref(), scene),
        purpose: Some(Purpose::Server),
        issuer_is_elsewhere: true,
        issuers: Issuers { cafile: here(tls.cafile.as_ref(), scene), capath: here(tls.capath.as_ref(), scene) },
        ..Files::default()
    };
    if own.certificate.is_none() && own.key.is_none() {
        return vec![Stage::skipped("files", "certificate and key are not on this machine")];
    }
    files::check(&own, scene.reader, scene.now).stages
}
