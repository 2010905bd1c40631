use std::time::Duration;

/// What was done, step by step.
#[derive(Debug, Default)]
pub(super) struct Report {
    steps: Vec<Played>,
}

#[derive(Debug)]
struct Played {
    number: u8,
    persona: &'static str,
    title: &'static str,
    outcome: String,
    took: Duration,
}

impl Report {
    /// Says that a step begins.
    pub(super) fn begin(number: u8, persona: &'static str, title: &'static str) {
        println!("Step {number}  {title}   ({persona})");
    }

    /// Says what happened within a step.
    pub(super) fn tell(sentence: &str) {
        println!("  {sentence}");
    }

    /// Keeps a finished step for the summary.
    pub(super) fn end(&mut self, number: u8, persona: &'static str, title: &'static str, outcome: String, took: Duration) {
        println!("  done in {:.1} s\n", took.as_secs_f64());
        self.steps.push(Played { number, persona, title, outcome, took });
    }

    /// Prints the table.
    pub(super) fn print_summary(&self, total: Duration) {
        println!("{:<4} {:<28} {:<42} {:>7}  What came of it", "Step", "Persona", "Title", "Time");
        for step in &self.steps {
            println!("{:<4} {:<28} {:<42} {:>5.1} s  {}", step.number, step.persona, step.title, step.took.as_secs_f64(), step.outcome);
        }
        println!("\nAll {} steps are done, in {:.1} s.", self.steps.len(), total.as_secs_f64());
    }
}
