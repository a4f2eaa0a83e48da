//! The text of a GraphQL request, parsed. Errors have the text of the library that v3.5.3 uses.

use serde_json::Value;

/// Nested deeper than this a request is refused.
pub const DEPTH_MAX: usize = 32;

/// A whole text.
#[derive(Debug, Default, PartialEq)]
pub struct Document {
    pub operations: Vec<Operation>,
    pub fragments: Vec<(String, Vec<Selection>)>,
}

#[derive(Debug, PartialEq)]
pub struct Operation {
    pub is_mutation: bool,
    /// Values of variables that a request may leave out.
    pub defaults: Vec<(String, Literal)>,
    pub selections: Vec<Selection>,
}

#[derive(Debug, PartialEq)]
pub enum Selection {
    Field(Field),
    Spread { fragment: String, directives: Vec<Directive> },
    Inline { selections: Vec<Selection>, directives: Vec<Directive> },
}

#[derive(Debug, PartialEq)]
pub struct Field {
    pub alias: Option<String>,
    pub name: String,
    pub arguments: Vec<(String, Literal)>,
    pub directives: Vec<Directive>,
    pub selections: Option<Vec<Selection>>,
}

#[derive(Debug, PartialEq)]
pub struct Directive {
    pub name: String,
    pub arguments: Vec<(String, Literal)>,
}

/// A value in the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Value(Value),
    Variable(String),
    List(Vec<Literal>),
    Object(Vec<(String, Literal)>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    End,
    Punctuator(&'static str),
    Name(String),
    Int(String),
    Float(String),
    Text(String),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::End => "EOF".into(),
            Self::Punctuator(text) => (*text).into(),
            Self::Name(text) => format!("Name \"{text}\""),
            Self::Int(text) => format!("Int \"{text}\""),
            Self::Float(text) => format!("Float \"{text}\""),
            Self::Text(text) => format!("String \"{text}\""),
        }
    }
}

const PUNCTUATORS: &[&str] = &["...", "!", "$", "(", ")", ":", "=", "@", "[", "]", "{", "|", "}"];

