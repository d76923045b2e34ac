//! Programs started by a test: killed with it, their output readable line by line.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a busy machine; nothing that works takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running program. Dropping it kills it.
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    /// Starts `program`; its standard error goes to the test's own.
    pub fn spawn<A: AsRef<OsStr>>(program: impl AsRef<OsStr>, args: &[A], env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program.as_ref());
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Only what the test says reaches the program, not what the developer's shell happens to hold.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CANOPY_")) {
            command.env_remove(name);
        }
        let mut child = command
            .envs(env.iter().copied())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?} does not start: {error}", program.as_ref()));
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, stdin, lines }
    }

    /// Starts the `canopy` that was built for this test run.
    pub fn canopy(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::spawn(env!("CARGO_BIN_EXE_canopy"), args, env)
    }

    /// The next line of its standard output; none when it ended or took too long.
    pub fn next_line(&self) -> Option<String> {
        self.lines.recv_timeout(PATIENCE).ok()
    }

    /// A line of its standard output that is already there, if one is.
    pub fn line_so_far(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// The next line of its standard output, which must be JSON.
    pub fn next_json(&self) -> serde_json::Value {
        let line = self.next_line().expect("the program says a line before it ends or the time is up");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"))
    }

    /// Writes one line to its standard input.
    pub fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is piped");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("the program reads its input");
    }

    /// Closes its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: the crash that no program can prepare for.
    pub fn kill(&mut self) -> ExitStatus {
        self.child.kill().expect("the program can be killed");
        self.wait()
    }

    /// SIGTERM: the polite request to end. Call `wait` for its answer.
    pub fn terminate(&self) {
        let told = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.id())).status();
        assert!(told.is_ok_and(|status| status.success()), "the program is still there to be told");
    }

    /// Whether it is gone.
    pub fn has_ended(&mut self) -> bool {
        self.end().is_some()
    }

    fn end(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the program is ours to wait for")
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.end() {
                return status;
            }
            assert!(Instant::now() < deadline, "process {} still runs after {PATIENCE:?}", self.id());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
