//! The flat XML of WeChat Pay v2 (contract 2.6): `<xml><name>value</name>…</xml>`.
//!
//! Read strictly, since it comes from strangers: no document type, no entities but XML's own five and numbers of
//! characters, no elements within fields, no comments, no field twice. Nothing is ever fetched or expanded.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, Event};

/// Longest document, in bytes.
pub const XML_MAX: usize = 64 * 1024;
/// Most fields of a document.
pub const FIELDS_MAX: usize = 256;
/// Longest name of a field.
pub const NAME_MAX: usize = 64;

/// Fields by name, values as they were sent.
pub type Fields = BTreeMap<String, String>;

/// Why a document is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// There is nothing.
    #[error("the document is empty")]
    Empty,
    /// It is longer than [`XML_MAX`].
    #[error("the document is longer than {XML_MAX} bytes")]
    TooLong,
    /// It is, or says it is, in another encoding.
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// It has a document type.
    #[error("a document type is refused")]
    Doctype,
    /// It names an entity that is not XML's own, or a character that XML has not.
    #[error("an entity is refused")]
    Entity,
    /// A field has elements in it.
    #[error("a field holds elements")]
    Deep,
    /// It has more than [`FIELDS_MAX`] fields.
    #[error("there are more than {FIELDS_MAX} fields")]
    TooMany,
    /// It has a field twice.
    #[error("a field stands there twice")]
    Twice,
    /// It is no such document.
    #[error("the document is malformed")]
    Malformed,
}

/// Reads a document whose root is `xml`.
///
/// # Errors
/// [`XmlError`], of which the first in reading order is told.
pub fn read(bytes: &[u8]) -> Result<Fields, XmlError> {
    if bytes.len() > XML_MAX {
        return Err(XmlError::TooLong);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::NotUtf8)?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(XmlError::Empty);
    }
    let mut reader = Reader::from_str(text);
    let mut reading = Reading::default();
    loop {
        let event = reader.read_event().map_err(|_| XmlError::Malformed)?;
        if reading.take(event)? {
            return Ok(reading.fields);
        }
    }
}

#[derive(Default)]
struct Reading {
    fields: Fields,
    place: Place,
}

#[derive(Default)]
enum Place {
    #[default]
    Before,
    Root,
    Field {
        name: String,
        value: String,
    },
    After,
}

impl Reading {
    /// Takes the next piece; true when that was the end.
    fn take(&mut self, event: Event<'_>) -> Result<bool, XmlError> {
        match event {
            Event::Start(tag) => self.open(tag.name().0)?,
            Event::Empty(tag) => {
                self.open(tag.name().0)?;
                self.close()?;
            }
            Event::End(_) => self.close()?,
            // Text that is not in a field may only set lines apart.
            Event::Text(text) => match &mut self.place {
                Place::Field { value, .. } => push(value, &text)?,
                Place::Before | Place::Root | Place::After if is_blank(&text) => {}
                Place::Before | Place::Root | Place::After => return Err(XmlError::Malformed),
            },
            Event::CData(text) => self.push(&text)?,
            Event::GeneralRef(reference) => {
                let meant = character(&reference)?;
                self.push(meant.encode_utf8(&mut [0; 4]))?;
            }
            Event::Decl(declaration) => self.declared(&declaration)?,
            Event::DocType(_) => return Err(XmlError::Doctype),
            // They could cut a value in two that other readers see whole.
            Event::Comment(_) | Event::PI(_) => return Err(XmlError::Malformed),
            Event::Eof => {
                return match self.place {
                    Place::After => Ok(true),
                    Place::Before | Place::Root | Place::Field { .. } => Err(XmlError::Malformed),
                };
            }
        }
        Ok(false)
    }

