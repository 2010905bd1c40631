//! The real binary, as an operator runs it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use super::{canaries, findings};

/// The program, to be run in `directory` with nothing of the caller's own environment but the path.
pub fn binary(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msi-actions"));
    command.current_dir(directory).env_clear().env("PATH", std::env::var("PATH").unwrap_or_default());
    command
}

/// `serve`, running.
pub struct Server {
    child: Child,
    /// Looks at what it logs, to the end; returns what must not be logged.
    reader: Option<JoinHandle<Vec<String>>>,
    pub first_line: String,
}

impl Server {
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    pub fn start_with(directory: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_at(directory, "127.0.0.1:0", variables)
    }

    pub fn start_at(directory: &Path, listen: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = binary(directory);
        command.args(["serve", "--listen", listen]);
        Self::run(command, variables)
    }

    /// Starts it by another program, which gets the path of this one behind its own arguments and ends by becoming it.
    pub fn start_by(directory: &Path, program: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(env!("CARGO_BIN_EXE_msi-actions"));
        command.current_dir(directory).env_clear().env("PATH", std::env::var("PATH").unwrap_or_default());
        Self::run(command, variables)
    }

    fn run(mut command: Command, variables: &[(&str, &str)]) -> Self {
        let mut child = command.envs(variables.iter().copied()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first_line = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("Running at")).expect("it starts");
        // Read on, so that the server never waits for a full pipe.
        let reader = std::thread::spawn(move || lines.map_while(Result::ok).flat_map(|line| canaries::leaks_in(&line)).collect());
        Self { child, reader: Some(reader), first_line }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens, as its first line says.
    pub fn url(&self) -> String {
        self.first_line.split_whitespace().nth(2).unwrap().to_owned()
    }

    /// Tells it to stop and waits; returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let code = self.child.wait().unwrap().code();
        self.read_to_the_end();
        code
    }

    fn read_to_the_end(&mut self) {
        if let Some(reader) = self.reader.take() {
            findings::assert_none(&reader.join().unwrap());
        }
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.read_to_the_end();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            self.read_to_the_end();
        }
    }
}
