use std::io::{self, Read};

/// Commas written in place of the rest of a record that is too large: more fields than any record has that we ask for, so that
/// it is refused for its number of fields.
const TOO_MANY: usize = 64;

/// Passes CSV on and cuts records (RFC 4180) that are larger than a limit, so that nobody has to hold one in memory.
pub(super) struct RecordLimit<R> {
    inner: R,
    most: usize,
    /// Bytes of the record so far.
    size: usize,
    place: Place,
    cutting: bool,
    buffer: Box<[u8]>,
    /// What is to be passed on, and how much of it was.
    ready: Vec<u8>,
    passed: usize,
}

/// Where in a record a byte stands, told as the `csv` crate tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before a field.
    Start,
    /// In a field without quotes.
    Bare,
    /// Between quotes.
    Quoted,
    /// Behind a quote that ends the field, unless another one follows.
    Closing,
}

impl Place {
    /// The place behind `byte`, or none when the byte ends the record.
    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Quoted, b'"') => Self::Closing,
            (Self::Quoted, _) | (Self::Start | Self::Closing, b'"') => Self::Quoted,
            (_, b'\n' | b'\r') => return None,
            (_, b',') => Self::Start,
            _ => Self::Bare,
        })
    }
}

impl<R: Read> RecordLimit<R> {
    pub(super) fn new(inner: R, most: usize) -> Self {
        let buffer = vec![0; 64 * 1024].into_boxed_slice();
        Self { inner, most, size: 0, place: Place::Start, cutting: false, buffer, ready: Vec::new(), passed: 0 }
    }

    /// Reads on until there is something to pass on; `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.passed = 0;
        while self.ready.is_empty() {
            let read = self.inner.read(&mut self.buffer)?;
            if read == 0 {
                return Ok(false);
            }
            for &byte in &self.buffer[..read] {
                let before = self.place;
                let Some(place) = before.after(byte) else {
                    (self.size, self.place, self.cutting) = (0, Place::Start, false);
                    self.ready.push(byte);
                    continue;
                };
                (self.size, self.place) = (self.size + 1, place);
                if self.size <= self.most {
                    self.ready.push(byte);
                } else if !self.cutting {
                    self.cutting = true;
                    if before == Place::Quoted {
                        self.ready.push(b'"');
                    }
                    self.ready.extend([b','; TOO_MANY]);
                }
            }
        }
        Ok(true)
    }
}

impl<R: Read> Read for RecordLimit<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.passed == self.ready.len() && !self.fill()? {
            return Ok(0);
        }
        let count = into.len().min(self.ready.len() - self.passed);
        into[..count].copy_from_slice(&self.ready[self.passed..self.passed + count]);
        self.passed += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limited(text: &str, most: usize) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(RecordLimit::new(text.as_bytes(), most));
        reader.records().map(|record| record.expect("text").iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_record_that_is_too_large_gets_too_many_fields_and_its_neighbours_stay() {
        for large in ["x".repeat(100), format!("\"{}\n,\"\"{}\"", "y".repeat(30), "z\n".repeat(40))] {
            let all = limited(&format!("a,b\n1,{large}\nc,\"d\n\"\n"), 40);
            assert_eq!(all.len(), 3, "{all:?}");
            assert!(all[1].len() > TOO_MANY);
            assert_eq!((&all[0], &all[2]), (&vec!["a".to_owned(), "b".into()], &vec!["c".into(), "d\n".into()]));
        }
    }

    proptest! {
        #[test]
        fn records_within_the_limit_pass_as_they_are(rows in prop::collection::vec(prop::collection::vec("[a-z\",\n ]{1,12}", 2), 1..20)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).expect("memory");
            }
            let text = String::from_utf8(writer.into_inner().expect("memory")).expect("text");
            prop_assert_eq!(limited(&text, 1000), rows);
        }

        #[test]
        fn large_records_never_swallow_the_next_one(fields in prop::collection::vec("[a\",\n]{0,40}", 1..6), most in 1_usize..30) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&fields).expect("memory");
            let mut text = String::from_utf8(writer.into_inner().expect("memory")).expect("text");
            text.push_str("e\n");
            let all = limited(&text, most);
            prop_assert_eq!(all.last(), Some(&vec!["e".to_owned()]));
            prop_assert_eq!(all.len(), 2);
            prop_assert!(all[0] == fields || all[0].len() > fields.len());
        }
    }
}
