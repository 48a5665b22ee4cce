//! TwiML: what a server tells Twilio to do with a call, as far as a receptionist's server may want it.

use std::time::Duration;

use roxmltree::Node;

/// A parsed document: verbs in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) verbs: Vec<Verb>,
    /// What Twilio warns of and goes over.
    pub(crate) ignored: Vec<String>,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Hands the call's sound to a socket until that is closed; then asks `action` what comes next, if there is one.
    Connect {
        stream: Stream,
        action: Option<String>,
    },
    Dial(String),
    Hangup,
    Pause(Duration),
    Redirect(String),
    Say(String),
}

/// Where the sound goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) url: String,
    /// They arrive as `start.customParameters`.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Document {
    /// Reads a document; the error is Twilio's 12100 in other words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let tree = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
        let root = tree.root_element();
        if !root.has_tag_name("Response") {
            return Err("the root element is not Response".to_owned());
        }
        let mut document = Self {
            verbs: Vec::new(),
            ignored: Vec::new(),
        };
        for node in root.children().filter(Node::is_element) {
            match verb(node)? {
                Some(verb) => document.verbs.push(verb),
                None => document.ignored.push(node.tag_name().name().to_owned()),
            }
        }
        Ok(document)
    }
}

fn verb(node: Node<'_, '_>) -> Result<Option<Verb>, String> {
    Ok(Some(match node.tag_name().name() {
        "Connect" => Verb::Connect {
            stream: stream(node)?,
            action: attribute(node, "action"),
        },
        "Dial" => Verb::Dial(number(node)?),
        "Hangup" => Verb::Hangup,
        "Pause" => {
            let seconds = attribute(node, "length").map_or(Ok(1), |length| length.parse::<u32>());
            let seconds = seconds.map_err(|_| "the length of a Pause is no number".to_owned())?;
            Verb::Pause(Duration::from_secs(seconds.into()))
        }
        "Redirect" => Verb::Redirect(text(node)),
        "Say" => Verb::Say(text(node)),
        _ => return Ok(None),
    }))
}

fn stream(connect: Node<'_, '_>) -> Result<Stream, String> {
    let mut nouns = connect.children().filter(Node::is_element);
    let (Some(noun), None) = (nouns.next(), nouns.next()) else {
        return Err("Connect has one noun".to_owned());
    };
    if !noun.has_tag_name("Stream") {
        return Err(format!(
            "Connect to a {} is not emulated",
            noun.tag_name().name()
        ));
    }
    if noun.has_attribute("track") {
        return Err("a Stream that is connected has no track".to_owned());
    }
    let url = attribute(noun, "url").ok_or_else(|| "a Stream without a url".to_owned())?;
    let mut parameters = Vec::new();
    for node in noun.children().filter(Node::is_element) {
        let (name, value) = (attribute(node, "name"), attribute(node, "value"));
        let (true, Some(name), Some(value)) = (node.has_tag_name("Parameter"), name, value) else {
            return Err("a Stream holds Parameters with a name and a value".to_owned());
        };
        if name.len() + value.len() >= PARAMETER_MOST {
            return Err(format!("the Parameter {name} is too long"));
        }
        parameters.push((name, value));
    }
    Ok(Stream { url, parameters })
}

fn number(dial: Node<'_, '_>) -> Result<String, String> {
    let nouns: Vec<Node<'_, '_>> = dial.children().filter(Node::is_element).collect();
    let number = match nouns[..] {
        [] => text(dial),
        [noun] if noun.has_tag_name("Number") => text(noun),
        _ => return Err("Dial of anything but one number is not emulated".to_owned()),
    };
    match number.is_empty() {
        true => Err("Dial without a number".to_owned()),
        false => Ok(number),
    }
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::to_owned)
}

fn text(node: Node<'_, '_>) -> String {
    let text: String = node.children().filter_map(|child| child.text()).collect();
    text.trim().to_owned()
}

/// Name and value together stay below it.
const PARAMETER_MOST: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stream_and_what_comes_after_it() {
        let document = Document::parse(
            r#"<?xml version="1.0" encoding="UTF-8"?>
            <Response>
              <!-- The call. -->
              <Connect><Stream url="wss://host.example/media"><Parameter name="token" value="a&amp;&quot;b"/></Stream></Connect>
              <Say voice="Polly.Joanna">We are sorry &amp; sad.</Say>
              <Pause/><Pause length="3"/>
              <Dial callerId="+12025550100"><Number>+12025550199</Number></Dial>
              <Dial>+12025550198</Dial>
              <Play>tune.mp3</Play>
              <Redirect>/again</Redirect>
              <Hangup/>
            </Response>"#,
        )
        .expect("a document");
        let stream = Stream {
            url: "wss://host.example/media".to_owned(),
            parameters: vec![("token".to_owned(), "a&\"b".to_owned())],
        };
        assert_eq!(
            document.verbs,
            [
                Verb::Connect {
                    stream,
                    action: None
                },
                Verb::Say("We are sorry & sad.".to_owned()),
                Verb::Pause(Duration::from_secs(1)),
                Verb::Pause(Duration::from_secs(3)),
                Verb::Dial("+12025550199".to_owned()),
                Verb::Dial("+12025550198".to_owned()),
                Verb::Redirect("/again".to_owned()),
                Verb::Hangup,
            ]
        );
        assert_eq!(document.ignored, ["Play"]);
    }

    #[test]
    fn what_is_no_twiml_is_refused() {
        let long = format!(
            r#"<Response><Connect><Stream url="wss://a.b/c"><Parameter name="x" value="{}"/></Stream></Connect></Response>"#,
            "y".repeat(499)
        );
        for text in [
            "",
            "Hello",
            "<Response><Say>Hi</Response>",
            "<Answer/>",
            "<Response><Connect/></Response>",
            "<Response><Connect><Stream/></Connect></Response>",
            r#"<Response><Connect><Stream url="wss://a.b/c" track="inbound_track"/></Connect></Response>"#,
            r#"<Response><Connect><Room>x</Room></Connect></Response>"#,
            "<Response><Dial/></Response>",
            r#"<Response><Pause length="soon"/></Response>"#,
            &long,
        ] {
            assert!(Document::parse(text).is_err(), "{text}");
        }
        assert!(Document::parse("<Response/>").is_ok());
    }
}
