//! `check acl`: what an ACL file decides for one client and topic, and by which line.

use std::path::Path;
use std::sync::Arc;

use super::report::{Report, Stage};
use crate::broker::ListenerId;
use crate::broker::access::{Access, Acl, AclError, AclProblem, Because, Identity, Rules, Ruling};
use crate::diagnose::{Finding, files};
use crate::pki::read;
use crate::text_file;

/// Who wants what.
#[derive(Clone, Debug)]
pub struct Question {
    pub user: Option<String>,
    pub client: String,
    pub topic: String,
    pub publish: bool,
    pub receive: bool,
}

pub fn check(path: &Path, question: &Question) -> Report {
    let who = match &question.user {
        Some(user) => format!("user `{user}`"),
        None => "anonymous".to_owned(),
    };
    let mut report =
        Report::new(format!("{}: {who}, client `{}`, topic `{}`", path.display(), question.client, question.topic));
    let text = match read::bytes(path) {
        Ok(text) => text,
        Err(error) => {
            let mut stage = Stage::new("file");
            stage.found(files::unreadable("ACL file", &error));
            report.stages.push(stage);
            return report;
        }
    };
    let Ok(text) = text_file::utf8(&text) else {
        let mut stage = Stage::new("file");
        stage.found(files::utf16("ACL file", path));
        report.stages.push(stage);
        return report;
    };
    let acl = match Acl::parse(text.bytes) {
        Ok(acl) => acl,
        Err(error) => {
            let mut stage = Stage::new("file");
            stage.found(refused(path, &error));
            report.stages.push(stage);
            return report;
        }
    };
    let lines: Vec<_> =
        text.bytes.split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let access = Access::new(vec![Rules {
        allow_anonymous: true,
        passwords: None,
        scram: None,
        tokens: None,
        acl: Some(Arc::new(acl)),
    }]);
    let identity =
        Identity { client_id: &question.client, username: question.user.as_deref(), listener: ListenerId(0) };
    if question.publish {
        report.stages.push(stage(Wish::Publish, access.publish_ruling(identity, &question.topic), question, &lines));
    }
    if question.receive {
        let mut stage = stage(Wish::Receive, access.receive_ruling(identity, &question.topic), question, &lines);
        if stage.failed() {
            stage.findings.push(Finding::note(
                "acl.subscribe-silent",
                "a broker grants the subscription all the same and then delivers nothing",
            ));
        }
        report.stages.push(stage);
    }
    report
}

/// Why a broker does not start with the file.
pub fn refused(path: &Path, error: &AclError) -> Finding {
    let (why, fix) = match &error.problem {
        AclProblem::UnknownAccess(word) => {
            (format!("`{word}` is no access: read, write, readwrite or deny"), instead_of_access(word))
        }
        AclProblem::UnknownLine(word) => {
            (format!("no line begins with `{}`: topic, user or pattern", word.escape_debug()), instead_of_word(word))
        }
        AclProblem::EmptyTopic => ("an entry has no topic".to_owned(), None),
        AclProblem::MissingUsername => ("a user line has no name".to_owned(), None),
        AclProblem::InvalidTopic(topic) => {
            let comment = topic
                .contains(" #")
                .then(|| "comments need a line of their own: move it to the line before".to_owned());
            (format!("`{topic}` is no topic filter"), comment)
        }
    };
    let line = error.line;
    Finding::error("acl.file", format!("the ACL file `{}` is refused: line {line}: {why}", path.display()))
        .evidence("the broker does not start")
        .fix(fix.unwrap_or_else(|| format!("correct line {line} of {}", path.display())))
}

/// What an access was meant to be, or where one is missing.
fn instead_of_access(word: &str) -> Option<String> {
    let meant = match word.to_ascii_lowercase().as_str() {
        "r" | "read" | "sub" | "subscribe" | "receive" => "read",
        "w" | "write" | "pub" | "publish" => "write",
        "rw" | "wr" | "readwrite" | "read-write" | "read,write" | "read/write" | "all" | "allow" | "both"
        | "pubsub" => "readwrite",
        "no" | "none" | "deny" | "denied" => "deny",
        other if strsim::osa_distance(other, "readwrite") <= 2 => "readwrite",
        _ if word.contains(['/', '#', '+', '$']) => {
            return Some("a topic with a space in it needs an access before it".to_owned());
        }
        _ => return None,
    };
    Some(format!("write `{meant}` in place of `{word}`"))
}

/// What a line was meant to begin with.
fn instead_of_word(word: &str) -> Option<String> {
    let start = word.trim_start();
    if start.starts_with('#') {
        return Some("a comment must begin in the first column".to_owned());
    }
    if word.contains('\t') {
        return Some("put spaces in place of the tab".to_owned());
    }
    let plain = start.trim_end_matches([':', '=']).to_ascii_lowercase();
    let near = |known: &str| strsim::osa_distance(known, &plain) <= 1;
    ["topic", "user", "pattern"].into_iter().find(|known| near(known)).map(|meant| format!("did you mean `{meant}`?"))
}

/// What a client wants of a topic.
#[derive(Clone, Copy)]
enum Wish {
    Publish,
    Receive,
}

fn stage(wish: Wish, ruling: Ruling, question: &Question, lines: &[String]) -> Stage {
    let (name, denied) = match wish {
        Wish::Publish => ("publish", "acl.publish-denied"),
        Wish::Receive => ("receive", "acl.receive-denied"),
    };
    let mut stage = Stage::new(name);
    let because = match ruling.because {
        Because::Line(line) => {
            stage.fact("line", line);
            let text = lines.get(line - 1).map(|line| line.trim()).unwrap_or_default();
            format!("line {line}: `{text}`")
        }
        Because::NoEntry => "no entry speaks of the topic, and what no entry allows is denied".to_owned(),
        Because::WildcardInName => {
            "the client id or the user name has a wildcard in it, and there are patterns".to_owned()
        }
        Because::NameIsNoLevel => {
            "a pattern would allow it, but `%c` and `%u` grant nothing to a client id or user name that is empty or has a `/` \
             in it, and no topic that begins with `$` only by such a name"
                .to_owned()
        }
        Because::ReservedTopic => "$SYS is the broker's own to write".to_owned(),
        Because::NoFile => "there is no ACL file".to_owned(),
    };
    if ruling.allowed {
        stage.facts.insert("allowed".to_owned(), format!("by {because}").into());
        return stage;
    }
    let finding = Finding::error(denied, format!("denied: {because}"));
    stage.found(match ruling.because {
        Because::NoEntry => finding.fix(remedy(wish, question)),
        _ => finding,
    });
    stage
}

/// The lines to add.
fn remedy(wish: Wish, question: &Question) -> String {
    let access = match wish {
        Wish::Publish => "write",
        Wish::Receive => "read",
    };
    match &question.user {
        Some(user) => format!("add below `user {user}`: topic {access} {}", question.topic),
        None => format!("add above every `user` line: topic {access} {}", question.topic),
    }
}
