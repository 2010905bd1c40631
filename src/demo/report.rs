use std::time::Duration;

/// The results of the steps.
#[derive(Debug, Default)]
pub(super) struct DemoReport {
    steps: Vec<StepResult>,
}

#[derive(Debug)]
struct StepResult {
    number: u8,
    persona: &'static str,
    title: &'static str,
    outcome: String,
    duration: Duration,
}

impl DemoReport {
    /// Prints that a step begins.
    pub(super) fn print_step(number: u8, persona: &'static str, title: &'static str) {
        println!("Step {number}  {title}   ({persona})");
    }

    /// Prints what happened within a step.
    pub(super) fn print_detail(sentence: &str) {
        println!("  {sentence}");
    }

    /// Prints that a step is done and stores its result for the summary.
    pub(super) fn add_step(&mut self, number: u8, persona: &'static str, title: &'static str, outcome: String, duration: Duration) {
        println!("  done in {:.1} s\n", duration.as_secs_f64());
        self.steps.push(StepResult { number, persona, title, outcome, duration });
    }

    /// Prints the table.
    pub(super) fn print_summary(&self, total: Duration) {
        println!("{:<4} {:<28} {:<42} {:>7}  Result", "Step", "Persona", "Title", "Time");
        for step in &self.steps {
            println!("{:<4} {:<28} {:<42} {:>5.1} s  {}", step.number, step.persona, step.title, step.duration.as_secs_f64(), step.outcome);
        }
        println!("\nAll {} steps are done, in {:.1} s.", self.steps.len(), total.as_secs_f64());
    }
}