/// Reads a text.
///
/// # Errors
/// The text of the first error of syntax, with its place.
pub fn parse(text: &str) -> Result<Document, String> {
    let mut parser = Parser { text, at: 0, start: 0, token: Token::End };
    parser.advance()?;
    let mut document = Document::default();
    loop {
        match &parser.token {
            Token::Punctuator("{") => {
                let selections = parser.selections(0)?;
                document.operations.push(Operation { is_mutation: false, defaults: Vec::new(), selections });
            }
            Token::Name(word) if word == "query" || word == "mutation" => document.operations.push(parser.operation()?),
            Token::Name(word) if word == "fragment" => document.fragments.push(parser.fragment()?),
            _ => return Err(parser.unexpected()),
        }
        if parser.token == Token::End {
            return Ok(document);
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// After the token.
    at: usize,
    /// Where the token starts.
    start: usize,
    token: Token,
}

impl<'a> Parser<'a> {
    /// The error at the token, with the line around it.
    fn error(&self, what: &str) -> String {
        let before = &self.text[..self.start];
        let (line, column) = (before.matches('\n').count(), before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        let lines: Vec<&str> = self.text.split('\n').collect();
        let width = (line + 2).to_string().len();
        let shown = |n: usize| format!("{:>width$}: {}", n + 1, lines[n]);
        let mut out = format!("Syntax Error GraphQL ({}:{column}) {what}\n\n", line + 1);
        if line > 0 {
            out += &format!("{}\n", shown(line - 1));
        }
        out += &format!("{}\n{}^", shown(line), " ".repeat(width + 1 + column));
        if line + 1 < lines.len() {
            out += &format!("\n{}", shown(line + 1));
        }
        out
    }

    fn unexpected(&self) -> String {
        self.error(&format!("Unexpected {}", self.token.shown()))
    }

    /// Takes the next token.
    fn advance(&mut self) -> Result<(), String> {
        let rest = self.skip_ignored();
        self.start = self.at;
        let Some(first) = rest.chars().next() else {
            self.token = Token::End;
            return Ok(());
        };
        if let Some(found) = PUNCTUATORS.iter().find(|text| rest.starts_with(**text)) {
            self.at += found.len();
            self.token = Token::Punctuator(found);
            return Ok(());
        }
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = |test: &dyn Fn(char) -> bool| rest.find(|c| !test(c)).unwrap_or(rest.len());
        match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                let len = length(&word);
                self.token = Token::Name(rest[..len].to_owned());
                self.at += len;
            }
            '0'..='9' | '-' => {
                let len = length(&|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'));
                let number = rest[..len].to_owned();
                if number.parse::<f64>().is_err() {
                    return Err(self.error(&format!("Invalid number, expected digit but got: \"{number}\".")));
                }
                self.at += len;
                let is_float = number.contains(['.', 'e', 'E']);
                self.token = if is_float { Token::Float(number) } else { Token::Int(number) };
            }
            '"' => self.quoted()?,
            other => return Err(self.error(&format!("Unexpected character \"{other}\"."))),
        }
        Ok(())
    }

    /// The rest of the text after blanks, commas and comments.
    fn skip_ignored(&mut self) -> &'a str {
        loop {
            let rest: &'a str = &self.text[self.at..];
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r', ',', '\u{feff}']);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return &self.text[self.at..];
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn quoted(&mut self) -> Result<(), String> {
        let rest: &'a str = &self.text[self.at..];
        // Up to the quote that no backslash hides; the escapes are those of JSON.
        let mut hidden = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let is_end = *c == '"' && !hidden || *c == '\n';
            hidden = *c == '\\' && !hidden;
            is_end
        });
        match end {
            Some((end, '"')) => match serde_json::from_str(&rest[..=end]) {
                Ok(text) => {
                    self.at += end + 1;
                    self.token = Token::Text(text);
                    Ok(())
                }
                Err(_) => Err(self.error("Bad character escape sequence.")),
            },
            _ => Err(self.error("Unterminated string.")),
        }
    }

    fn is(&self, punctuator: &str) -> bool {
        matches!(&self.token, Token::Punctuator(found) if *found == punctuator)
    }

    /// Takes the punctuator if it is there.
    fn take(&mut self, punctuator: &str) -> Result<bool, String> {
        let found = self.is(punctuator);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, punctuator: &str) -> Result<(), String> {
        match self.take(punctuator)? {
            true => Ok(()),
            false => Err(self.error(&format!("Expected {punctuator}, found {}", self.token.shown()))),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        let Token::Name(name) = &self.token else {
            return Err(self.error(&format!("Expected Name, found {}", self.token.shown())));
        };
        let name = name.clone();
        self.advance()?;
        Ok(name)
    }

    fn operation(&mut self) -> Result<Operation, String> {
        let is_mutation = self.name()? == "mutation";
        if matches!(self.token, Token::Name(_)) {
            self.advance()?;
        }
        let mut defaults = Vec::new();
        if self.take("(")? {
            while !self.take(")")? {
                self.expect("$")?;
                let name = self.name()?;
                self.expect(":")?;
                self.type_name(0)?;
                if self.take("=")? {
                    defaults.push((name, self.literal(0)?));
                }
            }
        }
        self.directives()?;
        Ok(Operation { is_mutation, defaults, selections: self.selections(0)? })
    }

    /// Types of variables are not looked at: what counts is the argument that the variable is given to.
    fn type_name(&mut self, depth: usize) -> Result<(), String> {
        self.check_depth(depth)?;
        if self.take("[")? {
            self.type_name(depth + 1)?;
            self.expect("]")?;
        } else {
            self.name()?;
        }
        self.take("!").map(drop)
    }

    fn fragment(&mut self) -> Result<(String, Vec<Selection>), String> {
        self.advance()?;
        let name = self.name()?;
        self.type_condition()?;
        self.directives()?;
        Ok((name, self.selections(0)?))
    }

    /// `on Type`.
    fn type_condition(&mut self) -> Result<(), String> {
        match &self.token {
            Token::Name(word) if word == "on" => self.advance()?,
            other => return Err(self.error(&format!("Expected \"on\", found {}", other.shown()))),
        }
        self.name().map(drop)
    }

    fn check_depth(&self, depth: usize) -> Result<(), String> {
        if depth < DEPTH_MAX {
            return Ok(());
        }
        Err(self.error("Nested too deep"))
    }

    fn selections(&mut self, depth: usize) -> Result<Vec<Selection>, String> {
        self.check_depth(depth)?;
        self.expect("{")?;
        let mut selections = Vec::new();
        loop {
            selections.push(self.selection(depth)?);
            if self.take("}")? {
                return Ok(selections);
            }
        }
    }

    fn selection(&mut self, depth: usize) -> Result<Selection, String> {
        if !self.take("...")? {
            return self.field(depth).map(Selection::Field);
        }
        match &self.token {
            Token::Name(word) if word != "on" => {
                let fragment = self.name()?;
                Ok(Selection::Spread { fragment, directives: self.directives()? })
            }
            token => {
                if matches!(token, Token::Name(_)) {
                    self.type_condition()?;
                }
                let directives = self.directives()?;
                Ok(Selection::Inline { directives, selections: self.selections(depth + 1)? })
            }
        }
    }

    fn field(&mut self, depth: usize) -> Result<Field, String> {
        let first = self.name()?;
        let (alias, name) = if self.take(":")? { (Some(first), self.name()?) } else { (None, first) };
        let arguments = self.arguments()?;
        let directives = self.directives()?;
        let selections = if self.is("{") { Some(self.selections(depth + 1)?) } else { None };
        Ok(Field { alias, name, arguments, directives, selections })
    }

    fn arguments(&mut self) -> Result<Vec<(String, Literal)>, String> {
        let mut arguments = Vec::new();
        if self.take("(")? {
            loop {
                let name = self.name()?;
                self.expect(":")?;
                arguments.push((name, self.literal(0)?));
                if self.take(")")? {
                    break;
                }
            }
        }
        Ok(arguments)
    }

    fn directives(&mut self) -> Result<Vec<Directive>, String> {
        let mut directives = Vec::new();
        while self.take("@")? {
            directives.push(Directive { name: self.name()?, arguments: self.arguments()? });
        }
        Ok(directives)
    }

    fn literal(&mut self, depth: usize) -> Result<Literal, String> {
        self.check_depth(depth)?;
        if self.take("$")? {
            return self.name().map(Literal::Variable);
        }
        if self.take("[")? {
            let mut items = Vec::new();
            while !self.take("]")? {
                items.push(self.literal(depth + 1)?);
            }
            return Ok(Literal::List(items));
        }
        if self.take("{")? {
            let mut members = Vec::new();
            while !self.take("}")? {
                let name = self.name()?;
                self.expect(":")?;
                members.push((name, self.literal(depth + 1)?));
            }
            return Ok(Literal::Object(members));
        }
        let value = match &self.token {
            Token::Name(word) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                // An enumeration's value.
                word => Value::String(word.to_owned()),
            },
            Token::Text(text) => Value::String(text.clone()),
            Token::Int(text) | Token::Float(text) => serde_json::from_str(text).map_err(|_| self.unexpected())?,
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(Literal::Value(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn errors_say_where_they_are() {
        assert_eq!(
            parse("{masterList{").unwrap_err(),
            "Syntax Error GraphQL (1:13) Expected Name, found EOF\n\n1: {masterList{\n               ^"
        );
        assert_eq!(parse("{\n  a(b: )\n}").unwrap_err(), "Syntax Error GraphQL (2:8) Unexpected )\n\n1: {\n2:   a(b: )\n          ^\n3: }");
        assert!(parse("").unwrap_err().starts_with("Syntax Error GraphQL (1:1) Unexpected EOF"));
        assert!(parse("{a} \"x").unwrap_err().contains("Unterminated string."));
        assert!(parse(&"{a".repeat(1000)).unwrap_err().contains("Nested too deep"));
    }

    #[test]
    fn a_request_is_read_with_all_its_parts() {
        let text =
            "query Q($a: [String!]! = [\"x\"]) { # comment\n one: f(a: $a, b: {c: 1.5}) @skip(if: false) { x ...F ... on T { y } } }\n\
                    fragment F on T { z }";
        let document = parse(text).unwrap();
        assert_eq!((document.operations.len(), document.fragments.len()), (1, 1));
        assert_eq!(document.operations[0].defaults, [("a".into(), Literal::List(vec![Literal::Value("x".into())]))]);
        let [Selection::Field(field)] = &document.operations[0].selections[..] else { panic!("one field") };
        assert_eq!((field.alias.as_deref(), field.name.as_str(), field.arguments.len()), (Some("one"), "f", 2));
        assert_eq!(field.selections.as_ref().unwrap().len(), 3);
        assert!(parse("mutation{a(x:true)}").unwrap().operations[0].is_mutation);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[{}()a-c:$\\[\\]\"\\\\@!.,é\n #0-9-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
