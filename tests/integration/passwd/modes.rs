//! The modes that mosquitto_passwd has not, and -U.

use std::fs;

use super::{done, ended, file, own, theirs};
use crate::run::{Ended, run};

const HASHED: &str =
    "$7$101$yENNU952S+6ZvYSK$vyagY37ulqvyRsbY6SjfoXPAgMPItbd0vbQN3eDlEp+h27ch8hg9iJ4dBTRQyJd7mOvQsvjeFdSV+G8T31WKVQ==";

#[test]
fn plain_passwords_are_hashed_and_hashes_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), &format!("# c\na: pw :lost\nold:{HASHED}\nb:q"));
    assert_eq!(done(folder.path(), &["-U", "passwords"]), "");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# c\na:$7$1000$"), "{text}");
    assert!(text.contains(&format!("\nold:{HASHED}\nb:$7$1000$")) && text.ends_with("==\n"), "{text}");
    for (user, password) in [("a", "pw"), ("old", "secret"), ("b", "q")] {
        done(folder.path(), &["-b", "--verify", user, "passwords", password]);
    }
    done(folder.path(), &["-U", "passwords"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "a second time there is nothing to do");
    done(folder.path(), &["-U", "--rehash", "-H", "sha512", "passwords"]);
    done(folder.path(), &["-b", "--verify", "old", "passwords", HASHED]);
}

#[test]
fn an_empty_file_has_nothing_to_hash() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    assert_eq!(run(&mut theirs(folder.path(), &["-U", "passwords"]), b""), ended("", "", 1));
    let told = "error: `passwords` is empty\n";
    assert_eq!(run(&mut own(folder.path(), &["-U", "passwords"]), b""), ended("", told, 1));
}

#[test]
fn every_hash_can_be_made_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    let argon2 = "note: Mosquitto reads argon2id hashes since 2.1 and only if built with argon2; 2.0 starts without \
         the users who have one, and they cannot log in\n";
    for (user, options, begin, note) in [
        ("a", &["-H", "sha512"][..], "$6$", ""),
        ("b", &["-I", "7"], "$7$7$", ""),
        ("c", &["-H", "argon2id"], "$argon2id$v=19$m=47104,t=1,p=1$", argon2),
        (
            "d",
            &["-H", "argon2id", "--argon2-memory=64", "--argon2-passes=2", "--argon2-lanes=3"],
            "$argon2id$v=19$m=64,t=2,p=3$",
            argon2,
        ),
        ("e", &["--salt-bytes", "64"], "$7$1000$", ""),
    ] {
        let words = [options, &["-b", "passwords", user, "pw"]].concat();
        assert_eq!(
            run(&mut own(folder.path(), &words), b""),
            ended(&format!("Adding password for user {user}\n"), note, 0)
        );
        let text = fs::read_to_string(folder.path().join("passwords")).unwrap();
        assert!(text.contains(&format!("{user}:{begin}")), "{text}");
        done(folder.path(), &["-b", "--verify", user, "passwords", "pw"]);
    }
}

#[test]
fn a_password_is_right_or_wrong_or_of_nobody() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), &format!("ann:{HASHED}\nbob:plain\n"));
    let right = ended("Password: \nRight password for user ann\n", "", 0);
    assert_eq!(run(&mut own(folder.path(), &["--verify", "ann", "passwords"]), b"secret\n"), right);
    let wrong = ended("Password: \n", "Error: Wrong password for user ann.\n", 4);
    assert_eq!(run(&mut own(folder.path(), &["--verify", "ann", "passwords"]), b"Secret\n"), wrong);
    let nobody = ended("", "error: no user `eve` in `passwords`\n", 5);
    assert_eq!(run(&mut own(folder.path(), &["--verify", "eve", "passwords", "--stdin"]), b"x"), nobody);
    let plain =
        "error: user `bob` cannot log in: not a hash\nhint: moskit passwd -U passwords hashes plain-text passwords\n";
    assert_eq!(
        run(&mut own(folder.path(), &["--verify", "bob", "passwords", "--stdin"]), b"plain"),
        ended("", plain, 1)
    );
}

#[test]
fn a_list_names_users_hashes_and_weakness_but_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), &format!("# users\nann:{HASHED}\n\u{1b}[2J:plain\n"));
    done(folder.path(), &["-b", "passwords", "grün", "p"]);
    let table = "USER     HASH           WORK             SALT  NOTE\n\
                 ann      sha512-pbkdf2  101 iterations   12    weak\n\
                 \\x1b[2J  none           -                -     not a hash\n\
                 grün     sha512-pbkdf2  1000 iterations  12\n";
    assert_eq!(done(folder.path(), &["--list", "passwords"]), table);
    let json = "[{\"line\":2,\"user\":\"ann\",\"hash\":\"sha512-pbkdf2\",\"iterations\":101,\"salt_bytes\":12,\"weak\":true},\
                {\"line\":3,\"user\":\"\\u001b[2J\",\"hash\":null,\"weak\":true}]\n";
    assert_eq!(run(&mut own(folder.path(), &["--weak", "--json", "passwords"]), b""), ended(json, "", 1));
    done(folder.path(), &["-b", "passwords", "ann", "p"]);
    done(folder.path(), &["-U", "passwords"]);
    assert_eq!(done(folder.path(), &["--weak", "passwords"]), "");
}