    fn declared(&self, declaration: &BytesDecl<'_>) -> Result<(), XmlError> {
        if !matches!(self.place, Place::Before) {
            return Err(XmlError::Malformed);
        }
        match declaration.encoding() {
            Some(Ok(name)) if !name.eq_ignore_ascii_case("utf-8") => Err(XmlError::NotUtf8),
            Some(Err(_)) => Err(XmlError::Malformed),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    fn open(&mut self, name: &str) -> Result<(), XmlError> {
        self.place = match self.place {
            Place::Before if name == "xml" => Place::Root,
            Place::Root if self.fields.len() >= FIELDS_MAX => return Err(XmlError::TooMany),
            Place::Root if !is_name(name) => return Err(XmlError::Malformed),
            Place::Root if self.fields.contains_key(name) => return Err(XmlError::Twice),
            Place::Root => Place::Field {
                name: name.to_owned(),
                value: String::new(),
            },
            Place::Field { .. } => return Err(XmlError::Deep),
            Place::Before | Place::After => return Err(XmlError::Malformed),
        };
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        // The reader has seen that the names of both ends are the same.
        self.place = match std::mem::take(&mut self.place) {
            Place::Field { name, value } => {
                self.fields.insert(name, value);
                Place::Root
            }
            Place::Root => Place::After,
            Place::Before | Place::After => return Err(XmlError::Malformed),
        };
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), XmlError> {
        match &mut self.place {
            Place::Field { value, .. } => push(value, text),
            Place::Before | Place::Root | Place::After => Err(XmlError::Malformed),
        }
    }
}

fn push(value: &mut String, text: &str) -> Result<(), XmlError> {
    if !text.chars().all(is_character) {
        return Err(XmlError::Malformed);
    }
    value.push_str(text);
    Ok(())
}

fn character(reference: &BytesRef<'_>) -> Result<char, XmlError> {
    let named = match &**reference {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => {
            let number = reference.resolve_char_ref().ok().flatten();
            return number
                .filter(|meant| is_character(*meant))
                .ok_or(XmlError::Entity);
        }
    };
    Ok(named)
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| b" \t\r\n".contains(&byte))
}

/// Names go into the text that is signed, where `=` and `&` would mean something.
fn is_name(name: &str) -> bool {
    let first = |c: u8| c.is_ascii_alphabetic() || c == b'_';
    name.len() <= NAME_MAX
        && name.bytes().next().is_some_and(first)
        && name
            .bytes()
            .all(|c| first(c) || c.is_ascii_digit() || b"-.".contains(&c))
}

/// XML 1.0, 2.2.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A value as every reader gives it back: readers trim blanks, join ends of lines and refuse some characters, and
/// then its signature would not hold. To be signed and written.
#[must_use]
pub fn plain(value: &str) -> String {
    let lines = value.replace("\r\n", "\n").replace('\r', "\n");
    let seen: String = lines
        .chars()
        .map(|c| if is_character(c) { c } else { '\u{fffd}' })
        .collect();
    seen.trim().to_owned()
}

/// Writes a document.
#[must_use]
pub fn write<'a>(root: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut document = format!("<{root}>");
    for (name, value) in fields {
        // The end of a section cannot stand inside of one.
        let value = value.replace("]]>", "]]]]><![CDATA[>");
        document.push_str(&format!("<{name}><![CDATA[{value}]]></{name}>"));
    }
    document.push_str(&format!("</{root}>"));
    document
}

#[cfg(test)]
mod unit {
    use super::*;

    fn check(document: &str, expected: &[(&str, &str)]) {
        let fields =
            read(document.as_bytes()).unwrap_or_else(|error| panic!("{document}: {error}"));
        let fields: Vec<_> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(fields, expected, "{document}");
    }

    fn refuse(document: impl AsRef<[u8]>, error: XmlError) {
        let document = document.as_ref();
        let shown = String::from_utf8_lossy(&document[..document.len().min(200)]);
        assert_eq!(read(document), Err(error), "{shown}");
    }

    #[test]
    fn values_come_as_text_as_sections_and_with_references() {
        check("<xml></xml>", &[]);
        check("<xml/>", &[]);
        check(
            "<xml><a>1</a><b><![CDATA[<2>&]]></b></xml>",
            &[("a", "1"), ("b", "<2>&")],
        );
        check(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<xml>\n  <a> 店 </a>\n</xml>\n",
            &[("a", " 店 ")],
        );
        check(
            "<xml><a>&lt;&gt;&amp;&apos;&quot;&#65;&#x5E97;</a></xml>",
            &[("a", "<>&'\"A店")],
        );
        check(
            "<xml><a>1<![CDATA[2]]>3</a><b/><c></c></xml>",
            &[("a", "123"), ("b", ""), ("c", "")],
        );
        check(
            "<xml xmlns=\"urn:x\"><a type=\"int\">1</a></xml>",
            &[("a", "1")],
        );
    }

