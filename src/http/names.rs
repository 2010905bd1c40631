use super::ValidationError;
use crate::display_name::DisplayName;

/// Reads the name at `pointer`; what is wrong with it goes to the other faults of the input.
pub fn read_display_name(faults: &mut Vec<ValidationError>, pointer: &str, text: &str) -> Option<DisplayName> {
    let name = DisplayName::parse(text);
    name.map_err(|error| faults.push(ValidationError::new(pointer, "unusable_name", format!("The text can't be used: {error}.")))).ok()
}
