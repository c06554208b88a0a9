//! Byte offsets to the character positions that errors report.

/// The character position, from 1, of a byte offset.
pub fn position(text: &str, offset: u32) -> Option<u32> {
    let before = text.get(..offset as usize)?;
    // Counting is only needed where a character may be wider than a byte.
    let characters = if before.is_ascii() { before.len() } else { before.chars().count() };
    u32::try_from(characters).ok()?.checked_add(1)
}

/// `at or near "..."` for a stretch of the text, or `at end of input`.
pub fn at_or_near(text: &str, start: usize, end: usize) -> String {
    match text.get(start..end) {
        Some(near) if !near.is_empty() => format!("at or near \"{near}\""),
        _ => "at end of input".to_string(),
    }
}
