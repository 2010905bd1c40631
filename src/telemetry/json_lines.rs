//! Log lines as JSON objects: when, how grave, what, where in the code, and the spans around it from the outermost inwards. The
//! fields of a span are written out once, when it begins, and copied into each of its lines.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::{Clock, SystemClock};

/// Writes a line for each event.
#[derive(Debug)]
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let about = event.metadata();
        line.write_str("{\"timestamp\":\"")?;
        SystemClock.timestamp().with_text(|text| line.write_str(text))?;
        for part in ["\",\"level\":\"", about.level().as_str(), "\""] {
            line.write_str(part)?;
        }
        let mut members = MemberWriter { out: &mut line, first: false, outcome: Ok(()) };
        event.record(&mut members);
        members.outcome?;
        for part in [",\"target\":\"", about.target(), "\""] {
            line.write_str(part)?;
        }
        if let Some(scope) = context.event_scope() {
            line.write_str(",\"spans\":[")?;
            for (at, span) in scope.from_root().enumerate() {
                line.write_str(if at == 0 { "{" } else { ",{" })?;
                if let Some(fields) = span.extensions().get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                    line.write_str(&fields.fields)?;
                    line.write_str(",")?;
                }
                for part in ["\"name\":\"", span.name(), "\"}"] {
                    line.write_str(part)?;
                }
            }
            line.write_char(']')?;
        }
        line.write_str("}\n")
    }
}

/// Writes fields as the members of an object, without its braces.
#[derive(Debug)]
pub(super) struct Members;

impl<'a> FormatFields<'a> for Members {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'a>, fields: R) -> fmt::Result {
        let mut members = MemberWriter { out: &mut writer, first: true, outcome: Ok(()) };
        fields.record(&mut members);
        members.outcome
    }

    fn add_fields(&self, current: &'a mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        let first = current.fields.is_empty();
        let mut writer = current.as_writer();
        let mut members = MemberWriter { out: &mut writer, first, outcome: Ok(()) };
        fields.record(&mut members);
        members.outcome
    }
}

struct MemberWriter<'a, W: Write> {
    out: &'a mut W,
    first: bool,
    outcome: fmt::Result,
}

impl<W: Write> MemberWriter<'_, W> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        if self.outcome.is_err() {
            return;
        }
        let comma = if std::mem::take(&mut self.first) { "" } else { "," };
        // A field named like a word of the language has this before it.
        let name = field.name().strip_prefix("r#").unwrap_or(field.name());
        let parts = [comma, "\"", name, "\":"];
        self.outcome = parts.into_iter().try_for_each(|part| self.out.write_str(part)).and_then(|()| value(self.out));
    }
}

impl<W: Write> Visit for MemberWriter<'_, W> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field, |out| {
            out.write_str("\"")?;
            write!(Escaped(out), "{value:?}")?;
            out.write_str("\"")
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |out| {
            out.write_str("\"")?;
            Escaped(out).write_str(value)?;
            out.write_str("\"")
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |out| write!(out, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |out| write!(out, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |out| write!(out, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows no other numbers (RFC 8259, section 6).
        self.member(field, |out| if value.is_finite() { write!(out, "{value}") } else { out.write_str("null") });
    }
}

/// Escapes what must not stand in a JSON string as it is (RFC 8259, section 7).
struct Escaped<'a, W: Write>(&'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut written = 0;
        for (at, byte) in text.bytes().enumerate() {
            if !matches!(byte, b'"' | b'\\' | 0..=0x1f) {
                continue;
            }
            self.0.write_str(&text[written..at])?;
            match byte {
                b'"' => self.0.write_str("\\\""),
                b'\\' => self.0.write_str("\\\\"),
                b'\n' => self.0.write_str("\\n"),
                _ => write!(self.0, "\\u{byte:04x}"),
            }?;
            written = at + 1;
        }
        self.0.write_str(&text[written..])
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct CapturedLines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for CapturedLines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `say` logs.
    fn lines(say: impl FnOnce()) -> Vec<Value> {
        let captured = CapturedLines::default();
        let written = captured.clone();
        let subscriber = tracing_subscriber::fmt().fmt_fields(Members).event_format(JsonLines).with_writer(move || written.clone());
        tracing::subscriber::with_default(subscriber.finish(), say);
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    #[test]
    fn a_line_says_what_happened_within_which_spans() {
        let said = lines(|| {
            let outer = tracing::info_span!("request", request_id = "7", status = tracing::field::Empty).entered();
            outer.record("status", 200);
            let _inner = tracing::info_span!("inner").entered();
            tracing::warn!(count = 3, ratio = 0.5, odd = f64::NAN, fine = true, r#type = "x", "it went on");
        });
        assert_eq!(said.len(), 1);
        assert!(said[0]["timestamp"].as_str().is_some_and(|text| text.ends_with('Z')), "{}", said[0]);
        let mut line = said[0].clone();
        line.as_object_mut().unwrap().remove("timestamp");
        let expected = json!({
            "level": "WARN", "message": "it went on", "count": 3, "ratio": 0.5, "odd": null, "fine": true, "type": "x",
            "target": "msi_actions::telemetry::json_lines::tests",
            "spans": [{ "request_id": "7", "status": 200, "name": "request" }, { "name": "inner" }],
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn no_text_breaks_out_of_its_string() {
        let nasty = "\"}\n{\"level\":\"ERROR\\ \u{1}\r\tä€";
        let said = lines(|| {
            let _span = tracing::info_span!("request", text = nasty, debug = ?nasty).entered();
            tracing::info!(text = nasty, "{nasty}");
        });
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!((&said[0]["message"], &said[0]["text"]), (&json!(nasty), &json!(nasty)));
        assert_eq!(said[0]["spans"][0]["text"], json!(nasty));
        assert_eq!(said[0]["spans"][0]["debug"], json!(format!("{nasty:?}")));
    }
}