    #[test]
    fn hostile_documents_are_refused() {
        let doctype =
            "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><xml><a>&x;</a></xml>";
        refuse(doctype, XmlError::Doctype);
        let laughs =
            "<!DOCTYPE lolz [<!ENTITY a \"x\"><!ENTITY b \"&a;&a;\">]><xml><a>&b;</a></xml>";
        refuse(laughs, XmlError::Doctype);
        refuse(
            "<!DOCTYPE xml SYSTEM \"http://127.0.0.1:9/x.dtd\"><xml/>",
            XmlError::Doctype,
        );
        refuse("<xml><!DOCTYPE a><a>1</a></xml>", XmlError::Doctype);
        for entity in [
            "&x;",
            "&nbsp;",
            "&#0;",
            "&#xD800;",
            "&#1;",
            "&#xFFFFFFFFF;",
            "&#;",
            "&;",
        ] {
            refuse(format!("<xml><a>{entity}</a></xml>"), XmlError::Entity);
        }
        refuse("<xml><a><b>1</b></a></xml>", XmlError::Deep);
        let deep = "<a>".repeat(10_000);
        refuse(format!("<xml>{deep}"), XmlError::Deep);
        refuse("<xml><a>1</a><a>2</a></xml>", XmlError::Twice);
        refuse(
            format!("<xml><a>{}</a></xml>", "x".repeat(XML_MAX)),
            XmlError::TooLong,
        );
        let fields: String = (0..=FIELDS_MAX)
            .map(|n| format!("<f{n}>1</f{n}>"))
            .collect();
        refuse(format!("<xml>{fields}</xml>"), XmlError::TooMany);
    }

    #[test]
    fn other_encodings_are_refused() {
        refuse("", XmlError::Empty);
        refuse(" \r\n", XmlError::Empty);
        refuse(b"<xml><a>\xb5\xea</a></xml>", XmlError::NotUtf8);
        let utf16: Vec<u8> = "<xml/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        refuse([b"\xff\xfe".to_vec(), utf16].concat(), XmlError::NotUtf8);
        refuse(
            "<?xml version=\"1.0\" encoding=\"GBK\"?><xml/>",
            XmlError::NotUtf8,
        );
    }

    #[test]
    fn malformed_documents_are_refused() {
        for bad in [
            "x",
            "<xml>",
            "<xml><a>",
            "<xml><a>1</b></xml>",
            "<xml>1</xml>",
            "<xml/><xml/>",
            "<xml></xml>x",
            "<a/>",
            "</xml>",
            "<xml><a>1</a>",
            "<xml><a>1<!-- -->2</a></xml>",
            "<xml><?php 1 ?></xml>",
            "<xml><a>&amp</a></xml>",
            "<xml><a\u{b}>1</a></xml>",
            "<xml><a>\u{1}</a></xml>",
            "<xml><a>\u{ffff}</a></xml>",
            "<xml><店>1</店></xml>",
            "<xml><a=b>1</a=b></xml>",
            "<xml><![CDATA[x]]></xml>",
            "<xml><a/><?xml version=\"1.0\"?></xml>",
            "<",
            "<xml",
            "<xml><1>1</1></xml>",
            "<xml><></></xml>",
            "{\"xml\":1}",
            "<xml>&amp;</xml>",
        ] {
            refuse(bad, XmlError::Malformed);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in ["", "1", "牛肉面", "a]]>b", "]]>", "<&>'\"", "a\nb"] {
            let document = write("xml", [("a", value)]);
            check(&document, &[("a", value)]);
        }
        assert_eq!(plain(" a\r\nb\rc\u{1} "), "a\nb\nc\u{fffd}");
    }
}
