//! Broken connectors that pass on what others wrote as if it were their own: whatever shows it loads what it names.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use connector::danger::Edges;
use connector::policy::Policy;
use connector::transport::{Incoming, Outgoing, Transport, TransportError};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::Broken;
use super::edges::reads_mail;

const AS_IT_IS: Policy = Policy { written: |text| Cow::Borrowed(text), ..Policy::STRICT };

/// Pictures in a text stay pictures.
pub const PICTURES_SURVIVE: Broken = Broken {
    name: "pictures-survive",
    sentence: "What a mail says is given as it is: a picture in Markdown or HTML is fetched by whatever shows the answer.",
    reference: Some("CVE-2025-32711 (EchoLeak)"),
    fault: || (AS_IT_IS, Edges::default()),
};

/// The HTML of a message, made Markdown on its way in.
struct Converting(Arc<dyn Transport>);

impl Transport for Converting {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let reads = reads_mail(&request);
            let mut answer = self.0.send(request).await?;
            if reads
                && let Ok(mut message) = serde_json::from_slice::<Value>(&answer.body)
                && let Some(Value::String(html)) = message.pointer_mut("/body/content")
            {
                *html = markdown(html);
                answer.body = message.to_string().into();
            }
            Ok(answer)
        })
    }
}

/// Each picture as Markdown has it; the rest is left to whoever reads HTML.
fn markdown(html: &str) -> String {
    let mut pieces = html.split("<img");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (element, rest) = piece.split_once('>').unwrap_or((piece, ""));
        let address = element.split_once("src=").map_or("", |(_, value)| value.trim_start_matches(['"', '\'']));
        let address = address.split([' ', '"', '\'']).next().unwrap_or_default();
        let _ = write!(text, "![]({address}){rest}");
    }
    text
}

/// HTML becomes Markdown, pictures and all.
pub const HTML_AS_MARKDOWN: Broken = Broken {
    name: "html-as-markdown",
    sentence: "The HTML of a mail is made Markdown with its pictures, which are fetched when somebody sees the answer.",
    reference: Some("CVE-2025-32711 (EchoLeak)"),
    fault: || {
        let transport = |real| -> Arc<dyn Transport> { Arc::new(Converting(real)) };
        (AS_IT_IS, Edges { transport: Some(Box::new(transport)), ..Edges::default() })
    },
};