#[test]
fn a_list_of_a_damaged_file_shows_the_rest_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), &format!("nonsense\nann:{HASHED}\n"));
    let Ended { stdout, stderr, code } = run(&mut own(folder.path(), &["--list", "passwords"]), b"");
    assert!(stdout.ends_with("\nann   sha512-pbkdf2  101 iterations  12    weak\n"), "{stdout}");
    assert_eq!((stderr.as_str(), code), ("Error: Corrupt password file at line 1.\n", 1));
}

#[test]
fn many_users_are_imported_at_once_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "ann:old\n");
    let csv = folder.path().join("users.csv");
    fs::write(&csv, "username,password\nann,new\n\"bob\",\"a,\"\"b\"\"\"\n").unwrap();
    assert_eq!(done(folder.path(), &["--import", "users.csv", "passwords"]), "1 added, 1 updated\n");
    for (user, password) in [("ann", "new"), ("bob", "a,\"b\"")] {
        done(folder.path(), &["-b", "--verify", user, "passwords", password]);
    }
    let before = fs::read_to_string(&path).unwrap();
    for (text, told) in [
        ("x,y\nz\n", "line 2 of `users.csv` has 1 field, not user and password"),
        ("x,y,z\n", "line 1 of `users.csv` has 3 fields, not user and password"),
        ("x,\"y\n", "line 1 of `users.csv` has a quote that is never closed"),
        ("x,y\nx,z\n", "line 2 of `users.csv` has the user of line 1 again"),
        ("a:b,y\n", "cannot import line 1 of `users.csv`: Username must not contain the ':' character."),
        (",y\n", "cannot import line 1 of `users.csv`: no user name"),
    ] {
        fs::write(&csv, text).unwrap();
        let refused = run(&mut own(folder.path(), &["--import", "users.csv", "passwords"]), b"");
        assert_eq!(refused, ended("", &format!("error: {told}\n"), 1));
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    fs::write(&csv, "x,y\n").unwrap();
    assert_eq!(done(folder.path(), &["-c", "--import", "users.csv", "new"]), "1 added, 0 updated\n");
}

#[test]
fn a_byte_order_mark_hides_nobody_and_goes_with_the_next_change() {
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), &["-b", "-c", "passwords", "ann", "secret"]);
    let path = folder.path().join("passwords");
    let plain = fs::read_to_string(&path).unwrap();
    let marked = format!("\u{feff}{plain}");
    let mark = |command: &[&str]| {
        fs::write(&path, &marked).unwrap();
        run(&mut own(folder.path(), command), b"")
    };
    for command in [&["-b", "--verify", "ann", "passwords", "secret"][..], &["--list", "passwords"]] {
        let looked = mark(command);
        assert_eq!(looked.code, 0, "{looked:?}");
        assert!(looked.stderr.contains("begins with a byte-order mark"), "{looked:?}");
        assert!(looked.stdout.contains("ann") && !looked.stdout.contains('\u{feff}'), "{looked:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), marked);
    }
    let updated = mark(&["-b", "passwords", "ann", "other"]);
    assert_eq!((updated.stdout.as_str(), updated.code), ("Updating password for user ann\n", 0), "{updated:?}");
    assert!(updated.stderr.contains("the byte-order mark of"), "{updated:?}");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("ann:") && text.lines().count() == 1, "{text}");
    let removed = mark(&["-D", "passwords", "ann"]);
    assert_eq!((removed.code, fs::read_to_string(&path).unwrap().as_str()), (0, ""), "{removed:?}");
    fs::write(&path, b"\xFF\xFEa\0").unwrap();
    let refused = run(&mut own(folder.path(), &["-b", "--verify", "a", "passwords", "x"]), b"");
    assert!(refused.code == 1 && refused.stderr.contains("is UTF-16"), "{refused:?}");
}

#[test]
fn an_option_with_one_dash_behind_the_file_is_refused_under_our_own_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(&mut own(folder.path(), &["-c", "passwords", "ann", "-b", "secret"]), b"");
    let hint = "hint: options with one dash stand in front of FILE; after `--` a word is no option\n";
    assert_eq!(refused, ended("", &format!("Error: `-b` stands behind FILE.\n{hint}"), 1));
    // The value may be a password.
    let refused = run(&mut own(folder.path(), &["-c", "-b", "passwords", "ann", "-secret"]), b"");
    assert_eq!(refused, ended("", &format!("Error: `-s…` stands behind FILE.\n{hint}"), 1));
    assert!(!folder.path().join("passwords").exists());
    done(folder.path(), &["-c", "-b", "--", "passwords", "ann", "-secret"]);
    done(folder.path(), &["-b", "--verify", "ann", "--", "passwords", "-secret"]);
}
