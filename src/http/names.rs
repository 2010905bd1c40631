use super::ValidationError;
use crate::display_name::DisplayName;

/// Reads the name at `pointer`; what is wrong with it goes to the other errors of the input.
pub fn read_display_name(errors: &mut Vec<ValidationError>, pointer: &str, text: &str) -> Option<DisplayName> {
    let name = DisplayName::parse(text);
    name.map_err(|error| errors.push(ValidationError::new(pointer, "unusable_name", format!("The text can't be used: {error}.")))).ok()
}
