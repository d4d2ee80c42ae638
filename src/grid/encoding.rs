//! Bytes to text: UTF-8, or Windows-1252 where it is not.

use std::borrow::Cow;

use crate::domain::{Code, Finding};

/// The characters of bytes 0x80 to 0x9F in Windows-1252; `\0` where there is none.
const CP1252: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', //
    '\0', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// Decodes a file, dropping a UTF-8 byte-order mark. Offsets count from the first byte of the file.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    warnings: &mut Vec<Finding>,
) -> Result<Cow<'a, str>, Finding> {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(bad_encoding(0, "the file is UTF-16 or UTF-32, not UTF-8"));
    }
    if let Some(offset) = bytes.iter().position(|&byte| byte == 0) {
        return Err(bad_encoding(offset, "there is a NUL byte"));
    }
    let content = bytes.strip_prefix(UTF8_BOM).unwrap_or(bytes);
    match std::str::from_utf8(content) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => {
            let skipped = bytes.len() - content.len();
            let text = decode_cp1252(content, skipped)?;
            let message = format!(
                "byte {} is not UTF-8; the file was read as Windows-1252",
                skipped + error.valid_up_to()
            );
            warnings.push(
                Finding::new(Code::EncodingCp1252, message)
                    .hint("save the file as UTF-8 (CSV UTF-8)"),
            );
            Ok(Cow::Owned(text))
        }
    }
}

fn decode_cp1252(bytes: &[u8], skipped: usize) -> Result<String, Finding> {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 16);
    for (offset, &byte) in bytes.iter().enumerate() {
        let character = match byte {
            0x80..=0x9F => CP1252[usize::from(byte - 0x80)],
            _ => char::from(byte),
        };
        if character == '\0' {
            let message = format!("byte {byte:#04X} is neither UTF-8 nor Windows-1252");
            return Err(bad_encoding(skipped + offset, &message));
        }
        text.push(character);
    }
    Ok(text)
}

fn bad_encoding(offset: usize, what: &str) -> Finding {
    Finding::new(Code::BadEncoding, format!("{what}, at byte offset {offset}"))
        .hint("save the file as UTF-8 (in Excel: CSV UTF-8)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_1252_is_read_with_a_warning() {
        let mut warnings = Vec::new();
        let text = decode(b"SC-1 \x93Residential\x94 \x96 \xE9", &mut warnings).unwrap();
        assert_eq!(text, "SC-1 “Residential” – é");
        assert_eq!(warnings[0].code, Code::EncodingCp1252);
        assert!(decode("\u{feff}é".as_bytes(), &mut Vec::new()).unwrap() == "é");
    }

    #[test]
    fn what_is_neither_names_its_offset() {
        for (bytes, offset) in [
            (&b"ab\0c"[..], "offset 2"),
            (b"\xFF\xFEa\0", "offset 0"),
            (b"ab\x81", "offset 2"),
            (b"\xEF\xBB\xBFa\x9D", "offset 4"),
        ] {
            let finding = decode(bytes, &mut Vec::new()).unwrap_err();
            assert_eq!(finding.code, Code::BadEncoding);
            assert!(finding.message.ends_with(offset), "{}", finding.message);
        }
    }
}
