//! A program on a terminal of its own. Nobody else has the terminal, so its settings are what the
//! program left behind.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

pub struct OnTerminal {
    pub child: Child,
    terminal: File,
    /// Kept open: the settings of a terminal are gone when nobody has it.
    other_end: File,
}

impl OnTerminal {
    pub fn start(command: Command) -> Self {
        Self::of_width(command, 80)
    }

    /// Starts `command` on a terminal of so many columns.
    pub fn of_width(mut command: Command, columns: u16) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let other_end = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let stdio = || Stdio::from(other_end.try_clone().unwrap());
        let child = command.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn().unwrap();
        Self { child, terminal: File::from(terminal), other_end }
    }

    /// Reads until `text` is shown, and gives all that was.
    pub fn wait_for(&mut self, text: &str) -> String {
        let mut shown = Vec::new();
        while !String::from_utf8_lossy(&shown).contains(text) {
            let mut byte = [0];
            self.terminal.read_exact(&mut byte).unwrap();
            shown.push(byte[0]);
        }
        String::from_utf8(shown).unwrap()
    }

    pub fn type_in(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).unwrap();
    }

    pub fn has_echo(&self) -> bool {
        tcgetattr(&self.other_end).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        // It has ended already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
